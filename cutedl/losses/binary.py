"""Cross entropy of independent yes-or-no answers."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from cutedl import checks
from cutedl.dlmath import sigmoid, softplus
from cutedl.losses import labels
from cutedl.losses import sigmoid as cores
from cutedl.losses.base import Array, Batch, Scale, numbers
from cutedl.losses.derivatives import CrossEntropy
from cutedl.losses.elementwise import ElementLoss
from cutedl.losses.probabilities import above_floor, check_probabilities, floors
from cutedl.losses.vector import class_weights

__all__ = ["BinaryCrossentropy", "BinaryLoss", "WeightedBinaryCrossentropy"]


class BinaryLoss(ElementLoss):
    """Base of the losses of labels z in [0, 1], the last axis holding independent answers.

    from_logits: y_pred holds logits, as by default (in Keras it is False), or probabilities;
    label_smoothing: a in [0, 1]: labels z become z (1 - a) + a / 2; class_weight: one per column;
    ignore_class: a label whose elements are left out of the mean over the last axis.

    A probability of 0 counts as 1e-30 (float64: 1e-300) where its logarithm is taken, and one of 1 as the number next
    to it: a wrong answer always has a finite loss and a gradient.
    """

    activation = "sigmoid"

    def __init__(
        self,
        *,
        from_logits: bool = True,
        label_smoothing: float = 0.0,
        class_weight: ArrayLike | None = None,
        ignore_class: int | None = None,
        **options: Any,
    ):
        super().__init__(**options)
        self.from_logits = checks.flag("from_logits", from_logits)
        self.label_smoothing = checks.number("label_smoothing", label_smoothing, low=0.0, high=1.0)
        self.class_weight = None if class_weight is None else class_weights("class_weight", class_weight)
        self.ignore_class = None if ignore_class is None else checks.integer("ignore_class", ignore_class, low=-(2**62))

    @property
    def threshold(self) -> float:
        """0 for logits, 0.5 for probabilities."""
        return 0.0 if self.from_logits else 0.5

    def _open(self, y_true: ArrayLike, y_pred: ArrayLike) -> Batch:
        batch = super()._open(y_true, y_pred)
        if self.class_weight is not None:
            labels.per_column("class_weight", self.class_weight, batch.x.shape[1])
        if not self.from_logits:
            check_probabilities(batch.x)
        if self.ignore_class is not None or not labels.spans(batch.y, 0.0, 1.0):
            self._check_values(numbers("y_true", y_true), 0)
        if self.ignore_class is None:
            return batch
        return batch._replace(valid=(batch.y != self.ignore_class).any(axis=1))

    def _kernel(self, y: Array, x: Array, scale: Scale, out: Array | None) -> Array:
        if self.class_weight is None and self.ignore_class is None:
            return super()._kernel(y, x, scale, out)
        return self._column_kernel(y, x, scale, out)

    @np.errstate(over="ignore", invalid="ignore")
    def _column_kernel(self, y: Array, x: Array, scale: Scale, out: Array | None) -> Array:
        weights = self._column_weights(y)
        losses = self._elements(np.where(weights == 0, 0, y), x, out)
        if out is not None:
            out *= weights * np.reshape(scale, (-1, 1))
            out[weights == 0] = 0.0
        return np.asarray(cores.times(weights, losses).sum(axis=1))

    def _column_weights(self, y: Array) -> Array:
        """Return what each element counts in its row: its class weight over the number that is not ignored."""
        c = 1.0 if self.class_weight is None else self.class_weight
        counted = np.full(y.shape, True) if self.ignore_class is None else y != self.ignore_class
        return np.asarray(counted * c / np.maximum(counted.sum(axis=1, keepdims=True), 1))

    def _label_weights(self, y: Array) -> Array | None:
        return None if self.class_weight is None else np.asarray(self._column_weights(y).sum(axis=1))

    def _smoothed(self, y: Array) -> Array:
        z = y.astype(np.float64)
        return z if self.label_smoothing == 0.0 else z * (1.0 - self.label_smoothing) + 0.5 * self.label_smoothing

    def _check_values(self, y: Array, start: int) -> None:
        if self.ignore_class is not None:
            y = np.where(y == self.ignore_class, 0, y)
        if not labels.spans(y, 0.0, 1.0):
            hint = "labels 1 and -1 become 1 and 0 by (y + 1) / 2; Hinge takes them as they are."
            labels.within(y, 0.0, 1.0, "labels", start, hint if labels.spans(y, -1.0, 1.0) else None)


class BinaryCrossentropy(BinaryLoss, CrossEntropy):
    """Cross entropy of labels z and sigmoid outputs: -q z log p - (1 - z) log(1 - p), mean over the last axis.

    y_true: y_pred's shape, in [0, 1]; y_pred: logits, or probabilities with from_logits=False;
    pos_weight: q >= 0, a number or one per column. The gradient by a logit is (1 - z) p - q z (1 - p).
    Options: see `BinaryLoss` and `Loss`.
    Equals keras.losses.BinaryCrossentropy, and torch.nn.BCEWithLogitsLoss, which loses the digits of small losses.

    >>> loss = BinaryCrossentropy()
    >>> print(f"{loss([[0.0]], [[-15.0]]):.10e}")
    3.0590227371e-07
    >>> print(loss.gradient)
    [[3.05902227e-07]]
    """

    def __init__(self, *, pos_weight: ArrayLike | None = None, **options: Any):
        super().__init__(**options)
        self.pos_weight = None if pos_weight is None else class_weights("pos_weight", pos_weight)

    def _open(self, y_true: ArrayLike, y_pred: ArrayLike) -> Batch:
        batch = super()._open(y_true, y_pred)
        if self.pos_weight is not None:
            labels.per_column("pos_weight", self.pos_weight, batch.x.shape[1], or_one=True)
        return batch

    def _quick(self, y: Array, x: Array, out: Array | None) -> Array | None:
        # 0 and 1 alone are their own squares, to the bit.
        if self.from_logits and self.label_smoothing == 0.0 and (y * y).tobytes() == y.tobytes():
            q = None if self.pos_weight is None else self.pos_weight.astype(x.dtype)
            return cores.hard_cross_entropy(y, x, q, out)
        return None

    def _elements(self, y: Array, x: Array, out: Array | None) -> Array:
        a, b = self._sides(y)
        if self.from_logits:
            return cores.soft_cross_entropy(a, b, x, out)
        return cores.probability_cross_entropy(a, b, x, floors(x.dtype), out)

    def _sides(self, y: Array) -> tuple[Array, Array]:
        """Return the weights (A, B) of the labels 1 and 0."""
        z = self._smoothed(y)
        return (z if self.pos_weight is None else z * self.pos_weight), 1.0 - z

    def _hessian_diagonal(self, y: Array, x: Array) -> Array:
        weights = self._column_weights(y)
        a, b = self._sides(np.where(weights == 0, 0, y))
        if self.from_logits:
            x = x.astype(np.float64)
            return np.asarray(weights * (a + b) * sigmoid(x) * sigmoid(-x))
        p, q = above_floor(x)
        return np.asarray(weights * (a / p / p + b / q / q))  # the square of the least p is 0

    def _hessian_product(self, y: Array, x: Array, v: Array) -> Array:
        return self._hessian_diagonal(y, x) * v

    def _label_gradient(self, y: Array, x: Array) -> Array:
        weights = self._column_weights(y) * (1.0 - self.label_smoothing)
        positive = 1.0 if self.pos_weight is None else self.pos_weight
        if self.from_logits:
            x = x.astype(np.float64)
            return np.asarray(weights * (positive * softplus(-x) - softplus(x)))
        p, q = above_floor(x)
        return np.asarray(weights * (np.log(q) - positive * np.log(p)))


class WeightedBinaryCrossentropy(BinaryCrossentropy):
    """BinaryCrossentropy whose label 1 counts pos_weight times: a number >= 0, or one per column.

    >>> print(f"{WeightedBinaryCrossentropy(3.0)([[1.0]], [[0.0]]):.6f}")
    2.079442
    """

    def __init__(self, pos_weight: ArrayLike, **options: Any):
        super().__init__(pos_weight=pos_weight, **options)
