"""What stands at the door: one check for each kind of argument, so that every message reads alike."""

from __future__ import annotations

import math
import operator
import os
from collections.abc import Iterable, Mapping, Sequence
from itertools import islice
from numbers import Real
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from cutedl.errors import ArgumentError, CheckpointMismatchError, DataTypeError, NonFiniteError

__all__ = [
    "column_names",
    "finite_rows",
    "flag",
    "integer",
    "interval",
    "number",
    "numeric_array",
    "path",
    "same_arrays",
    "several",
    "text",
]

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
    expected = f"a number in {interval(low, high, above, below)}"
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


def interval(low: float, high: float, above: bool = False, below: bool = False) -> str:
    """Return [low, high] as text, with a round bracket at an end that is left out, as infinity always is.

    >>> interval(0, 1, below=True), interval(0, float("inf"))
    ('[0, 1)', '[0, inf)')
    """
    opening = "(" if above or low == -math.inf else "["
    closing = ")" if below or high == math.inf else "]"
    return f"{opening}{low:g}, {high:g}{closing}"


def flag(name: str, value: object) -> bool:
    """Return value as a bool, or raise ArgumentError: "no" is true in Python, and None would be False by accident.

    >>> flag("use_bias", "no")
    Traceback (most recent call last):
    ...
    cutedl.errors.ArgumentError: use_bias cannot be used. expected True or False, received 'no' (str).
    """
    if not isinstance(value, bool | np.bool_):
        raise _refused(name, "True or False", value)
    return bool(value)


def text(name: str, value: object) -> str:
    """Return value, a str that is not empty, or raise ArgumentError.

    >>> text("name", "dense_0")
    'dense_0'
    """
    if not isinstance(value, str) or not value:
        raise _refused(name, "text", value)
    return value


def path(name: str, value: object) -> str:
    """Return a str or a Path as text, or raise ArgumentError.

    >>> path("path", 3)
    Traceback (most recent call last):
    ...
    cutedl.errors.ArgumentError: path cannot be used. expected a path, as text or a Path, received 3 (int).
    """
    if not isinstance(value, str | os.PathLike):
        raise _refused(name, "a path, as text or a Path", value)
    return str(os.fspath(value))


def several(name: str, values: object) -> list[Any]:
    """Return the items of a list, or of anything like one, or raise ArgumentError.

    >>> several("layers", 3)
    Traceback (most recent call last):
    ...
    cutedl.errors.ArgumentError: layers cannot be used. expected a list, received 3 (int).
    """
    if not isinstance(values, Iterable) or isinstance(values, str | bytes):
        raise _refused(name, "a list", values)
    return list(values)


def numeric_array(name: str, values: ArrayLike) -> NDArray[Any]:
    """Return values as an array of real numbers without copying one that is, or raise DataTypeError.

    values: lists, anything with `__array__` or the buffer protocol; the columns of a table (pandas, Polars) may differ
    in type and become float64 together.

    >>> numeric_array("data", [[1, 2], [3, 4]]).shape
    (2, 2)
    >>> numeric_array("data", ["a"])
    Traceback (most recent call last):
    ...
    cutedl.errors.DataTypeError: data cannot be used as numbers. expected an array of real numbers, \
received dtype <U1. hint: convert it first, for example with np.asarray(data, dtype="float32").
    """
    if type(values) is np.ndarray and values.dtype.kind in "fiub":
        return values
    # A masked array, told without the 5 ms of importing numpy.ma: asarray would bring back what its mask hides.
    mask = getattr(values, "mask", False) if isinstance(values, np.ndarray) else False
    if np.any(mask):
        raise DataTypeError(
            f"{name} has masked values.",
            expected="a number in every place",
            received=f"{np.count_nonzero(mask)} masked of {np.size(values)}",
            hint=f"fill them with {name}.filled(...), or leave those rows out.",
        )
    try:
        array = np.asarray(values)
    except (ValueError, TypeError, RuntimeError) as error:  # what lists, and the tensors of other libraries, raise
        expected = "rows of equal length" if isinstance(error, ValueError) else "what NumPy can read"
        raise DataTypeError(f"{name} cannot be made an array.", expected=expected, received=str(error)) from None
    if columns := column_names(values):
        # By rows, as batches are taken; a table lies in memory by columns.
        array = np.ascontiguousarray(_table(name, array, columns) if array.dtype.kind == "O" else array)
    if array.dtype.kind not in "fiub":
        dense = f"{name}.toarray()" if hasattr(values, "toarray") else f'np.asarray({name}, dtype="float32")'
        raise DataTypeError(
            f"{name} cannot be used as numbers.",
            expected="an array of real numbers",
            received=f"dtype {array.dtype}",
            hint=f"convert it first, for example with {dense}.",
        )
    return array


def column_names(values: object) -> tuple[str, ...]:
    """Return the names of a table's columns, or of the one column that a Series is; none for anything else."""
    for attribute in ("column_names", "columns"):  # pyarrow's table has both, and in `columns` the columns themselves
        if hasattr(values, "__array__") and hasattr(values, attribute):
            return tuple(str(name) for name in getattr(values, attribute))
    name = getattr(values, "name", None)
    return (str(name),) if hasattr(values, "__array__") and name is not None else ()


def finite_rows(
    name: str, array: NDArray[Any], dtype: np.dtype[Any] | None = None, columns: Sequence[str] = (), start: int = 0
) -> None:
    """Raise NonFiniteError naming the first row of array that is not finite once cast to dtype.

    columns: their names, for the message; start: the row that array begins at.

    >>> finite_rows("data", np.array([[1.0, 2.0], [3.0, np.nan]]))
    Traceback (most recent call last):
    ...
    cutedl.errors.NonFiniteError: data has a value that is not finite. expected finite numbers, \
received nan at index (1, 1). hint: remove or fill such rows first.
    """
    if array.dtype.kind != "f" or array.ndim == 0:
        return
    step = max(1, _PIECE // max(1, math.prod(array.shape[1:])))
    for first in range(0, len(array), step):
        piece = array[first : first + step]
        with np.errstate(over="ignore"):
            finite = np.isfinite(piece if dtype is None else piece.astype(dtype, copy=False))
        if not finite.all():
            inside = tuple(int(i) for i in np.argwhere(~finite)[0])
            where = (start + first + inside[0], *inside[1:])
            raise NonFiniteError(
                f"{name} has a value that is not finite{_place(where, columns)}.",
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


def _table(name: str, table: NDArray[Any], columns: Sequence[str]) -> NDArray[np.float64]:
    """Numbers of several types as float64; text is none, though NumPy would read it."""
    for where, value in np.ndenumerate(table):
        if not isinstance(value, Real | np.bool_):
            raise DataTypeError(
                f"{name} cannot be used as numbers{_place(where, columns)}.",
                expected="a real number",
                received=f"{value!r} ({type(value).__name__})",
                hint="encode, fill or drop that column first.",
            )
    return table.astype(np.float64)


def _place(where: tuple[int, ...], columns: Sequence[str]) -> str:
    return f": column {columns[where[-1] if len(columns) > 1 else 0]!r}, row {where[0]}" if columns else ""


def _is_array(found: object, shape: tuple[int, ...], dtype: DTypeLike) -> bool:
    return isinstance(found, np.ndarray) and found.shape == shape and found.dtype == dtype


def _listed(names: Iterable[str]) -> str:
    """The first names, and how many more there are."""
    first = [*islice(names := iter(names), _LISTED)]
    rest = sum(1 for _ in names)
    return ", ".join(first) + (f" and {rest} more" if rest else "")


def _refused(name: str, expected: str, value: object) -> ArgumentError:
    return ArgumentError(f"{name} cannot be used.", expected=expected, received=f"{value!r} ({type(value).__name__})")
