"""Dropout and GaussianNoise: what they draw, from where, and when."""

import numpy as np
import pytest

from cutedl import Dataset, Model, Session, losses, nn, optimizers

MAKERS = {"dropout": lambda **name: nn.Dropout(0.4, **name), "noise": lambda **name: nn.GaussianNoise(0.5, **name)}
each_layer = pytest.mark.parametrize("make", MAKERS.values(), ids=MAKERS)


def run(layers, seed=0, rows=50, times=1):
    model = Model(layers)
    model.assemble(seed, inshape=200)
    return [model.forward(np.ones((rows, 200), "float32")).copy() for _ in range(times)]


def test_dropout_switches_off_its_share_and_keeps_the_mean():
    (y,) = run([nn.Dropout(0.3)], rows=500)
    assert set(np.unique(y)) == {np.float32(0), np.float32(1 / 0.7)}
    # Five standard deviations of 100,000 draws.
    assert (y == 0).mean() == pytest.approx(0.3, abs=5 * np.sqrt(0.21 / y.size))
    assert y.mean() == pytest.approx(1, abs=5 * np.sqrt(0.3 / 0.7 / y.size))


def test_noise_has_its_deviation_and_no_mean():
    (y,) = run([nn.GaussianNoise(0.5)], rows=500)
    assert y.mean() == pytest.approx(1, abs=5 * 0.5 / np.sqrt(y.size))
    assert y.std() == pytest.approx(0.5, abs=5 * 0.5 / np.sqrt(2 * y.size))


@each_layer
def test_each_step_draws_anew_and_the_same_seed_draws_the_same(make):
    first, second = run([make()], times=2)
    assert (first != second).any()
    np.testing.assert_array_equal(run([make()], times=2), [first, second])
    assert (run([make()], seed=1)[0] != first).any()


@each_layer
def test_another_layer_does_not_change_the_draw(make):
    (alone,) = run([make(name="mine")])
    (between,) = run([nn.Linear(), nn.Dropout(0.0), make(name="mine")])
    np.testing.assert_array_equal(alone, between)
    model = Model([make(), make()])
    model.assemble(0, inshape=200)
    states = [generator.bit_generator.state["state"] for generator in model.arena.noise._generators.values()]
    assert states[0] != states[1]


@each_layer
def test_an_epoch_draws_the_same_whatever_was_drawn_before(make):
    """So a run can be taken up at any epoch without a saved generator."""
    x = np.random.default_rng(0).normal(size=(40, 3))
    data = Dataset(x, x.sum(axis=1, keepdims=True), batch_size=8)

    def session():
        model = Model([nn.Dense(8, inshape=3), make(), nn.Dense(1)])
        return Session(model, losses.MeanSquaredError(), optimizers.SGD(0.01), seed=3)

    straight, halted = session(), session()
    straight.fit(data, 3, verbose=0)
    halted.fit(data, 1, verbose=0)
    halted.model.forward(np.zeros((5, 3), "float32"))  # draws, and must not matter
    halted.fit(data, 2, verbose=0)
    np.testing.assert_array_equal(straight.model.arena.values, halted.model.arena.values)
