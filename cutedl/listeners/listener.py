"""Listener: the base of what may happen beside training, and the events it may hear of."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from cutedl.errors import unknown_name

if TYPE_CHECKING:
    from cutedl.session import Session

__all__ = ["EVENTS", "Hook", "Listener"]

EVENTS = ("fit_start", "epoch_start", "batch_end", "val_start", "val_end", "epoch_end", "fit_end")

Hook = Callable[["Session"], None]

_LONGEST_ARGUMENT = 80  # characters, in a repr


class Listener:
    """Base of listeners: override the hooks you need; the others cost nothing.

    monitors: the history keys it reads; fit refuses to start when one of them will not be there.
    speaks: whether it prints or writes: of several ranks, only the first then calls it.
    saves: whether it saves the session. It is then called after the others, so that it saves what they have counted.
    """

    monitors: tuple[str, ...] = ()
    saves: bool = False
    speaks: bool = False

    def __repr__(self) -> str:
        arguments = {name: value for name, value in vars(self).items() if name[0] != "_" and name != "monitors"}
        return f"{type(self).__name__}({', '.join(f'{name}={_shown(value)}' for name, value in arguments.items())})"

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

    def state(self) -> dict[str, Any]:
        """Return what a resumed run needs to go on: numbers, text, lists, dicts, copies of arrays."""
        return {}

    def restore(self, state: dict[str, Any]) -> None:
        """Take back what state() returned; called after on_fit_start."""

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


def _shown(value: object) -> str:
    text: str = getattr(value, "__qualname__", None) or " ".join(repr(value).split())
    whole = isinstance(value, str) or len(text) <= _LONGEST_ARGUMENT
    return text if whole else f"{text[: _LONGEST_ARGUMENT - 3]}..."
