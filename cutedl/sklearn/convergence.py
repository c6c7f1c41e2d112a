"""Convergence: scikit-learn's rule for the end of training, and for its learning rates that change by the epoch."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from numpy.typing import NDArray

from cutedl.listeners import Listener

if TYPE_CHECKING:
    from cutedl.session import Session

__all__ = ["Convergence"]

# "adaptive" divides the learning rate by this, and stops once it is as small as that.
_DIVISOR, _SMALLEST = 5.0, 1e-6


class Convergence(Listener):
    """Stops after more than `patience` epochs in a row that were not better than the best by `tol`.

    score: None, to watch the loss of training; or a function of the outputs for the validation data, larger is better:
    its values are kept in `scores`, and the fit ends with the weights of the best.
    learning_rate: "constant"; "adaptive": instead of stopping, divide the rate by 5 until it is 1e-6; "invscaling":
    divide it by (samples seen + 1)^power_t after every epoch.

    Source: the stochastic solvers of sklearn.neural_network.

    >>> Convergence(1e-4, 10).converged
    False
    """

    def __init__(
        self,
        tol: float,
        patience: float,
        score: Callable[[NDArray[Any]], float] | None = None,
        learning_rate: str = "constant",
        power_t: float = 0.5,
    ):
        self.tol, self.patience, self.score = tol, patience, score
        self.learning_rate, self.power_t = learning_rate, power_t
        self.scores: list[float] = []
        self.converged = False
        self._best, self._waited = -math.inf, 0
        self._weights: dict[str, Any] | None = None

    def on_epoch_end(self, session: Session) -> None:
        """Count the epochs without progress."""
        if self.learning_rate == "invscaling":
            session.optimizer.learning_rate_scale = (session.epoch * session.samples + 1) ** -self.power_t
        value = -session.history["loss"][-1] if self.score is None else self.score(session.history["val_pred"])
        self._waited = self._waited + 1 if value < self._best + self.tol else 0
        if self.score is not None:
            self.scores.append(value)
            if value > self._best:
                self._weights = session.model.arena.state()
        self._best = max(self._best, value)
        if self._waited > self.patience:
            self._end_or_slow_down(session)

    def on_fit_end(self, session: Session) -> None:
        """Go back to the weights of the best score."""
        if self._weights is not None:
            session.model.arena.restore(self._weights)

    def _end_or_slow_down(self, session: Session) -> None:
        if self.learning_rate == "adaptive" and session.optimizer.learning_rate > _SMALLEST:
            session.optimizer.learning_rate_scale /= _DIVISOR
            self._waited = 0
            return
        self.converged = True
        session.stop_fit(f"no progress by {self.tol:g} in {self.patience:g} epochs")
