"""What stands at the door: one check for each kind of argument, so that every message reads alike."""

from __future__ import annotations

import math
import operator
from collections.abc import Iterable, Mapping
from itertools import islice
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from cutedl.errors import ArgumentError, CheckpointMismatchError, DataTypeError, NonFiniteError

__all__ = ["finite_rows", "integer", "number", "numeric_array", "same_arrays"]

# np.isfinite makes a mask as large as its input: data is looked at in pieces of about this many values.
_PIECE = 1 << 20

# A message names so many arrays that do not fit.
_LISTED = 8


def integer(name: str, value: object, *, low: int = 1) -> int:
    """Return value as an int >= low, or raise ArgumentError.

    >>> integer("batch_size", np.int64(64))
    64
    >>> integer("batch_size", 0)
    Traceback (most recent call last):
    ...
    cutedl.errors.ArgumentError: batch_size cannot be used. expected an int >= 1, received 0 (int).
    """
    try:
        if isinstance(value, bool | np.bool_):
            raise TypeError
        result = operator.index(value)  # type: ignore[arg-type]
        if result < low:
            raise ValueError
    except (TypeError, ValueError):
        raise _refused(name, f"an int >= {low}", value) from None
    return result


def number(
    name: str,
    value: object,
    *,
    low: float = -math.inf,
    high: float = math.inf,
    above: bool = False,
    below: bool = False,
) -> float:
    """Return value as a Python float in [low, high], or raise ArgumentError; above/below leave out that end.

    A Python float, because one NumPy float64 scalar makes every float32 ufunc it meets several times slower.

    >>> number("momentum", 0.9, low=0, high=1, below=True)
    0.9
    >>> number("momentum", 1, low=0, high=1, below=True)
    Traceback (most recent call last):
    ...
    cutedl.errors.ArgumentError: momentum cannot be used. expected a number in [0, 1), received 1 (int).
    """
    expected = f"a number in {'(' if above else '['}{low:g}, {high:g}{')' if below else ']'}"
    if isinstance(value, bool | np.bool_ | str):
        raise _refused(name, expected, value)
    try:
        result = float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        raise _refused(name, expected, value) from None
    inside = (low < result if above else low <= result) and (result < high if below else result <= high)
    if not inside or not math.isfinite(result):
        raise _refused(name, expected, value)
    return result


def numeric_array(name: str, values: ArrayLike) -> NDArray[Any]:
    """Return values as an array of real numbers without copying one that is, or raise DataTypeError.

    >>> numeric_array("data", [[1, 2], [3, 4]]).shape
    (2, 2)
    >>> numeric_array("data", ["a"])
    Traceback (most recent call last):
    ...
    cutedl.errors.DataTypeError: data cannot be used as numbers. expected an array of real numbers, \
received dtype <U1. hint: convert it first, for example with np.asarray(data, dtype="float32").
    """
    try:
        array = np.asarray(values)
    except ValueError as error:
        raise DataTypeError(
            f"{name} cannot be made an array.", expected="rows of equal length", received=str(error)
        ) from None
    if array.dtype.kind not in "fiub":
        raise DataTypeError(
            f"{name} cannot be used as numbers.",
            expected="an array of real numbers",
            received=f"dtype {array.dtype}",
            hint=f'convert it first, for example with np.asarray({name}, dtype="float32").',
        )
    return array


def finite_rows(name: str, array: NDArray[Any], dtype: np.dtype[Any] | None = None) -> None:
    """Raise NonFiniteError naming the first row of array that is not finite once cast to dtype.

    >>> finite_rows("data", np.array([[1.0, 2.0], [3.0, np.nan]]))
    Traceback (most recent call last):
    ...
    cutedl.errors.NonFiniteError: data has a value that is not finite. expected finite numbers, \
received nan at index (1, 1). hint: remove or fill such rows first.
    """
    if array.dtype.kind != "f" or array.ndim == 0:
        return
    step = max(1, _PIECE // max(1, math.prod(array.shape[1:])))
    for start in range(0, len(array), step):
        piece = array[start : start + step]
        with np.errstate(over="ignore"):
            finite = np.isfinite(piece if dtype is None else piece.astype(dtype, copy=False))
        if not finite.all():
            inside = tuple(int(i) for i in np.argwhere(~finite)[0])
            where = (start + inside[0], *inside[1:])
            raise NonFiniteError(
                f"{name} has a value that is not finite.",
                expected="finite numbers" if dtype is None else f"finite numbers in {np.dtype(dtype)}",
                received=f"{piece[inside]:g} at index {where}",
                hint="remove or fill such rows first.",
            )


def same_arrays(kind: str, given: object, shapes: Mapping[str, tuple[int, ...]], dtype: DTypeLike) -> None:
    """Raise CheckpointMismatchError unless given is a dict of arrays with exactly these names, shapes and dtype.

    >>> same_arrays("weights", {"w": np.zeros(3), "c": np.zeros(1)}, {"w": (2,), "b": (1,)}, "float64")
    Traceback (most recent call last):
    ...
    cutedl.errors.CheckpointMismatchError: the saved weights are others. expected w (2,) float64, b (1,) float64, \
received w (3,) float64, no b, c (1,) float64.
    """
    if not isinstance(given, Mapping):
        raise CheckpointMismatchError(f"there are no saved {kind}.", expected="arrays by name", received=repr(given))

    def shown(name: str) -> str:
        found = given.get(name)
        if name not in given:
            return f"no {name}"
        return f"{name} {found.shape} {found.dtype}" if isinstance(found, np.ndarray) else f"{name} {type(found)}"

    wrong = [name for name, shape in shapes.items() if not _is_array(given.get(name), shape, dtype)]
    extra = [name for name in given if name not in shapes]
    if wrong or extra:
        raise CheckpointMismatchError(
            f"the saved {kind} are others.",
            expected=_listed(f"{name} {shapes[name]} {np.dtype(dtype)}" for name in wrong) or f"no {_listed(extra)}",
            received=_listed(shown(name) for name in [*wrong, *extra]),
        )


def _is_array(found: object, shape: tuple[int, ...], dtype: DTypeLike) -> bool:
    return isinstance(found, np.ndarray) and found.shape == shape and found.dtype == dtype


def _listed(names: Iterable[str]) -> str:
    """The first names, and how many more there are."""
    first = [*islice(names := iter(names), _LISTED)]
    rest = sum(1 for _ in names)
    return ", ".join(first) + (f" and {rest} more" if rest else "")


def _refused(name: str, expected: str, value: object) -> ArgumentError:
    return ArgumentError(f"{name} cannot be used.", expected=expected, received=f"{value!r} ({type(value).__name__})")
