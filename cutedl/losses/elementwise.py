"""Losses of single numbers, averaged over the last axis before anything else."""

from __future__ import annotations

from abc import abstractmethod

import numpy as np
from numpy.typing import ArrayLike

from cutedl.errors import ShapeError
from cutedl.losses import labels
from cutedl.losses.base import Array, Batch, Loss, Scale, computable, numbers

__all__ = ["ElementLoss"]


class ElementLoss(Loss):
    """Base of the losses that compare number by number: y_true and y_pred (..., n) give losses (...), each a mean of n.

    Of one-dimensional inputs every element is an example of its own.
    """

    def _open(self, y_true: ArrayLike, y_pred: ArrayLike) -> Batch:
        x = computable(y_pred)
        y = labels.floating(numbers("y_true", y_true), x.dtype)
        labels.same_shape(y, x)
        columns, shape = (x.shape[-1], x.shape[:-1]) if x.ndim > 1 else (1, x.shape)
        if columns == 0:
            raise ShapeError("y_pred is empty.", expected="at least one column", received=f"shape {x.shape}")
        return Batch(y.reshape(-1, columns), x.reshape(-1, columns), shape, -1, None)

    def _kernel(self, y: Array, x: Array, scale: Scale, out: Array | None) -> Array:
        losses = self._quick(y, x, out)
        if losses is not None:
            return _means(losses, scale, out)
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
            return _means(self._elements(y, x, out), scale, out)

    def _quick(self, y: Array, x: Array, out: Array | None) -> Array | None:
        """Do the same as _elements by a form that cannot overflow, or return None where there is none."""
        return None

    @abstractmethod
    def _elements(self, y: Array, x: Array, out: Array | None) -> Array:
        """Return the loss of every element; its derivative with respect to x into out, where given."""


def _means(losses: Array, scale: Scale, out: Array | None) -> Array:
    """Return the mean of each row of losses, and divide and scale their derivatives in out."""
    columns = losses.shape[1]
    if out is not None:
        out *= scale[:, None] / columns if isinstance(scale, np.ndarray) else scale / columns
    return losses[:, 0] if columns == 1 else np.asarray(losses.sum(axis=1, dtype=np.float64) / columns)
