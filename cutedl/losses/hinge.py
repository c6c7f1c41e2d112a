"""Margin losses: zero once an answer is right by a margin of 1."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from cutedl.errors import LabelError
from cutedl.losses import labels
from cutedl.losses.base import Array, Batch, Scale, numbers
from cutedl.losses.elementwise import ElementLoss
from cutedl.losses.vector import VectorLoss

__all__ = ["CategoricalHinge", "Hinge", "SquaredHinge"]


class MarginLoss(ElementLoss):
    """Base of the losses of labels t = -1 and 1, 0 standing for -1, and a margin t y_pred."""

    def _open(self, y_true: ArrayLike, y_pred: ArrayLike) -> Batch:
        batch = super()._open(y_true, y_pred)
        self._check_values(numbers("y_true", y_true), 0)
        return batch._replace(y=np.where(batch.y > 0, 1.0, -1.0).astype(batch.x.dtype))

    @property
    def threshold(self) -> float:
        """0, the middle of the margin."""
        return 0.0

    def _check_values(self, y: Array, start: int) -> None:
        labels.within(y, -1, 1, "1 and -1, or 1 and 0,", start)
        whole = (y == 1) | (y == 0) | (y == -1)
        if not whole.all():
            where = np.unravel_index(int(np.argmin(whole)), y.shape)
            raise LabelError(
                "a label is neither side of a margin.",
                expected="1 and -1, or 1 and 0",
                received=f"{y[where]:g} in row {where[0] + start}",
            )


class Hinge(MarginLoss):
    """Mean of max(1 - t y_pred, 0), t = 1 or -1; gradient -t / n inside the margin.

    y_true: y_pred's shape, 1 and -1, or 1 and 0. Equals keras.losses.Hinge.

    >>> Hinge()([[1, 0]], [[0.5, -3.0]])
    0.25
    """

    def _elements(self, y: Array, x: Array, out: Array | None) -> Array:
        gap = np.maximum(1.0 - y * x, 0.0)
        if out is not None:
            np.multiply(-y, gap > 0.0, out=out)
        return np.asarray(gap)


class SquaredHinge(MarginLoss):
    """Mean of max(1 - t y_pred, 0)^2, t = 1 or -1; gradient -2 t max(1 - t y_pred, 0) / n.

    y_true: y_pred's shape, 1 and -1, or 1 and 0. Equals keras.losses.SquaredHinge.

    >>> SquaredHinge()([[1, 0]], [[0.5, -3.0]])
    0.125
    """

    def _elements(self, y: Array, x: Array, out: Array | None) -> Array:
        gap = np.maximum(1.0 - y * x, 0.0)
        if out is not None:
            np.multiply(-2.0 * y, gap, out=out)
        return np.asarray(np.square(gap, dtype=np.float64))


class CategoricalHinge(VectorLoss):
    """max(1 + max_j (1 - y_j) x_j - sum_j y_j x_j, 0): the true class must lead the others by 1.

    y_true: y_pred's shape, one-hot or soft, in [0, 1]; y_pred: scores x of any size. Where several classes are largest,
    the gradient counts the first. Equals keras.losses.CategoricalHinge.

    >>> print(f"{CategoricalHinge()([[0, 1]], [[0.6, 0.4]]):.1f}")
    1.2
    """

    @np.errstate(over="ignore", invalid="ignore")
    def _kernel(self, y: Array, x: Array, scale: Scale, out: Array | None) -> Array:
        others = (1.0 - y) * x
        rows, rival = np.arange(len(x)), others.argmax(axis=1)
        losses: Array = np.maximum(1.0 + others[rows, rival] - np.einsum("ij,ij->i", y, x, dtype=np.float64), 0.0)
        if out is not None:
            np.negative(y.astype(x.dtype), out=out)
            out[rows, rival] += 1.0 - y[rows, rival]
            out *= np.reshape(np.where(losses > 0.0, scale, 0.0).astype(out.dtype), (-1, 1))
        return losses

    def _check_values(self, y: Array, start: int) -> None:
        labels.within(y, 0.0, 1.0, "labels", start)
