"""Exact sums against math.fsum and whole fractions."""

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from cutedl.metrics.exact_sum import ExactSum, quotient
from cutedl.metrics.regression import exact_square

FINITE = st.floats(allow_nan=False, allow_infinity=False)
LARGEST, LEAST = float(np.finfo(float).max), 5e-324
drawn = settings(max_examples=300, deadline=None, derandomize=True)


def summed(values, cuts=()):
    total = ExactSum()
    for piece in np.split(np.array(values, float), sorted(cuts)):
        total.add(piece)
    return total


def rounded(fraction):
    """As Python rounds a fraction: to the nearest float."""
    try:
        return fraction.numerator / fraction.denominator
    except OverflowError:
        return math.inf if fraction > 0 else -math.inf


@drawn
@given(st.lists(FINITE, max_size=40))
@example([LARGEST, LARGEST, -LARGEST])
@example([LARGEST, LARGEST])
@example([LEAST] * 3)
@example([1e308, 1.0, -1e308, LEAST])
@example([2.2250738585072014e-308, -LEAST])
@example([1.0, 2.0**-53, 2.0**-106])  # just above the middle of two floats
def test_it_is_the_exact_sum_rounded_once(values):
    assert summed(values).value() == rounded(sum(map(Fraction, values), Fraction(0)))


@drawn
@given(st.lists(st.floats(-1e300, 1e300), max_size=40))
def test_it_equals_fsum(values):
    assert summed(values).value() == math.fsum(values)


@drawn
@given(st.data(), st.lists(FINITE, min_size=1, max_size=40))
def test_order_and_grouping_change_no_bit(data, values):
    order = data.draw(st.permutations(values))
    cuts = data.draw(st.lists(st.integers(0, len(values))))
    assert summed(order, cuts).totals == summed(values).totals


@drawn
@given(st.lists(FINITE, min_size=1, max_size=20), st.integers(1, 10**9))
def test_a_mean_is_rounded_once(values, count):
    assert summed(values).mean(count) == rounded(sum(map(Fraction, values)) / count)


@drawn
@given(st.lists(st.tuples(st.integers(0, 4), FINITE), max_size=40))
def test_columns_are_sums_of_their_own(pairs):
    total = ExactSum(5)
    total.add([value for _, value in pairs], np.array([column for column, _ in pairs], np.intp))
    for column in range(5):
        own = [Fraction(value) for at, value in pairs if at == column]
        assert total.value(column) == rounded(sum(own, Fraction(0)))


def test_rows_fill_the_columns():
    rows = np.random.default_rng(0).normal(size=(100, 3))
    total = ExactSum(3)
    total.add(rows)
    assert [total.value(i) for i in range(3)] == [math.fsum(rows[:, i]) for i in range(3)]


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([math.inf, 1.0, LARGEST], math.inf),
        ([-math.inf, 1.0], -math.inf),
        ([math.inf, -math.inf], math.nan),
        ([math.nan, 1.0], math.nan),
        ([math.nan, math.inf], math.nan),
        ([], 0.0),
        ([-0.0], 0.0),
    ],
)
@pytest.mark.parametrize("cuts", [(), (1,)])
def test_what_is_not_finite(values, expected, cuts):
    for order in (values, values[::-1]):
        np.testing.assert_equal(summed(order, [cut for cut in cuts if cut <= len(values)]).value(), expected)


def test_millions_of_numbers_of_one_size_are_exact():
    """More than one piece, with as many equal exponents as there are."""
    values = np.full((1 << 21) + 3, np.nextafter(1.0, 0.0))
    total = ExactSum()
    total.add(values)
    assert total.value() == rounded(Fraction(float(values[0])) * len(values))


def test_a_sum_survives_its_state():
    total = summed([1e300, 1.0, LEAST, math.inf])
    again = ExactSum()
    again.restore(total.state())
    assert (again.totals, again.value()) == (total.totals, math.inf)
    total.add([-math.inf])
    assert again.value() == math.inf


def test_it_shows_its_first_sums():
    assert repr(ExactSum()) == "ExactSum(0)"
    assert repr(ExactSum(5)) == "ExactSum(0, 0, 0, ...)"


def test_quotients():
    assert quotient(1, 3) == 1 / 3
    assert math.isnan(quotient(1, 0))
    assert quotient(10**400, 1) == math.inf
    assert quotient(-(10**400), 1) == -math.inf


@drawn
@given(st.floats(1e-145, 1e145) | st.floats(-1e145, -1e-145) | st.just(0.0))
def test_squares_are_exact(y):
    square, rest = exact_square(np.array([y]))
    assert square[0] == y * y
    assert Fraction(float(square[0])) + Fraction(float(rest[0])) == Fraction(y) ** 2
