"""Schedules by themselves, in an optimizer, and in the history; their curves are compared in test_golden.py."""

import numpy as np
import pytest

from cutedl import Dataset, Model, Session, losses, nn, optimizers
from cutedl.arena import Arena
from cutedl.errors import ArgumentError
from cutedl.initializers import zeros
from cutedl.optimizers import schedules

MADE = {
    "constant": schedules.Constant(0.1),
    "step": schedules.StepDecay(0.1, 10),
    "exponential": schedules.ExponentialDecay(0.1, 10, 0.5),
    "polynomial": schedules.PolynomialDecay(0.1, 10),
    "cosine": schedules.CosineDecay(0.1, 10),
    "restarts": schedules.CosineRestarts(0.1, 10),
    "one_cycle": schedules.OneCycle(0.1, 10),
    "warmup": schedules.Warmup(0.1, 10),
}


def one_weight():
    arena = Arena()
    arena.parameter("w", (1,), zeros)
    arena.allocate(0, "float64")
    return arena


def step_sizes(optimizer, count):
    arena, sizes = one_weight(), []
    for _ in range(count):
        before = arena.values.copy()
        arena.gradients[...] = 1
        optimizer.step(arena)
        sizes.append(float((before - arena.values)[0]))
    return sizes


def test_every_schedule_is_in_this_table():
    classes = {getattr(schedules, name) for name in schedules.__all__ if name not in ("Rate", "Schedule")}
    assert {type(made) for made in MADE.values()} == classes


@pytest.mark.parametrize("made", MADE.values(), ids=MADE)
def test_rates_are_python_floats_between_0_and_the_highest(made):
    for step in (1, 2, 9, 10, 11, 1000, 10**6):
        assert type(made(step)) is float
        assert 0 <= made(step) <= 0.1 + 1e-15


@pytest.mark.parametrize("made", MADE.values(), ids=MADE)
def test_an_optimizer_steps_by_its_schedule_and_shows_it(made):
    sgd = optimizers.SGD(made)
    np.testing.assert_allclose(step_sizes(sgd, 15), [made(step) for step in range(1, 16)], atol=1e-15)
    assert repr(sgd).startswith(f"SGD(learning_rate={made!r}, ")
    assert eval(repr(made), vars(schedules)).__dict__.keys() == made.__dict__.keys()


def test_any_callable_is_a_schedule():
    np.testing.assert_allclose(step_sizes(optimizers.SGD(lambda step: 0.5 / step), 3), [0.5, 0.25, 0.5 / 3])


def test_learning_rate_is_that_of_the_next_step_and_a_number_replaces_the_schedule():
    arena, sgd = one_weight(), optimizers.SGD(schedules.StepDecay(1.0, decay_steps=1))
    assert np.isnan(sgd.last_learning_rate)
    sgd.step(arena)
    assert (sgd.last_learning_rate, sgd.learning_rate) == (1.0, 0.1)
    sgd.learning_rate = 3
    sgd.step(arena)
    assert (sgd.last_learning_rate, sgd.learning_rate) == (3.0, 3.0)


def test_warmup_climbs_to_where_the_other_starts():
    warm, then = schedules.Warmup(schedules.CosineDecay(0.4, 10), 4), schedules.CosineDecay(0.4, 10)
    assert [warm(step) for step in (1, 2, 3, 4)] == pytest.approx([0.1, 0.2, 0.3, 0.4])
    assert [warm(step) for step in (5, 14)] == [then(2), then(11)]


def test_one_cycle_peaks_between_steps_too():
    """With a fraction that falls between two steps, and with one that leaves no step to climb."""
    assert max(map(schedules.OneCycle(0.1, 7, warmup_fraction=0.5), range(1, 8))) <= 0.1
    assert schedules.OneCycle(0.1, 2, warmup_fraction=0.1)(1) <= 0.1


@pytest.mark.parametrize("rate", [-0.1, np.nan, np.inf, "fast", None])
def test_a_callable_that_returns_no_rate_is_refused_before_the_step(rate):
    arena, sgd = one_weight(), optimizers.SGD(lambda step: rate)
    arena.gradients[...] = 1
    with pytest.raises(ArgumentError, match=r"learning_rate cannot be used. expected a number in \[0, inf\), received"):
        sgd.step(arena)
    assert arena.values[0] == 0
    assert sgd.steps == 0


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: schedules.Constant(0), r"learning_rate cannot be used. expected a number in \(0, inf\), received 0"),
        (lambda: schedules.StepDecay(0.1, 0), "decay_steps cannot be used. expected an int >= 1, received 0"),
        (lambda: schedules.StepDecay(0.1, 5, 1.5), r"decay_rate cannot be used. expected a number in \(0, 1\]"),
        (lambda: schedules.ExponentialDecay(0.1, 5, 0), r"decay_rate cannot be used. expected a number in \(0, 1\]"),
        (lambda: schedules.PolynomialDecay(0.1, 5, -1), r"end_learning_rate cannot be used. .* received -1"),
        (lambda: schedules.PolynomialDecay(0.1, 5, power=0), "power cannot be used"),
        (lambda: schedules.CosineDecay(0.1, 2.5), "decay_steps cannot be used. .* received 2.5"),
        (lambda: schedules.CosineRestarts(0.1, 5, t_mul=0.5), "t_mul cannot be used"),
        (lambda: schedules.CosineRestarts(0.1, 5, m_mul=0), "m_mul cannot be used"),
        (lambda: schedules.OneCycle(0.1, 1), "total_steps cannot be used. expected an int >= 2"),
        (lambda: schedules.OneCycle(0.1, 9, warmup_fraction=1), r"warmup_fraction .* expected a number in \(0, 1\)"),
        (lambda: schedules.OneCycle(0.1, 9, start_factor=0), "start_factor cannot be used"),
        (lambda: schedules.OneCycle(0.1, 9, end_factor=2), "end_factor cannot be used"),
        (lambda: schedules.Warmup("slow", 5), "learning_rate cannot be used"),
        (lambda: schedules.Warmup(0.1, 0), "steps cannot be used"),
    ],
)
def test_wrong_arguments_are_refused_by_name_range_and_value(make, message):
    with pytest.raises(ArgumentError, match=message):
        make()


def test_the_history_records_the_rate_of_each_epochs_last_step(capsys):
    x = np.linspace(0, 1, 8).reshape(-1, 1)
    rate = schedules.StepDecay(0.1, decay_steps=4)
    session = Session(Model([nn.Dense(1)]), losses.MeanSquaredError(), optimizers.SGD(rate), seed=0)
    history = session.fit(Dataset(x, x, batch_size=2), 3, verbose=2)
    assert history["learning_rate"] == pytest.approx([0.1, 0.01, 0.001])
    assert "learning_rate" not in capsys.readouterr().err
