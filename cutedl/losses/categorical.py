"""Cross entropy of mutually exclusive classes, with labels as rows or as indices."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cutedl import checks
from cutedl.losses import labels, probabilities
from cutedl.losses.base import Array, Batch, Scale, computable, numbers
from cutedl.losses.derivatives import CrossEntropy
from cutedl.losses.inspection import look_at_indices
from cutedl.losses.softmax import Softmax, hard_cross_entropy, soft_cross_entropy
from cutedl.losses.targets import IndexTargets, Targets
from cutedl.losses.vector import ClassLoss

__all__ = ["CategoricalCrossentropy", "SoftmaxCrossEntropy", "SparseCategoricalCrossentropy"]


class SoftmaxCrossEntropy(ClassLoss, CrossEntropy):
    """Base of the losses -sum_j t_j log p_j with targets t and p the softmax of logits, or given."""

    @abstractmethod
    def _hard(self, y: Array) -> NDArray[np.intp] | None:
        """Return the one class of each row, or None where rows have several."""

    def _kernel(self, y: Array, x: Array, scale: Scale, out: Array | None) -> Array:
        if not self.from_logits:
            p, sums = self._distributions(x)
            targets, floor = self._targets(y, x.shape[1]), probabilities.FLOOR[x.dtype]
            return probabilities.cross_entropy(targets, p, sums, floor, scale, out)
        if self.label_smoothing == 0.0 and (index := self._hard(y)) is not None:
            weight = None if self.class_weight is None else self.class_weight[index]
            hard_scale = scale if weight is None else (weight * scale).astype(x.dtype)
            losses = hard_cross_entropy(index, x, hard_scale, out)
            if losses is not None:
                return losses if weight is None else np.where(weight == 0.0, 0.0, losses) * weight
        return soft_cross_entropy(self._targets(y, x.shape[1]), x, scale, out)

    def _hessian_diagonal(self, y: Array, x: Array) -> Array:
        targets = self._targets(y, x.shape[1])
        if self.from_logits:
            softmax = Softmax(x)
            return np.asarray(targets.total[:, None] * softmax.p * softmax.complement())
        p, sums = self._distributions(x)
        return probabilities.curvature(targets, p, sums, probabilities.FLOOR[x.dtype])

    def _hessian_product(self, y: Array, x: Array, v: Array) -> Array:
        targets = self._targets(y, x.shape[1])
        if self.from_logits:
            # H v = T (p * v - p (p . v))
            p = Softmax(x).p
            return np.asarray(targets.total[:, None] * p * (v - np.einsum("ij,ij->i", p, v)[:, None]))
        p, sums = self._distributions(x)
        return probabilities.curvature(targets, p, sums, probabilities.FLOOR[x.dtype], v)

    def _label_gradient(self, y: Array, x: Array) -> Array:
        if self.from_logits:
            rows = Softmax(x).negative_log()
        else:
            rows = -np.log(np.maximum(self._distributions(x)[0], probabilities.FLOOR[x.dtype]))
        rows *= 1.0 - self.label_smoothing
        return rows if self.class_weight is None else rows * self.class_weight

    def _label_weight_slope(self) -> Array | None:
        return self.class_weight


class CategoricalCrossentropy(SoftmaxCrossEntropy):
    """Cross entropy between rows of class probabilities and softmax outputs: -sum_j y_j log p_j.

    y_true: y_pred's shape, numbers >= 0, one-hot or soft; y_pred: logits, or probabilities with from_logits=False.
    The gradient is p sum(y) - y for logits, -y / p for probabilities. Options: see `ClassLoss` and `Loss`.
    Equals keras.losses.CategoricalCrossentropy, and torch.nn.CrossEntropyLoss with class probabilities as targets.

    >>> loss = CategoricalCrossentropy()
    >>> print(f"{loss([[1, 0, 0]], [[2.0, 1.0, 0.0]]):.6f}")
    0.407606
    >>> print(loss.gradient)
    [[-0.33475904  0.24472847  0.09003057]]
    """

    def _hard(self, y: Array) -> NDArray[np.intp] | None:
        index = y.argmax(axis=1)
        if labels.spans(y[np.arange(len(y)), index], 1, 1) and np.count_nonzero(y.astype(bool)) == len(y):
            return np.asarray(index)
        return None


class SparseCategoricalCrossentropy(SoftmaxCrossEntropy):
    """Cross entropy between class indices and softmax outputs: -log p_y.

    y_true: y_pred's shape without the class axis (or with 1 there), whole numbers 0 to C-1, of any numeric dtype;
    y_pred: logits, or probabilities with from_logits=False; ignore_class: a label whose losses are left out.
    No one-hot rows are made, also not for label_smoothing. Options: see `ClassLoss` and `Loss`.
    Equals keras.losses.SparseCategoricalCrossentropy, and with reduction="weighted_mean" torch.nn.CrossEntropyLoss.

    >>> loss = SparseCategoricalCrossentropy()
    >>> print(f"{loss([0], [[20.0, 0.0]]):.10e}")
    2.0611536203e-09
    >>> print(loss.gradient)
    [[-2.06115362e-09  2.06115362e-09]]
    """

    def __init__(self, *, ignore_class: int | None = None, **options: Any):
        super().__init__(**options)
        self.ignore_class = None if ignore_class is None else checks.integer("ignore_class", ignore_class, low=-(2**62))

    def _open(self, y_true: ArrayLike, y_pred: ArrayLike) -> Batch:
        y, x = numbers("y_true", y_true), computable(y_pred)
        rows, shape = self._rows(x)
        if y.shape != shape:
            y = labels.without_class_axis(y, x.shape, self.axis)
        index, valid = labels.class_indices(y, rows.shape[1], self.ignore_class)
        return Batch(index.reshape(-1), rows, shape, self.axis, None if valid is None else valid.reshape(-1))

    def _hard(self, y: Array) -> NDArray[np.intp] | None:
        return y

    def _targets(self, y: Array, classes: int) -> Targets:
        a = self.label_smoothing
        c = np.ones(classes) if self.class_weight is None else self.class_weight
        return IndexTargets(y, (1.0 - a) * c[y], a / classes * c if a else None)

    def _label_weights(self, y: Array) -> Array | None:
        return None if self.class_weight is None else self.class_weight[y]

    def check_labels(self, y_true: ArrayLike, output_shape: tuple[int, ...]) -> None:
        """Raise unless every label of a data set is a class index of the outputs, or the ignored one."""
        y = numbers("y_true", y_true)
        shape = (*y.shape[:1], *output_shape)
        if y.shape != tuple(np.delete(shape, self.axis).tolist()):
            y = labels.without_class_axis(y, shape, self.axis)
        classes = shape[self.axis]
        labels.in_pieces(y, lambda piece, start: labels.class_indices(piece, classes, self.ignore_class, start))
        if self.check != "never" and self.ignore_class is None:
            look_at_indices(y, classes)
