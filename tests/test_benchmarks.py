"""The benchmarks run and do the same work as each other; no time is asserted."""

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from benchmarks import child, contest, scaling
from benchmarks.__main__ import arguments
from benchmarks.bars import BARS, verdict
from benchmarks.data import read, write
from benchmarks.handwritten import HandWritten
from benchmarks.peers import PEERS
from benchmarks.peers.with_cutedl import session as session_of
from benchmarks.table import duration, work_table
from benchmarks.works import WORKS, Work

ROOT = Path(__file__).parent.parent
RESULT = {"seconds", "median", "facts", "peak_mb", "before_mb", "idle_cpu_seconds"}


def tiny(loss="sigmoid", optimizer="adam", sizes=(20, 8, 6, 1), predict=0):
    return Work("tiny", "tiny", sizes, 16, optimizer, 0.01, loss, "table", predict, batches=3)


def run(module, *arguments, path=None):
    environment = {**os.environ, "CUTEDL_OFFLINE": "1"}
    if path is not None:
        environment["PYTHONPATH"] = str(path)
    command = [sys.executable, "-W", "error", "-m", module, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, cwd=ROOT, env=environment)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("data")
    write(folder, ["table"])
    return folder


@pytest.fixture(scope="module")
def contested(tmp_path_factory):
    """A quick run in which one library cannot be imported and another one takes its process with it."""
    folder = tmp_path_factory.mktemp("contest")
    (folder / "sklearn.py").write_text("raise ImportError('not on this machine')\n")
    (folder / "torch.py").write_text("import os, sys\nprint('torn apart', file=sys.stderr, flush=True)\nos._exit(3)\n")
    done = run(
        "benchmarks", "--quick", "--works", "w0", "--peers", "numpy,torch,scikit-learn",
        "--json", folder / "result.json", "--picture", folder / "result.png", path=folder,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout, json.loads((folder / "result.json").read_text()), (folder / "result.png").read_bytes()


def test_a_run_records_machine_settings_and_every_peer(contested):
    _, record, _ = contested
    assert set(record) == {"machine", "settings", "works"}
    assert record["settings"] == {"rounds": 2, "threads": 2, "quick": True}
    assert {"processor", "threads", "numpy", "blas", "python", "load", "time"} - {"threads"} <= set(record["machine"])
    work = record["works"]["w0"]
    assert (work["unit"], work["data"]) == ("seconds per epoch", "synthetic table")
    assert list(work["peers"]) == ["cutedl", "numpy", "torch", "scikit-learn"]
    ours, theirs = work["peers"]["cutedl"], work["peers"]["numpy"]
    assert set(ours) == RESULT | {"accuracy", "loss"}
    assert set(theirs) == RESULT | {"accuracy", "loss", "ratio", "bar"}
    assert len(ours["seconds"]) == 2
    pairs = [b / a for a, b in zip(ours["seconds"], theirs["seconds"], strict=True)]
    assert (theirs["ratio"]["low"], theirs["ratio"]["high"]) == (min(pairs), max(pairs))
    assert theirs["bar"] == {"at_least": 0.9, "met": theirs["ratio"]["median"] >= 0.9}
    assert ours["peak_mb"] >= ours["before_mb"] > 0


def test_absent_peers_are_listed_with_the_reason(contested):
    output, record, _ = contested
    peers = record["works"]["w0"]["peers"]
    assert peers["scikit-learn"] == {"absent": "ImportError: not on this machine"}
    assert peers["torch"] == {"absent": "ended with code 3: torn apart"}
    assert "absent  ImportError: not on this machine" in output


def test_the_picture_is_written(contested):
    assert contested[2].startswith(b"\x89PNG")


def test_quick_numbers_are_called_meaningless(contested):
    assert "these numbers mean nothing" in contested[0]


@pytest.mark.parametrize(("loss", "sizes"), [("sigmoid", (20, 8, 6, 1)), ("softmax", (20, 8, 3)), ("softmax", (20, 3))])
@pytest.mark.parametrize("optimizer", ["adam", "sgd"])
def test_the_hand_written_loop_takes_the_steps_of_cutedl(loss, sizes, optimizer):
    work, generator = tiny(loss, optimizer, sizes), np.random.default_rng(1)
    session, hand = session_of(work), HandWritten(sizes, work.batch, optimizer, loss, work.learning_rate)
    session.model.arena.values[...] = hand.w
    for _ in range(70):  # past the first flush
        hand.x[...] = generator.normal(size=hand.x.shape)
        hand.label[...] = generator.integers(0, 2 if loss == "sigmoid" else 3, hand.label.shape)
        expected = session.batch_train(hand.x.copy(), hand.label.copy())
        assert hand.step() == pytest.approx(expected, rel=1e-4)
    np.testing.assert_allclose(hand.w, session.model.arena.values, rtol=1e-2, atol=1e-4)
    np.testing.assert_allclose(hand.predict(hand.x), session.model.predict(hand.x), rtol=1e-2, atol=1e-3)


@pytest.mark.parametrize("name", ["cutedl", "numpy", "scikit-learn"])
@pytest.mark.parametrize("predict", [0, 1, 40])
def test_a_peer_takes_turns_and_learns(name, predict, folder):
    if name == "scikit-learn":
        pytest.importorskip("sklearn")
    turns = child.Turns(name, tiny(predict=predict), folder, threads=1)
    assert turns.turn() > 0
    end = turns.finish()
    assert ("accuracy" in end) == (predict == 0)
    outputs = turns.peer.logits(turns.data.x_test[:7])
    assert outputs.shape == (7, 1)
    if not predict:
        for _ in range(40):
            turns.peer.epoch()
        assert child.test_scores(turns.peer.logits(turns.data.x), turns.data.y)["loss"] < end["loss"]


def test_a_turn_has_the_epochs_of_its_work_and_tells_the_seconds_of_one(folder, monkeypatch):
    turns = child.Turns("numpy", replace(tiny(), epochs=5), folder, threads=1)
    done = []
    monkeypatch.setattr(turns.peer, "epoch", lambda: done.append(1))
    monkeypatch.setattr(child, "perf_counter", iter([10.0, 20.0]).__next__)
    assert turns.turn() == 2.0
    assert len(done) == 5
    units = [replace(tiny(), epochs=epochs).unit for epochs in (1, 5)]
    assert units == ["seconds per epoch", "seconds per epoch, 5 a turn"]


def test_scores_of_both_losses():
    z = np.array([[2.0], [-1.0]])
    scores = child.test_scores(z, np.array([[1.0], [1.0]], np.float32))
    assert scores == {"accuracy": 0.5, "loss": pytest.approx(np.log1p(np.exp([-2.0, 1.0])).mean())}
    twice = child.test_scores(np.hstack([0 * z, z]) + 1000, np.array([1, 1]))
    assert twice["loss"] == pytest.approx(scores["loss"])


def test_the_table_is_the_same_everywhere_and_can_be_learnt(folder):
    data = read(folder, "table")
    assert data.x.shape == (20_000, 20)
    assert data.y.shape == (20_000, 1)
    assert {data.x.dtype, data.y.dtype} == {np.dtype("float32")}
    assert 0.4 < data.y.mean() < 0.6
    assert (data.y[:5].ravel().tolist(), len(data.x_test)) == ([1, 0, 0, 1, 1], 5_000)


def test_every_bar_is_against_a_peer_that_takes_part():
    assert set(BARS) == set(WORKS)
    for name, bars in BARS.items():
        assert set(bars) <= {entry.group for entry in PEERS.values() if entry.predicts or not WORKS[name].predict}
    assert verdict("w2", "torch", 2.5) == {"at_least": 2.5, "met": True}
    assert verdict("predict-1", "jax-scan", 9.0) is None


def test_works_have_whole_batches():
    assert [WORKS[name].rows(60_000) for name in ("w1", "w3", "w4")] == [59_968, 59_904, 59_392]
    assert WORKS["w4"].quick().rows(60_000) == 4 * 1024


def test_command_line():
    options = arguments(["--works", "w0,w2", "--peers", "numpy"])
    assert (options.works, options.peers, options.rounds) == (["w0", "w2"], ["cutedl", "numpy"], 7)
    with pytest.raises(SystemExit):
        arguments(["--works", "w9"])


def test_ratios_are_paired_by_round():
    results = {"cutedl": {"seconds": [1.0, 2.0, 4.0]}, "numpy": {"seconds": [2.0, 2.0, 2.0]}, "torch": {"absent": ""}}
    contest._compare("w2", results)
    assert results["numpy"]["ratio"] == {
        "median": 1.0, "lower_quartile": 0.75, "upper_quartile": 1.5, "low": 0.5, "high": 2.0,
    }  # fmt: skip
    assert results["torch"] == {"absent": ""}


def test_text_of_a_record():
    result = {
        "seconds": [0.5],
        "median": 0.5,
        "facts": {},
        "peak_mb": 80.0,
        "before_mb": 1.0,
        "accuracy": 0.9,
        "loss": 1,
    }
    ratio = {"median": 1.5, "low": 1.25, "high": 2.0}
    peers = {"cutedl": result, "torch": {**result, "ratio": ratio, "bar": {"at_least": 4, "met": False}}}
    record = {"title": "t", "shape": "s", "data": "MNIST", "unit": "seconds per epoch", "peers": peers}
    text = work_table("w9", record)
    assert "1.50 (1.25 to 2.00)" in text
    assert text.endswith(">= 4 MISSED")
    assert [duration(x) for x in (1.5e-5, 0.0115, 0.25)] == ["15.0 us", "11.50 ms", "0.250 s"]


def test_profile_prints_every_part_of_a_step():
    done = run("benchmarks.profile", "w0", "--quick", "--rounds", 1)
    assert done.returncode == 0, done.stderr
    rows = [line[:24].strip() for line in done.stdout.splitlines()[2:]]
    layers = ["dense_0", "relu_0", "dense_1", "relu_1", "dense_2"]
    assert rows == [
        "gather", *(f"{name} forward" for name in layers), "loss", *(f"{name} backward" for name in reversed(layers)),
        "optimizer", "gradient norm", "rest of fit", "step",
    ]  # fmt: skip


def test_scaling_measures_every_axis_and_a_file():
    assert scaling.slope([1, 10, 100, 1000], [5, 5, 7, 70]) == pytest.approx(1)
    for cost, sizes in scaling.AXES.values():
        assert cost(sizes[0], 1e-4) > 0
    assert len(list(scaling.from_disk(1))) == 3


def test_step_prints_both_loops():
    done = run("benchmarks.step", "--rounds", 1)
    assert done.returncode == 0, done.stderr
    assert [line.split()[0] for line in done.stdout.splitlines()] == ["w2", "Session.fit", "hand-written", "ratio"]


def test_goals_measures_all_of_them():
    done = run("benchmarks.goals", "--quick")
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert [line.split()[0] for line in lines[1:]] == ["2", "92%", "98%", "memory"]
    assert "no figure means anything" in lines[0]
