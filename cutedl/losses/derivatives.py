"""Second derivatives in closed form, and the gradient with respect to the labels."""

from __future__ import annotations

from abc import abstractmethod

import numpy as np
from numpy.typing import ArrayLike

from cutedl.losses.base import Array, Batch, Loss, columns_last, numbers
from cutedl.losses.labels import same_shape

__all__ = ["CrossEntropy"]


class CrossEntropy(Loss):
    """Adds to a loss its Hessian and its label gradient; reduction and weights count as they do in the gradient."""

    @abstractmethod
    def _hessian_diagonal(self, y: Array, x: Array) -> Array:
        """Return the second derivatives (R, C) of the losses of rows, each by its own x."""

    @abstractmethod
    def _hessian_product(self, y: Array, x: Array, v: Array) -> Array:
        """Return the Hessian of the losses of rows times v, (R, C)."""

    @abstractmethod
    def _label_gradient(self, y: Array, x: Array) -> Array:
        """Return the derivatives (R, C) of the losses of rows by their labels."""

    def _label_weight_slope(self) -> Array | None:
        """Return the derivative (C,) of a row's weight in the divisor by its labels; None where it has none."""
        return None

    @np.errstate(over="ignore", invalid="ignore", divide="ignore")
    def hessian_diagonal(
        self,
        y_true: ArrayLike,
        y_pred: ArrayLike,
        sample_weight: ArrayLike | None = None,
        mask: ArrayLike | None = None,
    ) -> Array:
        """Return d2L / dy_pred2 element by element, of y_pred's shape."""
        batch = self._open(y_true, y_pred)
        rows = self._hessian_diagonal(batch.y, batch.x)
        return self._weighted(rows, batch, np.shape(y_pred), sample_weight, mask)

    @np.errstate(over="ignore", invalid="ignore", divide="ignore")
    def hessian_vector_product(
        self,
        y_true: ArrayLike,
        y_pred: ArrayLike,
        v: ArrayLike,
        sample_weight: ArrayLike | None = None,
        mask: ArrayLike | None = None,
    ) -> Array:
        """Return the Hessian of L with respect to y_pred times v; v and the result have y_pred's shape."""
        batch = self._open(y_true, y_pred)
        v = numbers("v", v)
        same_shape(v, np.asarray(y_pred), "v")
        v = columns_last(v, batch.axis).reshape(batch.x.shape)
        rows = self._hessian_product(batch.y, batch.x, v)
        return self._weighted(rows, batch, np.shape(y_pred), sample_weight, mask)

    @np.errstate(over="ignore", invalid="ignore", divide="ignore")
    def label_gradient(
        self,
        y_true: ArrayLike,
        y_pred: ArrayLike,
        sample_weight: ArrayLike | None = None,
        mask: ArrayLike | None = None,
    ) -> Array:
        """Return dL / dy_true, of y_pred's shape; of class indices, by the one-hot rows that they stand for."""
        batch = self._open(y_true, y_pred)
        rows = self._label_gradient(batch.y, batch.x)
        slope = self._label_weight_slope()
        if slope is not None and self.reduction == "weighted_mean":
            # The divisor sum_i w_i sum_j c_j y_ij moves with the labels too: d(total / count) = (w l' - L w c) / count.
            rows -= self.reduce(*self.total_and_count(y_true, y_pred, sample_weight, mask)) * slope
        return self._weighted(rows, batch, np.shape(y_pred), sample_weight, mask)

    def _weighted(
        self,
        rows: Array,
        batch: Batch,
        shape: tuple[int, ...],
        sample_weight: ArrayLike | None,
        mask: ArrayLike | None,
    ) -> Array:
        """Return rows (R, C), each times its share, in y_pred's shape."""
        share = self._share(batch, sample_weight, mask)
        scale = np.reshape(share.scale, (-1, 1))
        result = np.empty(shape, batch.x.dtype)
        moved = columns_last(result, batch.axis)
        moved[...] = np.where(scale == 0, 0.0, rows * scale).reshape(moved.shape)
        return result
