"""The examples as a newcomer runs them: real processes, real files."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
EXAMPLE = ROOT / "examples" / "mlp" / "mnist-recognize.py"


def mnist_is_here():
    folder = Path(os.environ.get("CUTEDL_DATA", "nowhere"))
    return any((place / "train-images-idx3-ubyte.gz").exists() for place in (folder, folder / "mnist"))


needs_mnist = pytest.mark.skipif(not mnist_is_here(), reason="CUTEDL_DATA names no folder with MNIST")


def run(*arguments, cwd, **environment):
    return subprocess.run(
        [sys.executable, "-W", "error", EXAMPLE, *map(str, arguments)],
        capture_output=True,
        text=True,
        cwd=cwd,
        env={**os.environ, "CUTEDL_OFFLINE": "1", **environment},
    )


@needs_mnist
@pytest.mark.parametrize(("model", "bar"), [("mlp", 0.975), ("softmax", 0.92)])
def test_real_mnist_reaches_its_bar_in_five_epochs(model, bar, tmp_path):
    done = run("--model", model, "--report", "deep/report.svg", "--json", "result.json", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    result = json.loads((tmp_path / "result.json").read_text())
    assert set(result) == {"dataset", "accuracy", "loss", "epochs", "steps", "seconds", "seed", "report"}
    assert result["dataset"] == "MNIST"
    assert result["accuracy"] >= bar
    assert result["epochs"] == 5
    assert result["steps"] == 5 * 938
    assert f"MNIST: test accuracy {result['accuracy']:.2%}" in done.stdout
    assert "SYNTHETIC" not in done.stdout + done.stderr
    assert "<svg" in (tmp_path / "deep/report.svg").read_text()[:500]


@needs_mnist
def test_below_the_bar_the_exit_status_is_one_and_says_the_number(tmp_path):
    done = run("--quick", "--model", "softmax", "--learning-rate", "1e-7", cwd=tmp_path)
    assert done.returncode == 1
    assert "% is below the bar of 91%" in done.stderr


def test_without_data_it_completes_on_the_stand_in_and_says_so(tmp_path):
    done = run("--json", "result.json", "--report", "report.svg", cwd=tmp_path, CUTEDL_DATA=str(tmp_path))
    assert done.returncode == 0, done.stderr
    result = json.loads((tmp_path / "result.json").read_text())
    assert result["dataset"].startswith("SYNTHETIC")
    assert result["accuracy"] >= 0.95
    assert "SYNTHETIC" in done.stdout
    assert "MNIST cannot be had: training on the SYNTHETIC stand-in instead" in done.stderr
    assert "MNIST: test accuracy" not in done.stdout.splitlines()[-1].split("(")[0]
    assert "SYNTHETIC" in (tmp_path / "report.svg").read_text()


def test_asking_for_mnist_where_it_cannot_be_had_is_an_error(tmp_path):
    done = run("--data", "mnist", "--data-dir", tmp_path, cwd=tmp_path, CUTEDL_DATA=str(tmp_path))
    assert done.returncode != 0
    assert "Traceback" not in done.stderr
    assert str(tmp_path) in done.stderr


@needs_mnist
def test_dropout_and_a_cosine_schedule_go_beyond_98_4_percent(tmp_path):
    done = subprocess.run(
        [sys.executable, "-W", "error", ROOT / "examples/mlp/mnist-deep.py"],
        capture_output=True,
        text=True,
        cwd=tmp_path,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.startswith("MNIST, dropout: test accuracy 98.")


@needs_mnist
@pytest.mark.parametrize("name", ["mlp/optimizers.py", "mlp/regularisation.py"])
def test_the_comparisons_assert_their_own_claim(name, tmp_path):
    done = subprocess.run(
        [sys.executable, "-W", "error", ROOT / "examples" / name, "--picture", "picture.png"],
        capture_output=True,
        text=True,
        cwd=tmp_path,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "MNIST" in done.stdout
    assert "SYNTHETIC" not in done.stdout
    assert (tmp_path / "picture.png").stat().st_size > 10_000


@pytest.mark.parametrize("name", ["mlp/regression.py", "mlp/lbfgs.py"])
def test_the_small_examples_assert_their_own_claim(name, tmp_path):
    if name == "mlp/lbfgs.py":
        pytest.importorskip("scipy", reason="SciPy is not installed: pip install cutedl[test]")
    done = subprocess.run(
        [sys.executable, "-W", "error", ROOT / "examples" / name], capture_output=True, text=True, cwd=tmp_path
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.startswith("SYNTHETIC curve")


def test_a_million_classes_train_in_little_memory(tmp_path):
    done = subprocess.run(
        [sys.executable, "-W", "error", ROOT / "examples/sampled/large-vocabulary.py", "--quick"],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env={**os.environ, "OPENBLAS_NUM_THREADS": "1"},  # many small products: one thread is the quicker
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.startswith("SYNTHETIC, 1,000,000 classes")
    assert "times" in done.stdout


GALLERY = sorted((ROOT / "examples" / "gallery").glob("*.py"))


@pytest.mark.parametrize("path", GALLERY, ids=lambda path: path.stem)
def test_the_gallery_asserts_its_own_claims(path, tmp_path):
    draws = "--picture" in path.read_text()
    done = subprocess.run(
        [sys.executable, "-W", "error", path, "--quick", "--seed", "1", "--json", "result.json"]
        + ["--picture", "picture.png"] * draws,
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env={**os.environ, "OPENBLAS_NUM_THREADS": "1"},  # small products: one thread is the quicker
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Claim: " in path.read_text()
    assert json.loads((tmp_path / "result.json").read_text())["seed"] == 1
    assert not draws or (tmp_path / "picture.png").stat().st_size > 10_000


def test_a_claim_that_is_missed_is_an_exit_status_of_one(tmp_path):
    # One epoch does not tell XOR.
    source = next(path for path in GALLERY if path.stem == "xor").read_text()
    (tmp_path / "xor.py").write_text(source.replace("epochs=500 if args.quick else 1000", "epochs=1"))
    done = subprocess.run([sys.executable, tmp_path / "xor.py"], capture_output=True, text=True, cwd=tmp_path)
    assert done.returncode == 1
    assert done.stderr.startswith("xor: ")


def test_every_example_of_the_gallery_is_on_its_page():
    page = (ROOT / "docs" / "gallery.md").read_text()
    assert len(GALLERY) >= 8
    for path in GALLERY:
        assert f"(../examples/gallery/{path.name})" in page


def test_examples_stay_short():
    for path in (ROOT / "examples").rglob("*.py"):
        assert len(path.read_text().splitlines()) < 80, path
