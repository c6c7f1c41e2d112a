"""ConfusionMatrix: which class is taken for which."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cutedl.errors import ShapeError
from cutedl.metrics.base import DecisionMetric
from cutedl.metrics.exact_sum import quotient

__all__ = ["ConfusionMatrix"]


class ConfusionMatrix(DecisionMetric):
    """How often samples of each class were taken for each class; no history column, but `matrix`.

    In a Session it holds what was looked at last: the validation data, or the training data where there is none.
    `result` is the share on the diagonal, the accuracy. threshold, y_true, y_pred and errors: as for Accuracy; of
    yes-or-no answers y_pred is (B,) or (B, 1), and the classes are no, 0, and yes, 1.
    Equals sklearn.metrics.confusion_matrix of the decisions, with all classes in it.

    >>> confusion = ConfusionMatrix()
    >>> confusion.update([0, 1, 1], [[2.0, 1.0], [0.0, 3.0], [5.0, 4.0]])
    >>> confusion.matrix
    array([[1, 0],
           [1, 1]])
    """

    name = "confusion_matrix"
    higher_is_better = True
    gathered = ("_matrix",)

    @property
    def names(self) -> tuple[str, ...]:
        """No history columns."""
        return ()

    @property
    def matrix(self) -> NDArray[np.int64]:
        """The counts, (C, C), a copy: row the label, column the decision; (0, 0) before the first batch."""
        return self._matrix.copy()

    def reset(self) -> None:
        """Forget everything seen."""
        self._matrix = np.zeros((0, 0), np.int64)

    def update(self, y_true: ArrayLike, y_pred: ArrayLike) -> None:
        """Count the pairs of label and decision of one batch."""
        threshold = self._reading.threshold
        if threshold is None:
            truth, x, _ = self._reading.classes(y_true, y_pred)
            decision, size = x.argmax(axis=1), x.shape[1]
        else:
            answers = self._reading.answers(y_true, y_pred)
            if answers.x.shape[1] != 1:
                raise ShapeError(
                    "several answers per row have no common confusion matrix.",
                    expected="y_pred of shape (B,) or (B, 1)",
                    received=f"shape {np.shape(y_pred)}",
                    hint="make one per column, or take precision and recall with average=None.",
                )
            y, x = answers.flat()
            truth, decision, size = (y > 0.5).astype(np.intp), (x > threshold).astype(np.intp), 2
        counts = np.bincount(truth * size + decision, minlength=size * size).reshape(size, size)
        if not self._matrix.size:
            self._matrix = np.zeros_like(counts)
        if counts.shape != self._matrix.shape:
            raise ShapeError("the number of classes changed.", expected=len(self._matrix), received=size)
        self._matrix += counts

    def result(self) -> float:
        """Return the share on the diagonal; NaN before the first batch."""
        return quotient(int(np.trace(self._matrix)), int(self._matrix.sum()))

    def results(self) -> dict[str, float]:
        """Return no history columns."""
        return {}
