"""The events, the base class, and listeners made of functions."""

import numpy as np
import pytest

from cutedl import session
from cutedl.errors import ArgumentError
from cutedl.listeners import EVENTS, FitListener, LambdaListener, Listener
from tests.listeners.runs import Raises, data, digest, new_session, scripted


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


def test_lambda_listener_gives_the_session_to_each_function():
    epochs, steps, s = [], [], new_session()
    functions = LambdaListener(
        epoch_end=lambda session: epochs.append(session.epoch),
        batch_end=lambda session: steps.append((session is s, session.batch)),
    )
    s.fit(data(), 2, listeners=[functions], verbose=0)
    assert epochs == [1, 2]
    assert steps == [(True, batch) for batch in (1, 2, 3, 4, 5)] * 2


def test_hooks_of_a_subclass_are_called_beside_the_functions():
    seen = []

    class Both(LambdaListener):
        def on_fit_end(self, session):
            seen.append("method")

    new_session().fit(data(), 1, listeners=[Both(epoch_end=lambda session: seen.append("function"))], verbose=0)
    assert seen == ["function", "method"]


def test_listeners_are_called_in_order_and_what_saves_comes_last():
    seen = []
    listeners = [LambdaListener(epoch_end=lambda session, i=i: seen.append(i)) for i in range(4)]
    listeners[1].saves = True
    new_session().fit(data(), 1, listeners=listeners, verbose=0)
    assert seen == [0, 2, 3, 1]


def test_a_hook_nobody_overrides_is_not_called():
    class OnlyEpochs(Listener):
        def on_epoch_end(self, session):
            pass

    assert list(OnlyEpochs().hooks()) == ["epoch_end"]
    assert Listener().hooks() == {}


def test_the_repr_of_a_users_own_listener_is_one_line():
    class Own(Listener):
        def __init__(self):
            self.monitors, self.weights, self.function = ("loss",), np.arange(1000.0).reshape(10, 100), print
            self._seen = 0

    assert repr(Own()).startswith("Own(weights=array([[")
    assert repr(Own()).endswith("..., function=print)")
    assert "\n" not in repr(Own())


@pytest.mark.parametrize("event", EVENTS)
def test_a_listener_that_raises_leaves_the_model_at_a_batch_boundary_and_its_error_unchanged(event):
    error = OSError("disk full")
    s, straight = new_session(), new_session()
    fails = Raises(event, 0 if event == "fit_start" else 1, error)
    with pytest.raises(OSError, match="disk full") as caught:
        s.fit(data(), 1 if event == "fit_end" else 2, val_data=data(), listeners=[fails], verbose=0)
    assert caught.value is error
    steps = s.optimizer.steps
    assert steps == {"fit_start": 0, "epoch_start": 0, "batch_end": 1}.get(event, 5)
    straight.fit(data(), 1, listeners=[LambdaListener(batch_end=lambda x: stop_after(x, steps))], verbose=0)
    if steps:
        assert digest(s) == digest(straight)
    s.fit(data(), 1, verbose=0)  # and the session goes on


def stop_after(session, steps):
    if session.optimizer.steps == steps:
        session.stop_fit()


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
    condition = session.condition_callback(lambda: seen.append(s.epoch), "score", times)
    scripted(values, condition, column="score", session=s)
    assert seen == calls


def test_condition_callback_begins_each_fit_after_what_there_is():
    s, seen = new_session(), []
    condition = session.condition_callback(lambda: seen.append(s.epoch), "score", 2)
    scripted([1], condition, column="score", session=s)
    scripted([5, 6, 7], condition, column="score", session=s)
    assert seen == [4]


def test_condition_callback_stops_a_fit():
    s = new_session()
    stop = session.condition_callback(s.stop_fit, "steps", 3)  # steps only grow
    s.fit(data(), 50, listeners=[stop], verbose=0)
    assert s.epoch == 4


@pytest.mark.parametrize("times", [0, -1, 1.5])
def test_condition_callback_refuses_wrong_times(times):
    with pytest.raises(ArgumentError, match="times cannot be used"):
        session.condition_callback(print, "loss", times)
