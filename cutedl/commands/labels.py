"""Labels: what they mean, and the class indices or targets that a loss takes."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from cutedl import checks
from cutedl.errors import LabelError

__all__ = ["CLASSIFICATION", "REGRESSION", "class_indices", "class_names", "guess_task", "targets", "tidy"]

CLASSIFICATION, REGRESSION = "classification", "regression"

_MOST_CLASSES = 20  # more different whole numbers than this are taken for amounts
_LISTED = 8  # classes that a message names


def tidy(y: NDArray[Any]) -> NDArray[Any]:
    """Return labels without an axis of length 1, one-hot rows as class indices, whole numbers as integers.

    Raises DataTypeError for labels that are neither numbers nor text.

    >>> tidy(np.array([[1.0], [3.0]])), tidy(np.array([[0, 1], [1, 0]]))
    (array([1, 3]), array([1, 0]))
    """
    if y.ndim == 2 and y.shape[1] == 1:
        y = y[:, 0]
    if y.dtype.kind == "S":
        y = np.strings.decode(y, "utf-8", "backslashreplace")  # whatever the bytes are, each label stays its own
    if y.dtype.kind == "U":
        return y
    y = checks.numeric_array("labels", y)
    if y.ndim == 2 and np.isin(y, (0, 1)).all() and (y.sum(axis=1) == 1).all():
        y = y.argmax(axis=1)
    with np.errstate(invalid="ignore"):  # NaN, and what an int64 cannot hold: 1e20 is whole, but stays a float
        whole = y.astype(np.int64)
    return whole if np.array_equal(whole, y) else y


def guess_task(y: NDArray[Any]) -> tuple[str, str]:
    """Return what tidy labels ask for, classification or regression, and why.

    >>> guess_task(np.array(["cat", "dog"]))
    ('classification', 'its labels are text')
    >>> guess_task(np.array([0.5, 1.5]))
    ('regression', 'its labels are fractions')
    """
    if y.dtype.kind == "U":
        return CLASSIFICATION, "its labels are text"
    if y.dtype.kind == "f":
        return REGRESSION, "its labels are fractions"
    count = len(np.unique(y))
    if y.ndim == 1 and count <= _MOST_CLASSES:
        return CLASSIFICATION, f"its labels are {count} different whole numbers"
    return REGRESSION, f"its labels are {count} different whole numbers, too many for classes"


def class_names(y: NDArray[Any]) -> list[str]:
    """Return the classes of tidy labels, in order; their positions are the class indices.

    Raises LabelError for labels that are all the same.
    """
    names = [str(label) for label in np.unique(y)]
    if len(names) == 1:
        raise LabelError("all labels are the same.", expected="at least 2 classes", received=f"{names[0]!r} alone")
    return names


def class_indices(y: NDArray[Any], names: list[str]) -> NDArray[np.int64]:
    """Return the class index of each tidy label. Raises LabelError for a label that is none of the names.

    >>> class_indices(np.array(["dog", "cat", "dog"]), ["cat", "dog"])
    array([1, 0, 1])
    """
    found, inverse = np.unique(y, return_inverse=True)
    unknown = [str(label) for label in found if str(label) not in names]
    if unknown or y.ndim != 1:
        raise LabelError(
            "labels do not name the classes that the model knows.",
            expected=_listed(names),
            received=_listed(unknown) if unknown else f"rows of {y.shape[1:]}",
        )
    return np.array([names.index(str(label)) for label in found], dtype=np.int64)[inverse]


def targets(y: NDArray[Any]) -> NDArray[np.float64]:
    """Return tidy labels as (N, K) numbers to be met. Raises LabelError for text."""
    if y.dtype.kind == "U":
        raise LabelError("labels cannot be targets of a regression.", expected="numbers", received=repr(str(y.flat[0])))
    return y.reshape(len(y), -1).astype(np.float64)


def _listed(names: list[str]) -> str:
    rest = len(names) - _LISTED
    return ", ".join(names[:_LISTED]) + (f" and {rest} more" if rest > 0 else "")
