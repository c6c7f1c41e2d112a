import mpmath
import numpy as np
import pytest

from cutedl import dlmath

POINTS = [0.0, 1e-30, 1e-3, 0.5, 1.0, 5.0, 17.0, 30.0, 80.0, 87.0, 100.0]
SIGNED = np.array([*POINTS, *(-p for p in POINTS)])


def exact(function):
    with mpmath.workdps(50):
        return np.array([float(function(mpmath.mpf(float(x)))) for x in SIGNED])


@pytest.mark.parametrize(("dtype", "ulps"), [("float32", 4), ("float64", 4)])
@pytest.mark.parametrize(("name", "function"), [
    ("sigmoid", lambda x: 1 / (1 + mpmath.exp(-x))),
    ("softplus", lambda x: mpmath.log1p(mpmath.exp(x))),
    ("log_sigmoid", lambda x: -mpmath.log1p(mpmath.exp(-x))),
])  # fmt: skip
def test_full_accuracy_in_both_tails(name, function, dtype, ulps):
    computed = getattr(dlmath, name)(SIGNED.astype(dtype))
    expected = exact(function).astype(dtype)
    assert computed.dtype == dtype
    assert (np.abs(computed - expected) <= ulps * np.spacing(np.abs(expected))).all()


def test_extremes_do_not_overflow():
    x = np.array([-np.inf, -3e38, 3e38, np.inf], "float32")
    assert dlmath.sigmoid(x).tolist() == [0, 0, 1, 1]
    assert np.isnan(dlmath.sigmoid(np.array([np.nan])))[0]
    assert dlmath.softplus(x).tolist() == [0, 0, x[2], np.inf]


@pytest.mark.parametrize("function", [dlmath.sigmoid, dlmath.softplus, dlmath.log_sigmoid])
def test_in_place_with_scratch(function):
    x = np.linspace(-5, 5, 11)
    expected, scratch = function(x.copy()), np.empty(11)
    assert function(x, out=x, scratch=scratch) is x
    np.testing.assert_array_equal(x, expected)


@pytest.mark.parametrize("axis", [0, 1, -1])
def test_prob_distribution_along_any_axis(axis):
    x = np.random.default_rng(0).normal(size=(3, 4)) * 5
    p = dlmath.prob_distribution(x, axis=axis)
    np.testing.assert_allclose(p, np.exp(x) / np.exp(x).sum(axis=axis, keepdims=True), rtol=1e-13)
    np.testing.assert_allclose(dlmath.prob_distribution(x + 1e6, axis=axis), p, rtol=1e-8)


@pytest.mark.parametrize("axis", [0, 1, -1])
def test_log_softmax_along_any_axis(axis):
    x = np.random.default_rng(0).normal(size=(3, 4)) * 5
    expected = np.log(np.exp(x) / np.exp(x).sum(axis=axis, keepdims=True))
    np.testing.assert_allclose(dlmath.log_softmax(x, axis=axis), expected, rtol=1e-12, atol=1e-14)
    assert dlmath.log_softmax(x, axis=axis, out=x) is x
    np.testing.assert_allclose(x, expected, rtol=1e-12, atol=1e-14)


def test_log_softmax_keeps_the_small_addend():
    np.testing.assert_allclose(dlmath.log_softmax([1000.0, 900.0]), [-np.exp(-100.0), -100.0], rtol=1e-14)


def test_log_sum_exp_keeps_the_small_addend():
    with mpmath.workdps(60):
        expected = float(mpmath.log(mpmath.exp(0) + mpmath.exp(-50)))
    assert dlmath.log_sum_exp([0.0, -50.0]) == pytest.approx(expected, rel=1e-14, abs=0)
    assert dlmath.log_sum_exp([1e8, 1e8]) == pytest.approx(1e8 + np.log(2), rel=1e-16)
    assert dlmath.log_sum_exp([-np.inf, -np.inf]) == -np.inf
    assert dlmath.log_sum_exp([np.inf, 0.0]) == np.inf
    x = np.random.default_rng(0).normal(size=(3, 4, 5))
    np.testing.assert_allclose(dlmath.log_sum_exp(x, axis=1), np.log(np.exp(x).sum(axis=1)), rtol=1e-13)


def test_xlogy_is_zero_where_x_is():
    assert dlmath.xlogy([0.0, 0.0, 2.0], [0.0, -1.0, 1.0]).tolist() == [0, 0, 0]
    assert dlmath.xlogy(1.0, 0.0) == -np.inf
