"""EarlyStopping: end training when it no longer helps, with the best weights."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cutedl import checks
from cutedl.listeners.listener import Listener
from cutedl.listeners.monitor import Monitor

if TYPE_CHECKING:
    from cutedl.session import Session

__all__ = ["EarlyStopping"]


class EarlyStopping(Listener):
    """Stops when a column of the history has not improved for some epochs, and goes back to the best weights.

    monitor, mode, min_delta: which column, which direction ("auto", "min", "max"), and what counts as an improvement.
    patience: stops after so many measurements in a row without one, >= 0; 0 and 1 are the same. Epochs without
    validation do not count.
    baseline: a value that must be passed within `patience` measurements, or None.
    restore_best: go back to the weights and the optimizer state of the best epoch whenever a fit comes to its end, by
    patience, stop_fit or because all epochs are done. After Ctrl-C, SIGTERM or an error the session stays where it
    was, so that it can go on; rewind(session) then gives the best weights.
    start_from_epoch: epochs of this fit that are not looked at.
    stopping_threshold, divergence_threshold: stop at once when the value is better, or worse, than this.

    Sets session.stop_reason and session.best_epoch. Keras' and Lightning's arguments; their defaults differ: Keras
    restores nothing and has patience 0. Raises ArgumentError for a value out of range.

    >>> EarlyStopping("val_accuracy", patience=5).monitors
    ('val_accuracy',)
    """

    def __init__(
        self,
        monitor: str = "val_loss",
        min_delta: float = 0.0,
        patience: int = 3,
        mode: str = "auto",
        baseline: float | None = None,
        restore_best: bool = True,
        start_from_epoch: int = 0,
        stopping_threshold: float | None = None,
        divergence_threshold: float | None = None,
    ):
        self._monitor = Monitor(monitor, mode, min_delta, baseline)
        self.monitor, self.monitors = monitor, (monitor,)
        self.min_delta, self.mode, self.baseline = self._monitor.min_delta, mode, self._monitor.baseline
        self.patience = checks.integer("patience", patience, low=0)
        self.restore_best = checks.flag("restore_best", restore_best)
        self.start_from_epoch = checks.integer("start_from_epoch", start_from_epoch, low=0)
        self.stopping_threshold = _threshold("stopping_threshold", stopping_threshold)
        self.divergence_threshold = _threshold("divergence_threshold", divergence_threshold)
        self._best: dict[str, Any] | None = None
        self._first = self._last = 0
        self._whole = False  # whether the fit stands between two epochs

    def on_fit_start(self, session: Session) -> None:
        """Forget the last fit."""
        self._monitor.decide(session)
        self._monitor.reset()
        self._best, self._whole = None, False
        self._first = session.epoch - session.under_way  # an epoch under way is finished as the first of this fit
        self._last = self._first + session.epochs

    def on_epoch_start(self, session: Session) -> None:
        """Note that an epoch is under way: an error in it leaves the session as it is."""
        self._whole = False

    def on_epoch_end(self, session: Session) -> None:
        """Keep the weights if they are the best so far, or stop."""
        self._whole = True
        if session.epoch - self._first <= self.start_from_epoch:
            return
        value = self._monitor.read(session)
        if self._monitor.update(session.epoch, value):
            session.best_epoch = session.epoch
            if self.restore_best:
                self._best = {"weights": session.model.arena.state(), "optimizer": session.optimizer.state()}
        if reason := self._reason(value):
            session.history.note(session.epoch, "stop", reason)
            session.stop_fit(reason)

    def on_fit_end(self, session: Session) -> None:
        """Go back to the best weights, if the fit has come to its end."""
        ended = self._whole and (session.stop_reason is not None or session.epoch == self._last)
        if ended and not session.history.interrupted and self._monitor.best_epoch != session.epoch:
            self.rewind(session)
        self._whole = False

    def rewind(self, session: Session) -> None:
        """Put weights and optimizer state back to the best epoch of the last fit; nothing if none was kept."""
        if self._best is not None:
            arena = session.model.arena
            arena.restore(self._best["weights"])
            session.optimizer.restore(self._best["optimizer"], arena)
            text = f"best weights of epoch {self._monitor.best_epoch} restored"
            session.history.note(session.epoch, "restore", text)

    def state(self) -> dict[str, Any]:
        """Return what was counted, and the best weights."""
        return {"first": self._first, "monitor": self._monitor.state(), "best": self._best}

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from there."""
        self._first, self._best = state["first"], state["best"]
        self._monitor.restore(state["monitor"])

    def _reason(self, value: float) -> str | None:
        monitor = self._monitor
        if self.stopping_threshold is not None and monitor.beats(value, self.stopping_threshold):
            return f"{self.monitor} {value:.4g} is better than {self.stopping_threshold:g}"
        if self.divergence_threshold is not None and monitor.beats(self.divergence_threshold, value):
            return f"{self.monitor} {value:.4g} is worse than {self.divergence_threshold:g}"
        if monitor.waited and monitor.waited >= self.patience:
            times = f"{monitor.waited} time{'s' * (monitor.waited > 1)}"
            if (
                self.baseline is not None
                and monitor.best is not None
                and not monitor.beats(monitor.best, self.baseline)
            ):
                return f"{self.monitor} has not passed {self.baseline:g}, {times} in a row"
            return f"{self.monitor} no better than {monitor.best:.4g} of epoch {monitor.best_epoch}, {times} in a row"
        return None


def _threshold(name: str, value: float | None) -> float | None:
    return None if value is None else checks.number(name, value)
