"""Metrics: sums and counts, so that uneven batches and several ranks are exact."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cutedl.errors import ShapeError, unknown_name

__all__ = ["Accuracy", "Metric", "get"]


class Metric(ABC):
    """A number about predictions, kept as a sum and a count.

    name: the history's key; validation adds "val_" before it.
    """

    name: str

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Forget everything seen."""
        self.total = 0.0
        self.count = 0.0

    def result(self) -> float:
        """The mean over everything seen since reset; NaN when that is nothing."""
        return self.total / self.count if self.count else float("nan")

    @abstractmethod
    def update(self, y_true: NDArray[Any], y_pred: NDArray[Any]) -> None:
        """See one batch."""


class Accuracy(Metric):
    """The share of right decisions.

    threshold None: the largest output along the last axis wins; y_true holds class indices, (B, ...), or rows
    (B, ..., C) whose largest entry is the class. With a threshold each output above it says "yes", and y_true > 0.5
    is the truth. Session takes the threshold from the loss: 0 for logits, 0.5 for probabilities.

    >>> accuracy = Accuracy()
    >>> accuracy.update(np.array([0, 1, 1]), np.array([[2.0, 1.0], [0.0, 3.0], [5.0, 4.0]]))
    >>> round(accuracy.result(), 4)
    0.6667
    """

    name = "accuracy"

    def __init__(self, threshold: float | None = None):
        super().__init__()
        self.threshold = threshold

    def update(self, y_true: NDArray[Any], y_pred: NDArray[Any]) -> None:
        """Compare the decisions of one batch with the truth."""
        if self.threshold is not None:
            decided, truth = y_pred > self.threshold, y_true > 0.5
        else:
            decided = y_pred.argmax(axis=-1)
            truth = y_true.argmax(axis=-1) if y_true.shape == y_pred.shape else y_true
        if decided.shape != truth.shape:
            raise ShapeError(
                "labels and predictions cannot be compared.",
                expected=f"labels of shape {decided.shape}",
                received=truth.shape,
            )
        self.total += float(np.count_nonzero(decided == truth))
        self.count += truth.size


_BY_NAME = {"accuracy": Accuracy}


def get(metric: str | Metric, threshold: float | None = None) -> Metric:
    """Return the metric of that name; a Metric is returned as it is.

    Raises UnknownNameError with a suggestion.

    >>> get("accuracy").name
    'accuracy'
    """
    if isinstance(metric, Metric):
        return metric
    if metric not in _BY_NAME:
        raise unknown_name("metric", metric, _BY_NAME)
    return _BY_NAME[metric](threshold)
