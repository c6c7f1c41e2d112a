"""What every listener has to do, row by row of the table."""

import copy
import io
import re
from contextlib import redirect_stderr

import numpy as np
import pytest

from cutedl import listeners
from cutedl.errors import UnknownNameError
from cutedl.listeners import EVENTS, LambdaListener, Listener
from tests.listeners.runs import data, digest, new_session, rich_session
from tests.listeners.table import LISTENERS

EVERY = pytest.mark.parametrize("row", LISTENERS.values(), ids=LISTENERS)


def fit(session, epochs, *listeners):
    with redirect_stderr(io.StringIO()):
        session.fit(data(), epochs, val_data=data(16), listeners=listeners, verbose=0)
    return session


def test_every_public_listener_has_a_row(tmp_path):
    made = {type(row.make(tmp_path)).__name__ for row in LISTENERS.values()} - {"Condition"}
    public = {name for name in listeners.__all__ if isinstance(getattr(listeners, name), type)}
    assert made == public - {"Listener"}


@EVERY
def test_on_or_off_gives_the_same_weights(row, tmp_path):
    off, on = fit(rich_session(), 4), fit(rich_session(), 4, row.make(tmp_path, **row.quiet or {}))
    assert digest(on) == digest(off)
    assert on.history["loss"] == off.history["loss"]


def snapshot(session):
    parts = {"session": session, "arena": session.model.arena, "optimizer": session.optimizer}
    return {name: part.state() for name, part in (parts | {"history": session.history}).items()}


def resumed(states):
    """A session as Session.load gives it, without the file."""
    session = rich_session()
    session.model.assemble(session.seed)
    session.model.arena.restore(states["arena"])
    session.optimizer.restore(states["optimizer"], session.model.arena)
    session.history.restore(states["history"])
    session.restore(states["session"])
    return session


@EVERY
@pytest.mark.parametrize("saved_at", [("epoch_end", 0), ("epoch_end", 3), ("epoch_end", 4), ("batch_end", 18)])
def test_a_resumed_run_is_the_uninterrupted_one(row, saved_at, tmp_path):
    event, moment = saved_at
    states = []

    def save(session):
        if moment == (session.epoch if event == "epoch_end" else session.optimizer.steps):
            states.append(copy.deepcopy(snapshot(session)))

    saver = LambdaListener(**{event: save} if moment else {"fit_start": save})
    saver.saves = True
    straight_listener, listener = row.make(tmp_path), row.make(tmp_path)
    straight = fit(rich_session(), 9, straight_listener, saver)
    if not moment:
        states[0]["session"]["listeners"] = {}
    again = fit(resumed(states[0]), 9 - len(states[0]["history"]["columns"].get("loss", [])), listener, Listener())
    assert digest(again) == digest(straight)
    assert (again.epoch, again.stop_reason, again.best_epoch) == (
        straight.epoch,
        straight.stop_reason,
        straight.best_epoch,
    )
    assert again.history.events == straight.history.events
    assert comparable(listener.state()) == comparable(straight_listener.state())


def comparable(state):
    if isinstance(state, dict):
        return {key: comparable(value) for key, value in state.items()}
    return state.tolist() if isinstance(state, np.ndarray) else repr(state)


def test_the_contract_is_put_to_listeners_that_act(tmp_path):
    """The arguments in the table make them do what they are there for, on either side of the interruption."""
    session = fit(rich_session(), 9, LISTENERS["plateau"].make(tmp_path))
    assert {event.kind for event in session.history.events} == {"rate"}
    assert len(session.history.events) > 1
    session = fit(rich_session(), 9, LISTENERS["early_stopping"].make(tmp_path))
    assert [event.kind for event in session.history.events] == ["stop", "restore"]
    assert 4 < session.epoch < 9


@EVERY
def test_state_is_plain_and_does_not_change_with_training(row, tmp_path):
    listener = row.make(tmp_path)
    session = fit(rich_session(), 3, listener)
    state = listener.state()
    before = copy.deepcopy(state)
    check_plain(state)
    fit(session, 2, listener)
    assert comparable(state) == comparable(before)


def check_plain(value):
    if isinstance(value, dict):
        assert all(type(key) is str for key in value)
        for each in value.values():
            check_plain(each)
    elif isinstance(value, list):
        for each in value:
            check_plain(each)
    else:
        assert value is None or type(value) in (bool, int, float, str, np.ndarray)


@EVERY
def test_repr_is_one_useful_line(row, tmp_path):
    listener = row.make(tmp_path)
    assert repr(listener) == row.shown.replace("FOLDER", str(tmp_path))
    fit(new_session(), 1, listener)
    assert repr(listener) == row.shown.replace("FOLDER", str(tmp_path))


@EVERY
def test_a_misspelt_hook_is_refused_before_training(row, tmp_path):
    listener = row.make(tmp_path)
    kind = type(listener)
    listener.__class__ = type(kind.__name__, (kind,), {"on_epoch_ended": lambda self, session: None})
    session = new_session()
    with pytest.raises(UnknownNameError, match="is named 'on_epoch_ended'.*did you mean 'on_epoch_end'"):
        fit(session, 1, listener)
    assert session.epoch == 0


@pytest.mark.parametrize("row", [row for row in LISTENERS.values() if row.misspelt], ids=lambda row: row.shown[:9])
def test_a_misspelt_column_is_refused_before_training(row, tmp_path):
    session = new_session()
    with pytest.raises(UnknownNameError, match="no history key is named 'val_los'.*val_loss.*did you mean 'val_loss'"):
        fit(session, 1, row.make(tmp_path, **row.misspelt))
    assert session.epoch == 0
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("row", [row for row in LISTENERS.values() if row.misspelt], ids=lambda row: row.shown[:9])
def test_a_validation_column_without_validation_is_refused(row, tmp_path):
    session, listener = new_session(), row.make(tmp_path)
    fit(session, 1)
    with pytest.raises(UnknownNameError, match="no history key is named 'val_loss'.*hint: .*val_data"):
        session.fit(data(), 1, listeners=[listener], verbose=0)
    assert session.epoch == 1


@EVERY
def test_refusals(row, tmp_path):
    for arguments, error, text in row.refusals:
        with pytest.raises(error) as caught:
            row.make(tmp_path, **arguments)
        message = str(caught.value)
        assert re.search(".*".join(map(re.escape, text.split(".*"))), message), message


@EVERY
def test_only_overridden_hooks_are_called(row, tmp_path):
    hooks = row.make(tmp_path, **row.quiet or {}).hooks()
    assert set(hooks) <= set(EVENTS)
    assert ("batch_end" in hooks) == row.shown.startswith("LambdaListener")
