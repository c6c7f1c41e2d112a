"""Samples: what fit was given, as numbers."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cutedl import checks
from cutedl.dataset import Dataset
from cutedl.errors import ArgumentError, ShapeError

__all__ = ["InOrder", "Samples", "weighted"]


class Samples(NamedTuple):
    """Features (n, features), an array or a sparse matrix; targets as numbers; weights (n,) of mean 1, or None.

    scale: what the weights were divided by to be so.
    """

    x: Any
    y: NDArray[Any]
    weight: NDArray[Any] | None = None
    scale: float = 1.0

    def split(self, fraction: float, seed: int, stratify: bool) -> tuple[Samples, Samples]:
        """Return what is left and a part that is held out; stratify: with each class' share in both."""
        from sklearn.model_selection import train_test_split

        rows = np.arange(len(self.y))
        kept, held_out = train_test_split(
            rows, test_size=fraction, random_state=seed % 2**32, stratify=self.y if stratify else None
        )
        if len(held_out) < 2:
            raise ArgumentError(
                "the validation set is too small.",
                expected="at least 2 samples",
                received=len(held_out),
                hint="a larger validation_fraction.",
            )
        return self.take(np.sort(kept)), self.take(np.sort(held_out))

    def take(self, rows: NDArray[Any]) -> Samples:
        """Return some of the samples."""
        return Samples(self.x[rows], self.y[rows], None if self.weight is None else self.weight[rows], self.scale)


class InOrder(Dataset):
    """A Dataset that is never shuffled."""

    def order(self, seed: int, epoch: int) -> NDArray[np.intp]:
        """Return 0, 1, 2, ..."""
        return np.arange(len(self))


def weighted(x: Any, y: NDArray[Any], sample_weight: ArrayLike | None, factors: NDArray[Any] | None = None) -> Samples:
    """Return the samples whose weight is not 0, with weights times factors, scaled to a mean of 1.

    The loss is then Σ w l / Σ w over all samples, and the learning rate means the same whatever the scale of w.
    Raises ShapeError, ArgumentError for weights below 0 or none above it.

    >>> weighted(np.eye(3), np.arange(3), [0, 1, 3]).weight
    array([0.5, 1.5])
    """
    if sample_weight is None and factors is None:
        return Samples(x, y)
    weights = np.ones(len(y)) if sample_weight is None else checks.numeric_array("sample_weight", sample_weight)
    weights = np.full(len(y), weights) if weights.ndim == 0 else weights
    if weights.shape != (len(y),):
        raise ShapeError("sample_weight does not fit X.", expected=f"({len(y)},)", received=str(weights.shape))
    checks.finite_rows("sample_weight", weights)
    if factors is not None:
        weights = weights * factors
    if weights.min() < 0 or not weights.any():
        raise ArgumentError("sample_weight is below zero or all zero.", expected="weights >= 0, one of them above 0")
    scale = float(weights[weights > 0].mean())
    samples = Samples(x, y, weights / scale, scale)
    return samples if weights.all() else samples.take(np.flatnonzero(weights))
