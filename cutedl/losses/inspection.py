"""Inspection: what is probably wrong with labels and predictions whose shapes and ranges are right.

A loss runs this on its first batch. What makes the result wrong is an error; what only looks wrong is a warning, for
logits may happen to look like probabilities.
"""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from cutedl.errors import InputWarning, NonFiniteError

if TYPE_CHECKING:
    from cutedl.losses.base import Loss

__all__ = ["CHECKS", "inspect", "look_at_indices"]

CHECKS = ("first", "always", "never")

Array = NDArray[Any]

# So few values may look like anything by chance; so few labels per class may miss one.
_ENOUGH = 16
_SUM_SLACK = 1e-3
_RELU_ZEROS = 0.2


def inspect(loss: Loss, y: Array, x: Array, counted: NDArray[np.bool_] | None) -> None:
    """Raise or warn about what is probably wrong with a batch.

    y: labels (R,) or (R, C); x: y_pred (R, C); counted: which of the R rows count, None for all.
    Raises NonFiniteError for NaN; warns with InputWarning about probabilities given as logits, a relu on the logits,
    label rows that are no distribution and class indices that start at 1.

    >>> from cutedl.losses import SparseCategoricalCrossentropy
    >>> inspect(SparseCategoricalCrossentropy(), np.array([0]), np.array([[np.nan, 1.0]]), None)
    Traceback (most recent call last):
    ...
    cutedl.errors.NonFiniteError: y_pred is not a number. expected finite numbers, received nan at row 0, column 0. \
hint: look for a division by 0 or an overflow in the model.
    """
    rows = np.arange(len(x))
    if counted is not None:
        rows, y, x = rows[counted], y[counted], x[counted]
    if not len(x):
        return
    _refuse_nan(x, rows)
    if loss.from_logits:
        _look_at_logits(loss.activation, x)
    if loss.activation == "softmax":
        if y.ndim > 1:
            _look_at_distributions(y, rows)
        elif getattr(loss, "ignore_class", None) is None:
            look_at_indices(y, x.shape[1])


def _refuse_nan(x: Array, rows: Array) -> None:
    if np.isnan(x.min()):
        row, column = (int(i) for i in np.argwhere(np.isnan(x))[0])
        raise NonFiniteError(
            "y_pred is not a number.",
            expected="finite numbers",
            received=f"nan at row {rows[row]}, column {column}",
            hint="look for a division by 0 or an overflow in the model.",
        )


def _look_at_logits(activation: str | None, x: Array) -> None:
    if x.size < _ENOUGH or x.min() < 0:
        return
    zeros = np.count_nonzero(x == 0) / x.size
    if zeros == 1:
        return
    if x.max() <= 1 and (activation == "sigmoid" or (np.abs(x.sum(axis=1) - 1) < _SUM_SLACK).all()):
        _warn(
            "y_pred looks like probabilities, and the loss expects logits.",
            f"every value is in [0, 1]{'' if activation == 'sigmoid' else ' and every row sums to 1'}",
            f"leave out the last {activation}, or set from_logits=False; a {activation} applied twice learns slowly.",
        )
    elif zeros > _RELU_ZEROS:
        _warn(
            "y_pred looks like the output of a relu, and the loss expects logits.",
            f"no value is negative and {zeros:.0%} are exactly 0",
            'end the model with activation="linear": a relu cannot say that a class is unlikely.',
        )


def _look_at_distributions(y: Array, rows: Array) -> None:
    sums = y.sum(axis=1, dtype=np.float64)
    off = np.abs(sums - 1) > _SUM_SLACK
    if off.any():
        row = int(np.argmax(off))
        _warn(
            "a row of labels is no distribution.",
            f"row {rows[row]} sums to {sums[row]:g}",
            "several classes at once are a case for BinaryCrossentropy; rows to be left out, for mask.",
        )


def look_at_indices(y: Array, classes: int) -> None:
    """Warn if class 0 alone does not occur among very many labels.

    y: class indices of any shape, in range; classes: how many there are.
    """
    if y.size < _ENOUGH * classes or y.min() != 1:
        return
    if len(np.unique(y)) == classes - 1 > 1:
        _warn(
            "the labels may start at 1.",
            f"of {classes} classes, 0 is the only one that does not occur in {y.size} labels",
            "classes are counted from 0: subtract 1, and give the model one output less.",
        )


def _warn(what: str, seen: str, fix: str) -> None:
    # The warning names the line that calls loss(y_true, y_pred).
    warnings.warn(f"{what} seen: {seen}. hint: {fix}", InputWarning, stacklevel=6)
