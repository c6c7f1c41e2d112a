import timeit
import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cutedl.errors import CorruptDataError
from cutedl.trace import Trace


def traced(values):
    trace = Trace()
    for value in values:
        trace.add(float(value))
    return trace


def test_few_steps_are_kept_as_they_are():
    values = np.random.default_rng(0).random(2047)
    trace = traced(values)
    np.testing.assert_array_equal(trace.values, values)
    np.testing.assert_array_equal(trace.steps, np.arange(1, 2048))
    assert trace.stride == 1


@given(st.integers(0, 20_000))
@settings(max_examples=25, deadline=None)
def test_each_point_is_the_mean_of_its_steps(count):
    values = np.sin(np.arange(count) / 7.0)
    trace = traced(values)
    stride, points = trace.stride, len(trace)
    assert points < 2048
    assert count - points * stride < stride
    assert stride == 1 or points >= 1024
    np.testing.assert_allclose(
        trace.values, values[: points * stride].reshape(points, stride).mean(axis=1), rtol=0, atol=1e-14
    )
    np.testing.assert_array_equal(trace.steps, np.arange(1, points * stride + 1).reshape(points, stride).mean(axis=1))


@given(st.integers(0, 9000), st.integers(0, 9000))
@settings(max_examples=25, deadline=None)
def test_going_on_from_a_saved_state_gives_the_same_bits(before, after):
    values = np.random.default_rng(before).standard_normal(before + after).tolist()
    straight, first, second = traced(values), traced(values[:before]), Trace()
    second.restore(first.state())
    for value in values[before:]:
        second.add(value)
    assert second.stride == straight.stride
    assert second.values.tobytes() == straight.values.tobytes()
    assert second.state()["total"] == straight.state()["total"]


def test_its_memory_is_fixed():
    trace = traced(range(3000))
    tracemalloc.start()
    for value in range(50_000):
        trace.add(1.0 * value)
    grown, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert grown < 2000


def test_a_step_costs_less_than_a_microsecond():
    """About 0.1 us on a quiet machine; the bar leaves room for a busy one."""
    trace = Trace()
    assert min(timeit.repeat(lambda: trace.add(0.5), number=10_000, repeat=5)) / 10_000 < 1e-6


def test_what_it_hands_out_is_the_callers():
    trace = traced([1.0, 2.0])
    trace.values[0] = trace.state()["values"][1] = 9
    np.testing.assert_array_equal(trace.values, [1, 2])


@pytest.mark.parametrize(
    "change",
    [
        {"stride": 3},
        {"stride": 0},
        {"stride": -1},
        {"stride": "x"},
        {"waiting": 2},
        {"waiting": -1},
        {"values": np.zeros(2048)},
        {"values": np.zeros((2, 2))},
        {"values": ["a"]},
        {"values": {}},
        {"total": []},
        {"stride": float("inf")},
    ],
)
def test_a_state_that_add_never_makes_is_refused_and_changes_nothing(change):
    trace = traced([1.0, 2.0])
    with pytest.raises(CorruptDataError, match="this is no trace of losses"):
        trace.restore(trace.state() | change)
    with pytest.raises(CorruptDataError):
        trace.restore({})
    np.testing.assert_array_equal(trace.values, [1, 2])


def test_repr_is_one_line():
    assert repr(Trace()) == "Trace(0 points of 1 step)"
    assert repr(traced(range(2048))) == "Trace(1024 points of 2 steps)"
