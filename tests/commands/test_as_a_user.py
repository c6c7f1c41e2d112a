"""The program in a process of its own, with pipes, as it is typed."""

import json
import os
import shlex
import signal
import subprocess
import sys
import tomllib
from pathlib import Path

import numpy as np
import pytest

from cutedl import Model, Session, __version__, losses, nn, optimizers
from cutedl.__main__ import main

ROOT = Path(__file__).parents[2]


def shell(command, folder, strict=True):
    program = f"{shlex.quote(sys.executable)} {'-W error ' * strict}-m cutedl"
    return subprocess.run(
        ["bash", "-o", "pipefail", "-c", command.replace("cutedl", program, 1)],
        cwd=folder,
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT), "CUTEDL_OFFLINE": "1"},
    )


def test_a_pipe_gets_json_and_nothing_else(ring_csv, tmp_path):
    done = shell(f"cutedl train {ring_csv.name} --epochs 3 --json | {sys.executable} -m json.tool --compact", tmp_path)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["epochs"] == 3
    assert len(done.stderr.splitlines()) == 4  # a remark, and one line per epoch
    assert not set(map(ord, done.stderr)) & set(range(10))
    assert "\r" not in done.stderr


def test_errors_are_one_line_without_traceback(ring_csv, tmp_path):
    done = shell("cutedl train nowhere.csv", tmp_path)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "cutedl: nowhere.csv: no such file or directory\n"
    done = shell(f"cutedl train {ring_csv.name} --epochs many", tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert "argument --epochs: invalid int value: 'many'" in done.stderr
    done = shell("cutedl", tmp_path)
    assert done.returncode == 2
    assert "the following arguments are required: COMMAND" in done.stderr


@pytest.mark.parametrize("command", ["", "train", "evaluate", "report", "summary", "datasets"])
def test_help_is_there_and_fits_the_terminal(command, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "100")
    with pytest.raises(SystemExit) as caught:
        main([*command.split(), "--help"])
    shown = capsys.readouterr().out
    assert caught.value.code == 0
    assert shown.startswith(f"usage: cutedl {command}".rstrip())
    assert max(map(len, shown.splitlines())) <= 100
    assert "--json" in shown or not command


def test_a_reader_that_goes_away_makes_no_noise(tmp_path):
    done = shell("cutedl datasets | true", tmp_path)
    assert done.stderr == ""


def test_ctrl_c_keeps_what_was_trained(ring_csv, tmp_path):
    command = [
        sys.executable,
        "-m",
        "cutedl",
        "train",
        ring_csv,
        "--epochs",
        "1000000",
        "--save",
        "run.safetensors",
        "--json",
    ]
    with subprocess.Popen(
        command,
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    ) as process:
        while not process.stderr.readline().startswith("epoch 3/"):
            assert process.poll() is None
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
    assert process.returncode == 1
    assert json.loads(out)["stop_reason"] == "interrupted by SIGINT"
    assert json.loads(out)["epochs"] >= 3
    assert "Traceback" not in err
    done = shell("cutedl summary run.safetensors", tmp_path)
    assert done.returncode == 0, done.stderr


def test_a_warning_is_one_line(tmp_path):
    """Sigmoids beside each other are no distribution, though the loss takes them for one."""
    model = Model([nn.Dense(3, inshape=2, activation="sigmoid")])
    model.assemble(seed=0)
    loss = losses.CategoricalCrossentropy(from_logits=False)
    Session(model, loss, optimizers.SGD(), seed=0).save(tmp_path / "run.safetensors")
    np.savez(tmp_path / "data.npz", x=np.ones((3, 2)), y=np.arange(3))
    done = shell("cutedl evaluate run.safetensors data.npz", tmp_path, strict=False)
    assert done.returncode == 0, done.stderr
    assert done.stderr.startswith("cutedl: warning: ")
    assert len(done.stderr.splitlines()) == 1


def test_the_installed_program_is_the_same_one():
    scripts = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["scripts"]
    assert scripts == {"cutedl": f"{main.__module__}:{main.__name__}"}


def test_version(tmp_path):
    assert shell("cutedl --version", tmp_path).stdout == f"cutedl {__version__}\n"


def test_mnist_is_trained_by_name(tmp_path):
    if "CUTEDL_DATA" not in os.environ:
        pytest.skip("CUTEDL_DATA does not say where MNIST is")
    done = shell("cutedl train mnist --layers '' --epochs 1 --seed 0 --quiet --json", tmp_path)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["test"]["accuracy"] > 0.88
