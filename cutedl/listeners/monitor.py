"""Monitor: one column of the history, its best value so far, and for how long there was no better one."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from cutedl import checks
from cutedl.errors import ArgumentError, unknown_name
from cutedl.history import direction

if TYPE_CHECKING:
    from cutedl.session import Session

__all__ = ["Monitor"]


class Monitor:
    """Follows a column of the history; NaN, as in an epoch without validation, is no measurement.

    key: the column. mode: "min", "max", or "auto" for `decide` to find out.
    min_delta: by how much a value must be better than the best to count, >= 0.
    baseline: None, or a value that must be passed before an improvement ends the wait.

    best, best_epoch: None before the first measurement. waited: measurements since the last improvement.

    >>> monitor = Monitor("val_loss", mode="min")
    >>> [monitor.update(epoch, value) for epoch, value in enumerate([0.5, 0.4, float("nan"), 0.4], start=1)]
    [True, True, False, False]
    >>> monitor.best, monitor.best_epoch, monitor.waited
    (0.4, 2, 1)
    """

    def __init__(self, key: str, mode: str = "auto", min_delta: float = 0.0, baseline: float | None = None):
        if not isinstance(key, str):
            raise ArgumentError("monitor cannot be used.", expected="the name of a column", received=repr(key))
        if mode not in ("auto", "min", "max"):
            raise unknown_name("mode", mode, ("auto", "min", "max"))
        self.key = key
        self.mode = mode
        self.min_delta = checks.number("min_delta", min_delta, low=0)
        self.baseline = None if baseline is None else checks.number("baseline", baseline)
        self.reset()

    def __repr__(self) -> str:
        return f"Monitor({self.key!r}, best={self.best}, best_epoch={self.best_epoch}, waited={self.waited})"

    def decide(self, session: Session) -> None:
        """Settle an "auto" mode: by the metric that fills the column, or by the column's name.

        Raises ArgumentError if neither tells; see `cutedl.history.direction`.
        """
        if self.mode == "auto":
            for metric in session.metrics:
                if self.key.removeprefix("val_") in metric.names and metric.higher_is_better is not None:
                    self.mode = "max" if metric.higher_is_better else "min"
                    return
            self.mode = direction(self.key)

    def reset(self) -> None:
        """Forget everything seen."""
        self.best: float | None = None
        self.best_epoch: int | None = None
        self.waited = 0

    def read(self, session: Session) -> float:
        """Return the value of the epoch that has just ended, NaN if it was not measured."""
        column = session.history.get(self.key, ())
        return column[-1] if len(column) == session.epoch else math.nan

    def beats(self, value: float, other: float) -> bool:
        """Return whether value is better than other, whatever min_delta."""
        return value < other if self.mode == "min" else value > other

    def update(self, epoch: int, value: float) -> bool:
        """See the value of an epoch; return whether it is the best so far."""
        if math.isnan(value):
            return False
        self.waited += 1
        short = value + self.min_delta if self.mode == "min" else value - self.min_delta
        if self.best is not None and not self.beats(short, self.best):
            return False
        self.best, self.best_epoch = value, epoch
        if self.baseline is None or self.beats(short, self.baseline):
            self.waited = 0
        return True

    def state(self) -> dict[str, Any]:
        """Return what was counted."""
        return {"best": self.best, "best_epoch": self.best_epoch, "waited": self.waited}

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from there."""
        self.best, self.best_epoch, self.waited = state["best"], state["best_epoch"], state["waited"]
