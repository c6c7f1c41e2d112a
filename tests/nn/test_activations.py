"""Activations against PyTorch in float64, and against exact values in float32 over the whole range of floats."""

import json
import math

import numpy as np
import pytest

from cutedl import nn
from cutedl.model import Model
from cutedl.nn import activations
from tests.golden import record_activations

GOLDEN = json.loads(record_activations.FILE.read_text())


def assembled(layer, dtype="float32", inshape=1):
    model = Model([layer])
    model.assemble(0, dtype, inshape)
    return model


def through(layer, x):
    """Return y and dy/dx for a vector x of any length, a column to all but PRelu, which would sum over it."""
    x = x[None] if isinstance(layer, nn.PRelu) else x[:, None]
    model, dx = assembled(layer, x.dtype, x.shape[1]), np.empty_like(x)
    y = model.forward(x)
    model.backward(np.ones_like(x), out=dx)
    return y.ravel(), dx.ravel()


def equal(mine, theirs):
    np.testing.assert_allclose(mine, theirs, rtol=1e-10, atol=1e-14)


@pytest.mark.parametrize("name", GOLDEN)
def test_output_and_all_gradients_equal_pytorch(name):
    case = {key: np.array(value) for key, value in GOLDEN[name].items()}
    model = assembled(activations.get(name), "float64", case["x"].shape[1:])
    if name == "prelu":
        model.parameters["prelu_0.alpha"].value[...] = case["alpha"]
    equal(model.forward(case["x"]), case["y"])
    dx = np.empty_like(case["x"])
    model.backward(case["dy"], out=dx)
    equal(dx, case["dx"])
    if name == "prelu":
        equal(model.parameters["prelu_0.alpha"].gradient, case["dalpha"])


def test_every_activation_is_recorded():
    assert set(GOLDEN) | {"swish"} == set(activations._BY_NAME)


def test_the_recorded_values_are_pytorchs():
    pytest.importorskip("torch")
    for name, case in record_activations.record().items():
        for key, live in case.items():
            equal(GOLDEN[name][key], live)


# -- float32, to the last digits -------------------------------------------------------------------------------------


def exact_sigmoid(x):
    return np.exp(-np.logaddexp(0, -x))


def gelu_gate(x):
    return np.vectorize(math.erfc)(np.clip(-x, -60, 60) / math.sqrt(2)) / 2


def gelu_slope(x):
    x = np.clip(x, -60, 60)
    return gelu_gate(x) + x * np.exp(-x * x / 2) / math.sqrt(2 * math.pi)


def tanh_argument(x):
    return math.sqrt(8 / math.pi) * (x + 0.044715 * x**3)


def gated_slope(x, argument, rate):
    """σ + x σ (1 - σ) times the rate at which σ's argument grows."""
    return exact_sigmoid(argument) + x * exact_sigmoid(argument) * exact_sigmoid(-argument) * rate


def mish_slope(x):
    gate = np.tanh(np.logaddexp(0, x))
    return gate + x * exact_sigmoid(x) / np.cosh(np.minimum(np.logaddexp(0, x), 700)) ** 2


SCALE, BOUND = 1.0507009873554805, 1.0507009873554805 * 1.6732632423543772

# name: (y, dy/dx), for x in float64
EXACT = {
    "elu": (lambda x: np.where(x > 0, x, np.expm1(np.minimum(x, 0))), lambda x: np.exp(np.minimum(x, 0))),
    "exponential": (np.exp, np.exp),
    "gelu": (lambda x: x * gelu_gate(x), gelu_slope),
    "gelu_tanh": (
        lambda x: x * exact_sigmoid(tanh_argument(x)),
        lambda x: gated_slope(x, tanh_argument(x), math.sqrt(8 / math.pi) * (1 + 3 * 0.044715 * x * x)),
    ),
    "hard_sigmoid": (lambda x: np.clip(x + 3, 0, 6) / 6, lambda x: (np.abs(x) < 3) / 6),
    "leaky_relu": (lambda x: np.where(x > 0, x, 0.2 * x), lambda x: np.where(x > 0, 1, 0.2)),
    "linear": (lambda x: x, np.ones_like),
    "log_sigmoid": (lambda x: -np.logaddexp(0, -x), lambda x: exact_sigmoid(-x)),
    "mish": (lambda x: x * np.tanh(np.logaddexp(0, x)), mish_slope),
    "prelu": (lambda x: np.where(x > 0, x, 0.25 * x), lambda x: np.where(x > 0, 1, 0.25)),
    "relu": (lambda x: np.maximum(x, 0), lambda x: x > 0),
    "selu": (
        lambda x: np.where(x > 0, SCALE * x, BOUND * np.expm1(np.minimum(x, 0))),
        lambda x: np.where(x > 0, SCALE, BOUND * np.exp(np.minimum(x, 0))),
    ),
    "sigmoid": (exact_sigmoid, lambda x: exact_sigmoid(x) * exact_sigmoid(-x)),
    "silu": (lambda x: x * exact_sigmoid(x), lambda x: gated_slope(x, x, 1)),
    "softplus": (lambda x: np.logaddexp(0, x), exact_sigmoid),
    "softsign": (lambda x: x / (1 + np.abs(x)), lambda x: (1 + np.abs(x)) ** -2),
    "tanh": (np.tanh, lambda x: np.cosh(np.clip(x, -300, 300)) ** -2),
}


@pytest.fixture(scope="module")
def stratified():
    """2 M float32 numbers: a half with every sign and exponent equally often, a half where the functions bend."""
    generator = np.random.default_rng(0)
    strata = np.arange(1_000_000, dtype=np.uint32) % 510
    exponents, signs = strata % 255, strata // 255  # exponent 0: subnormal; 255, infinite or NaN, is left out
    mantissas = generator.integers(0, 1 << 23, strata.size, np.uint32)
    bits = (signs << 31) | (exponents << 23) | mantissas
    return np.concatenate([bits.view(np.float32), generator.uniform(-120, 120, 1_000_000).astype(np.float32)])


@pytest.mark.parametrize("name", EXACT)
def test_float32_is_right_to_four_units_in_the_last_place(name, stratified):
    y, slope = through(activations.get(name), stratified)
    value_of, slope_of = EXACT[name]
    with np.errstate(over="ignore"):  # exp and selu of large x are infinite in float32, exp in float64 too
        value, derivative = value_of(stratified.astype("float64")), slope_of(stratified.astype("float64"))
        rounded = value.astype(np.float32)
    finite = np.isfinite(rounded)
    np.testing.assert_array_equal(y[~finite], rounded[~finite])
    ulps = np.abs(y[finite] - value[finite]) / np.spacing(np.abs(rounded[finite]))
    assert ulps.max() <= 4
    # where it comes from y, a slope near 0 is right to the last place of 1, not to its own
    bounded = np.abs(derivative) < 2
    np.testing.assert_allclose(slope[bounded], derivative[bounded], rtol=1e-6, atol=3e-7)
    if name != "exponential":
        assert bounded.all()


@pytest.mark.parametrize("x", [-80, -20, -5, -1, 1, 5])
@pytest.mark.parametrize("name", ["exponential", "gelu", "gelu_tanh", "log_sigmoid", "mish", "silu", "softplus"])
def test_slopes_that_fade_keep_their_own_digits(name, x):
    x = np.array([-x if name == "log_sigmoid" else x], "float32")
    expected = EXACT[name][1](x.astype("float64"))
    np.testing.assert_allclose(through(activations.get(name), x)[1], expected, rtol=1e-6, atol=1e-44)


@pytest.mark.parametrize("name", GOLDEN)
def test_predict_between_forward_and_backward_changes_nothing(name):
    generator = np.random.default_rng(0)
    model, x, dy = assembled(activations.get(name), "float64", 5), *generator.normal(size=(2, 4, 5))
    gradients = []
    for others in (0, 3, 50):
        model.forward(x)
        model.predict(generator.normal(size=(others, 5)))
        dx = np.empty_like(x)
        model.backward(dy, out=dx)
        gradients.append(dx)
    np.testing.assert_array_equal(gradients[0], gradients[1])
    np.testing.assert_array_equal(gradients[0], gradients[2])


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", EXACT)
def test_the_largest_floats_have_finite_slopes_and_nan_stays_nan(name, dtype):
    info = np.finfo(dtype)
    x = np.array([info.max, -info.max, info.tiny, -info.tiny, info.smallest_subnormal, 0.0], dtype)
    y, slope = through(activations.get(name), x)
    assert not np.isnan(y).any()
    assert np.isfinite(slope[1:]).all()
    assert np.isfinite(slope[0]) or name == "exponential"
    if name != "relu":
        assert np.isnan(through(activations.get(name), np.array([np.nan], dtype))[0]).all()


@pytest.mark.parametrize(("name", "left", "right"), [
    ("elu", -1, np.inf), ("exponential", 0, np.inf), ("gelu", 0, np.inf), ("gelu_tanh", 0, np.inf),
    ("hard_sigmoid", 0, 1), ("leaky_relu", -np.inf, np.inf), ("linear", -np.inf, np.inf),
    ("log_sigmoid", -np.inf, 0), ("mish", 0, np.inf), ("prelu", -np.inf, np.inf), ("relu", 0, np.inf),
    ("selu", np.float32(-BOUND), np.inf), ("sigmoid", 0, 1), ("silu", 0, np.inf), ("softplus", 0, np.inf),
    ("softsign", -1, 1), ("tanh", -1, 1),
])  # fmt: skip
def test_limits_at_infinity(name, left, right):
    x = np.array([[-np.inf], [np.inf]], "float32")  # which predict refuses: data has no infinity, layers may make one
    assert assembled(activations.get(name)).forward(x, training=False).ravel().tolist() == [left, right]


def test_log_softmax_keeps_the_small_remainder_at_any_height():
    x = np.array([[1000.0, 950.0, -1e4], [-3e38, 3e38, 0.0], [7.0, 7.0, 7.0]], "float32")
    model = assembled(nn.LogSoftmax(), inshape=3)
    expected = [[-np.exp(-50.0), -50.0, -11000.0], [-np.inf, 0.0, -3e38], [-np.log(3)] * 3]
    y = model.forward(x)
    np.testing.assert_allclose(y, expected, rtol=2e-7)
    dx = np.empty_like(x)
    model.backward(np.eye(3, dtype="float32")[[1, 2, 0]], out=dx)
    np.testing.assert_allclose(dx, [[-1, 1, 0], [0, -1, 1], [2 / 3, -1 / 3, -1 / 3]], atol=1e-7)


def test_swish_is_silu():
    assert nn.Swish is nn.Silu is type(activations.get("swish"))


def test_an_activation_with_arguments_shows_them():
    assert repr([nn.LeakyRelu(0.1), nn.Elu(2), nn.PRelu()]) == "[LeakyRelu(0.1), Elu(2), PRelu()]"


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("shape", [(1,), (3, 0), (131_072, 1), (131_073, 1), (300, 7, 129)])
@pytest.mark.parametrize("layout", [np.asarray, np.asfortranarray, lambda x: np.repeat(x, 2, axis=-1)[..., ::2]])
def test_relu_is_the_larger_of_0_and_x_in_any_size_and_layout(dtype, shape, layout):
    x = np.random.default_rng(0).normal(size=shape).astype(dtype)
    x.reshape(-1)[: 3 * x.size // 4 : 1000] = np.nan
    out = np.empty_like(x)
    nn.Relu().forward(layout(x), out, training=False)
    np.testing.assert_array_equal(out, np.maximum(x, 0))
