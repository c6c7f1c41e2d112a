"""Interrupts: the first Ctrl-C or SIGTERM lets the batch under way finish, the second is immediate."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cutedl.session import Session

__all__ = ["Interrupts"]

_WATCHED: dict[signal.Signals, Any] = {signal.SIGINT: signal.default_int_handler, signal.SIGTERM: signal.SIG_DFL}


class Interrupts:
    """What has come in since it was made.

    received: the signal, or None. Only the main thread receives signals, and handlers of the user's own stay in place.

    >>> interrupts = Interrupts()
    >>> with interrupts.deferred():
    ...     signal.raise_signal(signal.SIGINT)
    >>> print(interrupts.received.name)
    SIGINT
    """

    def __init__(self) -> None:
        self.received: signal.Signals | None = None

    def __repr__(self) -> str:
        return f"Interrupts(received={self.received})"

    @contextmanager
    def deferred(self) -> Iterator[None]:
        """Note the first signal instead of obeying it, while the block runs."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        taken = [number for number, usual in _WATCHED.items() if signal.getsignal(number) == usual]
        for number in taken:
            signal.signal(number, self._note)
        try:
            yield
        finally:
            self._release(taken)

    def obey(self, session: Session, wish: int) -> None:
        """End the fit as all ranks wish: 0 to go on, 1 to stop it, or the number of a signal that one of them got."""
        if wish > 1 and not session.history.interrupted:
            self.received = signal.Signals(wish)
            session.history.interrupted = True
            session.stop_fit(f"interrupted by {self.received.name}")
            session.history.note(session.epoch, "interrupt", str(session.stop_reason))
        elif wish and session.stop_reason is None:
            session.stop_fit("another rank stopped the fit")

    def exit_if_terminated(self) -> None:
        """Leave the program, with the status that a shell gives to SIGTERM, 143, if that is what came."""
        if self.received == signal.SIGTERM:
            raise SystemExit(128 + signal.SIGTERM)

    def _note(self, number: int, frame: FrameType | None) -> None:
        self.received = signal.Signals(number)
        self._release(list(_WATCHED))

    def _release(self, numbers: list[signal.Signals]) -> None:
        for number in numbers:
            if signal.getsignal(number) == self._note:
                signal.signal(number, _WATCHED[number])
