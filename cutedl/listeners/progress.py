"""Progress: how training goes, on stderr or in a notebook."""

from __future__ import annotations

import math
import sys
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from cutedl import checks
from cutedl.errors import MissingLibraryError
from cutedl.listeners.display import Display, Notebook, Terminal, in_notebook
from cutedl.listeners.epoch_log import row_of
from cutedl.listeners.fields import Fields, duration
from cutedl.listeners.listener import Hook, Listener

if TYPE_CHECKING:
    from cutedl.session import Session

__all__ = ["Progress"]

_UNPRINTED = {"epoch", "steps", "learning_rate", "gradient_norm", "seconds", "samples_per_second"}

# What stays the longer the narrower the line: the lower number.
_TITLE, _DONE, _LOSS, _VAL_LOSS, _TIME, _METRIC, _VAL_METRIC, _NOTE, _SPEED = range(9)

_PLAIN_BYTES = 199  # and the end of the line: logs are read in terminals
_NOTE_LENGTH = 90
_PAUSE, _LONGEST_PAUSE = 0.1, 2.0  # seconds between two states of the live line
_SHARE = 0.01  # of the time, at most, goes into drawing


class Progress(Listener):
    """Says how training goes: one live line in a terminal or a notebook, else one plain line per epoch on stderr.

    live: True or False to decide it; None to look whether stderr is a terminal, or the program runs in a notebook.

    The live line shows the epoch, how much of the fit is done, loss and metrics so far in this epoch, the last
    validation, the time left of epoch and fit, and the speed; a narrow one shows the most important of them.

    >>> Progress(live=False)
    Progress(live=False)
    """

    speaks = True

    def __init__(self, live: bool | None = None):
        self.live = None if live is None else checks.flag("live", live)
        self._display: Display | None = None
        self._held: Fields | None = None

    def hooks(self) -> dict[str, Hook]:
        """Return the hooks; plain lines need none in the batches."""
        hooks = super().hooks()
        return hooks if self._is_live() else {event: hooks[event] for event in ("fit_start", "epoch_end", "fit_end")}

    def on_fit_start(self, session: Session) -> None:
        """Start the clock, and open the live line if there is to be one."""
        self._first = session.epoch - session.under_way  # an epoch under way is finished as the first of this fit
        self._notes = len(session.history.events)
        self._begun_at, self._pause, self._stride, self._due = session.batch, _PAUSE, 1, 1
        self._display = self._held = None
        if self._is_live() and session.batches:  # a stream that may end at any batch has no bar
            with suppress(MissingLibraryError):  # without tqdm, plain lines
                self._display = Notebook() if in_notebook() else Terminal(session.epochs * session.batches)
        if self._display is not None:
            opening = Fields()
            opening.add(_TITLE, f"{session.epochs} epochs of {session.batches} batches")
            self._display.show(self._begun_at, opening)
        self._begun = self._drawn = time.perf_counter()  # importing tqdm is none of the fit's time

    def on_epoch_start(self, session: Session) -> None:
        """Start the clock of the epoch."""
        self._epoch_begun, self._epoch_begun_at = time.perf_counter(), session.batch
        self._seen, self._seen_at = self._epoch_begun, session.batch

    def on_batch_end(self, session: Session) -> None:
        """Count the steps; look at the clock after as many as fit in a part of the pause."""
        self._due -= 1
        if self._due <= 0:
            now, batch = time.perf_counter(), session.batch
            steps = (batch - self._seen_at) / max(now - self._seen, 1e-9) * self._pause / 4
            self._stride = self._due = max(1, min(2 * self._stride, int(steps)))
            self._seen, self._seen_at = now, batch
            self._draw_in_time(session)

    def on_epoch_end(self, session: Session) -> None:
        """Show the epoch's numbers; the last plain line waits for what the end of the fit brings."""
        if self._display is not None:
            self._draw_in_time(session)
        elif session.stop_reason is not None or session.epoch - self._first == session.epochs:
            self._held = self._plain(session)
        else:
            _print(self._plain(session))

    def on_fit_end(self, session: Session) -> None:
        """Leave the last numbers standing, with the reason why training ended."""
        if self._display is not None:
            fields = self._live(session, over=True)
            self._add_notes(session, fields)
            self._display.show(self._done(session), fields)
            self._display.close()
        elif self._held is not None:
            self._add_notes(session, self._held)
            _print(self._held)
        self._display = self._held = None

    # -- the live line -----------------------------------------------------------------------------------------------

    def _is_live(self) -> bool:
        if self.live is not None:
            return self.live
        return in_notebook() or (sys.stderr is not None and sys.stderr.isatty())

    def _draw_in_time(self, session: Session) -> None:
        """Draw if it is time, and the more rarely the longer it takes."""
        now = time.perf_counter()
        if self._display is not None and now - self._drawn >= self._pause:
            self._display.show(self._done(session), self._live(session))
            self._drawn = time.perf_counter()
            self._pause = min(_LONGEST_PAUSE, max(_PAUSE, (self._drawn - now) / _SHARE))

    def _done(self, session: Session) -> int:
        """Batches of this fit so far, those of an epoch that was under way before included."""
        whole = session.epoch - self._first - (session.batch > 0)
        return whole * session.batches + session.batch

    def _live(self, session: Session, over: bool = False) -> Fields:
        fields = Fields()
        fields.add(_TITLE, self._title(session))
        fields.add(_DONE, f"{100 * self._done(session) // (session.epochs * session.batches):3d}%")
        _add_numbers(fields, self._numbers(session))
        if over:
            fields.add(_TIME, f"took {duration(time.perf_counter() - self._begun)}")
        else:
            self._add_times(session, fields)
        return fields

    def _add_times(self, session: Session, fields: Fields) -> None:
        """Say how long it will take at the pace of this epoch, and of this fit, validation included."""
        now, done = time.perf_counter(), self._done(session)
        pace = (now - self._begun) / max(done - self._begun_at, 1)  # seconds per batch
        left = duration(pace * (session.epochs * session.batches - done))
        if session.batch == 0:
            fields.add(_TIME, f"fit {left} left")
        else:
            pace = (now - self._epoch_begun) / max(session.batch - self._epoch_begun_at, 1)
            fields.add(_TIME, f"{duration(pace * (session.batches - session.batch))} left, fit {left}")
            if session.samples:
                fields.add(_SPEED, f"{session.samples / session.batches / max(pace, 1e-9):,.0f} samples/s")

    def _numbers(self, session: Session) -> dict[str, Any]:
        """Loss and metrics so far in this epoch, and the last validation; between epochs, the last row."""
        history = session.history
        if session.batch == 0:
            return row_of(history, session.epoch)
        running = {"loss": session.running.loss(session.loss)}
        for metric in session.metrics:
            running |= metric.results()
        return running | {key: column[-1] for key, column in history.columns.items() if column and key[:4] == "val_"}

    # -- lines -------------------------------------------------------------------------------------------------------

    def _title(self, session: Session) -> str:
        return f"epoch {session.epoch - self._first}/{session.epochs}"

    def _plain(self, session: Session) -> Fields:
        fields, row = Fields(), row_of(session.history, session.epoch)
        fields.add(_TITLE, self._title(session))
        _add_numbers(fields, row)
        fields.add(_TIME, f"{row['seconds']:.2f} s")
        return fields

    def _add_notes(self, session: Session, fields: Fields) -> None:
        if session.stop_reason is not None:
            fields.add(_NOTE, _shortened(f"stopped: {session.stop_reason}"))
        for event in session.history.events[self._notes :]:
            if event.kind == "restore":
                fields.add(_NOTE, _shortened(event.text))


def _add_numbers(fields: Fields, row: dict[str, Any]) -> None:
    # Loss and metrics, then those of validation; a column of the user's own may stand before them in the history.
    for key in sorted(row, key=lambda key: (key.startswith("val_"), key not in ("loss", "val_loss"))):
        value = row[key]
        if key not in _UNPRINTED and isinstance(value, int | float) and not math.isnan(value):
            rank = {"loss": _LOSS, "val_loss": _VAL_LOSS}.get(key, _VAL_METRIC if key.startswith("val_") else _METRIC)
            fields.add(rank, f"{key} {value:.4g}")


def _shortened(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= _NOTE_LENGTH else f"{text[: _NOTE_LENGTH - 3]}..."


def _print(fields: Fields) -> None:
    line = fields.line(_PLAIN_BYTES, lambda text: len(text.encode(errors="replace")))
    if sys.stderr is not None:  # as in a program without a console, where print would turn to stdout
        print(line, file=sys.stderr, flush=True)
