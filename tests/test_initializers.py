import numpy as np
import pytest

from cutedl import initializers
from cutedl.errors import ArgumentError, UnknownNameError

FAN_IN, FAN_OUT = 300, 200
VARIANCE = {
    "glorot_uniform": 2 / (FAN_IN + FAN_OUT),
    "glorot_normal": 2 / (FAN_IN + FAN_OUT),
    "he_uniform": 2 / FAN_IN,
    "he_normal": 2 / FAN_IN,
    "lecun_uniform": 1 / FAN_IN,
    "lecun_normal": 1 / FAN_IN,
    "orthogonal": 1 / FAN_IN,
    "random_uniform": 0.1**2 / 12,
    "random_normal": 0.05**2,
    # cut at 2 standard deviations: 1 - 4 φ(2) / (2 Φ(2) - 1) of the variance is left
    "truncated_normal": 0.05**2 * (1 - 4 * 0.05399096651318806 / 0.9544997361036416),
}


@pytest.mark.parametrize("name", VARIANCE)
def test_mean_and_variance_are_the_papers(name):
    kernel = np.empty((FAN_IN, FAN_OUT))
    initializers.get(name)(kernel, np.random.default_rng(0))
    assert abs(kernel.mean()) < 4 * (VARIANCE[name] / kernel.size) ** 0.5
    assert kernel.var() == pytest.approx(VARIANCE[name], rel=0.03)


def test_constants():
    out = np.empty(3)
    for initializer, value in (("zeros", 0), ("ones", 1), ("constant", 0), (initializers.Constant(-0.5), -0.5)):
        initializers.get(initializer)(out, np.random.default_rng(0))
        assert out.tolist() == [value] * 3


@pytest.mark.parametrize(("initializer", "low", "high"), [
    ("glorot_uniform", -((6 / 500) ** 0.5), (6 / 500) ** 0.5),
    ("he_uniform", -((6 / 300) ** 0.5), (6 / 300) ** 0.5),
    ("lecun_uniform", -((3 / 300) ** 0.5), (3 / 300) ** 0.5),
    (initializers.RandomUniform(-1, 3), -1, 3),
    (initializers.TruncatedNormal(mean=2, stddev=0.5), 1, 3),
])  # fmt: skip
def test_bounds_are_kept_and_nearly_reached(initializer, low, high):
    kernel = np.empty((FAN_IN, FAN_OUT))
    initializers.get(initializer)(kernel, np.random.default_rng(0))
    assert low <= kernel.min() < low + 0.01 * (high - low)
    assert high - 0.01 * (high - low) < kernel.max() <= high


def test_arguments_are_used():
    kernel = np.empty((FAN_IN, FAN_OUT))
    initializers.RandomNormal(mean=3, stddev=0.2)(kernel, np.random.default_rng(0))
    assert kernel.mean() == pytest.approx(3, abs=0.004)
    assert kernel.std() == pytest.approx(0.2, rel=0.02)


@pytest.mark.parametrize("shape", [(4, 4), (7, 3), (3, 7), (2, 3, 4), (5, 1), (1, 5)])
@pytest.mark.parametrize("gain", [1.0, 2.0])
def test_orthogonal_rows_or_columns(shape, gain):
    kernel = np.empty(shape)
    initializers.Orthogonal(gain)(kernel, np.random.default_rng(0))
    matrix = kernel.reshape(-1, shape[-1])
    matrix = matrix if len(matrix) >= shape[-1] else matrix.T
    np.testing.assert_allclose(matrix.T @ matrix, gain**2 * np.eye(matrix.shape[1]), atol=1e-14)


def test_orthogonal_is_uniform_among_orthogonal_matrices():
    """Plain QR has a fixed sign on the diagonal of R, so that the mean of q[0, 0] is far from 0."""
    generator, draws = np.random.default_rng(0), np.empty((2000, 2, 2))
    for draw in draws:
        initializers.Orthogonal()(draw, generator)
    assert abs(draws.mean(axis=0)).max() < 4 * (0.5 / 2000) ** 0.5


def test_an_initializer_with_arguments_shows_them():
    assert repr(initializers.Constant(1)) == "Constant(value=1.0)"
    assert repr(initializers.TruncatedNormal(stddev=0.02)) == "TruncatedNormal(mean=0.0, stddev=0.02)"


def test_a_function_of_the_users_own():
    def fill(out, generator):
        out[...] = 4

    assert initializers.get(fill) is fill


def test_refusals():
    with pytest.raises(UnknownNameError, match="did you mean 'glorot_uniform'"):
        initializers.get("glorot_unifrom")
    with pytest.raises(ArgumentError, match=r"needs a kernel.*received shape \(3,\)"):
        initializers.get("he_normal")(np.empty(3), np.random.default_rng(0))
    with pytest.raises(ArgumentError, match=r"needs a kernel.*received shape \(3,\)"):
        initializers.get("orthogonal")(np.empty(3), np.random.default_rng(0))


@pytest.mark.parametrize(("make", "message"), [
    (lambda: initializers.Constant("a"), r"value cannot be used. expected a number in \(-inf, inf\), received 'a'"),
    (lambda: initializers.Constant(np.nan), "value cannot be used.*received nan"),
    (lambda: initializers.RandomUniform(1, 1), r"maxval cannot be used. expected a number in \(1, inf\), received 1"),
    (lambda: initializers.RandomNormal(stddev=0), r"stddev cannot be used. expected a number in \(0, inf\)"),
    (lambda: initializers.TruncatedNormal(stddev=-1), "stddev cannot be used.*received -1"),
    (lambda: initializers.Orthogonal(0), r"gain cannot be used. expected a number in \(0, inf\), received 0"),
])  # fmt: skip
def test_wrong_arguments_are_refused_with_name_range_and_value(make, message):
    with pytest.raises(ArgumentError, match=message):
        make()
