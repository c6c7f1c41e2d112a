"""ReduceLROnPlateau: a smaller learning rate when a column of the history has stopped improving."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from cutedl import checks
from cutedl.listeners.listener import Listener
from cutedl.listeners.monitor import Monitor

if TYPE_CHECKING:
    from cutedl.session import Session

__all__ = ["ReduceLROnPlateau"]


class ReduceLROnPlateau(Listener):
    """Multiplies the learning rate by a factor when a column has not improved for some epochs.

    monitor, mode, min_delta: which column, which direction ("auto", "min", "max"), and what counts as an improvement.
    factor: in (0, 1). patience: after so many measurements in a row without an improvement, >= 1.
    cooldown: measurements after a reduction during which none is counted, >= 0.
    min_learning_rate: >= 0; the rate of the epoch's last step is not taken below it.

    Works on optimizer.learning_rate_scale, so that it goes together with a schedule, which Keras refuses. Arguments and
    counting are Keras'; during cooldown nothing is counted, as in PyTorch. Raises ArgumentError for a value out of
    range.

    >>> ReduceLROnPlateau("val_loss", factor=0.5, patience=3).factor
    0.5
    """

    def __init__(
        self,
        monitor: str = "val_loss",
        factor: float = 0.1,
        patience: int = 10,
        min_delta: float = 1e-4,
        cooldown: int = 0,
        min_learning_rate: float = 0.0,
        mode: str = "auto",
    ):
        self._monitor = Monitor(monitor, mode, min_delta)
        self.monitor, self.monitors = monitor, (monitor,)
        self.factor = checks.number("factor", factor, low=0, high=1, above=True, below=True)
        self.patience = checks.integer("patience", patience)
        self.min_delta, self.mode = self._monitor.min_delta, mode
        self.cooldown = checks.integer("cooldown", cooldown, low=0)
        self.min_learning_rate = checks.number("min_learning_rate", min_learning_rate, low=0)
        self._cooling = 0

    def on_fit_start(self, session: Session) -> None:
        """Forget the last fit; the learning rate stays as low as it is."""
        self._monitor.decide(session)
        self._monitor.reset()
        self._cooling = 0

    def on_epoch_end(self, session: Session) -> None:
        """Count, and lower the rate when it is time."""
        value = self._monitor.read(session)
        if math.isnan(value):  # not measured in this epoch
            return
        improved = self._monitor.update(session.epoch, value)
        if self._cooling:
            self._cooling -= 1
            self._monitor.waited = 0
        elif not improved and self._monitor.waited >= self.patience:
            self._monitor.waited, self._cooling = 0, self.cooldown
            self._lower(session)

    def state(self) -> dict[str, Any]:
        """Return what was counted."""
        return {"monitor": self._monitor.state(), "cooling": self._cooling}

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from there."""
        self._cooling = state["cooling"]
        self._monitor.restore(state["monitor"])

    def _lower(self, session: Session) -> None:
        rate = session.optimizer.last_learning_rate
        if rate > self.min_learning_rate:
            factor = max(self.factor, self.min_learning_rate / rate)
            session.optimizer.learning_rate_scale *= factor
            session.history.note(session.epoch, "rate", f"learning rate {rate:g} -> {rate * factor:g}")
