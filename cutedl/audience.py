"""Audience: the listeners of one fit, their hooks by event, and what a resumed run needs of them."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from cutedl import checks
from cutedl.errors import ArgumentError, InputWarning, unknown_name
from cutedl.listeners import EVENTS, Listener, Progress

if TYPE_CHECKING:
    from cutedl.session import Session

__all__ = ["Audience"]

_ALWAYS = {"epoch", "steps", "loss", "learning_rate", "gradient_norm", "seconds", "samples_per_second"}


class Audience:
    """The listeners of a fit in the order in which they are called: as given, then progress, then those that save.

    leads: False on the ranks where listeners that print or write are not called.
    verbose: 0 silent; 1 or "auto" one live line in a terminal, else as 2; 2 one plain line per epoch.
    Raises ArgumentError for what is no listener, UnknownNameError for a misspelt hook.

    >>> Audience()
    Audience([])
    """

    def __init__(self, listeners: Iterable[Listener] = (), verbose: str | int = 0, leads: bool = True):
        if verbose not in (0, 1, 2, "auto"):
            raise ArgumentError("verbose cannot be used.", expected='0, 1, 2 or "auto"', received=repr(verbose))
        progress = [] if verbose == 0 else [Progress(live=False if verbose == 2 else None)]
        given = [*checks.several("listeners", listeners), *progress]
        for listener in given:
            if not isinstance(listener, Listener):
                raise ArgumentError("this is no listener.", expected="a Listener", received=repr(listener))
        # What saves the session saves what the others have counted, and is called after them.
        self.listeners: tuple[Listener, ...] = tuple(sorted(given, key=lambda listener: listener.saves))
        hooks = [listener.hooks() for listener in self.listeners if leads or not listener.speaks]
        self.hooks: dict[str, list[Callable[[Session], None]]] = {
            event: [hook[event] for hook in hooks if event in hook] for event in EVENTS
        }

    def __repr__(self) -> str:
        return f"Audience({list(self.listeners)!r})"

    def check_monitors(self, session: Session, validates: bool) -> None:
        """Raise UnknownNameError, with what there will be, for a history key that a listener would wait for in vain."""
        measured = [column for metric in session.metrics for column in metric.names]
        known = _ALWAYS | {*measured, *session.history.columns}
        validated = {"val_loss", *(f"val_{column}" for column in measured)}
        known = known | validated if validates else known - validated
        for key in (key for listener in self.listeners for key in listener.monitors):
            if key not in known:
                error = unknown_name("history key", key, known)
                if key.startswith("val_") and not validates:
                    error.hint = "validation needs data: fit(..., val_data=...)."
                raise error

    def notify(self, session: Session, event: str) -> None:
        """Call the hooks of an event."""
        with session.comm.together(lambda: session.wish):
            for hook in self.hooks[event]:
                hook(session)

    def state(self) -> dict[str, Any]:
        """Return the states of the listeners that have one, by their numbers and classes."""
        return {key: state for key, listener in self._keyed() if (state := listener.state())}

    def restore(self, state: dict[str, Any]) -> None:
        """Give the listeners back what those of their class had counted; an InputWarning names what is missing."""
        listeners = dict(self._keyed())
        for key, heard in state.items():
            if key in listeners:
                listeners[key].restore(heard)
        names = [key.partition(":")[2] for key in state if key not in listeners]
        if missing := [name for name in names if name != "Checkpoint"]:  # what saved it need not go on saving
            warnings.warn(
                f"the saved session had listeners that this fit has not: {', '.join(missing)}.",
                InputWarning,
                stacklevel=4,
            )

    def _keyed(self) -> list[tuple[str, Listener]]:
        """Listeners by class and their number in it: others, such as Progress, may come and go."""
        names = [type(listener).__name__ for listener in self.listeners]
        return [(f"{names[:i].count(name)}:{name}", self.listeners[i]) for i, name in enumerate(names)]
