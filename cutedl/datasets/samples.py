"""From uint8 pictures and digits to the Datasets that a model trains on."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from cutedl.dataset import Dataset

__all__ = ["Split", "Splits", "datasets", "prepare"]

Split: TypeAlias = tuple[NDArray[np.uint8], NDArray[np.uint8]]
Splits: TypeAlias = tuple[Split, Split]

_CLASSES = 10


def datasets(
    splits: Splits, *, batch_size: int, flatten: bool, one_hot: bool, normalize: bool, source: str
) -> tuple[Dataset, Dataset]:
    """Return the training and the test Dataset of two splits; the options are those of prepare.

    Raises ArgumentError for a batch_size below 1.

    >>> split = np.zeros((3, 28, 28), np.uint8), np.array([7, 2, 1], np.uint8)
    >>> options = {"flatten": True, "one_hot": True, "normalize": True}
    >>> datasets((split, split), batch_size=2, source="zeros", **options)[0]
    Dataset(3 samples (784,) float32, batch_size=2)
    """
    train, test = (
        Dataset(*prepare(*split, flatten=flatten, one_hot=one_hot, normalize=normalize), batch_size, source=source)
        for split in splits
    )
    return train, test


def prepare(
    images: NDArray[np.uint8], labels: NDArray[np.uint8], *, flatten: bool, one_hot: bool, normalize: bool
) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return images and labels in the form that a model takes.

    flatten: (N, 784) instead of (N, 28, 28). normalize: float32 in [0, 1], x / 255, instead of uint8.
    one_hot: float32 rows (N, 10) instead of int64 class indices (N,).

    >>> x, y = prepare(np.full((1, 2, 2), 255, np.uint8), np.array([3]), flatten=True, one_hot=True, normalize=True)
    >>> x, y
    (array([[1., 1., 1., 1.]], dtype=float32), array([[0., 0., 0., 1., 0., 0., 0., 0., 0., 0.]], dtype=float32))
    """
    x: NDArray[Any] = images.reshape(len(images), -1) if flatten else images
    if normalize:
        x = np.divide(x, 255, dtype=np.float32)
    y = np.eye(_CLASSES, dtype=np.float32)[labels] if one_hot else labels.astype(np.int64)
    return x, y
