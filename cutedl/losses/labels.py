"""The door for labels: each check is vectorised, and names the first row and value that cannot be used."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cutedl import checks
from cutedl.errors import LabelError, NonFiniteError, ShapeError

__all__ = [
    "class_indices",
    "floating",
    "in_pieces",
    "per_column",
    "per_sample",
    "same_shape",
    "spans",
    "within",
    "without_class_axis",
]

# Whole data sets are looked at in pieces of about this many labels.
_PIECE = 1 << 20


def same_shape(y: NDArray[Any], x: NDArray[Any], name: str = "y_true") -> None:
    """Raise ShapeError unless y has y_pred's shape: no loss broadcasts one against the other.

    >>> same_shape(np.zeros(3), np.zeros((3, 1)))
    Traceback (most recent call last):
    ...
    cutedl.errors.ShapeError: y_true does not fit y_pred. expected y_pred's shape (3, 1), received shape (3,). \
hint: if they belong together, reshape one: y_true.reshape(3, 1).
    """
    if y.shape == x.shape:
        return
    hint = "nothing is repeated to fit; class indices go with SparseCategoricalCrossentropy."
    if y.size == x.size:
        hint = f"if they belong together, reshape one: {name}.reshape({', '.join(map(str, x.shape))})."
    raise ShapeError(
        f"{name} does not fit y_pred.",
        expected=f"y_pred's shape {x.shape}",
        received=f"shape {y.shape}",
        hint=hint,
    )


def floating(y: NDArray[Any], dtype: np.dtype[Any]) -> NDArray[Any]:
    """Return whole numbers in dtype, that of y_pred: int64 less float32 would be float64, and other bits."""
    return y if y.dtype.kind == "f" else y.astype(dtype)


def per_column(name: str, weights: NDArray[Any], columns: int, *, or_one: bool = False) -> None:
    """Raise ShapeError unless there is one weight for each column of y_pred, or a single one if or_one."""
    if len(weights) != columns and not (or_one and len(weights) == 1):
        raise ShapeError(
            f"{name} does not fit y_pred.",
            expected=f"{columns} weights, one per class{', or a single one' if or_one else ''}",
            received=f"{len(weights)}",
        )


def per_sample(y: NDArray[Any], output_shape: tuple[int, ...]) -> None:
    """Raise ShapeError unless every sample of y has the shape of an output."""
    if y.ndim == 0 or y.shape[1:] != tuple(output_shape):
        hint = None
        if len(output_shape) == 1 and y.ndim == 1:
            hint = "class indices go with SparseCategoricalCrossentropy; a column of targets is y.reshape(-1, 1)."
        raise ShapeError(
            "the labels do not fit the model's output.",
            expected=f"shape (samples, {', '.join(map(str, output_shape))})",
            received=f"shape {y.shape}",
            hint=hint,
        )


def without_class_axis(y: NDArray[Any], shape: tuple[int, ...], axis: int) -> NDArray[Any]:
    """Return labels (..., 1, ...) without the axis that has the classes in y_pred, or raise ShapeError.

    >>> without_class_axis(np.array([[2], [0]]), (2, 3), -1)
    array([2, 0])
    """
    axis %= len(shape)
    if y.shape == (*shape[:axis], 1, *shape[axis + 1 :]):
        return y.reshape(shape[:axis] + shape[axis + 1 :])
    hint = "give one class index per row."
    if y.shape == shape:
        hint = "one-hot rows go with CategoricalCrossentropy, or take y_true.argmax over the classes."
    raise ShapeError(
        "the labels do not fit y_pred.",
        expected=f"class indices of shape {shape[:axis] + shape[axis + 1 :]}",
        received=f"shape {y.shape}",
        hint=hint,
    )


def in_pieces(y: NDArray[Any], check: Callable[[NDArray[Any], int], object]) -> None:
    """Call check(rows, first row) on the rows of y, piece by piece."""
    step = max(1, _PIECE // max(1, y[:1].size))
    for start in range(0, len(y), step):
        check(y[start : start + step], start)


def class_indices(
    y: NDArray[Any], classes: int, ignore_class: int | None = None, start: int = 0
) -> tuple[NDArray[np.intp], NDArray[np.bool_] | None]:
    """Return (labels as indices in [0, classes), which of them count); an ignored label becomes 0 and does not count.

    Raises LabelError for a label that is no whole number or out of range; start: the row that y begins at.

    >>> class_indices(np.array([1, -1, 2], dtype="int8"), 3, ignore_class=-1)
    (array([1, 0, 2]), array([ True, False,  True]))
    """
    valid: NDArray[np.bool_] | None = None
    if ignore_class is not None:
        valid = y != ignore_class
        y = np.where(valid, y, 0)
    if not spans(y, 0, classes - 1):
        _refuse_index(y, classes, start)
    indices = y.astype(np.intp, copy=False)
    if y.dtype.kind == "f" and not np.array_equal(indices, y):
        where = _first(indices != y)
        raise LabelError(
            "a label is no class index.",
            expected="whole numbers",
            received=f"{y[where]:g} at {_place(where, start)}",
            hint="class probabilities belong into CategoricalCrossentropy, whose labels have the shape of y_pred.",
        )
    return indices, valid


def spans(a: NDArray[Any], low: float, high: float) -> bool:
    """Tell whether all of an array lies in [low, high]; NaN does not.

    By argmin and argmax, which take a fifth of the time of min and max on a batch of labels.
    """
    a = a.reshape(-1)
    return not a.size or bool(a[a.argmin()] >= low and a[a.argmax()] <= high)


def within(y: NDArray[Any], low: float, high: float, what: str, start: int = 0, hint: str | None = None) -> None:
    """Raise LabelError or NonFiniteError naming the first label outside [low, high]; start: the row that y begins at.

    >>> within(np.array([[0.0, 1.0], [0.5, 2.0]]), 0, 1, "probabilities")
    Traceback (most recent call last):
    ...
    cutedl.errors.LabelError: a label is out of range. expected probabilities in [0, 1], received 2 at row 1, column 1.
    """
    if spans(y, low, high):
        return
    where = _first(~((y >= low) & (y <= high)))
    value, expected = y[where], f"{what} in {checks.interval(low, high)}"
    place = _place(where, start)
    if not np.isfinite(value):
        raise NonFiniteError("a label is not finite.", expected=expected, received=f"{value:g} at {place}")
    raise LabelError("a label is out of range.", expected=expected, received=f"{value:g} at {place}", hint=hint)


def _refuse_index(y: NDArray[Any], classes: int, start: int) -> None:
    where = _first(~((y >= 0) & (y < classes)))
    hint = "classes are counted from 0; labels to be left out are named with ignore_class."
    if classes == 1:
        hint = "a model with one output answers yes or no: that is BinaryCrossentropy, with labels of shape (B, 1)."
    elif y.min() == 1 and y.max() == classes:
        hint = "these labels start at 1: subtract 1."
    raise LabelError(
        "a label is out of range.",
        expected=f"class indices 0 to {classes - 1}",
        received=f"{y[where]:g} at {_place(where, start)}",
        hint=hint,
    )


def _first(bad: NDArray[np.bool_]) -> tuple[int, ...]:
    return tuple(int(i) for i in np.unravel_index(int(np.argmax(bad)), bad.shape))


def _place(where: tuple[int, ...], start: int) -> str:
    """Name an index: the row, and the column or position inside it."""
    if not where:
        return "the only one"
    row, *inside = where[0] + start, *where[1:]
    return f"row {row}" if not inside else f"row {row}, column {inside[0]}" if len(inside) == 1 else f"index {where}"
