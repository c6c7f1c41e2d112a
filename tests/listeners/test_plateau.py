"""When the learning rate falls, and how far."""

import pytest

from cutedl import losses, nn, optimizers
from cutedl.listeners import ReduceLROnPlateau
from cutedl.model import Model
from cutedl.optimizers import schedules
from cutedl.session import Session
from tests.listeners.runs import new_session, scripted


@pytest.mark.parametrize(("values", "arguments", "rates"), [
    ([5, 5, 5, 5, 5, 5], {"patience": 2}, [1, 1, 1, 0.5, 0.5, 0.25]),
    ([5, 4, 3, 2, 1, 0], {"patience": 1}, [1, 1, 1, 1, 1, 1]),
    ([5, 5, 5, 5, 5, 5], {"patience": 1, "cooldown": 2}, [1, 1, 0.5, 0.5, 0.5, 0.25]),
    ([5] * 8, {"patience": 2, "cooldown": 2}, [1, 1, 1, 0.5, 0.5, 0.5, 0.5, 0.25]),
    ([5, 5, float("nan"), 5, float("nan"), 5], {"patience": 2}, [1, 1, 1, 1, 0.5, 0.5]),
    ([5, 4.9, 4.8, 4.7, 4.6, 4.5], {"patience": 1, "min_delta": 1}, [1, 1, 0.5, 0.25, 0.125, 0.0625]),
    ([5, 5, 5, 5, 5, 5], {"patience": 1, "min_learning_rate": 0.03}, [1, 1, 0.5, 0.3, 0.3, 0.3]),
    ([5, 6, 7, 7, 8, 8], {"patience": 1, "mode": "max"}, [1, 1, 1, 1, 0.5, 0.5]),
])  # fmt: skip
def test_the_rate_falls_after_patience(values, arguments, rates):
    s = scripted(values, ReduceLROnPlateau("val_error", factor=0.5, **arguments))
    assert s.history["learning_rate"] == pytest.approx([0.1 * rate for rate in rates], rel=1e-12)


def test_it_notes_the_fall():
    s = scripted([5, 5, 5], ReduceLROnPlateau("val_error", patience=1, cooldown=1))
    assert s.history.events == [(2, "rate", "learning rate 0.1 -> 0.01")]
    s = scripted([5, 5, 5], ReduceLROnPlateau("val_error", patience=1, min_learning_rate=0.1))
    assert s.history.events == []


def test_it_works_on_top_of_a_schedule():
    schedule = schedules.ExponentialDecay(0.1, decay_steps=5, decay_rate=0.9)
    model = Model([nn.Dense(1, inshape=1)])
    s = Session(model, losses.MeanSquaredError(), optimizers.SGD(schedule), seed=0)
    scripted([5, 5, 5, 5], ReduceLROnPlateau("val_error", factor=0.5, patience=2), session=s)
    expected = [schedule(5 * epoch) * scale for epoch, scale in zip((1, 2, 3, 4), (1, 1, 1, 0.5), strict=True)]
    assert s.history["learning_rate"] == pytest.approx(expected, rel=1e-12)


def test_a_second_fit_counts_anew_at_the_rate_that_was_reached():
    plateau, s = ReduceLROnPlateau("val_error", factor=0.5, patience=1), new_session()
    scripted([5, 5, 9], plateau, session=s)
    scripted([5, 5], plateau, session=s)
    assert s.history["learning_rate"] == pytest.approx([0.1, 0.1, 0.05, 0.025, 0.025])
