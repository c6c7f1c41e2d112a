"""Losses of whole vectors along an axis, among them all that compare distributions over classes."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cutedl import checks
from cutedl.errors import ArgumentError, InputWarning, ProbabilityError, ShapeError
from cutedl.losses import labels
from cutedl.losses.base import Array, Batch, Loss, columns_last, computable, numbers
from cutedl.losses.probabilities import check_probabilities, distributions, off_one
from cutedl.losses.reduction import Shares
from cutedl.losses.targets import DenseTargets, Targets

__all__ = ["ClassLoss", "VectorLoss", "class_weights"]


class VectorLoss(Loss):
    """Base of the losses with one value per vector: y_true and y_pred of one shape, the vectors lying along an axis."""

    def __init__(self, *, axis: int = -1, **options: Any):
        super().__init__(**options)
        self.axis = checks.integer("axis", axis, low=-64)

    def _open(self, y_true: ArrayLike, y_pred: ArrayLike) -> Batch:
        x = computable(y_pred)
        y = labels.floating(numbers("y_true", y_true), x.dtype)
        labels.same_shape(y, x)
        self._check_values(y, 0)
        rows, shape = self._rows(x)
        return Batch(columns_last(y, self.axis).reshape(rows.shape), rows, shape, self.axis, None)

    def _rows(self, x: Array) -> tuple[Array, tuple[int, ...]]:
        """Return (vectors as rows, shape of the losses)."""
        if not -x.ndim <= self.axis < x.ndim or x.shape[self.axis] == 0:
            raise ShapeError(
                "y_pred holds no vectors.",
                expected=f"at least one value along axis {self.axis}",
                received=f"shape {x.shape}",
            )
        moved = columns_last(x, self.axis)
        return moved.reshape(-1, moved.shape[-1]), moved.shape[:-1]


class ClassLoss(VectorLoss):
    """Base of the losses that compare distributions over classes.

    from_logits: y_pred holds logits, as by default (in Keras it is False), or probabilities;
    label_smoothing: a in [0, 1]: labels y become y (1 - a) + a / C; axis: that of the classes;
    class_weight: (C,), multiplies the part of each class in the loss.

    Labels are of y_pred's shape: distributions, or any numbers >= 0. Rows of probabilities whose sum is not 1 are
    divided by it, as in Keras, but not silently: the first time an InputWarning names the row and its sum.
    A probability of 0 counts as 1e-30 (float64: 1e-300) where its logarithm is taken.
    """

    _normalises = True

    activation = "softmax"

    def __init__(
        self,
        *,
        from_logits: bool = True,
        label_smoothing: float = 0.0,
        class_weight: ArrayLike | None = None,
        **options: Any,
    ):
        super().__init__(**options)
        self.from_logits = checks.flag("from_logits", from_logits)
        self.label_smoothing = checks.number("label_smoothing", label_smoothing, low=0.0, high=1.0)
        self.class_weight = None if class_weight is None else class_weights("class_weight", class_weight)
        self._has_warned = False

    def _rows(self, x: Array) -> tuple[Array, tuple[int, ...]]:
        rows, shape = super()._rows(x)
        if self.class_weight is not None:
            labels.per_column("class_weight", self.class_weight, rows.shape[1])
        if not self.from_logits:
            check_probabilities(x)
        return rows, shape

    def _share(self, batch: Batch, sample_weight: ArrayLike | None, mask: ArrayLike | None) -> Shares:
        share = super()._share(batch, sample_weight, mask)
        if not self.from_logits and self._normalises and (off := off_one(batch.x, share.scale)) is not None:
            self._report(*off)
        return share

    def _report(self, row: int, total: float) -> None:
        if total == 0.0:
            raise ProbabilityError("a row of y_pred is all zeros.", expected="a distribution", received=f"row {row}")
        if not self._has_warned:
            self._has_warned = True
            warnings.warn(
                f"row {row} of y_pred sums to {total:g}, not to 1: it is divided by its sum. "
                "hint: end the model with a softmax, or give logits and from_logits=True.",
                InputWarning,
                stacklevel=5,
            )

    def _distributions(self, x: Array) -> tuple[Array, Array | None]:
        """Return (rows of probabilities as float64, the sums that they were divided by, None for 1)."""
        return distributions(x) if self._normalises else (x.astype(np.float64), None)

    def _smoothed(self, y: Array) -> Array:
        """Return rows of labels as float64, smoothed."""
        t = y.astype(np.float64)
        if self.label_smoothing:
            t *= 1.0 - self.label_smoothing
            t += self.label_smoothing / y.shape[1]
        return t

    def _targets(self, y: Array, classes: int) -> Targets:
        """Return what rows of labels are trained towards: smoothed, and weighted by class."""
        t = self._smoothed(y)
        if self.class_weight is not None:
            t *= self.class_weight
        return DenseTargets(t)

    def _label_weights(self, y: Array) -> Array | None:
        return None if self.class_weight is None else np.asarray((y * self.class_weight).sum(axis=1))

    def _check_values(self, y: Array, start: int) -> None:
        labels.within(y, 0.0, np.inf, "class probabilities", start)


def class_weights(name: str, values: ArrayLike) -> NDArray[np.float64]:
    """Return weights as float64 (C,), or raise ArgumentError for one that is negative or not finite.

    >>> class_weights("class_weight", [1, 2])
    array([1., 2.])
    """
    weights = np.atleast_1d(checks.numeric_array(name, values)).astype(np.float64)
    if weights.ndim != 1 or not (np.isfinite(weights).all() and (weights >= 0).all()):
        raise ArgumentError(f"{name} cannot be used.", expected="finite numbers >= 0, one per class", received=values)
    return weights
