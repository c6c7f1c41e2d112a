"""Gates in float32: without outliers they take a shorter way, which must end in the same place."""

import numpy as np
import pytest

from cutedl import nn
from cutedl.model import Model
from tests.nn.test_activations import EXACT, through

GATES = {"gelu": nn.Gelu, "gelu_tanh": nn.GeluTanh, "mish": nn.Mish, "silu": nn.Silu}


@pytest.fixture(params=GATES)
def name(request):
    return request.param


@pytest.fixture
def moderate(name):
    """About 1.5 M float32 numbers that go the shorter way: all exponents, all the range, and where most data lie."""
    generator, reach = np.random.default_rng(0), np.float32(GATES[name]._reach)
    exponents = np.arange(500_000) % 147 - 140  # from 2^-140, a subnormal number, to 2^6
    mantissas = generator.uniform(1, 2, 500_000) * generator.choice([-1, 1], 500_000)
    x = np.concatenate([
        np.ldexp(mantissas, exponents),
        generator.uniform(-reach, reach, 500_000),
        generator.normal(0, 2, 500_000),
        [reach, -reach, 0.0],
    ]).astype(np.float32)  # fmt: skip
    return x[np.abs(x) <= reach]


def ulps(y, value):
    return np.abs(y - value) / np.spacing(np.abs(value.astype(np.float32)))


def test_moderate_numbers_are_right_to_four_units_in_the_last_place(name, moderate):
    y, slope = through(GATES[name](), moderate)
    value, derivative = (exact(moderate.astype("float64")) for exact in EXACT[name])
    assert ulps(y, value).max() <= 4
    np.testing.assert_allclose(slope, derivative, rtol=1e-6, atol=3e-7)


def test_a_slope_in_the_left_tail_keeps_its_own_digits(name, moderate):
    x = moderate[moderate < -3]  # each slope is 0 somewhere between -3 and 0, where nothing can keep them
    np.testing.assert_allclose(through(GATES[name](), x)[1], EXACT[name][1](x.astype("float64")), rtol=1e-6)


@pytest.mark.parametrize("outlier", [(-1e4, 0, 0), (np.inf, np.inf, 1), (np.nan, np.nan, np.nan)])
def test_an_outlier_leaves_its_neighbours_as_right_as_before(name, outlier):
    x = np.random.default_rng(0).normal(0, 2, 1000).astype(np.float32)
    y, slope = through(GATES[name](), np.append(x, np.float32(outlier[0])))
    value, derivative = (exact(x.astype("float64")) for exact in EXACT[name])
    assert ulps(y[:-1], value).max() <= 4
    np.testing.assert_allclose(slope[:-1], derivative, rtol=1e-6, atol=3e-7)
    np.testing.assert_array_equal([y[-1], slope[-1]], outlier[1:])


def test_training_predicting_and_writing_over_x_give_the_same_bits(name, moderate):
    x = moderate[:, None]
    model = Model([GATES[name]()])
    model.assemble(inshape=1)
    gate, y, over = model.layers[0], np.empty_like(x), x.copy()
    gate.forward(x, y, training=True)
    slope = gate._slope.rows(len(x)).copy()
    gate.forward(over, over, training=True)
    np.testing.assert_array_equal(over, y)
    np.testing.assert_array_equal(gate._slope.rows(len(x)), slope)
    np.testing.assert_array_equal(gate.forward(x, np.empty_like(x), training=False), y)


def test_float64_never_takes_the_shorter_way(name):
    x = np.random.default_rng(0).normal(0, 2, 1000)
    y, slope = through(GATES[name](), x)
    np.testing.assert_allclose(y, EXACT[name][0](x), rtol=1e-13)
    np.testing.assert_allclose(slope, EXACT[name][1](x), rtol=1e-13, atol=1e-15)
