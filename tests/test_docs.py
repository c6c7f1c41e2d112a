"""Every code block of README and docs/ runs."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]

# Commands that readers type, and who runs them in a test. A command that is not listed here fails.
COMMANDS = {
    "make mnist": "test_make_mnist_prints_what_the_readme_shows",
    "make test": "this run",
    "python -m pip install .": "`make wheel` in .ci/run: a wheel in a clean environment",
    "python -m pip install --no-deps .": "`make wheel`: tests/installed/alone.py",
    "python -m pip install '.[sklearn,onnx]'": "the Makefile installs the extras of the tests",
    "python -m pip install numpy": "`make wheel`",
    "make wheel": ".ci/run",
    "python examples/mlp/mnist-recognize.py": "tests/test_examples.py",
    "mpiexec -n 4 python -m mpi4py train.py": "tests/distributed",
    "python -m benchmarks.distributed": "tests/distributed",
    'python -m pip install "cutedl[mpi]"': "the extra is part of [test], which `make test` installs",
    "python train.py": "the page's own code, alone",
    "make bench": "the command below, in an environment of its own",
    "python -m benchmarks": "tests/test_benchmarks.py",
    "python -m benchmarks.goals": "tests/test_benchmarks.py",
    "python -m benchmarks.profile": "tests/test_benchmarks.py",
    "python -m benchmarks.scaling": "tests/test_benchmarks.py",
    "python -m benchmarks.step": "tests/test_benchmarks.py",
    "python -m cutedl": "tests/commands/test_page.py",
    "sha256sum -c SHA256SUMS": "tests/datasets",
}


def blocks(page, language):
    return re.findall(rf"^```{language}\n(.*?)^```", page.read_text(), re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_python_blocks_run_in_their_order(page, tmp_path):
    code = "\n".join(blocks(page, "python"))
    if not code:
        return
    script = tmp_path / "page.py"
    script.write_text(code)
    done = subprocess.run(
        [sys.executable, "-W", "error", script],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env={**os.environ, "CUTEDL_OFFLINE": "1", "PYTHONPATH": str(ROOT)},
    )
    assert done.returncode == 0, done.stderr
    shown = "".join(blocks(page, "text"))
    for line in done.stdout.splitlines():
        assert any(alike(line, other) for other in shown.splitlines()), f"{page.name} does not show: {line}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_command_is_run_somewhere(page):
    for block in blocks(page, "console"):
        for line in block.splitlines():
            if line.startswith("$ "):
                command = line.removeprefix("$ ").split("  #")[0].strip()
                assert any(command == known or command.startswith(known + " ") for known in COMMANDS), command


def alike(line, other):
    """The same but for the digits: numbers differ from machine to machine."""
    return re.sub(r"[\d.,]+", "0", line.strip()) == re.sub(r"[\d.,]+", "0", other.strip())


def test_make_mnist_prints_what_the_readme_shows(tmp_path):
    """`make mnist` as a newcomer types it."""
    done = subprocess.run(
        ["make", "mnist"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        env={**os.environ, "CUTEDL_OFFLINE": "1"},
    )
    assert done.returncode == 0, done.stderr
    if "MNIST: test accuracy" not in done.stdout:
        pytest.skip("MNIST is not on this machine: the README shows its output, not the stand-in's")
    shown = next(block for block in blocks(PAGES[0], "console") if "$ make mnist" in block)
    said = (done.stdout + done.stderr).splitlines()
    lines = [line for line in said if line.startswith((".venv/bin/python examples", "epoch ", "MNIST"))]  # not pip's
    assert len(lines) == 7
    for line in lines:
        assert any(alike(line, other) for other in shown.splitlines()), line
    claimed, measured = (float(re.search(r"test accuracy ([\d.]+)%", text)[1]) for text in (shown, done.stdout))
    assert abs(claimed - measured) < 0.5
