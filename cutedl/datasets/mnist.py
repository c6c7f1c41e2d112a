"""MNIST: 60,000 + 10,000 handwritten digits, 28 x 28 (Y. LeCun, C. Cortes, C. Burges; CC BY-SA 3.0)."""

from __future__ import annotations

from pathlib import Path

from cutedl.dataset import Dataset
from cutedl.datasets import samples
from cutedl.datasets.resolver import DataFile, FileSet, resolve
from cutedl.datasets.samples import Splits

__all__ = ["FILES", "arrays", "load"]

FILES = FileSet(
    title="MNIST",
    subfolder="mnist",
    files=(
        DataFile(
            "train-images-idx3-ubyte",
            (60_000, 28, 28),
            "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
        ),
        DataFile(
            "train-labels-idx1-ubyte",
            (60_000,),
            "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
        ),
        DataFile(
            "t10k-images-idx3-ubyte",
            (10_000, 28, 28),
            "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
        ),
        DataFile(
            "t10k-labels-idx1-ubyte",
            (10_000,),
            "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
        ),
    ),
    mirrors=(
        "https://storage.googleapis.com/cvdf-datasets/mnist/",
        "https://ossci-datasets.s3.amazonaws.com/mnist/",
    ),
)


def load(
    batch_size: int = 64,
    flatten: bool = True,
    one_hot: bool = True,
    normalize: bool = True,
    data_dir: str | Path | None = None,
) -> tuple[Dataset, Dataset]:
    """Return MNIST's training and test Dataset: 60,000 and 10,000 samples.

    flatten: data (N, 784) instead of (N, 28, 28). normalize: float32 in [0, 1] instead of uint8.
    one_hot: labels float32 (N, 10) instead of int64 class indices (N,). data_dir: as in arrays.

    Raises what arrays raises; ArgumentError for a batch_size below 1.
    """
    return samples.datasets(
        arrays(data_dir), batch_size=batch_size, flatten=flatten, one_hot=one_hot, normalize=normalize, source="MNIST"
    )


def arrays(data_dir: str | Path | None = None) -> Splits:
    """Return (x_train, y_train), (x_test, y_test), uint8: shapes (60000, 28, 28), (60000,), (10000, 28, 28), (10000,).

    Every file is verified by the SHA-256 of its uncompressed bytes, wherever it comes from. With data_dir nothing else
    is searched. Without: $CUTEDL_DATA, the folder datasets of a checkout, the user's cache folder, the mirrors; with
    CUTEDL_OFFLINE=1 no mirror is asked and no socket opened.

    Raises CorruptDataError for a damaged file in data_dir; DataNotFoundError, with the reason of each place, if the
    files are nowhere to be had.
    """
    x_train, y_train, x_test, y_test = resolve(FILES, data_dir)
    return (x_train, y_train), (x_test, y_test)
