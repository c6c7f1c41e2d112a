"""Listeners: what may happen beside training, at five moments of fit (and two around validation).

A listener sees the session and may read anything; it stops training with session.stop_fit().
"""

from __future__ import annotations

import math
import os
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ClassVar

from cutedl import checks
from cutedl.errors import ArgumentError, unknown_name
from cutedl.history import History

if TYPE_CHECKING:
    from cutedl.session import Session

__all__ = ["EVENTS", "FitListener", "Listener", "Progress", "condition_callback"]

EVENTS = ("fit_start", "epoch_start", "batch_end", "val_start", "val_end", "epoch_end", "fit_end")

Hook = Callable[["Session"], None]

_UNPRINTED = {"learning_rate", "steps", "seconds"}  # seconds have a place of their own


class Listener:
    """Base of listeners: override the hooks you need; the others cost nothing.

    monitors: the history keys it reads; fit refuses to start when one of them will not be there.
    """

    monitors: tuple[str, ...] = ()

    def on_fit_start(self, session: Session) -> None:
        """Before the first epoch; everything has been checked."""

    def on_epoch_start(self, session: Session) -> None:
        """Before the first batch of an epoch."""

    def on_batch_end(self, session: Session) -> None:
        """After the optimizer's step; session.batch_loss is the loss before it."""

    def on_val_start(self, session: Session) -> None:
        """Before validation."""

    def on_val_end(self, session: Session) -> None:
        """After validation; history has val_loss and val_pred."""

    def on_epoch_end(self, session: Session) -> None:
        """After an epoch and its validation; history has the whole row."""

    def on_fit_end(self, session: Session) -> None:
        """After the last epoch, also when an error or Ctrl-C ended it."""

    def hooks(self) -> dict[str, Hook]:
        """Return the hooks that are overridden, by event. Raises UnknownNameError for a misspelt one."""
        for name in dir(self):
            if name.startswith("on_") and name.removeprefix("on_") not in EVENTS:
                raise unknown_name(f"hook of {type(self).__name__}", name, [f"on_{event}" for event in EVENTS])
        return {
            event: getattr(self, f"on_{event}")
            for event in EVENTS
            if getattr(type(self), f"on_{event}") is not getattr(Listener, f"on_{event}")
        }


class FitListener(Listener):
    """Calls a function with the history whenever an event happens.

    event: one of epoch_start, epoch_end, val_start, val_end (or any other of `EVENTS`).
    Raises UnknownNameError for another event.

    >>> FitListener("val_ned", callback=print)
    Traceback (most recent call last):
    ...
    cutedl.errors.UnknownNameError: no event is named 'val_ned'. expected one of: batch_end, epoch_end, epoch_start, \
fit_end, fit_start, val_end, val_start. hint: did you mean 'val_end'?
    """

    def __init__(self, event: str, callback: Callable[[History], Any]):
        if event not in EVENTS:
            raise unknown_name("event", event, EVENTS)
        if not callable(callback):
            raise ArgumentError("callback cannot be called.", expected="a function", received=repr(callback))
        self.event, self.callback = event, callback

    def hooks(self) -> dict[str, Hook]:
        """Return the one hook that calls the function."""
        return {self.event: lambda session: self.callback(session.history)}


class _Condition(Listener):
    """Calls func after `times` records of a column in a row without a new minimum."""

    def __init__(self, func: Callable[[], Any], key: str, times: int):
        self.func, self.times = func, checks.integer("times", times)
        self.key, self.monitors = key, (key,)

    def on_fit_start(self, session: Session) -> None:
        self._seen = len(session.history.get(self.key, ()))
        self._lowest, self._waited = math.inf, 0

    def on_epoch_end(self, session: Session) -> None:
        records = session.history.get(self.key, ())[self._seen :]
        self._seen += len(records)
        for record in records:
            if record < self._lowest:
                self._lowest, self._waited = record, 0
            elif not math.isnan(record):  # NaN: no validation in that epoch
                self._waited += 1
        if self._waited >= self.times:
            self._waited = 0
            self.func()


def condition_callback(func: Callable[[], Any], key: str, times: int) -> Listener:
    """Return a listener that calls func() once history[key] has reached no smaller value `times` records in a row.

    key: a column of the history; fit raises UnknownNameError before training if it will not be there.
    times: an int >= 1.

    >>> stop = condition_callback(lambda: session.stop_fit(), "val_loss", 10)
    >>> stop.monitors
    ('val_loss',)
    """
    return _Condition(func, key, times)


class Progress(Listener):
    """Says on stderr how training goes: one live line in a terminal, else one plain line per epoch.

    live: True or False to decide it, None to look whether stderr is a terminal.
    """

    _FORMAT: ClassVar[str] = "{desc} {percentage:3.0f}%|{bar:8}| {elapsed}<{remaining}{postfix}"

    def __init__(self, live: bool | None = None):
        self._live = live

    def on_fit_start(self, session: Session) -> None:
        """Open the live line, in a terminal."""
        self._bar: Any = None
        self._first = session.epoch
        if sys.stderr.isatty() if self._live is None else self._live:
            from tqdm import tqdm

            self._bar = tqdm(
                total=session.epochs * session.batches, bar_format=self._FORMAT, file=sys.stderr, **_size()
            )

    def on_epoch_start(self, session: Session) -> None:
        """Say which epoch it is."""
        if self._bar is not None:
            self._bar.set_description_str(self._title(session), refresh=False)

    def on_batch_end(self, session: Session) -> None:
        """Move on; the bar itself decides how often it draws."""
        if self._bar is not None:
            self._bar.update()

    def on_epoch_end(self, session: Session) -> None:
        """Show the epoch's numbers."""
        row = {key: column[-1] for key, column in session.history.columns.items() if len(column) == session.epoch}
        numbers = [f"{key} {value:.4g}" for key, value in row.items() if key not in _UNPRINTED]
        if self._bar is not None:
            self._bar.set_postfix_str("  ".join(numbers))
        else:
            line = "  ".join([self._title(session), *numbers, f"{row['seconds']:.2f} s"])
            print(line, file=sys.stderr, flush=True)

    def on_fit_end(self, session: Session) -> None:
        """Leave the last state of the line standing."""
        if self._bar is not None:
            self._bar.close()

    def _title(self, session: Session) -> str:
        return f"epoch {session.epoch - self._first}/{session.epochs}"


def _size() -> dict[str, Any]:
    """Follow the size of the terminal; some tell none, and tqdm would draw nothing there."""
    try:
        columns, lines = os.get_terminal_size(sys.stderr.fileno())
    except (OSError, ValueError):
        columns = lines = 0
    return {"dynamic_ncols": True} if columns and lines else {"ncols": columns or 80, "nrows": lines or 24}
