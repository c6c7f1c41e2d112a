"""An epoch that was cut short goes on at its next batch, bit for bit; signals cut it short politely."""

import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from cutedl import losses, nn, optimizers
from cutedl.dataset import Dataset
from cutedl.errors import InputWarning
from cutedl.listeners import Listener
from cutedl.model import Model
from cutedl.session import Session
from tests.test_session import digest, ring

UNTIMED = ("epoch", "steps", "loss", "accuracy", "learning_rate", "gradient_norm", "val_loss", "val_accuracy")


def session():
    """With everything that has state of its own: noise, moving statistics, momentum."""
    layers = [nn.Dense(16, inshape=2), nn.BatchNormalization(), nn.Relu(), nn.Dropout(0.3), nn.Dense(2)]
    loss = losses.SparseCategoricalCrossentropy()
    return Session(Model(layers), loss, optimizers.Adam(0.01), metrics=["accuracy"], seed=3)


def data():
    return Dataset(*ring(), batch_size=32)  # 10 batches, the last of 12 samples


class Fail(Listener):
    """Raises at one step, once."""

    def __init__(self, step, event="batch_end"):
        self.step = step
        setattr(self, f"on_{event}", self._fail)
        self.event = event

    def _fail(self, session):
        if session.optimizer.steps == self.step:
            self.step = None
            raise OSError("disk full")

    def hooks(self):
        return {self.event: self._fail}


@pytest.mark.parametrize("step", [1, 7, 10, 11, 20, 25])
def test_a_fit_goes_on_at_the_batch_where_an_error_ended_it(step):
    straight, broken = session(), session()
    straight.fit(data(), 3, val_data=data(), verbose=0)
    with pytest.raises(OSError, match="disk full"):
        broken.fit(data(), 3, val_data=data(), listeners=[Fail(step)], verbose=0)
    broken.evaluate(data())  # a look in between disturbs nothing
    broken.fit(data(), 3 - len(broken.history.get("loss", [])), val_data=data(), verbose=0)
    assert digest(broken) == digest(straight)
    for key in UNTIMED:
        assert broken.history[key] == straight.history[key], key


@pytest.mark.parametrize("event", ["epoch_start", "val_start", "val_end"])
def test_an_error_between_epochs_costs_nothing(event):
    straight, broken = session(), session()
    straight.fit(data(), 2, val_data=data(), verbose=0)
    with pytest.raises(OSError):
        broken.fit(data(), 2, val_data=data(), listeners=[Fail(10, event)], verbose=0)
    broken.fit(data(), 2 - (event == "epoch_start"), val_data=data(), verbose=0)
    assert digest(broken) == digest(straight)
    assert broken.history["loss"] == straight.history["loss"]
    assert broken.history["val_loss"] == straight.history["val_loss"]


def test_state_and_restore_carry_the_epoch_under_way_to_another_session():
    straight, broken, other = session(), session(), session()
    straight.fit(data(), 2, verbose=0)
    with pytest.raises(OSError):
        broken.fit(data(), 2, listeners=[Fail(13)], verbose=0)
    other.model.assemble(3)
    other.model.arena.restore(broken.model.arena.state())
    other.optimizer.restore(broken.optimizer.state(), other.model.arena)
    other.history.restore(broken.history.state())
    other.restore(broken.state())
    other.fit(data(), 1, verbose=0)
    assert digest(other) == digest(straight)
    assert other.history["loss"] == straight.history["loss"]


def test_an_epoch_of_other_data_is_left_with_a_warning():
    s = session()
    with pytest.raises(OSError):
        s.fit(data(), 1, listeners=[Fail(3)], verbose=0)
    with pytest.warns(InputWarning, match="300 samples in 10 batches; this data has 300 in 5.*a new one begins"):
        s.fit(Dataset(*ring(), batch_size=60), 1, verbose=0)
    assert s.epoch == 2
    assert np.isnan(s.history["loss"][0])


# -- signals --

PROGRAM = """
import sys, time
from cutedl.listeners import Listener
from tests.test_resuming import data, session

class Slow(Listener):
    def on_batch_end(self, session):
        print("batch", session.batch, flush=True)
        time.sleep(0.05)

    def on_fit_end(self, session):
        print("fit_end", session.stop_reason, flush=True)

s = session()
try:
    history = s.fit(data(), 50, listeners=[Slow()], verbose=0)
    print("returned", history.interrupted, history.events[-1].kind, s.epoch, s.batch)
except KeyboardInterrupt:
    print("immediate")
"""


def signalled(*signals):
    environment = {**os.environ, "PYTHONPATH": "."}
    process = subprocess.Popen([sys.executable, "-c", PROGRAM], stdout=subprocess.PIPE, text=True, env=environment)
    lines = [process.stdout.readline(), process.stdout.readline()]  # training is under way
    for number in signals:
        process.send_signal(number)
        time.sleep(0.02)
    rest, _ = process.communicate(timeout=20)
    return process.returncode, lines + rest.splitlines()


def test_ctrl_c_finishes_the_batch_and_returns_the_history():
    status, lines = signalled(signal.SIGINT)
    assert status == 0
    assert lines[-2] == "fit_end interrupted by SIGINT"
    word, marked, kind, epoch, batch = lines[-1].split()
    assert (word, marked, kind, epoch) == ("returned", "True", "interrupt", "1")
    assert 2 <= int(batch) <= 5


def test_a_second_ctrl_c_is_immediate():
    status, lines = signalled(signal.SIGINT, signal.SIGINT)
    assert status == 0
    assert lines[-1] == "immediate"


def test_sigterm_ends_the_program_with_143_after_the_listeners():
    status, lines = signalled(signal.SIGTERM)
    assert status == 143
    assert lines[-1] == "fit_end interrupted by SIGTERM"


def test_handlers_are_put_back_and_the_users_own_stay():
    before = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)
    session().fit(data(), 1, verbose=0)
    assert (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)) == before

    def own(number, frame):
        raise AssertionError("not called")

    seen = []

    class Look(Listener):
        def on_batch_end(self, session):
            seen.append(signal.getsignal(signal.SIGTERM))

    signal.signal(signal.SIGTERM, own)
    try:
        session().fit(data(), 1, listeners=[Look()], verbose=0)
        assert signal.getsignal(signal.SIGTERM) is own
    finally:
        signal.signal(signal.SIGTERM, before[1])
    assert set(seen) == {own}


SAVING = """
import sys, time
from cutedl.listeners import Checkpoint, LambdaListener
from tests.test_resuming import data, session

def slowly(session):
    print("batch", session.batch, flush=True)
    time.sleep(0.05)

listeners = [Checkpoint(sys.argv[1], save="latest"), LambdaListener(batch_end=slowly)]
session().fit(data(), 50, listeners=listeners, verbose=0)
"""


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 0), (signal.SIGTERM, 143)])
def test_what_a_signal_cut_short_is_saved_in_the_middle_of_its_epoch(tmp_path, number, status):
    straight, path = session(), tmp_path / "run.safetensors"
    straight.fit(data(), 1, verbose=0)
    process = subprocess.Popen(
        [sys.executable, "-c", SAVING, path],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": "."},
    )
    process.stdout.readline()
    process.send_signal(number)
    process.communicate(timeout=20)
    assert process.returncode == status
    saved = Session.load(path)
    assert (saved.epoch, 1 <= saved.batch < 10) == (1, True)
    saved.fit(data(), 1, verbose=0, listeners=[])
    assert digest(saved) == digest(straight)
    assert saved.history["loss"] == straight.history["loss"]
