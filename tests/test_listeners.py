import fcntl
import io
import os
import pty
import struct
import subprocess
import sys
import termios
from contextlib import redirect_stderr

import numpy as np
import pytest

from cutedl import losses, nn, optimizers, session
from cutedl.dataset import Dataset
from cutedl.errors import ArgumentError, UnknownNameError
from cutedl.listeners import EVENTS, FitListener, Listener, Progress
from cutedl.model import Model
from cutedl.session import Session


def data(n=40):
    x = np.linspace(-1, 1, n).reshape(-1, 1)
    return Dataset(x, 2 * x, batch_size=8)


def new_session():
    return Session(Model([nn.Dense(1, inshape=1)]), losses.MeanSquaredError(), optimizers.SGD(0.1), seed=0)


def test_every_hook_is_called_at_its_moment():
    seen = []

    class All(Listener):
        pass

    for event in EVENTS:
        setattr(All, f"on_{event}", lambda self, session, event=event: seen.append(event))
    new_session().fit(data(), 2, val_data=data(), listeners=[All()], verbose=0)
    epoch = ["epoch_start", *["batch_end"] * 5, "val_start", "val_end", "epoch_end"]
    assert seen == ["fit_start", *epoch, *epoch, "fit_end"]


def test_fit_listener_gets_the_history_with_what_the_event_promises():
    seen = {}
    events = {event: FitListener(event, lambda history, event=event: seen.setdefault(event, dict(history)))
              for event in ("epoch_start", "epoch_end", "val_start", "val_end")}  # fmt: skip
    new_session().fit(data(), 1, val_data=data(), listeners=events.values(), verbose=0)
    assert "loss" not in seen["epoch_start"]
    assert "loss" in seen["val_start"]
    assert "val_loss" not in seen["val_start"]
    assert seen["val_end"]["val_pred"].shape == (40, 1)
    assert len(seen["val_end"]["val_loss"]) == 1
    assert len(seen["epoch_end"]["seconds"]) == 1


def test_listeners_are_called_in_order():
    seen = []
    listeners = [FitListener("epoch_end", lambda history, i=i: seen.append(i)) for i in range(3)]
    new_session().fit(data(), 1, listeners=listeners, verbose=0)
    assert seen == [0, 1, 2]


def test_a_hook_nobody_overrides_is_not_called():
    class OnlyEpochs(Listener):
        def on_epoch_end(self, session):
            pass

    assert list(OnlyEpochs().hooks()) == ["epoch_end"]


def test_a_misspelt_hook_is_refused_before_training():
    class Typo(Listener):
        def on_epoch_ended(self, session):
            pass

    s = new_session()
    with pytest.raises(
        UnknownNameError, match="no hook of Typo is named 'on_epoch_ended'.*did you mean 'on_epoch_end'"
    ):
        s.fit(data(), 1, listeners=[Typo()], verbose=0)
    assert s.epoch == 0


def test_fit_listener_refusals():
    with pytest.raises(UnknownNameError, match="did you mean 'val_end'"):
        FitListener("val_ned", callback=print)
    with pytest.raises(ArgumentError, match="callback cannot be called"):
        FitListener("val_end", callback=3)


@pytest.mark.parametrize(("values", "times", "calls"), [
    ([5, 4, 3, 2, 1], 2, []),
    ([5, 4, 4, 4, 3], 2, [4]),
    ([5, 6, 7, 8, 9], 2, [3, 5]),
    ([5, 6, 4, 6, 5, 7], 3, [6]),
    ([5, float("nan"), 6, float("nan"), 7], 2, [5]),
    ([1], 1, []),
])  # fmt: skip
def test_condition_callback_counts_records_without_a_new_minimum(values, times, calls):
    s, seen = new_session(), []
    s.history["score"] = []
    script = FitListener("val_end", lambda history: history["score"].append(values[s.epoch - 1]))
    condition = session.condition_callback(lambda: seen.append(s.epoch), "score", times)
    s.fit(data(), len(values), val_data=data(), listeners=[condition, script], verbose=0)
    assert seen == calls


def test_condition_callback_stops_a_fit():
    s = new_session()
    stop = session.condition_callback(s.stop_fit, "steps", 3)  # steps only grow
    s.fit(data(), 50, listeners=[stop], verbose=0)
    assert s.epoch == 4


@pytest.mark.parametrize("times", [0, -1, 1.5])
def test_condition_callback_refuses_wrong_times(times):
    with pytest.raises(ArgumentError, match="times cannot be used"):
        session.condition_callback(print, "loss", times)


def test_a_listener_that_raises_leaves_a_session_that_works():
    class Broken(Listener):
        def on_batch_end(self, session):
            raise OSError("disk full")

    s = new_session()
    with pytest.raises(OSError, match="disk full"):
        s.fit(data(), 1, listeners=[Broken()], verbose=0)
    s.fit(data(), 1, verbose=0)


# -- progress --

PROGRAM = """
import numpy as np
from tests.test_listeners import data, new_session
new_session().fit(data(20_000), 3, val_data=data())
"""


def run_program(**streams):
    return subprocess.run(
        [sys.executable, "-c", PROGRAM], check=True, env={**os.environ, "PYTHONPATH": ".", "COLUMNS": "100"}, **streams
    )


def test_through_a_pipe_there_is_one_plain_line_per_epoch_on_stderr():
    done = run_program(capture_output=True)
    assert done.stdout == b""
    lines = done.stderr.decode().splitlines()
    assert len(lines) == 3
    for number, line in enumerate(lines, start=1):
        assert line.startswith(f"epoch {number}/3  loss ")
        assert "val_loss" in line
        assert len(line) <= 200
        assert line.isprintable()


@pytest.mark.parametrize(("lines", "columns"), [(24, 120), (24, 0), (0, 120), (0, 0)])  # 0: some terminals do not know
def test_in_a_terminal_there_is_one_live_line(lines, columns):
    leader, follower = pty.openpty()
    fcntl.ioctl(follower, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))
    run_program(stdout=subprocess.DEVNULL, stderr=follower)
    os.close(follower)
    written = b""
    try:
        while piece := os.read(leader, 65536):
            written += piece
    except OSError:  # the other end is closed and everything was read
        pass
    os.close(leader)
    text = written.decode()
    assert text.count("\n") == 1
    states = [state for state in text.split("\r") if state.strip()]
    assert len(states) > 1
    last = states[-1]
    assert "epoch 3/3" in last
    assert "100%" in last
    assert "val_loss" in last
    assert len(last) <= (columns or 80)


def test_verbose_zero_is_silent_and_two_is_plain():
    for verbose, lines in ((0, 0), (2, 2)):
        with redirect_stderr(io.StringIO()) as stream:
            new_session().fit(data(), 2, verbose=verbose)
        assert len(stream.getvalue().splitlines()) == lines


def test_a_second_fit_counts_its_own_epochs():
    s = new_session()
    s.fit(data(), 2, verbose=0)
    with redirect_stderr(io.StringIO()) as stream:
        s.fit(data(), 3, listeners=[Progress(live=False)], verbose=0)
    assert [line.split("  ")[0] for line in stream.getvalue().splitlines()] == ["epoch 1/3", "epoch 2/3", "epoch 3/3"]
