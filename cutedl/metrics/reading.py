"""Reading: how labels and outputs are read, which the loss knows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cutedl.dlmath import prob_distribution, sigmoid
from cutedl.errors import ShapeError
from cutedl.losses import labels
from cutedl.losses.base import columns_last, computable, numbers

if TYPE_CHECKING:
    from cutedl.losses import Loss

__all__ = ["Answers", "Classes", "Reading"]

Array = NDArray[Any]


class Classes(NamedTuple):
    """Labels and scores of R rows that each belong to one of C classes.

    label: (R,) the class, of rows of labels the largest; x: (R, C); rows: (R, C) the labels where they are rows.
    """

    label: NDArray[np.intp]
    x: Array
    rows: Array | None


class Answers(NamedTuple):
    """Labels and outputs of R rows of n yes-or-no answers.

    y, x: (R, n); counted: (R, n) which of them count, or None for all.
    """

    y: Array
    x: Array
    counted: NDArray[np.bool_] | None

    def flat(self) -> tuple[Array, Array]:
        """Return the labels and outputs that count, (N,) each."""
        if self.counted is None:
            return self.y.reshape(-1), self.x.reshape(-1)
        return self.y[self.counted], self.x[self.counted]


class Reading(NamedTuple):
    """How labels and outputs are read.

    threshold: the output above which an answer says yes, or None where outputs are scores of classes; activation: what
    turns outputs into the terms of the labels, "softmax", "sigmoid" or "exponential", or None where they are;
    axis: that of the classes; ignore_class: a label that does not count.
    """

    threshold: float | None = None
    activation: str | None = None
    axis: int = -1
    ignore_class: int | None = None

    @classmethod
    def of(cls, loss: Loss) -> Reading:
        """Return how labels and outputs are read for a loss.

        >>> from cutedl import losses
        >>> Reading.of(losses.BinaryCrossentropy()).activation
        'sigmoid'
        """
        activation = loss.activation if loss.from_logits else None
        if getattr(loss, "log_input", False):
            activation = "exponential"
        return cls(
            loss.threshold,
            activation,
            getattr(loss, "axis", -1),
            getattr(loss, "ignore_class", None),
        )

    def classes(self, y_true: ArrayLike, y_pred: ArrayLike) -> Classes:
        """Return labels and scores by rows, without those that are ignored.

        y_pred: (..., C), or C along `axis`; y_true: class indices (...) or (..., 1), or rows of y_pred's shape.
        Raises ShapeError or LabelError.
        """
        y, x = numbers("y_true", y_true), computable(y_pred)
        if x.ndim < 2 or x.shape[self.axis] < 2:
            raise ShapeError(
                "y_pred has no classes to choose from.",
                expected="the scores of at least 2 classes in every row",
                received=f"shape {x.shape}",
                hint="yes-or-no answers need a threshold: 0 for logits, 0.5 for probabilities.",
            )
        moved = columns_last(x, self.axis)
        rows = moved.reshape(-1, moved.shape[-1])
        if y.shape == x.shape:
            shares = columns_last(y, self.axis).reshape(rows.shape)
            return Classes(shares.argmax(axis=1), rows, shares)
        if y.shape != moved.shape[:-1]:
            y = labels.without_class_axis(y, x.shape, self.axis)
        index, valid = labels.class_indices(y.reshape(-1), rows.shape[1], self.ignore_class)
        return Classes(index, rows, None) if valid is None else Classes(index[valid], rows[valid], None)

    def answers(self, y_true: ArrayLike, y_pred: ArrayLike) -> Answers:
        """Return labels and outputs as rows; y_true, y_pred: (..., n), or n along `axis`, or (B,); else ShapeError."""
        y, x = numbers("y_true", y_true), computable(y_pred)
        labels.same_shape(y, x)
        y, x = columns_last(y, self.axis), columns_last(x, self.axis)
        shape = (-1, x.shape[-1] if x.ndim > 1 else 1)
        counted = None if self.ignore_class is None else (y != self.ignore_class).reshape(shape)
        return Answers(y.reshape(shape), x.reshape(shape), counted)

    def activated(self, x: Array) -> NDArray[np.float64]:
        """Return outputs (R, C) in the terms of the labels, in float64 and in rows that follow each other in memory.

        The layout matters: NumPy may take another path, and round otherwise, for an array with gaps.
        """
        wide = np.ascontiguousarray(x, np.float64)
        if self.activation == "softmax":
            return prob_distribution(wide)
        if self.activation == "sigmoid":
            return sigmoid(wide)
        return np.exp(wide) if self.activation == "exponential" else wide
