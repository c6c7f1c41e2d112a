"""What a report says, before anything is drawn."""

import tracemalloc

import numpy as np
import pytest

from cutedl.history import Event
from cutedl.report.columns import numbers
from cutedl.report.curves import smoothed, thinned
from cutedl.report.data import ReportData
from cutedl.report.text import width, wrap
from tests.report.histories import eventful, five_epochs


def test_everything_that_fit_records_is_there():
    history = eventful()
    data = ReportData.of(history)
    assert data.epochs == 12
    assert (data.best, data.judge) == (int(np.argmin(history["val_loss"])), "loss")
    assert list(data.pairs) == ["loss", "accuracy"]
    assert list(data.singles) == ["learning rate", "gradient norm", "samples per second"]
    np.testing.assert_allclose(data.seconds, np.cumsum(history["seconds"]))
    assert data.events[0] == Event(6, "rate", "learning rate halved")
    assert ("epoch 6", "learning rate halved") in data.rows


def test_a_plain_dict_will_do():
    data = ReportData.of({"loss": [0.7, 0.5], "cost_time": 3.0})
    assert (data.events, data.singles, len(data.seconds), len(data.trace[0])) == ((), {}, 0, 0)
    assert ("wall time", "3.0 s") in data.rows
    assert data.source == "data source not recorded"


def test_steps_stand_within_their_epoch_even_where_epochs_differ():
    history = eventful(2, drops=())
    history["steps"] = [100, 600]
    x, y = ReportData.of(history).trace
    assert len(x) == len(y) == len(history.trace)
    # Step 1 of 100 is the first hundredth of epoch 1, step 600 the last five-hundredth of epoch 2.
    np.testing.assert_allclose([x[0], x[99], x[100], x[-1]], [0.005, 0.995, 1.001, 1.999])


@pytest.mark.parametrize("steps", [[300], [300, 300], [300, float("nan")], None])
def test_without_the_steps_of_each_epoch_there_is_no_trace(steps):
    history = eventful(2, drops=())
    history["steps"] = steps
    assert len(ReportData.of(history).trace[0]) == 0


def test_many_events_are_summed_up():
    rows = ReportData.of(eventful(30, drops=range(1, 30))).rows
    events = rows[rows.index(("Events",)) + 1 : rows.index(("Source",))]
    assert len(events) == 6
    assert events[-1] == ("", "and 26 more")  # 29 drops, a stop, a restore


def test_numbers_are_finite_or_nan():
    np.testing.assert_array_equal(numbers([1, np.float32(2), float("inf"), 1e300]), [1, 2, np.nan, np.nan])
    for other in ("abc", None, [None], [1j], np.ones((2, 2)), 3.0):
        assert len(numbers(other)) == 0


def test_predictions_never_become_a_list():
    """As a list, the outputs for a large validation set would take gigabytes."""
    history = five_epochs() | {"val_pred": np.zeros((100_000, 10), np.float32)}
    tracemalloc.start()
    ReportData.of(history)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 1e6


def test_what_is_known_of_the_source_is_said_in_words():
    history = five_epochs(classes=["cat", "dog"], shuffled=True)
    rows = ReportData.of(history).rows
    assert {("classes", "cat, dog"), ("shuffled", "True"), ("samples", "60,000")} <= set(rows)


@pytest.mark.parametrize("size", [1, 1999, 2000, 2001, 10_000, 1_000_001])
def test_thinning_keeps_peaks_gaps_and_order(size):
    y = np.random.default_rng(0).standard_normal(size)
    y[size // 2 : size // 2 + size // 4] = np.nan
    x = np.arange(size) + 0.5
    few, values = thinned(x, y)
    assert len(few) == size if size < 2000 else len(few) < 2000
    assert np.all(np.diff(few) > 0)
    np.testing.assert_array_equal(values, y[few.astype(int)])
    if np.isfinite(y).any():
        assert (np.nanmin(values), np.nanmax(values)) == (np.nanmin(y), np.nanmax(y))
    assert np.isnan(values).any() == np.isnan(y).any()


def test_smoothing_is_a_mean_of_what_was_measured():
    y = np.random.default_rng(0).standard_normal(1000)
    y[300:400] = np.nan
    by_hand = [np.nan if np.isnan(y[i]) else np.nanmean(y[max(0, i - 5) : i + 6]) for i in range(1000)]
    np.testing.assert_allclose(smoothed(y), by_hand)


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("SparseCategoricalCrossentropy", ["SparseCategorical", "Crossentropy"]),
        ("", [""]),
        ("a_name_without_any_space_but_underscores", ["a_name_without_any_", "space_but_underscores"]),
        ("the quick brown fox jumps over", ["the quick brown fox jumps", "over"]),
    ],
)
def test_lines_end_where_words_do(text, lines):
    assert wrap(text, 129) == lines


@pytest.mark.parametrize("text", ["W" * 500, "word " * 100, "Adam(learning_rate=0.001, beta1=0.9)", "x" * 30])
def test_no_line_is_wider_than_its_room(text):
    lines = wrap(text, 129, lines=3)
    assert len(lines) <= 3
    assert all(width(line) <= 129 for line in lines)
    assert lines[-1].endswith("…") == (len("".join(lines).replace(" ", "")) < len(text.replace(" ", "")))


def test_the_report_of_the_same_history_is_the_same():
    assert ReportData.of(five_epochs()).rows == ReportData.of(five_epochs()).rows
