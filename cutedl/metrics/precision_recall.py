"""Precision, recall and F1: how far a decision for a class can be trusted, and how much of the class is found."""

from __future__ import annotations

import math
from abc import abstractmethod

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cutedl import checks
from cutedl.errors import ArgumentError, ShapeError
from cutedl.metrics.base import DecisionMetric

__all__ = ["F1", "Precision", "Recall"]


class RatioPerClass(DecisionMetric):
    """Base of the ratios of three counts per class: of hits (right decisions for it), decisions for it, and labels.

    average: "macro", the mean of the ratios of the classes; "micro", the ratio of all counts together, which for
    exclusive classes is the accuracy; None, a history column for each class, while `result` stays the macro mean.
    classes: how many there are; needed for None, as columns are named before the first batch.

    The classes are those of y_pred, and for yes-or-no answers its columns: with one column, where "yes" is the only
    class, all averages are the same. A ratio by 0 is 0. The macro mean is over the classes that are a label or a
    decision at least once, of answers over all columns. threshold, y_true, y_pred and errors: as for Accuracy.
    """

    higher_is_better = True
    gathered = ("_counts", "_rows")

    def __init__(
        self,
        average: str | None = "macro",
        *,
        classes: int | None = None,
        threshold: float | None = None,
        name: str | None = None,
    ):
        if average not in ("macro", "micro", None):
            raise ArgumentError("average cannot be used.", expected='"macro", "micro" or None', received=repr(average))
        if average is None and classes is None:
            raise ArgumentError(
                "average=None needs the number of classes.", hint=f"{type(self).__name__}(average=None, classes=10)."
            )
        self.average = average
        self.classes = None if classes is None else checks.integer("classes", classes)
        super().__init__(threshold, name=name)

    @property
    def names(self) -> tuple[str, ...]:
        """The history columns: `name`, or with average=None name_0, name_1, ... for the classes."""
        if self.average is None:
            return tuple(f"{self.name}_{c}" for c in range(self.classes or 0))
        return (self.name,)

    def reset(self) -> None:
        """Forget everything seen."""
        self._counts = np.zeros((3, self.classes or 0), np.int64)
        self._rows = 0

    def update(self, y_true: ArrayLike, y_pred: ArrayLike) -> None:
        """Count the hits, decisions and labels of one batch."""
        counts, rows = self._count(y_true, y_pred)
        if not self._counts.size:
            self._counts = np.zeros_like(counts)
        if counts.shape != self._counts.shape:
            raise ShapeError(
                f"y_pred does not fit {self.name}.",
                expected=f"{self._counts.shape[1]} classes",
                received=f"{counts.shape[1]}, y_pred of shape {np.shape(y_pred)}",
            )
        self._counts += counts
        self._rows += rows

    def _count(self, y_true: ArrayLike, y_pred: ArrayLike) -> tuple[NDArray[np.int64], int]:
        """Return the hits, decisions and labels of each class, (3, C), and how many rows count."""
        threshold = self._reading.threshold
        if threshold is None:
            label, x, _ = self._reading.classes(y_true, y_pred)
            decision = x.argmax(axis=1)
            found = (label[decision == label], decision, label)
            return np.array([np.bincount(each, minlength=x.shape[1]) for each in found]), len(label)
        y, x, counted = self._reading.answers(y_true, y_pred)
        truth, yes, rows = y > 0.5, x > threshold, len(y)
        if counted is not None:
            truth, yes, rows = truth & counted, yes & counted, int(np.count_nonzero(counted.any(axis=1)))
        return np.array([np.count_nonzero(each, axis=0) for each in (truth & yes, yes, truth)]), rows

    @property
    def per_class(self) -> NDArray[np.float64]:
        """The ratio of each class, (C,), whatever the average."""
        return np.array([self._value(*counts) for counts in self._counts.T.tolist()])

    def result(self) -> float:
        """Return the average of everything seen since reset; NaN when that is nothing."""
        if self.average == "micro":
            return self._value(*self._counts.sum(axis=1).tolist())
        ratios = self.per_class
        if self._reading.threshold is None:
            ratios = ratios[self._counts.any(axis=0)]
        return math.fsum(ratios) / len(ratios) if len(ratios) else float("nan")

    def results(self) -> dict[str, float]:
        """Return the value of each history column."""
        values = self.per_class.tolist() if self.average is None else [self.result()]
        return dict(zip(self.names, values, strict=True))

    def _value(self, hits: int, decisions: int, labels: int) -> float:
        above, below = self._ratio(hits, decisions, labels)
        return above / below if below else 0.0 if self._rows else float("nan")

    @abstractmethod
    def _ratio(self, hits: int, decisions: int, labels: int) -> tuple[int, int]:
        """Return what is divided, and what by."""


class Precision(RatioPerClass):
    """The share of the decisions for a class that are right, in [0, 1]: hits / decisions.

    Options: see `RatioPerClass`. Equals sklearn.metrics.precision_score with zero_division=0, of the decisions.

    >>> precision = Precision(threshold=0.5)
    >>> precision.update([1, 1, 0, 0], [0.9, 0.2, 0.8, 0.7])
    >>> round(precision.result(), 4)
    0.3333
    """

    name = "precision"

    def _ratio(self, hits: int, decisions: int, labels: int) -> tuple[int, int]:
        return hits, decisions


class Recall(RatioPerClass):
    """The share of a class that is found, in [0, 1]: hits / labels.

    Options: see `RatioPerClass`. Equals sklearn.metrics.recall_score with zero_division=0, of the decisions.

    >>> recall = Recall(threshold=0.5)
    >>> recall.update([1, 1, 0, 0], [0.9, 0.2, 0.8, 0.7])
    >>> recall.result()
    0.5
    """

    name = "recall"

    def _ratio(self, hits: int, decisions: int, labels: int) -> tuple[int, int]:
        return hits, labels


class F1(RatioPerClass):
    """The harmonic mean of precision and recall, in [0, 1]: 2 hits / (decisions + labels).

    Options: see `RatioPerClass`. Equals sklearn.metrics.f1_score with zero_division=0, of the decisions.

    >>> f1 = F1(threshold=0.5)
    >>> f1.update([1, 1, 0, 0], [0.9, 0.2, 0.8, 0.7])
    >>> f1.result()
    0.4
    """

    name = "f1"

    def _ratio(self, hits: int, decisions: int, labels: int) -> tuple[int, int]:
        return 2 * hits, decisions + labels
