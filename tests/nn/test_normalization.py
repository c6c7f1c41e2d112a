"""What normalization promises beyond the contract of every layer."""

import numpy as np
import pytest

from cutedl import losses, nn, optimizers
from cutedl.errors import NonFiniteError
from cutedl.gradcheck import check_gradients
from cutedl.model import Model
from cutedl.session import Session

MAKERS = {"batch": nn.BatchNormalization, "layer": nn.LayerNormalization}
each_layer = pytest.mark.parametrize("make", MAKERS.values(), ids=MAKERS)


def assembled(layer, inshape, dtype="float32"):
    model = Model([layer])
    model.assemble(0, dtype, inshape)
    return model


def step(model, x):
    model.forward(x)
    model.backward(np.zeros_like(x))


@each_layer
def test_a_large_mean_does_not_spoil_the_variance(make):
    """mean(x²) - mean(x)² would lose every digit here."""
    x = (np.random.default_rng(0).normal(size=(4000, 4)) + 3000).astype("float32")
    if make is nn.LayerNormalization:
        x = np.ascontiguousarray(x.T)
    axis = 0 if make is nn.BatchNormalization else 1
    exact = x.astype("float64")
    exact = (exact - exact.mean(axis, keepdims=True)) / np.sqrt(exact.var(axis, keepdims=True) + 0.001)
    np.testing.assert_allclose(assembled(make(), x.shape[1]).forward(x), exact, atol=2e-3)


def test_statistics_of_a_long_batch_keep_their_digits():
    x = np.random.default_rng(0).normal(10, 0.1, size=(200_000, 1)).astype("float32")
    model = assembled(nn.BatchNormalization(momentum=0), 1)
    step(model, x)
    np.testing.assert_allclose(model.arena.statistics, [x.mean(dtype="f8"), x.var(dtype="f8")], rtol=1e-5)


def test_moving_statistics_approach_those_of_the_data_and_serve_evaluation():
    generator = np.random.default_rng(0)
    model = assembled(nn.BatchNormalization(momentum=0.9), 3, "float64")
    for _ in range(300):
        step(model, generator.normal([1, -2, 0], [0.5, 2, 1], size=(64, 3)))
    np.testing.assert_allclose(model.arena.statistics, [1, -2, 0, 0.25, 4, 1], rtol=0.15, atol=0.15)
    x = generator.normal([1, -2, 0], [0.5, 2, 1], size=(700, 3))
    np.testing.assert_allclose(model.predict(x)[:1], model.predict(x[:1]))  # no other sample matters


def test_a_partial_batch_moves_the_statistics_by_its_own_rows():
    generator = np.random.default_rng(0)
    x = generator.normal(size=(9, 2))
    model, alone = (assembled(nn.BatchNormalization(momentum=0), 2, "float64") for _ in range(2))
    step(model, x)
    step(model, x[:4])
    step(alone, x[:4])
    np.testing.assert_allclose(model.arena.statistics, alone.arena.statistics, rtol=1e-14)
    np.testing.assert_allclose(model.arena.statistics, [*x[:4].mean(0), *x[:4].var(0)], rtol=1e-12)


def test_a_batch_of_one_row_gives_the_offset():
    model = assembled(nn.BatchNormalization(), 2)
    np.testing.assert_array_equal(model.forward(np.array([[3.0, -7.0]], "float32")), [[0, 0]])


def test_gradcheck_and_a_step_that_fails_leave_the_statistics():
    model = Model([nn.Dense(3, inshape=2), nn.BatchNormalization(), nn.Dense(1)])
    session = Session(model, losses.MeanSquaredError(), optimizers.SGD(0.1), seed=0)
    model.assemble(0)
    before = model.arena.statistics.copy()
    x = np.random.default_rng(0).normal(size=(6, 2)).astype("float32")
    check_gradients(model, session.loss, x, np.ones((6, 1)))
    with pytest.raises(NonFiniteError), np.errstate(invalid="ignore"):
        session.batch_train(np.full((6, 2), np.inf, "float32"), np.ones((6, 1), "float32"))
    np.testing.assert_array_equal(model.arena.statistics, before)
    session.batch_train(x, np.ones((6, 1), "float32"))
    assert (model.arena.statistics != before).any()


@each_layer
def test_scale_and_offset_are_vectors_and_so_do_not_decay(make):
    model = Model([nn.Dense(3, inshape=2), make()])
    model.assemble(0)
    assert model.arena.matrices == slice(0, 6)
    assert model.arena.size == 6 + 3 + 6


def test_a_bias_before_batch_normalization_is_spared():
    model = Model([nn.Dense(4, inshape=3, use_bias=False), nn.BatchNormalization()])
    model.assemble(0)
    assert list(model.parameters) == [
        "dense_0.kernel", "batch_normalization_0.scale", "batch_normalization_0.offset",
    ]  # fmt: skip
