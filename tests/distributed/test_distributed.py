"""Training on several ranks, started by the real mpiexec."""

import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cutedl import distributed, losses, metrics, ranks
from cutedl.errors import ArgumentError, MissingLibraryError

PROGRAM = Path(__file__).parent / "program.py"
ROOT = PROGRAM.parent.parent.parent
MPIEXEC = shutil.which("mpiexec", path=os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]))
needs_mpi = pytest.mark.skipif(MPIEXEC is None, reason="there is no mpiexec: pip install cutedl[mpi]")


def start(count, *command, threads="1"):
    """The finished process; a hang is an error after 60 s."""
    pytest.importorskip("mpi4py", reason="mpi4py is not installed: pip install cutedl[mpi]")
    inherited = {key: value for key, value in os.environ.items() if not key.endswith("_NUM_THREADS")}
    environment = {**inherited, "PYTHONPATH": str(ROOT), "CUTEDL_OFFLINE": "1"}
    environment |= {"OPENBLAS_NUM_THREADS": threads} if threads else {}
    launcher = [MPIEXEC, "-n", str(count)] if count > 1 else []
    runner = [sys.executable, *(["-m", "mpi4py"] if count > 1 else []), *map(str, command)]
    return subprocess.run(
        [*launcher, *runner], stdin=subprocess.DEVNULL, capture_output=True, text=True, env=environment, timeout=60
    )


def run(ranks, folder, what):
    """What each rank told of itself, and the process."""
    done = start(ranks, PROGRAM, folder, what)
    assert done.returncode == 0, done.stderr
    return [json.loads((folder / f"{what}-{ranks}-{rank}.json").read_text()) for rank in range(ranks)], done


def same_everywhere(told):
    for each in told[1:]:
        assert each["values"] == told[0]["values"]
        assert each["state"] == told[0]["state"]
        assert each["tables"] == told[0]["tables"]
        assert each["columns"] == told[0]["columns"]
        assert each["stop"] == told[0]["stop"]


@pytest.fixture(scope="module")
def alone(tmp_path_factory):
    folder = tmp_path_factory.mktemp("alone")
    return {what: run(1, folder, what)[0][0] for what in ("equality", "tables")}


@needs_mpi
@pytest.mark.parametrize("ranks", [2, 3])
def test_ranks_times_batch_is_one_rank_with_the_whole_batch(ranks, alone, tmp_path):
    told, done = run(ranks, tmp_path, "equality")
    same_everywhere(told)
    assert done.stdout + done.stderr == ""
    for rank in told:
        assert rank["fits"] == told[0]["fits"]
    for name, fit in told[0]["fits"].items():
        one = alone["equality"]["fits"][name]
        np.testing.assert_allclose(fit["values"], one["values"], rtol=0, atol=1e-12, err_msg=name)
        np.testing.assert_allclose(fit["val_pred"], one["val_pred"], rtol=0, atol=1e-12, err_msg=name)
        assert fit["columns"].keys() == one["columns"].keys()
        for key, column in fit["columns"].items():
            np.testing.assert_allclose(column, one["columns"][key], rtol=1e-12, atol=1e-12, err_msg=f"{name} {key}")


@needs_mpi
def test_rows_of_tables_and_moving_statistics_are_those_of_all_ranks(alone, tmp_path):
    told, _ = run(3, tmp_path, "tables")
    same_everywhere(told)
    np.testing.assert_allclose(told[0]["rows"], alone["tables"]["rows"], rtol=0, atol=1e-12)
    np.testing.assert_allclose(told[0]["moving_mean"], alone["tables"]["moving_mean"], rtol=1e-12)
    np.testing.assert_allclose(told[0]["loss"], alone["tables"]["loss"], rtol=1e-12)
    np.testing.assert_allclose(told[0]["head"], alone["tables"]["head"], rtol=1e-5)  # a model in float32


@needs_mpi
def test_one_rank_prints_and_saves_all_stop_together_and_each_draws_its_own_noise(tmp_path):
    told, done = run(2, tmp_path, "noise")
    same_everywhere(told)
    epochs = told[0]["epoch"]
    assert "no better than" in told[0]["stop"]
    assert 2 < epochs < 50
    assert len(done.stderr.splitlines()) == epochs
    assert done.stdout == ""
    assert len(list(tmp_path.glob("run-*.safetensors"))) == epochs
    assert (tmp_path / "by-0.safetensors").exists()
    assert not (tmp_path / "by-1.safetensors").exists()
    assert told[0]["first_mask"] != told[1]["first_mask"]


@needs_mpi
def test_the_run_of_a_killed_rank_ends_and_resumes_from_its_checkpoint_exactly(tmp_path):
    whole, _ = run(2, tmp_path, "resume")
    began = time.monotonic()
    done = start(2, PROGRAM, tmp_path, "kill")
    assert time.monotonic() - began < 20  # 10 s of a machine that does nothing else
    assert done.returncode != 0
    assert not list(tmp_path.glob("kill-*.json"))
    resumed, _ = run(2, tmp_path, "resume")
    same_everywhere(resumed)
    for key in ("values", "state", "columns", "epoch"):
        assert resumed[0][key] == whole[0][key], key
    assert whole[0]["epoch"] == 6


@needs_mpi
def test_a_signal_to_one_rank_stops_all_after_the_same_batch_and_they_go_on_exactly(tmp_path):
    whole, _ = run(2, tmp_path, "resume")
    told, _ = run(2, tmp_path, "interrupt")
    same_everywhere(told)
    assert told[0]["where"] == told[1]["where"] == [2, 3, "interrupted by SIGINT"]
    assert told[0]["interrupted"] is told[1]["interrupted"] is True
    assert told[0]["values"] == whole[0]["values"]
    np.testing.assert_allclose(told[0]["columns"]["loss"], whole[0]["columns"]["loss"], rtol=1e-12)


@needs_mpi
def test_an_error_on_one_rank_ends_all(tmp_path):
    began = time.monotonic()
    done = start(2, PROGRAM, tmp_path, "error")
    assert time.monotonic() - began < 20  # 10 s of a machine that does nothing else
    assert done.returncode != 0
    assert "rank 1 of 2 ends all others:" in done.stderr
    assert "RuntimeError: the disk of rank 1 is gone" in done.stderr


@needs_mpi
def test_a_rank_that_never_comes_is_not_waited_for_without_end():
    """It failed before world(), so that MPI knows nothing of it."""
    code = (
        "import os, sys; sys.exit(3) if os.environ['PMI_RANK'] == '1' else None;"
        "from cutedl import distributed; distributed._MEETING = 1.0; distributed.world()"
    )
    done = start(2, "-c", code)
    assert done.returncode != 0
    assert "distributed.py" in done.stderr


@needs_mpi
def test_errors_that_concern_all_are_raised_on_all(tmp_path):
    told, _ = run(2, tmp_path, "agreed")
    same_everywhere(told)
    first, second = (each["errors"] for each in told)
    assert first.keys() == second.keys() == {"save", "drift", "nan", "other data", "argument", "sampler"}
    assert first["save"].startswith("CheckpointWriteError: ")
    assert second["save"] == f"DistributedError: rank 0 failed: {first['save']}"
    assert first["drift"] == second["drift"]
    assert first["drift"].startswith("DistributedError: the parameters of rank 1 are not those of rank 0.")
    assert first["nan"].startswith("NonFiniteError: ")
    assert "on rank 0. Nothing was updated" in first["nan"]
    assert "on rank 1. Nothing was updated" in second["nan"]
    assert first["other data"] == second["other data"]
    assert "rank 1 was asked for another fit than rank 0. expected the same data" in first["other data"]
    assert first["argument"] == second["argument"]
    assert "learned_unigram" in first["sampler"]


@needs_mpi
def test_the_example_runs_alone_and_on_two_ranks_and_says_the_same(tmp_path):
    example = ROOT / "examples" / "distributed" / "mnist.py"
    one, two = (start(ranks, example, "--quick", "--batch-size", 256 // ranks) for ranks in (1, 2))
    assert one.returncode == two.returncode == 0, one.stderr + two.stderr
    assert one.stdout.count("test accuracy") == two.stdout.count("test accuracy") == 1
    assert "1 rank × 256" in one.stdout
    assert "2 ranks × 128" in two.stdout
    accuracies = [float(done.stdout.split("test accuracy ")[1].split("%")[0]) for done in (one, two)]
    assert abs(accuracies[0] - accuracies[1]) < 0.5


@needs_mpi
def test_the_benchmark_prints_its_three_tables():
    done = start(1, "-m", "benchmarks.distributed", "--seconds", "0.001", "--quick")
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("| 784-128-10 | 256 |") == 4  # 1 and 2 ranks, two networks
    assert "| 784-128-10 | 100 Gbit/s |" in done.stdout


@needs_mpi
def test_blas_gets_the_share_of_a_rank():
    pytest.importorskip("threadpoolctl", reason="threadpoolctl is not installed: pip install cutedl[mpi]")
    code = (
        "import os, numpy, threadpoolctl; from cutedl import distributed; distributed.world();"
        "threads = {pool['num_threads'] for pool in threadpoolctl.threadpool_info()};"
        "assert threads == {max(1, os.cpu_count() // 2)}, threads"
    )
    done = start(2, "-c", code, threads=None)
    assert done.returncode == 0, done.stderr


def test_ranks_without_mpi4py_do_not_train_each_alone(monkeypatch):
    monkeypatch.setenv("PMI_SIZE", "4")
    monkeypatch.setitem(sys.modules, "mpi4py", None)
    with pytest.raises(MissingLibraryError, match=r"4 ranks were started, and this one has no MPI: .* cutedl\[mpi\]"):
        distributed.world()
    monkeypatch.setenv("PMI_SIZE", "1")
    assert distributed.world().size == 1


def test_the_learning_rate_follows_the_global_batch_only_when_asked():
    comm = distributed.world()
    assert distributed.scaled_rate(0.1, 256, comm, tuned_for=64, rule="sqrt") == pytest.approx(0.2)
    with pytest.raises(ArgumentError, match="tuned_for cannot be used"):
        distributed.scaled_rate(0.1, 256, comm, tuned_for=0)


@pytest.mark.parametrize("name", ["confusion_matrix", "calibration_error", "top_2_accuracy", "precision", "roc_auc"])
def test_a_merged_metric_is_that_of_all_rows(name):
    generator = np.random.default_rng(0)
    y, x = generator.integers(0, 3, 60), generator.normal(size=(60, 3)).astype("float32")
    loss = losses.SparseCategoricalCrossentropy()
    whole, *parts = (metrics.get(name, loss) for _ in range(4))
    whole.update(y, x)
    parts[0].update(y[:7], x[:7])  # and parts[1] sees nothing
    parts[2].update(y[7:], x[7:])
    merged = metrics.get(name, loss)
    for part in parts:
        merged.merge(part.state())
    assert merged.result() == whole.result()


@pytest.mark.parametrize("name", ["r2", "mae", "rmse"])
def test_a_merged_metric_of_numbers_is_that_of_all_rows(name):
    y, x = np.random.default_rng(0).normal(size=(2, 60, 2))
    whole, *parts = (metrics.get(name, losses.MeanSquaredError()) for _ in range(3))
    whole.update(y, x)
    parts[0].update(y[:7], x[:7])
    parts[1].update(y[7:], x[7:])
    parts[0].merge(parts[1].state())
    assert parts[0].result() == whole.result()


@given(st.integers(1, 60), st.integers(1, 9), st.integers(1, 7))
def test_the_ranks_share_every_sample_once_and_every_global_batch_evenly(count, batch_size, size):
    order = np.random.default_rng(0).permutation(count)
    shares = [ranks.shard(order, batch_size, rank, size) for rank in range(size)]
    assert sorted(np.concatenate(shares)) == sorted(order)
    for start in range(0, count, batch_size * size):
        step = slice(start // size, start // size + batch_size)
        parts = [share[step] for share in shares]
        assert set(np.concatenate(parts)) == set(order[start : start + batch_size * size])
        assert max(map(len, parts)) - min(map(len, parts)) <= 1
