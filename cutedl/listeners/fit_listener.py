"""FitListener: a function of the history, called at one event."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from cutedl.errors import ArgumentError, unknown_name
from cutedl.history import History
from cutedl.listeners.listener import EVENTS, Hook, Listener

__all__ = ["FitListener"]


class FitListener(Listener):
    """Calls a function with the history whenever an event happens.

    event: one of epoch_start, epoch_end, val_start, val_end (or any other of `EVENTS`).
    Raises UnknownNameError for another event, ArgumentError for what is no function.

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
        """Return the hook that calls the function."""
        return super().hooks() | {self.event: lambda session: self.callback(session.history)}
