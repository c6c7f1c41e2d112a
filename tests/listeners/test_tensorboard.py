"""What a viewer of TensorBoard would show."""

import math
import subprocess
import sys
import time

import pytest

from cutedl.listeners import TensorBoard
from tests.listeners.runs import data, new_session, rich_session


def test_the_scalars_are_those_of_the_history(tmp_path):
    accumulator = pytest.importorskip(
        "tensorboard.backend.event_processing.event_accumulator", reason="tensorboard, which reads it, is not installed"
    )
    s = rich_session()
    s.fit(data(), 3, 2, data(16), listeners=[TensorBoard(tmp_path / "run")], verbose=0)
    events = accumulator.EventAccumulator(str(tmp_path / "run"))
    events.Reload()
    assert set(events.Tags()["scalars"]) == s.history.columns.keys() - {"epoch"}
    for key in events.Tags()["scalars"]:
        scalars = {scalar.step: scalar.value for scalar in events.Scalars(key)}
        column = dict(enumerate(s.history[key], start=1))
        assert scalars == pytest.approx({e: v for e, v in column.items() if not math.isnan(v)}, rel=1e-6), key


def test_an_epoch_can_be_seen_while_training_goes_on(tmp_path):
    sizes = [0]

    class Look(TensorBoard):
        def on_epoch_end(self, session):
            super().on_epoch_end(session)
            deadline = time.monotonic() + 10  # the library writes in a thread of its own
            while written() <= sizes[-1] and time.monotonic() < deadline:
                time.sleep(0.01)
            sizes.append(written())

    def written():
        return sum(file.stat().st_size for file in (tmp_path / "run").iterdir())

    new_session().fit(data(), 3, listeners=[Look(tmp_path / "run")], verbose=0)
    assert sizes[0] < sizes[1] < sizes[2] < sizes[3]


def test_without_the_library_it_says_what_to_install():
    program = (
        "import sys\nsys.modules['tensorboardX'] = None\n"
        "from cutedl.listeners import TensorBoard\n"
        "try:\n    TensorBoard('run')\nexcept ImportError as error:\n    print(error)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == (
        'TensorBoard needs tensorboardX. hint: pip install "cutedl[tensorboard]", or pip install tensorboardX\n'
    )


def test_a_folder_that_cannot_be_written_is_an_error_before_the_first_epoch(tmp_path):
    (tmp_path / "file").write_text("")
    s = new_session()
    with pytest.raises(OSError, match="file"):
        s.fit(data(), 1, listeners=[TensorBoard(tmp_path / "file" / "run")], verbose=0)
    assert s.epoch == 0
