"""TopKAccuracy: the share of rows whose class is among the first guesses."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from cutedl import checks
from cutedl.errors import ArgumentError, ShapeError
from cutedl.metrics.base import ReadingMetric
from cutedl.metrics.exact_sum import quotient

if TYPE_CHECKING:
    from cutedl.losses import Loss

__all__ = ["TopKAccuracy"]


class TopKAccuracy(ReadingMetric):
    """The share of rows whose class is among the k largest outputs, in [0, 1].

    Labels and outputs as for Accuracy of classes. Of equal outputs the one of the higher index counts as larger, as in
    scikit-learn, while Accuracy decides for the first. NaN is no hit.
    Raises ShapeError, also for fewer than k classes, LabelError, and ArgumentError for a loss of yes-or-no answers.
    Equals sklearn.metrics.top_k_accuracy_score.

    >>> top = TopKAccuracy(2)
    >>> top.update([0, 0], [[0.2, 0.5, 0.3], [0.3, 0.5, 0.2]])
    >>> top.name, top.result()
    ('top_2_accuracy', 0.5)
    """

    higher_is_better = True
    gathered = ("_right", "_count")

    def __init__(self, k: int = 5, *, name: str | None = None):
        self.k = checks.integer("k", k)
        super().__init__(name=name or f"top_{self.k}_accuracy")

    def reset(self) -> None:
        """Forget everything seen."""
        self._right = self._count = 0

    def attach(self, loss: Loss) -> None:
        """Learn from the loss along which axis the classes are."""
        if loss.threshold is not None:
            raise ArgumentError(f"{self.name} is of classes, and {type(loss).__name__} of yes-or-no answers.")
        super().attach(loss)

    def update(self, y_true: ArrayLike, y_pred: ArrayLike) -> None:
        """Count the outputs of each row that are larger than that of its class."""
        truth, x, _ = self._reading.classes(y_true, y_pred)
        if x.shape[1] < self.k:
            raise ShapeError(f"{self.name} needs {self.k} classes.", received=f"{x.shape[1]}")
        own = np.take_along_axis(x, truth[:, None], axis=1)
        later = np.arange(x.shape[1]) > truth[:, None]
        larger = ~(x <= own) | ((x == own) & later)
        self._right += int(np.count_nonzero(larger.sum(axis=1) < self.k))
        self._count += len(x)

    def result(self) -> float:
        """Return the share of everything seen since reset; NaN when that is nothing."""
        return quotient(self._right, self._count)
