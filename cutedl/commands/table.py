"""Samples in a .csv table: one row each, features in the columns, the label in the last column or a named one."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from cutedl.errors import ArgumentError, CorruptDataError, unknown_name

__all__ = ["read"]

_LONGEST_CELL = 60  # characters of it in a message


class _Table(NamedTuple):
    """Where the cells are; names: of the columns, None without a header. label: the column that is to be predicted."""

    path: Path
    delimiter: str
    names: list[str] | None
    width: int
    label: int

    def rows(self) -> Iterator[tuple[int, list[str]]]:
        """The rows of data, each with the number of the line that it ends on."""
        return islice(_rows(self.path, self.delimiter), int(self.names is not None), None)

    def place(self, line: int, column: int) -> str:
        """A cell, as people find it in their file."""
        return f"line {line}, column {column + 1 if self.names is None else repr(self.names[column])}"


def read(path: Path, target: str | None = None) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return the features, (N, I) float64, and the labels, (N,): numbers, or text where not all are numbers.

    The first row is a header if it has text above a number. Cells are divided by commas, semicolons or tabs.
    target: the name of the label's column; needs a header.

    Raises UnknownNameError for a misspelt target; CorruptDataError, naming line and column, for rows of unequal length,
    missing labels and features that are no numbers; OSError for a file that cannot be read.
    """
    try:
        table = _look(path, target)
        y = _labels(table)  # first, since it makes sure of the rows
        return _features(table), y
    except UnicodeDecodeError as error:
        raise _refused(path, "not all of it is text.", "UTF-8", str(error), "save it again in UTF-8.") from None
    except csv.Error as error:
        raise _refused(path, "its cells cannot be told apart.", "lines of cells", str(error)) from None


def _look(path: Path, target: str | None) -> _Table:
    with open(path, encoding="utf-8-sig") as file:
        first = next(filter(str.strip, file), "").rstrip("\n")
    delimiter = max(",;\t", key=first.count)
    head = [[cell.strip() for cell in row] for _, row in islice(_rows(path, delimiter), 2)]
    if not head or len(head[0]) < 2:
        expected = "features and a label, divided by commas, semicolons or tabs"
        raise _refused(path, "it has no two columns.", expected, f"first line {first[:_LONGEST_CELL]!r}")
    names = head[0] if _is_header(head) else None
    return _Table(path, delimiter, names, len(head[0]), _label_column(path, names, len(head[0]), target))


def _rows(path: Path, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    with open(path, encoding="utf-8-sig", newline="") as file:
        reader = csv.reader(file, delimiter=delimiter)
        for row in reader:
            if len(row) > 1 or any(map(str.strip, row)):
                yield reader.line_num, row


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


def _labels(table: _Table) -> NDArray[Any]:
    y = []
    for line, row in table.rows():
        if len(row) != table.width:
            received = f"{len(row)} in line {line}"
            raise _refused(table.path, "its rows differ in length.", f"{table.width} cells in every row", received)
        label = row[table.label].strip()
        if not label:
            place = f"{table.place(line, table.label)}."
            raise _refused(table.path, place, "a label", "an empty cell", "fill it, or leave the row out.")
        y.append(label)
    labels = np.array(y)
    try:
        return labels.astype(np.float64)
    except ValueError:
        return labels


def _features(table: _Table) -> NDArray[np.float64]:
    columns = [column for column in range(table.width) if column != table.label]
    with open(table.path, encoding="utf-8-sig") as file:
        try:
            return np.loadtxt(
                filter(str.strip, file),
                delimiter=table.delimiter,
                skiprows=int(table.names is not None),
                usecols=columns,
                ndmin=2,
                quotechar='"',
                comments=None,
            )
        except ValueError as error:
            raise _culprit(table, columns, error) from None


def _culprit(table: _Table, columns: list[int], error: ValueError) -> CorruptDataError:
    """Return the error for the first cell that is no number: NumPy counts rows without the header, and from 0."""
    for line, row in table.rows():
        for column in columns:
            if not _is_number(row[column]):
                cell = row[column].strip()[:_LONGEST_CELL]
                return _refused(
                    table.path,
                    f"{table.place(line, column)}.",
                    "a number",
                    repr(cell) if cell else "an empty cell",
                    "fill it, or leave the row out; text is for the label, in the last column or that of --target.",
                )
    return _refused(table.path, "not all features are numbers.", "numbers", str(error).rstrip("."))


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _refused(path: Path, why: str, expected: str, received: str, hint: str | None = None) -> CorruptDataError:
    return CorruptDataError(
        f"{path} cannot be used as a table of samples: {why}", expected=expected, received=received, hint=hint
    )
