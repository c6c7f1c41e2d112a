import builtins
import copy
import csv
import json
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cutedl.errors import (
    ArgumentError,
    CorruptDataError,
    CutedlError,
    DataTypeError,
    MissingLibraryError,
    UnknownNameError,
)
from cutedl.history import Best, History, direction

NAN, INF = math.nan, math.inf


def full_history():
    history = History()
    history.record(1, steps=np.int64(10), loss=np.float32(0.1), val_loss=np.float64(0.7), seconds=0.25)
    history.record(2, steps=20, loss=0.05, seconds=0.5)
    history.record(3, steps=30, loss=INF, val_loss=0.8, seconds=0.5)
    history |= {"cost_time": 1.5, "val_pred": np.zeros((4, 2))}
    history.info = {"data": "ring", "seed": 3, "shape": [2, 16], "versions": {"numpy": "2.4"}, "note": None}
    history.note(2.5, "rate", "learning rate 0.1 -> 0.05")
    history.interrupted = True
    for step in range(3000):
        history.trace.add(1 / (step + 1))
    return history


def same(one, other):
    """Whether two histories hold the same bits, val_pred left out."""
    assert repr(one.columns) == repr(other.columns)  # tells 1 from 1.0, and NaN equals itself
    assert (one.get("cost_time"), one.info, one.events) == (other.get("cost_time"), other.info, other.events)
    assert one.interrupted is other.interrupted
    assert one.trace.steps.tobytes() == other.trace.steps.tobytes()
    assert one.trace.values.tobytes() == other.trace.values.tobytes()


# -- a dict ----------------------------------------------------------------------------------------------------------


def test_a_misspelt_key_is_answered_with_a_suggestion():
    history = History(loss=[1.0], val_loss=[1.0])
    with pytest.raises(KeyError) as caught:
        history["vall_loss"]
    assert str(caught.value) == (
        "no history key is named 'vall_loss'. expected one of: loss, val_loss. hint: did you mean 'val_loss'?"
    )
    assert isinstance(caught.value, CutedlError)
    assert isinstance(caught.value, ValueError)


def test_it_stays_a_dict():
    history = History(loss=[1.0])
    assert "val_loss" not in history
    assert history.get("val_loss") is None
    history.setdefault("val_accuracy", []).append(0.5)
    assert dict(history) == {"loss": [1.0], "val_accuracy": [0.5]}
    assert copy.deepcopy(history) == history


def test_missed_epochs_become_nan():
    history = History()
    history.record(1, loss=3.0)
    history.record(3, loss=1.0, val_loss=2.0)
    assert history["epoch"] == [1, 2, 3]
    assert repr(history["loss"]) == "[3.0, nan, 1.0]"
    assert repr(history["val_loss"]) == "[nan, nan, 2.0]"


def test_an_epoch_recorded_again_is_replaced():
    history = History()
    history.record(1, loss=3.0)
    history.record(2, loss=2.0)
    history.record(2, loss=1.0, epoch=2)
    assert history == {"epoch": [1, 2], "loss": [3.0, 1.0]}


def test_columns_leave_out_what_is_no_list():
    assert History(loss=[1.0], cost_time=3.0).columns == {"loss": [1.0]}


def test_numpy_numbers_are_recorded_as_pythons():
    history = History()
    history.record(1, loss=np.float32(0.1), steps=np.int64(7), rate=np.array(0.5), seconds=2)
    assert {key: type(column[0]) for key, column in history.columns.items()} == {
        "epoch": int, "loss": float, "steps": int, "rate": float, "seconds": int,
    }  # fmt: skip
    assert history["loss"] == [float(np.float32(0.1))]


@pytest.mark.parametrize(
    ("history", "text"),
    [
        (History(), "History(0 epochs)"),
        (History(loss=[0.5]), "History(1 epoch: loss 0.5; best loss 0.5 at epoch 1)"),
        (
            History(loss=[0.9, 0.5, 0.31], val_loss=[0.4, 0.28, 0.29]),
            "History(3 epochs: loss 0.31, val_loss 0.29; best val_loss 0.28 at epoch 2)",
        ),
        (History(loss=[0.5, 0.4], val_loss=[NAN]), "History(2 epochs: loss 0.4; best loss 0.4 at epoch 2)"),
        (History(score=[0.5, "x"]), "History(2 epochs)"),
        (full_history(), "History(3 epochs: loss inf, val_loss 0.8; best val_loss 0.7 at epoch 1, interrupted)"),
    ],
)
def test_repr_is_one_useful_line(history, text):
    assert repr(history) == text


# -- the best epoch --------------------------------------------------------------------------------------------------


def test_best_looks_down_or_up_and_passes_over_nan():
    history = History(loss=[3.0, 1.0, 1.0], val_accuracy=[NAN, 0.5, 0.9], val_loss=[NAN, INF, 2.0], mine=[1.0, 5.0])
    assert history.best("loss") == Best(2, 1.0)
    assert history.best("val_accuracy") == (3, 0.9)
    assert history.best("val_loss") == (3, 2.0)
    assert history.best("val_loss", "max") == (2, INF)
    assert history.best("mine", mode="max") == (2, 5.0)


def test_best_says_what_it_cannot_tell():
    history = History(loss=[NAN], val_loss=[1.0], cost_time=2.0, mine=[1.0])
    with pytest.raises(ArgumentError, match="loss was not measured in any epoch: there is no best one"):
        history.best("loss")
    with pytest.raises(UnknownNameError, match="no history column is named 'cost_time'"):
        history.best("cost_time")
    with pytest.raises(UnknownNameError, match="hint: did you mean 'val_loss'"):
        history.best("val_los")
    with pytest.raises(UnknownNameError, match="no mode is named 'low'"):
        history.best("loss", "low")
    with pytest.raises(ArgumentError) as caught:
        history.best("mine")
    assert str(caught.value) == (
        'the name \'mine\' does not tell whether high or low is better. hint: say mode="min" or "max".'
    )


@pytest.mark.parametrize("name", ["loss", "error", "mae", "mse", "rmse", "log_loss", "calibration_error", "error_rate"])
def test_low_is_better(name):
    assert direction(name) == direction(f"val_{name}") == "min"


@pytest.mark.parametrize(
    "name", ["accuracy", "precision", "recall", "f1", "auc", "roc_auc", "r2", "score", "top_5_accuracy", "f1_macro"]
)
def test_high_is_better(name):
    assert direction(name) == direction(f"val_{name}") == "max"


@pytest.mark.parametrize("name", ["seconds", "learning_rate", "glossy", "val_"])
def test_other_names_do_not_tell(name):
    with pytest.raises(ArgumentError, match="does not tell whether high or low is better"):
        direction(name)


# -- round trips -----------------------------------------------------------------------------------------------------

numbers = st.floats() | st.integers(-(2**60), 2**60)
names = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=6)
tables = st.integers(0, 4).flatmap(
    lambda rows: st.dictionaries(names, st.lists(numbers, min_size=rows, max_size=rows), max_size=4)
)


@given(st.dictionaries(names, st.lists(numbers, max_size=5), max_size=4))
@settings(deadline=None)
def test_json_keeps_every_bit(columns):
    history = History(columns)
    same(History.from_json(history.to_json()), history)


@given(tables)
@settings(deadline=None)
def test_csv_keeps_every_bit(tmp_path_factory, columns):
    path = tmp_path_factory.mktemp("csv") / "history.csv"
    history = History(columns)
    history.to_csv(path)
    assert repr(History.from_csv(path).columns) == repr(history.columns)


def test_everything_but_val_pred_comes_back(tmp_path):
    history = full_history()
    same(History.from_dict(history.to_dict()), history)
    text = history.to_json(tmp_path / "new" / "history.json")
    again = History.from_json(str(tmp_path / "new" / "history.json"))
    same(again, history)
    assert again.to_json() == text
    assert "val_pred" not in again
    restored = History(old=[1.0])
    restored.restore(history.state())
    same(restored, history)


def test_a_restored_history_goes_on_as_the_first_would():
    history, straight = History.from_dict(full_history().to_dict()), full_history()
    for each in (history, straight):
        each.record(4, loss=0.5)
        for step in range(3000):
            each.trace.add(step / 7)
    same(history, straight)


def test_json_is_clean():
    """null for NaN and text for an infinity: no token that other JSON readers refuse."""
    history = full_history()
    history.setdefault("val_accuracy", []).extend([np.float64(0.5), np.float32(NAN), np.bool_(True), -INF])
    history.info |= {"lowest": np.float64(NAN), "seed": np.uint64(2**63), "path": np}
    data = json.loads(history.to_json(), parse_constant=pytest.fail)
    assert data["columns"]["val_accuracy"] == [0.5, None, 1, "-inf"]
    assert data["columns"]["val_loss"] == [0.7, None, 0.8]
    assert data["info"]["lowest"] is None
    assert data["info"]["seed"] == 2**63
    assert data["events"] == [[2.5, "rate", "learning rate 0.1 -> 0.05"]]
    assert len(data["trace"]["values"]) == 1500


def test_csv_is_a_table_of_the_columns(tmp_path):
    path = tmp_path / "history.csv"
    full_history().to_csv(path)
    with open(path, newline="") as file:
        rows = list(csv.reader(file))
    assert rows == [
        ["epoch", "steps", "loss", "val_loss", "seconds"],
        ["1", "10", "0.10000000149011612", "0.7", "0.25"],
        ["2", "20", "0.05", "", "0.5"],
        ["3", "30", "inf", "0.8", "0.5"],
    ]
    History(loss=[1.0, 2.0], val_accuracy=[0.5]).to_csv(path)
    assert repr(History.from_csv(path).columns) == "{'loss': [1.0, 2.0], 'val_accuracy': [0.5, nan]}"


def test_a_column_of_something_else_is_refused_by_name():
    history = History(loss=[1.0], remark=["good"])
    with pytest.raises(DataTypeError) as caught:
        history.to_json()
    assert str(caught.value) == (
        "the history column 'remark' cannot be written. expected numbers, received 'good'. "
        "hint: notes of another kind can stand in history.info."
    )


def changed(**change):
    return History(loss=[1.0]).to_dict() | change


@pytest.mark.parametrize(
    "data",
    [
        {},
        {"loss": [1.0]},
        [],
        None,
        changed(columns={"loss": 1.0}),
        changed(columns={"loss": ["x"]}),
        changed(columns={"loss": [True]}),
        changed(columns=[1]),
        changed(cost_time="soon"),
        changed(cost_time=[]),
        changed(info=3),
        changed(events=[[1, "stop"]]),
        changed(events=[["x", "stop", "text"]]),
        changed(events=3),
        changed(trace={}),
        changed(trace=None),
    ],
)
def test_other_data_is_refused_and_changes_nothing(data):
    history = History(val_loss=[2.0])
    with pytest.raises(CorruptDataError):
        history.restore(data)
    assert history == {"val_loss": [2.0]}


@pytest.mark.parametrize("text", ["{", "{'loss': 1}", "{" * 100_000, "[1]", "", "\xff"])
def test_a_file_that_is_no_json_is_named(tmp_path, text):
    path = tmp_path / "history.json"
    path.write_bytes(text.encode("latin-1"))
    with pytest.raises(CorruptDataError):
        History.from_json(path)
    with pytest.raises(CorruptDataError, match="holds no history|this is no history"):
        History.from_json("{" + text)
    with pytest.raises(FileNotFoundError):
        History.from_json(tmp_path / "nowhere.json")


@pytest.mark.parametrize("text", ["loss,loss\n1,2\n", "loss\n1,2\n", "loss\nx\n", "a,b\n1\n", "loss\n\xff\n"])
def test_a_file_that_is_no_table_is_named(tmp_path, text):
    path = tmp_path / "history.csv"
    path.write_bytes(text.encode("latin-1"))
    with pytest.raises(CorruptDataError, match=r"history.csv holds no history. expected a row of names"):
        History.from_csv(path)


# -- pandas ----------------------------------------------------------------------------------------------------------


def test_a_data_frame_has_the_columns():
    pytest.importorskip("pandas", reason="pandas is no dependency of the tests: it is large")
    frame = History(loss=[1.0, 0.5], steps=[1, 2], val_accuracy=[0.5]).to_pandas()
    assert list(frame.columns) == ["loss", "steps", "val_accuracy"]
    assert frame["steps"].tolist() == [1, 2]
    assert math.isnan(frame["val_accuracy"][1])


def test_without_pandas_the_error_says_how_to_get_it(monkeypatch):
    def without(name, *args, **kwargs):
        if name == "pandas":
            raise ImportError
        return real(name, *args, **kwargs)

    real = builtins.__import__
    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(MissingLibraryError) as caught:
        History(loss=[1.0]).to_pandas()
    assert str(caught.value) == "to_pandas needs pandas. hint: pip install pandas"
    assert isinstance(caught.value, ImportError)


def test_ten_thousand_epochs_of_many_columns_can_be_saved(tmp_path):
    """As arrays: as text they would not fit into the header of the file."""
    from cutedl import checkpoint

    history = History({f"column_{i}": np.random.default_rng(i).random(10_000).tolist() for i in range(20)})
    history["steps"] = list(range(10_000))
    history["val_loss"] = [float("nan"), float("inf"), 3]
    checkpoint.write(tmp_path / "history.safetensors", history.state())
    again = History()
    again.restore(checkpoint.read(tmp_path / "history.safetensors").state)
    np.testing.assert_equal(dict(again), dict(history))
    assert {type(value) for value in again["steps"]} == {int}
    assert type(again["val_loss"][2]) is int
