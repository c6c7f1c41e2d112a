"""What a History is outside the program: plain data that any JSON reader takes, and a table of its columns as CSV.

NaN is null in JSON and an empty cell in CSV; infinities are the texts inf and -inf. Floats are written by repr, so that
reading gives the same bits.
"""

from __future__ import annotations

import math
import os
from collections.abc import Mapping, Sequence
from itertools import zip_longest
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cutedl.errors import CorruptDataError, DataTypeError
from cutedl.files import publish

__all__ = ["packed_column", "plain", "plain_column", "read_column", "read_csv", "read_json", "write_csv", "write_json"]

Number = int | float
_INFINITIES = {"inf": math.inf, "-inf": -math.inf}


def plain(value: Any) -> Any:
    """Return value as JSON holds it: NumPy scalars as Python numbers, NaN as None; what JSON has no form for as text.

    >>> plain({"seed": np.int64(3), "best": float("nan"), "shape": (28, 28)})
    {'seed': 3, 'best': None, 'shape': [28, 28]}
    """
    if isinstance(value, Mapping):
        return {str(key): plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [plain(inner) for inner in value]
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        return None if math.isnan(value) else repr(value)
    return value if value is None or isinstance(value, str | int | float) else str(value)


def plain_column(name: str, values: Sequence[Any]) -> list[Any]:
    """Return a column as JSON holds it. Raises DataTypeError for a value that is no number.

    >>> plain_column("loss", [np.float32(0.5), float("nan"), float("inf")])
    [0.5, None, 'inf']
    """
    for value in values:
        if not isinstance(value, int | float | np.integer | np.floating | np.bool_):
            raise DataTypeError(
                f"the history column {name!r} cannot be written.",
                expected="numbers",
                received=repr(value),
                hint="notes of another kind can stand in history.info.",
            )
    return [plain(int(value) if isinstance(value, bool | np.bool_) else value) for value in values]


def packed_column(name: str, values: Sequence[Any]) -> NDArray[Any] | list[Any]:
    """Return a column as an array where all of it is of one type, which takes less room than text.

    >>> packed_column("loss", [0.5, float("nan")])
    array([0.5, nan])
    """
    if all(type(value) is float for value in values):
        return np.array(values, np.float64)
    if all(type(value) is int and abs(value) < 1 << 63 for value in values):
        return np.array(values, np.int64)
    return plain_column(name, values)


def read_column(name: str, values: Any) -> list[Number]:
    """Return the numbers of a column that one of the two above gave. Raises CorruptDataError for anything else."""
    if isinstance(values, np.ndarray) and values.ndim == 1:
        values = values.tolist()
    if not isinstance(values, list):
        raise CorruptDataError(f"the history column {name!r} cannot be read.", expected="a list", received=repr(values))
    return [_number(name, value) for value in values]


def _number(name: str, value: Any) -> Number:
    if value is None:
        return math.nan
    if isinstance(value, str) and value in _INFINITIES:
        return _INFINITIES[value]
    if isinstance(value, int | float) and not isinstance(value, bool):
        return value
    raise CorruptDataError(f"the history column {name!r} cannot be read.", expected="numbers", received=repr(value))


def write_json(path: str | os.PathLike[str], text: str) -> None:
    """Write text to path, whole or not at all."""
    with publish(Path(path)) as temporary:
        temporary.write_text(text, encoding="utf-8")


def read_json(source: str | os.PathLike[str]) -> Any:
    """Return what JSON holds; source: the text, which begins with {, or a path. Raises CorruptDataError, OSError."""
    import json

    text = source if isinstance(source, str) and source.lstrip().startswith("{") else None
    try:
        return json.loads(Path(source).read_bytes() if text is None else text)
    except (ValueError, RecursionError) as error:
        what = os.fspath(source) if text is None else "the text"
        raise CorruptDataError(f"{what} holds no history.", expected="JSON", received=str(error)) from None


def write_csv(path: str | os.PathLike[str], columns: Mapping[str, Sequence[Any]]) -> None:
    """Write one row per epoch under a row of names; a column that is shorter ends in empty cells."""
    import csv

    cells = [["" if value is None else value for value in plain_column(*column)] for column in columns.items()]
    with publish(Path(path)) as temporary, open(temporary, "w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(columns)
        writer.writerows(zip_longest(*cells, fillvalue=""))


def read_csv(path: str | os.PathLike[str]) -> dict[str, list[Number]]:
    """Return the columns of a file of write_csv. Raises CorruptDataError for a table of another kind."""
    import csv

    try:
        with open(path, encoding="utf-8", newline="") as file:
            names, *rows = list(csv.reader(file)) or [[]]
        if len(set(names)) < len(names) or any(len(row) != len(names) for row in rows):
            raise ValueError("rows of unequal length, or two columns of one name")
        return {name: [_cell(row[i]) for row in rows] for i, name in enumerate(names)}
    except (ValueError, csv.Error) as error:
        raise CorruptDataError(
            f"{path} holds no history.", expected="a row of names, then rows of numbers", received=str(error)
        ) from None


def _cell(text: str) -> Number:
    try:
        return int(text)
    except ValueError:
        return float(text) if text else math.nan
