"""When training stops, and with which weights."""

import math
import signal

import numpy as np
import pytest

from cutedl.errors import ArgumentError
from cutedl.listeners import EarlyStopping, LambdaListener
from cutedl.listeners.monitor import Monitor
from cutedl.metrics import Metric
from tests.listeners.runs import Raises, data, digest, new_session, rich_session, scripted

NAN = math.nan


@pytest.mark.parametrize(("values", "arguments", "stopped", "best"), [
    ([5, 4, 4, 4, 4], {"patience": 2}, 4, 2),
    ([5, 4, 4, 4, 4], {"patience": 0}, 3, 2),
    ([5, 4, 4, 4, 4], {"patience": 1}, 3, 2),
    ([5, 4, 3, 2, 1], {"patience": 1}, None, 5),
    ([5, 6, 4, 6, 7, 3], {"patience": 2}, 5, 3),
    ([5, NAN, 6, NAN, 7, NAN, 1], {"patience": 2}, 5, 1),  # an epoch without validation does not count
    ([NAN, NAN, 5, NAN, NAN, NAN], {"patience": 1}, None, 3),
    ([5, 4.95, 4.9, 4.85, 4.8], {"patience": 3, "min_delta": 0.1}, None, 4),  # 4.85 is 0.15 below the best, 5
    ([5, 4.95, 4.93, 4.92], {"patience": 3, "min_delta": 0.1}, 4, 1),
    ([5, 6, 7, 6, 6], {"patience": 2, "mode": "max"}, 5, 3),
    ([9, 8, 7, 6, 5, 4], {"patience": 2, "baseline": 7.5}, 2, 2),  # better and better, but not good enough
    ([9, 7, 8, 6, 5, 4], {"patience": 2, "baseline": 7.5}, None, 6),
    ([1, 2, 3, 5, 6, 7], {"patience": 2, "start_from_epoch": 3}, 6, 4),
    ([5, 4, 3, 2, 1], {"stopping_threshold": 3.5}, 3, 3),
    ([5, 4, 30, 2, 1], {"divergence_threshold": 10}, 3, 2),
    ([5, math.inf, 4, math.inf, math.inf], {"patience": 2}, 5, 3),
])  # fmt: skip
def test_when_it_stops_and_what_was_best(values, arguments, stopped, best):
    s = scripted(values, EarlyStopping("val_error", **arguments))
    assert s.epoch == (stopped or len(values))
    assert (s.stop_reason is not None) == (stopped is not None)
    assert s.best_epoch == best


@pytest.mark.parametrize(("values", "arguments", "reason"), [
    ([5, 4, 4], {"patience": 1}, "val_error no better than 4 of epoch 2, 1 time in a row"),
    ([5, 4, 4, 6], {"patience": 2}, "val_error no better than 4 of epoch 2, 2 times in a row"),
    ([9, 8], {"patience": 2, "baseline": 7.5}, "val_error has not passed 7.5, 2 times in a row"),
    ([5, 2], {"stopping_threshold": 3}, "val_error 2 is better than 3"),
    ([5, 20], {"divergence_threshold": 10}, "val_error 20 is worse than 10"),
])  # fmt: skip
def test_it_says_why(values, arguments, reason):
    s = scripted([*values, 0, 0, 0, 0], EarlyStopping("val_error", restore_best=False, **arguments))
    assert s.stop_reason == reason
    assert s.history.events == [(len(values), "stop", reason)]


def keep_states(states):
    def keep(session):
        states[session.epoch] = digest(session), session.optimizer.state()["vectors"], session.optimizer.steps

    return LambdaListener(epoch_end=keep)


def at_the_best(session, states, epoch):
    weights, vectors, steps = states[epoch]
    same = np.array_equal(session.optimizer.state()["vectors"], vectors) and session.optimizer.steps == steps
    return same and digest(session) == weights


@pytest.mark.parametrize(
    ("values", "patience"), [([5, 4, 3, 6, 7, 8], 2), ([5, 4, 3, 6, 7], 9)], ids=["patience", "epochs are done"]
)
def test_the_best_weights_and_the_optimizers_state_come_back(values, patience):
    states = {}
    s = scripted(values, EarlyStopping("val_error", patience=patience), keep_states(states), session=rich_session())
    assert s.epoch == 5
    assert at_the_best(s, states, 3)
    assert s.history.events[-1] == (5, "restore", "best weights of epoch 3 restored")


def test_they_come_back_after_stop_fit_in_the_middle_of_an_epoch():
    states = {}
    stop = LambdaListener(batch_end=lambda s: s.stop_fit() if (s.epoch, s.batch) == (3, 2) else None)
    s = scripted([5, 6, 7, 8], EarlyStopping("val_error"), keep_states(states), stop, session=rich_session())
    assert s.epoch == 3
    assert at_the_best(s, states, 1)


def test_nothing_is_restored_when_the_last_epoch_was_the_best_or_when_not_asked_to():
    s = scripted([5, 4, 3], EarlyStopping("val_error"))
    assert s.history.events == []
    states = {}
    s = scripted([3, 4, 5], EarlyStopping("val_error", restore_best=False), keep_states(states), session=rich_session())
    assert at_the_best(s, states, 3)


@pytest.mark.parametrize("event", ["epoch_start", "batch_end", "epoch_end"])
@pytest.mark.parametrize("error", [OSError("disk full"), KeyboardInterrupt()])
def test_an_error_leaves_the_session_where_it_was_and_rewind_gives_the_best(event, error):
    states, stopping, s = {}, EarlyStopping("val_error", patience=9), rich_session()
    with pytest.raises(type(error)):
        scripted([5, 6, 7, 8], stopping, keep_states(states), Raises(event, 3, error), session=s)
    assert s.optimizer.steps == {"epoch_start": 10, "batch_end": 11, "epoch_end": 15}[event]
    stopping.rewind(s)
    assert at_the_best(s, states, 1)


@pytest.mark.parametrize("event", ["epoch_start", "batch_end"])
def test_an_error_in_the_last_epoch_does_too(event):
    s = rich_session()
    with pytest.raises(OSError, match="disk full"):
        scripted([5, 6, 7], EarlyStopping("val_error"), Raises(event, 3), session=s)
    assert s.history.events == []
    assert s.optimizer.steps == {"epoch_start": 10, "batch_end": 11}[event]


def test_ctrl_c_leaves_the_session_where_it_was():
    states, stopping, s = {}, EarlyStopping("val_error", patience=9), rich_session()
    press = LambdaListener(epoch_end=lambda s: signal.raise_signal(signal.SIGINT) if s.epoch == 3 else None)
    scripted([5, 6, 7, 8], stopping, keep_states(states), press, session=s)
    assert s.history.interrupted
    assert at_the_best(s, states, 3)
    stopping.rewind(s)
    assert at_the_best(s, states, 1)


def test_an_error_before_the_first_epoch_is_not_hidden():
    with pytest.raises(OSError, match="disk full"):
        scripted([5], Raises("fit_start", 0), EarlyStopping("val_error"))


def test_a_second_fit_begins_anew():
    stopping = EarlyStopping("val_error", patience=2)
    s = scripted([1, 2, 3], stopping)
    scripted([5, 4, 3, 2], stopping, session=s)
    assert s.stop_reason is None
    assert s.best_epoch == 7
    assert stopping.state()["first"] == 3


def test_the_direction_is_that_of_the_metric_or_of_the_name():
    class Number(Metric):
        def reset(self):
            pass

        def update(self, y_true, y_pred):
            pass

        def result(self):
            return 1.0

    s = new_session()
    for name, higher_is_better in (("height", True), ("depth", False), ("width_loss", None)):
        metric = Number(name=name)
        metric.higher_is_better = higher_is_better
        s.metrics.append(metric)
    expected = {"height": "max", "val_height": "max", "depth": "min", "width_loss": "min", "val_accuracy": "max"}
    for key, mode in expected.items():
        monitor = Monitor(key)
        monitor.decide(s)
        assert monitor.mode == mode


def test_a_name_that_tells_no_direction_is_refused_before_training():
    s = new_session()
    s.history["my_number"] = []
    with pytest.raises(ArgumentError, match="'my_number' does not tell whether high or low is better.*mode="):
        s.fit(data(), 1, listeners=[EarlyStopping("my_number")], verbose=0)
    assert s.epoch == 0
