"""LambdaListener: functions of the session, one per event."""

from __future__ import annotations

from cutedl.errors import ArgumentError, unknown_name
from cutedl.listeners.listener import EVENTS, Hook, Listener

__all__ = ["LambdaListener"]


class LambdaListener(Listener):
    """Calls functions with the session, each at its event: LambdaListener(epoch_end=f, batch_end=g).

    functions: by event, see `EVENTS`. Equal in use to Keras' LambdaCallback.
    Raises UnknownNameError for another event, ArgumentError for what is no function.

    >>> epochs = []
    >>> LambdaListener(epoch_end=lambda session: epochs.append(session.epoch))
    LambdaListener(epoch_end=<lambda>)
    """

    def __init__(self, **functions: Hook):
        for event, function in functions.items():
            if event not in EVENTS:
                raise unknown_name("event", event, EVENTS)
            if not callable(function):
                raise ArgumentError(f"{event} cannot be called.", expected="a function", received=repr(function))
        self.functions = functions

    def __repr__(self) -> str:
        functions = (f"{event}={getattr(f, '__name__', repr(f))}" for event, f in self.functions.items())
        return f"LambdaListener({', '.join(functions)})"

    def hooks(self) -> dict[str, Hook]:
        """Return the functions."""
        return super().hooks() | self.functions
