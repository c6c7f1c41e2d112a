"""RocAuc: how well scores sort samples, whatever the threshold."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cutedl.dlmath import log_softmax
from cutedl.metrics.base import ScoreMetric
from cutedl.metrics.exact_sum import quotient
from cutedl.metrics.kept import Kept

__all__ = ["RocAuc"]

_IGNORED = -1


class RocAuc(ScoreMetric):
    """The area under the receiver operating characteristic: how probably a "yes" scores higher than a "no", in [0, 1].

    (pairs of a yes and a no where the yes scores higher + half of the pairs with equal scores) / all such pairs, in
    whole numbers. Several columns of answers: the mean of their areas. Classes: the mean of the areas of each class
    against the rest, its probability being the score; of logits its logarithm, where less is equal close to 1.
    NaN where a class or column has no yes or no no, or a score is not a number.

    Keeps the scores of all rows, 8 bytes each at most. from_logits, y_true, y_pred and errors: as for LogLoss.
    Equals sklearn.metrics.roc_auc_score, for classes with multi_class="ovr".

    >>> auc = RocAuc()
    >>> auc.update([[0], [0], [1], [1]], [[0.1], [0.4], [0.4], [0.8]])
    >>> auc.result()
    0.875
    """

    name = "roc_auc"
    higher_is_better = True
    gathered = ("_truth", "_scores")

    def reset(self) -> None:
        """Forget everything seen."""
        self._truth, self._scores = Kept(), Kept()

    @np.errstate(invalid="ignore")
    def update(self, y_true: ArrayLike, y_pred: ArrayLike) -> None:
        """Keep the labels and scores of one batch."""
        reading = self._read(y_pred)
        if reading.threshold is not None:
            y, x, counted = reading.answers(y_true, y_pred)
            truth = (y > 0.5).astype(np.int8)
            if counted is not None:
                truth[~counted] = _IGNORED
        else:
            label, x, _ = reading.classes(y_true, y_pred)
            truth = (label[:, None] == np.arange(x.shape[1])).astype(np.int8)
            if reading.activation == "softmax":
                x = log_softmax(np.ascontiguousarray(x, np.float64))
        self._truth.add(truth)
        self._scores.add(x)

    def result(self) -> float:
        """Return the mean of the areas of everything seen since reset; NaN when that is nothing."""
        areas = [area(y, x) for y, x in zip(self._truth.array().T, self._scores.array().T, strict=True)]
        return math.fsum(areas) / len(areas) if areas else float("nan")


def area(truth: NDArray[np.int8], scores: NDArray[Any]) -> float:
    """Return the area under the curve of one column: truth 1, 0, or -1 for rows that do not count; scores: (R,).

    >>> area(np.array([0, 0, 1], np.int8), np.array([0.1, 0.4, 0.4]))
    0.75
    """
    yes, no = scores[truth == 1], scores[truth == 0]
    if not (yes.size and no.size) or np.isnan(yes).any() or np.isnan(no).any():
        return float("nan")
    no.sort()
    # Below and not above a yes: a pair with an equal score is in one of them only, and so counts half.
    below = np.searchsorted(no, yes, side="left").sum(dtype=np.int64)
    not_above = np.searchsorted(no, yes, side="right").sum(dtype=np.int64)
    return quotient(int(below) + int(not_above), 2 * yes.size * no.size)
