"""Checkpoint: the session saved while it trains."""

from __future__ import annotations

import math
import os
import re
from pathlib import Path
from string import Formatter
from typing import TYPE_CHECKING, Any

from cutedl import checks
from cutedl.errors import ArgumentError, unknown_name
from cutedl.listeners.epoch_log import row_of
from cutedl.listeners.listener import Listener
from cutedl.listeners.monitor import Monitor

if TYPE_CHECKING:
    from cutedl.session import Session

__all__ = ["Checkpoint"]

_NUMBER = r"(?:[-+.,%_ \d]|[eE]|inf|nan)*"  # as format writes it


class Checkpoint(Listener):
    """Saves the session at the end of an epoch, after all other listeners; Session.load goes on from there.

    path: the file, in whose name columns of the history may stand: "run-{epoch:02d}-{val_loss:.4f}.safetensors".
    monitor, mode: the column that decides which epoch is the best, and its direction ("auto", "min", "max").
    save: "best", epochs better than all before; "latest", every epoch and where Ctrl-C or SIGTERM ended training, of
    which the last is kept; "all", every epoch.
    keep: how many files to keep, None for all ("latest": 1); only what this listener saved is removed.

    A name without columns is one file, replaced as a whole. The best value is remembered over the fits of a session.
    Raises ArgumentError for a name that cannot be filled in; fit raises UnknownNameError before the first epoch for a
    column that will not be there, and CheckpointError when a file cannot be written.

    >>> Checkpoint("run-{epoch}.safetensors", save="all", keep=2).monitors
    ('epoch',)
    """

    saves = speaks = True

    def __init__(
        self,
        path: str | os.PathLike[str],
        monitor: str = "val_loss",
        save: str = "best",
        mode: str = "auto",
        keep: int | None = None,
    ):
        if save not in ("best", "latest", "all"):
            raise unknown_name("way to save", save, ("best", "latest", "all"))
        self.path, self.monitor, self.save, self.mode = checks.path("path", path), monitor, save, mode
        self._columns = _columns(self.path)
        if save == "all" and not self._columns:
            raise ArgumentError(
                'save="all" needs a name that differs from epoch to epoch.',
                received=self.path,
                hint='"run-{epoch:02d}.safetensors".',
            )
        self.keep = None if keep is None else checks.integer("keep", keep)
        self._monitor = Monitor(monitor, mode) if save == "best" else None
        self.monitors = tuple(self._columns) if self._monitor is None else (*self._columns, monitor)
        self._saved: list[str] = []

    def on_fit_start(self, session: Session) -> None:
        """Make the folder; forget what another session had reached."""
        folder = Path(self.path).parent
        if "{" not in str(folder):
            folder.mkdir(parents=True, exist_ok=True)
        if self._monitor is not None:
            self._monitor.decide(session)
        if session.epoch == 0:
            self._saved = []
            if self._monitor is not None:
                self._monitor.reset()

    def on_epoch_end(self, session: Session) -> None:
        """Save, if the epoch is one to be saved, and remove what is too old."""
        if self._monitor is None or self._monitor.update(session.epoch, self._monitor.read(session)):
            self._save(session)

    def on_fit_end(self, session: Session) -> None:
        """Save what Ctrl-C or SIGTERM has cut short, in the middle of its epoch, if the latest is asked for."""
        if self.save == "latest" and session.history.interrupted and session.under_way:
            self._save(session)

    def _save(self, session: Session) -> None:
        row = {"epoch": session.epoch} | row_of(session.history, session.epoch)
        path = self.path.format(**{column: row.get(column, math.nan) for column in self._columns})
        # What is saved says that it was saved, so that a resumed run removes this file in its turn.
        self._saved = [*(saved for saved in self._saved if saved != path), path]
        session.save(path)
        keep = 1 if self.save == "latest" and self.keep is None else self.keep
        while keep is not None and len(self._saved) > keep:
            Path(self._saved.pop(0)).unlink(missing_ok=True)

    def state(self) -> dict[str, Any]:
        """Return the best value and the names of the files."""
        return {"monitor": None if self._monitor is None else self._monitor.state(), "saved": list(self._saved)}

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from there."""
        # The file may come from anywhere: nothing is removed later that this listener could not have written.
        self._saved = [path for path in state["saved"] if re.fullmatch(_filled(self.path), path)]
        if self._monitor is not None:
            self._monitor.restore(state["monitor"])


def _columns(pattern: str) -> list[str]:
    """Return the columns that a name is made of."""
    try:
        columns = {field for _, field, _, _ in Formatter().parse(pattern) if field is not None}
        pattern.format(**{column: 1 if column in ("epoch", "steps") else 0.5 for column in columns})
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        raise ArgumentError(
            "path cannot be filled in.",
            expected='columns of the history in braces, as in "run-{epoch:02d}-{val_loss:.4f}.safetensors"',
            received=f"{pattern!r}: {error}",
        ) from None
    return sorted(columns)


def _filled(pattern: str) -> str:
    """Return the regular expression of the names that a pattern gives."""
    pieces = Formatter().parse(pattern)
    return "".join(re.escape(text) + ("" if field is None else _NUMBER) for text, field, _, _ in pieces)
