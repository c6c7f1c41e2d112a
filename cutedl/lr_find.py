"""The learning-rate finder: train for a moment at ever larger rates and look where the loss falls."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from cutedl import checks
from cutedl.dataset import Dataset
from cutedl.errors import ArgumentError, NonFiniteError

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from cutedl.session import Session

__all__ = ["LearningRateCurve", "find_learning_rate"]

_SMOOTHING = 0.9
_DIVERGED = 4.0  # times the lowest smoothed loss: nothing beyond it is worth seeing
_FEWEST = 10  # points, without which nothing can be said


@dataclass(frozen=True)
class LearningRateCurve:
    """The loss at growing learning rates.

    learning_rates: geometric from low on. losses: running mean of the batch losses, s = 0.9 s + 0.1 loss, each divided
    by 1 - 0.9^t, so that the first ones are not too small. suggestion: the last rate at which the loss had not yet made
    half of its way from the start down to its minimum, where it falls about fastest: a good one to begin with, while
    training tends to diverge at rates not far beyond the minimum. NaN when the loss fell nowhere.
    """

    learning_rates: NDArray[np.float64]
    losses: NDArray[np.float64]
    suggestion: float

    def __repr__(self) -> str:
        low, high = self.learning_rates[[0, -1]]
        return f"LearningRateCurve({len(self.losses)} rates {low:.1e} to {high:.1e}, suggestion={self.suggestion:.1e})"

    def plot(self, ax: Axes | None = None) -> Figure:
        """Draw the curve and the suggestion; see cutedl.report.plot_lr_find."""
        from cutedl.report import plot_lr_find

        return plot_lr_find(self, ax=ax)


def find_learning_rate(
    session: Session, train: Dataset, low: float = 1e-7, high: float = 10.0, steps: int = 100
) -> LearningRateCurve:
    """Train with learning rates low ... high, one batch each, and leave model, optimizer and noise as they were.

    Ends early when the smoothed loss exceeds 4 times its minimum, or is no number. low, high: > 0, low < high.
    steps: batches, >= 20; small data is gone through several times.
    Raises ArgumentError, also where so few batches were trained before the loss diverged that nothing can be said.
    The protocol is that of L. Smith (2017) as fastai uses it.
    """
    checks.number("low", low, low=0, above=True)
    checks.number("high", high, low=low, above=True)
    checks.integer("steps", steps, low=20)
    if not session.model.assembled:
        session.model.assemble(session.seed, inshape=train.sample_shape)
    rates = np.geomspace(low, high, steps)
    before, rate = _snapshot(session), session.optimizer.rate
    try:
        with np.errstate(over="ignore", invalid="ignore"):
            losses = _losses(session, train, rates)
    finally:
        session.optimizer.learning_rate = rate
        _undo(session, before)
    if len(losses) < _FEWEST:
        raise ArgumentError(
            f"the loss diverged within {len(losses)} batches.",
            expected=f"at least {_FEWEST} rates that can be compared",
            hint=f"begin lower: low={low / 1000:g}, or scale the input to about [0, 1].",
        )
    tried = rates[: len(losses)]
    return LearningRateCurve(tried, losses, _suggestion(tried, losses))


def _suggestion(rates: NDArray[np.float64], losses: NDArray[np.float64]) -> float:
    """Half-way down is found through more noise than the steepest place."""
    start, lowest = losses[:_FEWEST].mean(), int(losses.argmin())
    above = np.flatnonzero(losses[:lowest] > (start + losses[lowest]) / 2)
    return float(rates[above[-1]]) if len(above) else math.nan


def _losses(session: Session, train: Dataset, rates: NDArray[np.float64]) -> NDArray[np.float64]:
    smooth, losses = 0.0, [math.inf]
    optimizer = session.optimizer
    for batch, rate in zip(_endless(session, train), rates.tolist(), strict=False):
        optimizer.learning_rate = rate
        try:
            loss = session.batch_train(*batch)
        except NonFiniteError:
            break
        smooth = _SMOOTHING * smooth + (1 - _SMOOTHING) * loss
        losses.append(smooth / (1 - _SMOOTHING ** len(losses)))
        if losses[-1] > _DIVERGED * abs(min(losses)):
            break
    return np.array(losses[1:])


def _endless(session: Session, train: Dataset) -> Iterator[tuple[NDArray[Any], ...]]:
    epoch = 0
    while True:
        epoch += 1
        yield from train.batches(train.order(session.seed, epoch), session.model.dtype)


def _snapshot(session: Session) -> dict[str, Any]:
    arena = session.objective.network.arena  # of the objective: a loss with parameters has then declared them
    return {
        "arena": arena.state(),
        "optimizer": session.optimizer.state(),
        "loss": session.loss.state(),
        "gradient_norm": session.gradient_norm,
    }


def _undo(session: Session, before: dict[str, Any]) -> None:
    session.model.arena.restore(before["arena"])
    session.optimizer.restore(before["optimizer"], session.model.arena)
    session.loss.restore(before["loss"])
    session.gradient_norm = before["gradient_norm"]
