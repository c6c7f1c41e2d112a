"""The stand-in: legible, neither too easy nor too hard, the same every time, and kept with care."""

import os
import subprocess
import sys

import numpy as np
import pytest

from cutedl import streams
from cutedl.datasets import digits
from cutedl.errors import ArgumentError

# Both start on an empty cache at the same moment.
MAKE = """
import hashlib
from cutedl.datasets import digits
print(hashlib.sha256(b"".join(array.tobytes() for split in digits.arrays() for array in split)).hexdigest())
"""


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """The cache folder after two processes made the digits at once, and what each of them got."""
    folder = tmp_path_factory.mktemp("cache")
    environment = {**os.environ, "XDG_CACHE_HOME": str(folder), "LOCALAPPDATA": str(folder)}
    command = [sys.executable, "-W", "error", "-c", MAKE]
    processes = [subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    return folder, [process.communicate(timeout=120)[0] for process in processes]


@pytest.fixture
def full(made, monkeypatch):
    for name in ("XDG_CACHE_HOME", "LOCALAPPDATA"):
        monkeypatch.setenv(name, str(made[0]))
    return made[0] / "cutedl"


def test_two_processes_at_once_get_the_same_digits_and_leave_one_file(made):
    folder, (one, other) = made
    assert one == other
    assert len(one) == 65
    assert [path.suffix for path in (folder / "cutedl").iterdir()] == [".npz"]


def test_load_has_the_shape_of_mnist_and_another_name(full):
    train, test = digits.load(batch_size=100)
    assert (train.data.shape, train.data.dtype) == ((60_000, 784), np.float32)
    assert (test.label.shape, test.label.dtype) == ((10_000, 10), np.float32)
    assert (train.batch_count, test.batch_count) == (600, 100)
    assert train.source == test.source == "SYNTHETIC digits (rendered from fonts; not MNIST)"


def test_a_second_call_only_reads(full):
    [path] = full.iterdir()
    before = path.stat()
    digits.arrays()
    assert path.stat().st_mtime_ns == before.st_mtime_ns
    assert len(list(full.iterdir())) == 1


def test_pixels_are_spread_as_in_mnist(full):
    (x_train, y_train), (x_test, y_test) = digits.arrays()
    assert x_train.dtype == y_train.dtype == x_test.dtype == y_test.dtype == np.uint8
    assert x_train.shape == (60_000, 28, 28)
    assert x_test.shape == (10_000, 28, 28)
    assert abs(x_train.mean() - 33.8) < 1.5
    assert 0.17 < (x_train > 0).mean() < 0.21
    assert np.bincount(y_train, minlength=10).min() > 5_700
    assert x_train.reshape(60_000, -1).max(axis=1).min() > 100  # none is blank
    rows = np.arange(28) - 13.5
    middle = [(x_train.sum(axis=axis) @ rows / x_train.sum(axis=(1, 2))) for axis in (1, 2)]
    assert np.abs(np.mean(middle, axis=1)).max() < 0.2
    assert np.std(middle, axis=1).max() < 1.5


def test_the_splits_share_no_sample_and_no_draw(full):
    (x_train, y_train), (x_test, y_test) = digits.arrays()
    assert (y_train[:10_000] == y_test).mean() < 0.12
    seen = {image.tobytes() for image in x_train}
    assert len(seen) == 60_000
    assert not any(image.tobytes() in seen for image in x_test)


def test_a_linear_model_gets_84_to_90_percent(full):
    train, test = digits.load()
    W, b = np.zeros((784, 10), np.float32), np.zeros(10, np.float32)
    for epoch in range(4):
        for x, y in shuffled(train, epoch):
            p = np.exp(x @ W + b)
            error = p / p.sum(axis=1, keepdims=True) - y
            W -= 0.1 / len(x) * (x.T @ error)
            b -= 0.1 * error.mean(axis=0)
    accuracy = ((test.data @ W + b).argmax(axis=1) == test.label.argmax(axis=1)).mean()
    assert 0.84 <= accuracy <= 0.90


def shuffled(dataset, epoch):
    order = streams.stream(0, "shuffle", epoch).permutation(len(dataset))
    for start in range(0, len(order), 64):
        rows = order[start : start + 64]
        yield dataset.data[rows], dataset.label[rows]


def test_render_is_a_function_of_its_arguments():
    images, labels = digits.render(600, seed=3)
    again, same = digits.render(600, seed=3)
    other, _ = digits.render(600, seed=4)
    assert images.shape == (600, 28, 28)
    assert images.dtype == labels.dtype == np.uint8
    assert np.array_equal(images, again)
    assert np.array_equal(labels, same)
    assert not np.array_equal(images, other)
    assert set(labels) == set(range(10))


def test_render_leaves_the_global_generator_alone():
    before = np.random.get_state()[1].copy()  # noqa: NPY002
    digits.render(10)
    assert np.array_equal(np.random.get_state()[1], before)  # noqa: NPY002


@pytest.mark.parametrize("arguments", [{"count": 0}, {"count": 1.5}, {"count": 1, "seed": -1}])
def test_render_refuses_what_is_no_count_or_seed(arguments):
    with pytest.raises(ArgumentError):
        digits.render(**arguments)


def small():
    """The splits in little, through the same cache: train images."""
    return digits._splits(300, 100)[0][0]


def test_a_damaged_cache_is_made_anew(cache_folder):
    images = small()
    [path] = cache_folder.iterdir()
    whole = path.read_bytes()
    path.write_bytes(whole[:-1000])
    with pytest.warns(UserWarning, match="is damaged .*; the digits are made anew") as caught:
        assert np.array_equal(small(), images)
    assert len(caught) == 1
    assert path.read_bytes() == whole
    assert np.array_equal(small(), images)


@pytest.mark.filterwarnings("ignore:.* is damaged")
def test_no_flipped_byte_of_the_cache_goes_unnoticed(cache_folder):
    images = small()
    [path] = cache_folder.iterdir()
    whole = path.read_bytes()
    rng = np.random.default_rng(0)
    anywhere, records = rng.integers(len(whole), size=100), rng.integers(len(whole) - 500, len(whole), size=200)
    noticed = 0
    for place in [*range(200), *anywhere, *records]:
        spoilt = bytearray(whole)
        spoilt[place] ^= 1 << rng.integers(8)
        path.write_bytes(spoilt)
        splits = digits._restore(path)
        noticed += splits is None
        assert splits is None or np.array_equal(splits[0][0], images)
    assert noticed > 200


def test_other_parameters_have_a_cache_of_their_own(cache_folder):
    small()
    digits._splits(301, 100)
    assert len(list(cache_folder.iterdir())) == 2


def test_a_cache_that_cannot_be_written_warns_once_and_works(cache_folder):
    cache_folder.parent.mkdir()
    cache_folder.write_text("a file where the folder should be")
    with pytest.warns(UserWarning, match="cannot be kept") as caught:
        images = small()
    assert len(caught) == 1
    assert np.array_equal(images, digits.render(300, seed=0)[0])
