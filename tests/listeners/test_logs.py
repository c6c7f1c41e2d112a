"""Tables and JSON lines that grow while training runs."""

import json
import math
import os
import subprocess
import sys

import pytest

from cutedl.errors import UnknownNameError
from cutedl.history import History
from cutedl.listeners import CSVLogger, JSONLogger, LambdaListener
from tests.listeners.runs import Raises, data, new_session, rich_session

BOTH = pytest.mark.parametrize("kind", [CSVLogger, JSONLogger])


def lines(path):
    return path.read_bytes().decode().split("\n")


def test_the_table_is_the_history(tmp_path):
    s = rich_session()
    s.fit(data(), 4, 2, data(16), listeners=[CSVLogger(tmp_path / "run.csv")], verbose=0)
    table = History.from_csv(tmp_path / "run.csv")
    assert table.columns.keys() == s.history.columns.keys()
    for key, column in s.history.columns.items():
        assert repr(table[key]) == repr(column), key
    assert list(table)[:4] == ["epoch", "steps", "loss", "mae"]
    assert math.isnan(table["val_loss"][0])


def test_each_line_is_an_object_with_plain_numbers_and_null_for_nan(tmp_path):
    s = rich_session()
    s.fit(data(), 4, 2, data(16), listeners=[JSONLogger(tmp_path / "run.jsonl")], verbose=0)
    *rows, rest = lines(tmp_path / "run.jsonl")
    rows = [json.loads(row, parse_constant=pytest.fail) for row in rows]
    assert rest == ""
    assert [row["loss"] for row in rows] == s.history["loss"]
    assert [row["epoch"] for row in rows] == [1, 2, 3, 4]
    assert [row.get("val_loss") for row in rows] == [None, s.history["val_loss"][1], None, s.history["val_loss"][3]]
    assert "NaN" not in (tmp_path / "run.jsonl").read_text()


@BOTH
def test_a_line_is_in_the_file_when_the_next_epoch_begins(kind, tmp_path):
    program = (
        "import os, sys\nfrom cutedl.listeners import *\nfrom tests.listeners.runs import *\n"
        f"log = {kind.__name__}(sys.argv[1])\n"
        "die = LambdaListener(epoch_start=lambda s: os._exit(9) if s.epoch == 4 else None)\n"
        "new_session().fit(data(), 5, listeners=[log, die], verbose=0)"
    )
    path = tmp_path / "new" / "log"
    done = subprocess.run([sys.executable, "-c", program, path], env={**os.environ, "PYTHONPATH": "."})
    assert done.returncode == 9
    assert len(lines(path)) == (1 if kind is CSVLogger else 0) + 3 + 1


@BOTH
def test_several_fits_with_one_logger_are_one_log(kind, tmp_path):
    s, log = new_session(), kind(tmp_path / "log")
    s.fit(data(), 2, listeners=[log], verbose=0)
    s.fit(data(), 2, listeners=[log], verbose=0)
    new_session().fit(data(), 1, listeners=[kind(tmp_path / "other")], verbose=0)
    assert len(lines(tmp_path / "log")) - len(lines(tmp_path / "other")) == 3


@BOTH
def test_a_new_session_begins_the_file_anew_or_appends(kind, tmp_path):
    for epochs in (3, 1):
        new_session().fit(data(), epochs, listeners=[kind(tmp_path / "log")], verbose=0)
    once = lines(tmp_path / "log")
    for _ in range(2):
        new_session().fit(data(), 1, listeners=[kind(tmp_path / "log", append=True)], verbose=0)
    assert len(lines(tmp_path / "log")) == len(once) + 2
    assert lines(tmp_path / "log")[: len(once) - 1] == once[:-1]


@BOTH
@pytest.mark.parametrize("torn", [b"4,20,0.0", b'{"epoch": 4, "st', b"4"])
def test_a_line_that_was_cut_short_is_removed_before_appending(kind, torn, tmp_path):
    new_session().fit(data(), 2, listeners=[kind(tmp_path / "log")], verbose=0)
    whole = (tmp_path / "log").read_bytes()
    (tmp_path / "log").write_bytes(whole + torn)
    new_session().fit(data(), 1, listeners=[kind(tmp_path / "log", append=True)], verbose=0)
    assert (tmp_path / "log").read_bytes().startswith(whole)
    assert torn not in (tmp_path / "log").read_bytes()[len(whole) : len(whole) + len(torn)]
    assert len(lines(tmp_path / "log")) == len(whole.decode().split("\n")) + 1


def test_a_table_gets_wider_when_a_column_comes_later(tmp_path):
    path = tmp_path / "log"
    new_session().fit(data(), 2, listeners=[CSVLogger(path)], verbose=0)
    rich_session().fit(data(), 2, val_data=data(16), listeners=[CSVLogger(path, append=True)], verbose=0)
    table = History.from_csv(path)
    assert len(table["epoch"]) == 4
    assert [math.isnan(value) for value in table["val_mae"]] == [True, True, False, False]
    assert not any(math.isnan(value) for value in table["loss"])


def test_a_table_may_have_a_column_that_comes_later(tmp_path):
    path = tmp_path / "log"
    new_session().fit(data(), 2, val_data=data(16), listeners=[CSVLogger(path)], verbose=0)
    new_session().fit(data(), 4, 3, data(16), listeners=[CSVLogger(path, append=True)], verbose=0)
    measured = [not math.isnan(value) for value in History.from_csv(path)["val_loss"]]
    assert measured == [True, True, False, False, True, False]


def test_a_table_with_a_column_that_this_fit_will_not_have_is_refused_before_training(tmp_path):
    path = tmp_path / "log"
    rich_session().fit(data(), 1, listeners=[CSVLogger(path)], verbose=0)
    before, s = path.read_bytes(), new_session()
    with pytest.raises(UnknownNameError, match="no history key is named 'mae'. expected one of: epoch, .*"):
        s.fit(data(), 1, listeners=[CSVLogger(path, append=True)], verbose=0)
    assert s.epoch == 0
    assert path.read_bytes() == before


@BOTH
def test_a_file_that_cannot_be_written_is_an_error_before_the_first_epoch(kind, tmp_path):
    (tmp_path / "file").write_text("")
    (tmp_path / "folder").mkdir()
    for path in (tmp_path / "file" / "log", tmp_path / "folder"):
        s = new_session()
        with pytest.raises(OSError, match=path.name if path.name == "folder" else "file"):
            s.fit(data(), 1, listeners=[kind(path)], verbose=0)
        assert s.epoch == 0


@BOTH
def test_an_error_in_training_leaves_whole_lines(kind, tmp_path):
    with pytest.raises(OSError, match="disk full"):
        new_session().fit(data(), 5, listeners=[kind(tmp_path / "log"), Raises("batch_end", 3)], verbose=0)
    assert lines(tmp_path / "log")[-1] == ""
    assert lines(tmp_path / "log")[-2][:4] in ("2,10", '{"ep')


def test_a_column_of_the_users_own_is_written_too(tmp_path):
    s = new_session()
    s.history["remark, quoted"] = []
    remark = LambdaListener(val_end=lambda s: s.history["remark, quoted"].append('say "good"'))
    s.fit(data(), 1, val_data=data(), listeners=[remark, CSVLogger(tmp_path / "log")], verbose=0)
    assert '"say ""good"""' in lines(tmp_path / "log")[1]
