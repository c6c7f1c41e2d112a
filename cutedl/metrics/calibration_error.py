"""CalibrationError: whether what is said to be 80 % sure is right 80 times out of 100."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from cutedl import checks
from cutedl.errors import ArgumentError
from cutedl.losses.probabilities import check_probabilities
from cutedl.metrics.exact_sum import UNIT, ExactSum, quotient
from cutedl.metrics.log_loss import ProbabilityMetric

__all__ = ["CalibrationError"]

# Finer bins than these say nothing; a bound for what a saved session can ask for.
_MOST = 10_000


class CalibrationError(ProbabilityMetric):
    """The expected calibration error, in [0, 1]: sum over bins of n_b / N |right_b / n_b - confidence_b / n_b|.

    The confidences, in (0, 1], are sorted into `bins` intervals (a, b] of equal width; bin b holds n_b of the N, their
    sum is confidence_b, and right_b of them came true. Classes: the confidence is that of the decision, the largest
    probability. Yes-or-no answers: it is the probability of a yes, and the yes is what comes true.
    bins: from 1 to 10,000. from_logits, y_true, y_pred and errors: as for LogLoss.
    Source: Guo et al. 2017, "On calibration of modern neural networks", equation 3; for answers its bins are those of
    sklearn.calibration.calibration_curve.

    >>> error = CalibrationError(from_logits=False)
    >>> error.update([1, 1, 0, 1], [0.9, 0.9, 0.9, 0.9])
    >>> round(error.result(), 4)
    0.15
    """

    name = "calibration_error"
    gathered = ("_right", "_confidence", "_count")

    def __init__(self, from_logits: bool = True, *, bins: int = 15, name: str | None = None):
        self.bins = checks.integer("bins", bins)
        if self.bins > _MOST:
            raise ArgumentError("bins cannot be used.", expected=f"an int <= {_MOST}", received=repr(bins))
        super().__init__(from_logits, name=name)

    def reset(self) -> None:
        """Forget everything seen."""
        self._right = np.zeros(self.bins, np.int64)
        self._confidence = ExactSum(self.bins)
        self._count = 0

    @np.errstate(invalid="ignore")
    def update(self, y_true: ArrayLike, y_pred: ArrayLike) -> None:
        """Sort the confidences of one batch into the bins."""
        reading = self._read(y_pred)
        if reading.threshold is None:
            label, x, _ = reading.classes(y_true, y_pred)
            right, p = x.argmax(axis=1) == label, reading.activated(x)
            confidence = p.max(axis=1)
        else:
            y, x = reading.answers(y_true, y_pred).flat()
            right, p = y > 0.5, reading.activated(x)
            confidence = p
        if reading.activation is None:
            check_probabilities(x)
        place = np.searchsorted(np.linspace(0.0, 1.0, self.bins + 1)[1:-1], confidence)
        self._right += np.bincount(place[right], minlength=self.bins)
        self._confidence.add(confidence, place)
        self._count += len(place)

    def result(self) -> float:
        """Return the error of everything seen since reset; NaN when that is nothing."""
        if self._confidence.odd.any():
            return float("nan")
        right, sums = self._right.tolist(), self._confidence.totals
        gaps = sum(abs(count * UNIT - total) for count, total in zip(right, sums, strict=True))
        return quotient(gaps, self._count * UNIT)
