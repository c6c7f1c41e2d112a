"""Samples in a .csv table: one row each, features in the columns, the label in the last column or a named one."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cutedl.errors import ArgumentError, CorruptDataError, CutedlError, unknown_name

__all__ = ["read"]

_PEEK = 3  # rows looked at to tell a header from data


def read(path: Path, target: str | None = None) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return the features, (N, I) float64, and the labels, (N,): numbers, or text where not all are numbers.

    The first row is a header if it has text above a number. Cells are divided by commas, semicolons or tabs.
    target: the name of the label's column; needs a header.

    Raises UnknownNameError for a misspelt target, CorruptDataError for rows of unequal length and features that are
    no numbers, OSError for a file that cannot be read.
    """
    try:
        delimiter, head = _peek(path)
        names = head[0] if _is_header(head) else None
        label = _label_column(path, names, len(head[0]), target)
        options: dict[str, Any] = {
            "delimiter": delimiter, "skiprows": int(names is not None), "quotechar": '"', "comments": None,
        }  # fmt: skip
        features = [i for i in range(len(head[0])) if i != label]
        x = np.loadtxt(_lines(path), dtype=np.float64, usecols=features, ndmin=2, **options)
        y = np.loadtxt(_lines(path), dtype=str, usecols=label, ndmin=1, **options)
    except CutedlError:
        raise
    except (ValueError, csv.Error) as error:
        raise _refused(path, str(error)) from None
    return x, _numbers_if_all_are(np.strings.strip(y))


def _lines(path: Path) -> Iterator[str]:
    with open(path, encoding="utf-8-sig") as file:
        yield from filter(str.strip, file)


def _peek(path: Path) -> tuple[str, list[list[str]]]:
    with open(path, encoding="utf-8-sig", newline="") as file:
        first = file.readline()
        delimiter = max(",;\t", key=first.count)
        file.seek(0)
        rows = (row for row in csv.reader(file, delimiter=delimiter) if row)
        head = [[cell.strip() for cell in row] for row, _ in zip(rows, range(_PEEK), strict=False)]
    if not head or len(head[0]) < 2:
        raise _refused(path, f"first line {first[:60]!r}")
    return delimiter, head


def _is_header(head: list[list[str]]) -> bool:
    return len(head) > 1 and any(
        not _is_number(above) and _is_number(below) for above, below in zip(head[0], head[1], strict=False)
    )


def _label_column(path: Path, names: list[str] | None, count: int, target: str | None) -> int:
    if target is None:
        return count - 1
    if names is None:
        raise ArgumentError(
            f"{path} has no header: no column is named {target!r}.", hint="leave --target out: the last is the label."
        )
    if target not in names:
        raise unknown_name("column", target, names)
    return names.index(target)


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _numbers_if_all_are(y: NDArray[np.str_]) -> NDArray[Any]:
    try:
        return y.astype(np.float64)
    except ValueError:
        return y


def _refused(path: Path, received: str) -> CorruptDataError:
    return CorruptDataError(
        f"{path} cannot be used as a table of samples.",
        expected="rows of equal length, numbers but for the label, divided by commas, semicolons or tabs",
        received=received,
    )
