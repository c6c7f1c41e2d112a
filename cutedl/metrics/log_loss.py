"""LogLoss: how surprising the truth is under the predicted probabilities."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cutedl.dlmath import log_softmax, softplus
from cutedl.errors import ArgumentError
from cutedl.losses.probabilities import check_probabilities
from cutedl.metrics.base import ScoreMetric
from cutedl.metrics.exact_sum import ExactSum
from cutedl.metrics.reading import Reading

if TYPE_CHECKING:
    from cutedl.losses import Loss

__all__ = ["LogLoss", "ProbabilityMetric"]


class ProbabilityMetric(ScoreMetric):
    """Base of the metrics of probabilities."""

    higher_is_better = False

    def attach(self, loss: Loss) -> None:
        """Learn from the loss what the outputs are; ArgumentError for one whose outputs are no probabilities."""
        if loss.activation is None:
            raise ArgumentError(
                f"{self.name} needs probabilities.",
                expected="a cross entropy, or another loss of probabilities",
                received=type(loss).__name__,
            )
        super().attach(loss)


class LogLoss(ProbabilityMetric):
    """The mean of -log p of what is true, in nats: >= 0, log C for a guess among C classes; the plain cross entropy.

    Unlike the loss it leaves out class weights, label smoothing, focus and regularizers: runs can be compared by it.

    y_true: class indices (...) or (..., 1), or rows t of shares, for -sum t log p; for yes-or-no answers numbers in
    [0, 1] of y_pred's shape, each answer counting by itself. y_pred: (..., C), for answers any shape: logits, used
    without a detour by probabilities, or with from_logits=False probabilities, not below the type's eps (2.2e-16, in
    float32 1.2e-7). A label that the loss ignores does not count. Raises ShapeError, LabelError or ProbabilityError.
    Equals sklearn.metrics.log_loss.

    >>> log_loss = LogLoss()
    >>> log_loss.update([0], [[1000.0, 0.0]])
    >>> log_loss.update([1, 0], [[0.0, 0.0], [0.0, np.log(3)]])
    >>> round(log_loss.result(), 6)
    0.693147
    """

    name = "log_loss"
    gathered = ("_total", "_count")

    def reset(self) -> None:
        """Forget everything seen."""
        self._total, self._count = ExactSum(), 0

    def update(self, y_true: ArrayLike, y_pred: ArrayLike) -> None:
        """Add the losses of one batch."""
        reading = self._read(y_pred)
        losses = (_of_classes if reading.threshold is None else _of_answers)(reading, y_true, y_pred)
        self._total.add(losses)
        self._count += losses.size

    def result(self) -> float:
        """Return the mean of everything seen since reset; NaN when that is nothing."""
        return self._total.mean(self._count)


@np.errstate(invalid="ignore")
def _of_classes(reading: Reading, y_true: ArrayLike, y_pred: ArrayLike) -> NDArray[np.float64]:
    label, x, rows = reading.classes(y_true, y_pred)
    if reading.activation is None:
        logarithms = _log(x, x)
    else:
        logarithms = log_softmax(np.ascontiguousarray(x, np.float64))
    if rows is None:
        return np.asarray(-np.take_along_axis(logarithms, label[:, None], axis=1)[:, 0])
    shares = np.ascontiguousarray(rows, np.float64)
    return np.asarray(-np.where(shares == 0, 0.0, shares * logarithms).sum(axis=1))


@np.errstate(invalid="ignore")
def _of_answers(reading: Reading, y_true: ArrayLike, y_pred: ArrayLike) -> NDArray[np.float64]:
    y, x = reading.answers(y_true, y_pred).flat()
    z, wide = np.ascontiguousarray(y, np.float64), np.ascontiguousarray(x, np.float64)
    if reading.activation is None:
        yes, no = _log(x, wide), _log(x, 1.0 - wide)
    else:
        yes, no = -softplus(-wide), -softplus(wide)
    # A side that does not count may be infinite: 0, not NaN.
    return -(np.where(z == 0, 0.0, z * yes) + np.where(z == 1, 0.0, (1.0 - z) * no))


def _log(given: NDArray[np.floating], p: NDArray[np.floating]) -> NDArray[np.float64]:
    """Return log p, p being at least the step next to 1 of the type in which the probabilities were given."""
    check_probabilities(given)
    return np.log(np.maximum(np.ascontiguousarray(p, np.float64), np.finfo(given.dtype).eps))
