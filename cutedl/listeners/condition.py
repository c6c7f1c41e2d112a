"""condition_callback: a function that is called when a column of the history has stopped falling."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from cutedl import checks
from cutedl.errors import ArgumentError
from cutedl.listeners.listener import Listener
from cutedl.listeners.monitor import Monitor

if TYPE_CHECKING:
    from cutedl.session import Session

__all__ = ["condition_callback"]


class Condition(Listener):
    """Calls func after `times` records of a column in a row without a new minimum."""

    def __init__(self, func: Callable[[], Any], key: str, times: int):
        if not callable(func):
            raise ArgumentError("func cannot be called.", expected="a function", received=repr(func))
        self.func, self.key, self.times = func, key, checks.integer("times", times)
        self.monitors = (key,)
        self._monitor = Monitor(key, mode="min")
        self._seen = 0

    def __repr__(self) -> str:
        return f"condition_callback({getattr(self.func, '__qualname__', self.func)}, {self.key!r}, {self.times})"

    def on_fit_start(self, session: Session) -> None:
        """Begin after what the history holds already."""
        self._seen = len(session.history.get(self.key, ()))
        self._monitor.reset()

    def on_epoch_end(self, session: Session) -> None:
        """See the new records, of which an epoch may bring none, or several that were missed."""
        records = session.history.get(self.key, ())[self._seen :]
        for record in records:
            self._seen += 1
            self._monitor.update(self._seen, record)
        if self._monitor.waited >= self.times:
            self._monitor.waited = 0
            self.func()

    def state(self) -> dict[str, Any]:
        """Return what was counted."""
        return {"seen": self._seen, "monitor": self._monitor.state()}

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from there."""
        self._seen = state["seen"]
        self._monitor.restore(state["monitor"])


def condition_callback(func: Callable[[], Any], key: str, times: int) -> Listener:
    """Return a listener that calls func() once history[key] has reached no smaller value `times` records in a row.

    key: a column of the history; fit raises UnknownNameError before training if it will not be there.
    times: an int >= 1.

    Raises ArgumentError for what is no function and for times below 1.

    >>> stop = condition_callback(lambda: session.stop_fit(), "val_loss", 10)
    >>> stop.monitors
    ('val_loss',)
    """
    return Condition(func, key, times)
