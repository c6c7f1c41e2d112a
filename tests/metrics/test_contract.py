"""What every metric keeps to, whatever it measures: one table, one test per promise."""

import json

import numpy as np
import pytest

from cutedl import metrics
from tests.metrics.table import METRICS

pytestmark = pytest.mark.parametrize("name", METRICS)

ROWS = 253


def problem(name, rows=ROWS, seed=0):
    row = METRICS[name]
    return row.make(), *row.data(np.random.default_rng(seed), rows)


def see(metric, y_true, y_pred, batch_size, start=0):
    """Show rows in batches whose arrays are overwritten afterwards, as a session's are."""
    for first in range(start, len(y_true), batch_size):
        y, x = y_true[first : first + batch_size].copy(), y_pred[first : first + batch_size].copy()
        metric.update(y, x)
        y[...] = 1
        x[...] = 0.5
    return bits(metric)


def bits(metric):
    """All that a metric says, to the last bit."""
    values = [metric.result(), *metric.results().values()]
    matrix = metric.matrix.tolist() if hasattr(metric, "matrix") else None
    return [float(value).hex() for value in values], list(metric.results()), matrix


@pytest.mark.parametrize("seed", range(3))
def test_it_equals_scikit_learn(name, seed):
    metric, y, x = problem(name, seed=seed)
    metric.update(y, x)
    assert metric.result() == pytest.approx(METRICS[name].expected(y, x), rel=1e-12, abs=1e-12)
    assert type(metric.result()) is float


def test_batches_change_no_bit(name):
    metric, y, x = problem(name)
    whole = see(metric, y, x, ROWS)
    for batch_size in (1, 7, 64, 100):
        metric.reset()
        assert see(metric, y, x, batch_size) == whole


def test_an_empty_batch_changes_no_bit(name):
    metric, y, x = problem(name)
    whole = see(METRICS[name].make(), y, x, ROWS)
    metric.update(y[:0], x[:0])
    assert np.isnan(metric.result())
    metric.update(y[:100], x[:100])
    metric.update(y[:0], x[:0])
    assert see(metric, y, x, 50, start=100) == whole


def test_order_and_layout_change_no_bit(name):
    metric, y, x = problem(name)
    whole = see(metric, y, x, ROWS)
    order = np.random.default_rng(1).permutation(ROWS)
    metric.reset()
    assert see(metric, y[order], x[order], 10) == whole
    metric.reset()
    metric.update(np.asfortranarray(y), np.repeat(x, 2, axis=-1)[..., ::2])
    assert bits(metric) == whole


def test_reset_forgets_all(name):
    metric, y, x = problem(name)
    other = problem(name, 40, seed=1)
    metric.update(*other[1:])
    metric.reset()
    assert np.isnan(metric.result())
    assert see(metric, y, x, 50) == see(METRICS[name].make(), y, x, 50)


def test_nothing_seen_is_nan(name):
    metric = METRICS[name].make()
    assert np.isnan(metric.result())
    assert tuple(metric.results()) == metric.names
    assert np.isnan(list(metric.results().values())).all()


def test_a_state_taken_on_the_way_continues_as_if_nothing_had_been(name):
    metric, y, x = problem(name)
    straight = see(METRICS[name].make(), y, x, 50)
    see(metric, y[:100], x[:100], 50)
    state = metric.state()
    kept = through_a_file(state)
    for array in arrays_of(state):
        array[...] = 1  # a state is a copy
    see(metric, y, x, 50, start=100)
    resumed = METRICS[name].make()
    resumed.update(y, x)  # what a restored metric saw before is gone
    resumed.restore(kept)
    assert see(resumed, y, x, 50, start=100) == straight == bits(metric)
    again = METRICS[name].make()
    again.restore(kept)
    for array in arrays_of(kept):
        array[...] = 1
    assert see(again, y, x, 50, start=100) == straight  # and restoring takes copies of it


def test_the_state_of_nothing_is_nothing(name):
    metric = METRICS[name].make()
    metric.restore(through_a_file(metric.state()))
    assert np.isnan(metric.result())


def test_reading_a_result_changes_nothing(name):
    metric, y, x = problem(name)
    metric.update(y[:100], x[:100])
    assert bits(metric) == bits(metric)
    metric.update(y[100:], x[100:])
    assert bits(metric) == see(METRICS[name].make(), y, x, ROWS)


def test_inputs_are_read_and_never_written(name):
    metric, y, x = problem(name)
    copies = y.copy(), x.copy()
    for a in (y, x):
        a.setflags(write=False)
    metric.update(y, x)
    metric.result()
    np.testing.assert_array_equal(y, copies[0])
    np.testing.assert_array_equal(x, copies[1])


def test_it_introduces_itself(name):
    metric = METRICS[name].make()
    assert isinstance(metric, metrics.Metric)
    assert repr(metric).startswith(type(metric).__name__ + "(")
    assert "\n" not in repr(metric)
    assert len(repr(metric)) <= 120
    assert metric.higher_is_better in (True, False, None)
    assert (metric.higher_is_better is None) == isinstance(metric, metrics.FunctionMetric)


def arrays_of(state):
    for value in state.values():
        if isinstance(value, dict):
            yield from arrays_of(value)
        elif isinstance(value, np.ndarray):
            yield value


def through_a_file(state):
    """Return a state as it comes back from a file: plain values through JSON, arrays as copies beside them."""
    arrays = {}

    def plain(value, path):
        if isinstance(value, dict):
            return {key: plain(each, (*path, key)) for key, each in value.items()}
        if isinstance(value, np.ndarray):
            arrays[path] = value.copy()
            return None
        assert value is None or type(value) in (bool, int, float, str, list)
        assert type(value) is not int or abs(value) < 2**53
        return value

    def filled(value, path):
        if path in arrays:
            return arrays[path]
        return {key: filled(each, (*path, key)) for key, each in value.items()} if isinstance(value, dict) else value

    return filled(json.loads(json.dumps(plain(state, ()))), ())
