"""EpochLog: the base of listeners that write a text file, one line per epoch."""

from __future__ import annotations

import math
import os
from abc import ABC, abstractmethod
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cutedl import checks
from cutedl.history import History
from cutedl.listeners.listener import Listener

if TYPE_CHECKING:
    from cutedl.session import Session

__all__ = ["EpochLog", "row_of"]


class EpochLog(Listener, ABC):
    """Writes one line per epoch, which is in the file when the epoch's other listeners are called.

    path: the file; its folder is made. append=False: the file begins anew, with the epochs that the history holds.
    append=True: lines are added to those of the file, of which one that was cut short is removed.
    Raises OSError before the first epoch if the file cannot be written.
    """

    speaks = True

    def __init__(self, path: str | os.PathLike[str], append: bool = False):
        self.path, self.append = checks.path("path", path), checks.flag("append", append)

    def on_fit_start(self, session: Session) -> None:
        """Open the file and close it again: what cannot be written is known before the first epoch."""
        Path(self.path).parent.mkdir(parents=True, exist_ok=True)
        # A log grows line by line: it is not published as a whole.
        with open(self.path, "ab" if self.append else "wb"):
            pass
        if self.append:
            self._remove_torn_line()
        else:
            for epoch in session.history.get("epoch", []):
                self.write(row_of(session.history, epoch))

    def on_epoch_end(self, session: Session) -> None:
        """Add the line of the epoch."""
        self.write(row_of(session.history, session.epoch))

    @abstractmethod
    def write(self, row: dict[str, Any]) -> None:
        """Write the line of an epoch whose columns have these values."""

    def add(self, text: str) -> None:
        """Add text at the end of the file."""
        with open(self.path, "a", encoding="utf-8", newline="") as file:
            file.write(text)

    def _remove_torn_line(self) -> None:
        content = Path(self.path).read_bytes()
        whole = content.rfind(b"\n") + 1
        if whole < len(content):
            os.truncate(self.path, whole)


def row_of(history: History, epoch: int) -> dict[str, Any]:
    """Return the values of an epoch, counted from 1; NaN where a column has none.

    >>> row_of(History(epoch=[1, 2], loss=[0.7, 0.5], val_loss=[0.6]), 2)
    {'epoch': 2, 'loss': 0.5, 'val_loss': nan}
    """
    return {key: column[epoch - 1] if 0 < epoch <= len(column) else math.nan for key, column in history.columns.items()}
