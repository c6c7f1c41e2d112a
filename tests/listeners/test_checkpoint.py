"""Which files there are, and that training goes on from them."""

import pytest

from cutedl.errors import UnknownNameError
from cutedl.listeners import Checkpoint, EarlyStopping, LambdaListener
from cutedl.session import Session
from tests.listeners.runs import Raises, data, digest, new_session, rich_session, scripted

NAN = float("nan")


def names(folder):
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize(("arguments", "files"), [
    ({"path": "run"}, {"run": 5}),
    ({"path": "run", "save": "latest"}, {"run": 6}),
    ({"path": "run-{epoch:02d}"}, {"run-01": 1, "run-02": 2, "run-05": 5}),
    ({"path": "run-{epoch:02d}", "keep": 2}, {"run-02": 2, "run-05": 5}),
    ({"path": "run-{epoch:02d}", "save": "latest"}, {"run-06": 6}),
    ({"path": "run-{epoch:02d}", "save": "latest", "keep": 2}, {"run-05": 5, "run-06": 6}),
    ({"path": "{epoch}", "save": "all"}, {str(epoch): epoch for epoch in range(1, 7)}),
    ({"path": "{epoch}", "save": "all", "keep": 1}, {"6": 6}),
    ({"path": "{epoch}-{val_error:.2f}", "keep": 1}, {"5-1.00": 5}),
    ({"path": "{epoch}", "mode": "max"}, {"1": 1}),
])  # fmt: skip
def test_which_epochs_are_kept(arguments, files, tmp_path):
    checkpoint = Checkpoint(**{"monitor": "val_error"} | arguments | {"path": tmp_path / "runs" / arguments["path"]})
    scripted([5, 4, NAN, 4.5, 1, 3], checkpoint)
    assert names(tmp_path / "runs") == sorted(files)
    for name, epoch in files.items():
        assert Session.load(tmp_path / "runs" / name).epoch == epoch


def test_only_what_it_has_saved_itself_is_removed(tmp_path):
    (tmp_path / "0").write_text("mine")
    scripted([5, 4, 3], Checkpoint(tmp_path / "{epoch}", save="all", keep=1))
    assert names(tmp_path) == ["0", "3"]
    assert (tmp_path / "0").read_text() == "mine"


def test_a_second_fit_remembers_the_best_and_a_new_session_does_not(tmp_path):
    checkpoint, s = Checkpoint(tmp_path / "run", "val_error"), new_session()
    scripted([5, 2], checkpoint, session=s)
    scripted([4, 3], checkpoint, session=s)
    assert Session.load(tmp_path / "run").epoch == 2
    scripted([9], checkpoint)
    assert Session.load(tmp_path / "run").epoch == 1


def test_the_saved_session_holds_the_weights_of_its_epoch(tmp_path):
    states, s = {}, rich_session()
    keep = LambdaListener(epoch_end=lambda s: states.update({s.epoch: digest(s)}))
    scripted([5, 4, 3, 4], Checkpoint(tmp_path / "{epoch}", save="all"), keep, session=s)
    for epoch in range(1, 5):
        assert digest(Session.load(tmp_path / str(epoch))) == states[epoch]


def test_it_saves_what_listeners_after_it_have_counted(tmp_path):
    """An epoch that is saved has been seen by all: early stopping stops where it would have."""
    stops, again = ([Checkpoint(tmp_path / "{epoch}", save="all"), EarlyStopping("val_loss", patience=5)] for _ in "ab")
    straight = rich_session()
    straight.fit(data(), 20, val_data=data(16), listeners=stops, verbose=0)
    s = Session.load(tmp_path / "4")
    s.fit(data(), 16, val_data=data(16), listeners=again, verbose=0)
    assert s.epoch == straight.epoch < 20
    assert digest(s) == digest(straight)
    assert s.stop_reason == straight.stop_reason


def test_a_resumed_run_removes_the_files_of_the_first_in_their_turn(tmp_path):
    first, second = (Checkpoint(tmp_path / "{epoch}", save="all", keep=2) for _ in "ab")
    with pytest.raises(OSError, match="disk full"):
        scripted([5, 4, 3, 2], first, Raises("epoch_start", 4))
    assert names(tmp_path) == ["2", "3"]
    Session.load(tmp_path / "3").fit(data(), 1, val_data=data(), listeners=[second], verbose=0)
    assert names(tmp_path) == ["3", "4"]


@pytest.mark.parametrize("foreign", ["thesis.txt", "sub/7", "../7", "x7"])
def test_a_saved_session_cannot_make_it_remove_a_file_of_another_name(foreign, tmp_path):
    checkpoint = Checkpoint(tmp_path / "{epoch}", save="all", keep=1)
    (tmp_path / "sub").mkdir()
    file = tmp_path / foreign
    file.write_text("not a checkpoint")
    forged = {"monitor": None, "saved": [str(file)]}
    restore = LambdaListener(epoch_start=lambda s: checkpoint.restore(forged) if s.epoch == 1 else None)
    scripted([5, 4], checkpoint, restore)
    assert file.read_text() == "not a checkpoint"
    assert names(tmp_path)[0] == "2"


def test_a_name_with_an_unknown_column_is_refused_before_training_with_a_list(tmp_path):
    s = new_session()
    with pytest.raises(UnknownNameError, match="no history key is named 'val_acc'. expected one of: .*loss.*val_loss"):
        s.fit(data(), 1, val_data=data(), listeners=[Checkpoint(tmp_path / "{val_acc}", save="all")], verbose=0)
    assert s.epoch == 0


def test_a_folder_that_cannot_be_made_is_an_error_before_the_first_epoch(tmp_path):
    (tmp_path / "file").write_text("")
    s = new_session()
    with pytest.raises(OSError, match="file"):
        s.fit(data(), 1, listeners=[Checkpoint(tmp_path / "file" / "run", "loss")], verbose=0)
    assert s.epoch == 0
