"""CSVLogger: the history as a table that grows while training runs."""

from __future__ import annotations

import math
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cutedl.files import publish
from cutedl.listeners.epoch_log import EpochLog

if TYPE_CHECKING:
    from cutedl.session import Session

__all__ = ["CSVLogger"]


class CSVLogger(EpochLog):
    """Writes a row per epoch with all columns of the history; NaN is an empty cell. `History.from_csv` reads it.

    path, append: see EpochLog. A column that comes later, such as val_loss with val_epochs=5, widens the table.
    With append=True fit raises UnknownNameError before the first epoch if the file has a column that it will not have.

    >>> CSVLogger("run.csv")
    CSVLogger(path='run.csv', append=False)
    """

    def __init__(self, path: str | os.PathLike[str], append: bool = False):
        super().__init__(path, append)
        self.monitors = tuple(self._header()) if append else ()

    def on_fit_start(self, session: Session) -> None:
        """Begin, or go on with, the table."""
        self._columns = self._header() if self.append else []
        super().on_fit_start(session)

    def write(self, row: dict[str, Any]) -> None:
        """Write the row of an epoch."""
        if new := [column for column in row if column not in self._columns]:
            self._widen(new)
        # The file may have a column already that this history gets only later, as by val_epochs.
        self.add(_line([_cell(row.get(column, math.nan)) for column in self._columns]))

    def _header(self) -> list[str]:
        return rows[0] if os.path.exists(self.path) and (rows := self._read()) else []

    def _read(self) -> list[list[str]]:
        import csv

        with open(self.path, encoding="utf-8", newline="") as file:
            return list(csv.reader(file))

    def _widen(self, new: list[str]) -> None:
        rows = self._read()[1:]
        self._columns = [*self._columns, *new]
        lines = [_line(self._columns), *(_line([*row, *[""] * len(new)]) for row in rows)]
        with publish(Path(self.path)) as temporary:
            temporary.write_text("".join(lines), encoding="utf-8", newline="")


def _cell(value: Any) -> str:
    return "" if isinstance(value, float) and math.isnan(value) else str(value)


def _line(cells: list[str]) -> str:
    import csv
    import io

    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerow(cells)
    return text.getvalue()
