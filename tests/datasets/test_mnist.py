"""The real MNIST, where it is at hand, and the forms in which data sets are handed out."""

import shutil
from pathlib import Path

import numpy as np
import pytest

from cutedl.datasets import mnist
from cutedl.datasets.samples import prepare
from cutedl.errors import ArgumentError, CorruptDataError

SUMS = Path(__file__).parents[2] / "datasets" / "SHA256SUMS"
IMAGES = np.arange(4 * 28 * 28).reshape(4, 28, 28).astype(np.uint8)
LABELS = np.array([9, 0, 3, 3], np.uint8)


def test_the_checksum_file_is_what_the_code_checks():
    lines = [line.split("  ") for line in SUMS.read_text().splitlines()]
    assert lines == [[file.sha256, f"mnist/{file.name}"] for file in mnist.FILES.files]


def test_the_mirrors_are_https():
    assert all(mirror.startswith("https://") and mirror.endswith("/") for mirror in mnist.FILES.mirrors)


def test_arrays_are_mnist(mnist_dir):
    (x_train, y_train), (x_test, y_test) = mnist.arrays(mnist_dir)
    assert x_train.shape == (60_000, 28, 28)
    assert x_test.shape == (10_000, 28, 28)
    assert x_train.dtype == y_train.dtype == x_test.dtype == y_test.dtype == np.uint8
    assert y_train[:5].tolist() == [5, 0, 4, 1, 9]
    assert y_test[:5].tolist() == [7, 2, 1, 0, 4]
    assert np.bincount(y_train)[1] == 6742
    assert x_train.mean() == pytest.approx(33.318, abs=1e-3)


def test_load_gives_what_a_model_trains_on(mnist_dir, monkeypatch):
    monkeypatch.setenv("CUTEDL_DATA", str(mnist_dir))
    train, test = mnist.load(batch_size=128)
    assert (train.data.shape, train.data.dtype) == ((60_000, 784), np.float32)
    assert (test.label.shape, test.label.dtype) == ((10_000, 10), np.float32)
    assert (train.batch_size, train.batch_count, train.source) == (128, 469, "MNIST")
    assert (train.data.min(), train.data.max()) == (0.0, 1.0)
    assert test.label.argmax(axis=1)[:5].tolist() == [7, 2, 1, 0, 4]


def test_load_gives_what_is_in_the_files(mnist_dir):
    (x_train, y_train), _ = mnist.arrays(mnist_dir)
    train, _ = mnist.load(flatten=False, one_hot=False, normalize=False, data_dir=mnist_dir)
    assert np.array_equal(train.data, x_train)
    assert np.array_equal(train.label, y_train)


def test_a_bad_batch_size_is_refused(mnist_dir):
    with pytest.raises(ArgumentError, match="batch_size"):
        mnist.load(batch_size=0, data_dir=mnist_dir)


def test_a_damaged_mnist_is_refused(mnist_dir, tmp_path):
    for path in mnist_dir.glob("**/*-ubyte*"):
        shutil.copyfile(path, tmp_path / path.name)
    damaged = next(tmp_path.glob("t10k-images*"))
    damaged.write_bytes(damaged.read_bytes()[:-1000])
    with pytest.raises(CorruptDataError) as caught:
        mnist.arrays(tmp_path)
    assert str(damaged) in str(caught.value)


@pytest.mark.parametrize("normalize", [True, False])
@pytest.mark.parametrize("flatten", [True, False])
def test_images_are_prepared_as_asked(flatten, normalize):
    x, _ = prepare(IMAGES, LABELS, flatten=flatten, one_hot=True, normalize=normalize)
    assert x.dtype == (np.float32 if normalize else np.uint8)
    assert x.shape == ((4, 784) if flatten else (4, 28, 28))
    exact = IMAGES.astype(np.float64) / 255 if normalize else IMAGES
    assert np.array_equal(x.reshape(IMAGES.shape), exact.astype(x.dtype))


def test_labels_are_prepared_as_asked():
    _, indices = prepare(IMAGES, LABELS, flatten=True, one_hot=False, normalize=True)
    assert indices.dtype == np.int64
    assert np.array_equal(indices, LABELS)
    _, rows = prepare(IMAGES, LABELS, flatten=True, one_hot=True, normalize=True)
    assert rows.dtype == np.float32
    assert rows.tolist() == [[float(column == label) for column in range(10)] for label in LABELS]
