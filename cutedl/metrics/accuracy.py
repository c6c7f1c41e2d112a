"""Accuracy: the share of right decisions."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from cutedl.metrics.base import DecisionMetric
from cutedl.metrics.exact_sum import quotient

__all__ = ["Accuracy"]


class Accuracy(DecisionMetric):
    """The share of right decisions, in [0, 1].

    Classes: the largest output wins, the first of several; y_true holds indices, (...) or (..., 1), or rows (..., C)
    whose largest entry is the class. Yes-or-no answers: each output above the threshold says yes, y_true > 0.5 is the
    truth, and each answer counts by itself. A label that the loss ignores does not count.
    Raises ShapeError or LabelError. Equals sklearn.metrics.accuracy_score of the decisions.

    >>> accuracy = Accuracy()
    >>> accuracy.update([0, 1, 1], [[2.0, 1.0], [0.0, 3.0], [5.0, 4.0]])
    >>> round(accuracy.result(), 4)
    0.6667
    """

    name = "accuracy"
    higher_is_better = True
    gathered = ("_right", "_count")

    def reset(self) -> None:
        """Forget everything seen."""
        self._right = self._count = 0

    def update(self, y_true: ArrayLike, y_pred: ArrayLike) -> None:
        """Compare the decisions of one batch with the truth."""
        threshold = self._reading.threshold
        if threshold is None:
            truth, x, _ = self._reading.classes(y_true, y_pred)
            right = x.argmax(axis=1) == truth
        else:
            y, x = self._reading.answers(y_true, y_pred).flat()
            right = (x > threshold) == (y > 0.5)
        self._right += int(np.count_nonzero(right))
        self._count += right.size

    def result(self) -> float:
        """Return the share of everything seen since reset; NaN when that is nothing."""
        return quotient(self._right, self._count)
