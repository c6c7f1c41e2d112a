"""Decisions: what a classifier said, what was right, and how sure it was."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cutedl import checks, dlmath
from cutedl.errors import ArgumentError
from cutedl.report.text import drawable

__all__ = ["Decisions"]

Classes = NDArray[np.intp]


@dataclass(frozen=True)
class Decisions:
    """One row per sample: truth and decided, class indices (B,); confidence in [0, 1], (B,); x, the samples, or None.

    names: of the classes, if they have any.

    >>> decisions = Decisions.of((([[1.0], [2.0]], [0, 1]), [[0.9, 0.1], [0.6, 0.4]]))
    >>> print(decisions.decided, decisions.confidence, decisions.mistakes)
    [0 0] [0.9 0.6] [1]
    """

    truth: Classes
    decided: Classes
    confidence: NDArray[Any]
    classes: int
    x: NDArray[Any] | None = None
    names: Sequence[str] = ()

    @cached_property
    def called(self) -> list[str]:
        """What the classes are called: their names, or their numbers unless each has one that the font can draw."""
        names = [drawable(name) for name in self.names]
        fit = len(names) == self.classes and "□" not in "".join(names)
        return names if fit else [str(number) for number in range(self.classes)]

    @classmethod
    def of(cls, predictions: tuple[Any, ArrayLike], names: Sequence[str] = ()) -> Decisions:
        """Return the decisions in (data set, y_pred), the set anything with data and label, or ((x, y_true), y_pred).

        Raises ArgumentError for anything else; see between.
        """
        try:
            dataset, y_pred = predictions
            x, y_true = (dataset.data, dataset.label) if hasattr(dataset, "label") else dataset
        except (TypeError, ValueError):
            raise ArgumentError(
                "predictions cannot be used.",
                expected="(dataset, y_pred) or ((x, y_true), y_pred)",
                received=type(predictions).__name__,
            ) from None
        return replace(cls.between(y_true, y_pred, x), names=names)

    @classmethod
    def between(cls, y_true: ArrayLike, y_pred: ArrayLike, x: ArrayLike | None = None) -> Decisions:
        """Return the decisions in y_pred against y_true.

        y_true: class indices (B,) or (B, 1), or one-hot rows (B, C). y_pred: scores (B, C), the largest decides; one
        score per sample, (B, 1) or floats (B,): a probability above 0.5 means class 1, or a logit above 0 if any
        score lies outside [0, 1]; integers (B,): the classes themselves, confidence 1.
        Raises ArgumentError for what are no classes, or not one per sample.
        """
        truth = _truth(checks.numeric_array("y_true", y_true))
        scores = checks.numeric_array("y_pred", y_pred)
        decided, confidence, width = _decided(scores)
        if len(truth) != len(decided) or not len(truth):
            raise ArgumentError(
                "labels and predictions do not belong together.",
                expected="one prediction per label, and at least one",
                received=f"{len(truth)} labels and y_pred of shape {scores.shape}",
            )
        classes = max(width, int(max(truth.max(), decided.max())) + 1, 2)
        samples = None if x is None else checks.numeric_array("x", x)
        if samples is not None and len(samples) != len(truth):
            raise ArgumentError("samples and labels differ in number.", expected=len(truth), received=len(samples))
        return cls(truth, decided, confidence, classes, samples)

    @property
    def mistakes(self) -> Classes:
        """The rows decided wrongly, the most confident first."""
        wrong = np.flatnonzero(self.truth != self.decided)
        return wrong[np.argsort(-self.confidence[wrong], kind="stable")]

    def mistaken(self, row: int) -> str:
        """Return what was said of a row, and what is right: "9 not 4"."""
        return f"{self.called[self.decided[row]]} not {self.called[self.truth[row]]}"

    @property
    def confusion(self) -> NDArray[np.intp]:
        """How often each class (rows) was taken for each (columns), (classes, classes)."""
        pairs = np.bincount(self.truth * self.classes + self.decided, minlength=self.classes**2)
        return pairs.reshape(self.classes, self.classes)


def _truth(labels: NDArray[Any]) -> Classes:
    if labels.ndim == 2 and labels.shape[1] > 1:
        largest: Classes = labels.argmax(axis=1)
        return largest
    return _indices("y_true", labels)


def _indices(name: str, labels: NDArray[Any]) -> Classes:
    """Return class indices as such; float labels will do if they are whole numbers."""
    flat: NDArray[Any] = labels.reshape(-1)
    whole = bool(np.all((flat >= 0) & (flat == np.floor(flat)) & (flat < 1e6)))
    if not whole or labels.shape not in ((flat.size,), (flat.size, 1)):
        raise ArgumentError(
            f"{name} holds no classes.",
            expected="class indices (batch,) from 0, or one-hot rows (batch, classes)",
            received=f"shape {labels.shape} {labels.dtype}",
            hint="a regression has no confusion matrix: leave predictions out.",
        )
    return flat.astype(np.intp)


def _decided(scores: NDArray[Any]) -> tuple[Classes, NDArray[Any], int]:
    """Return class, confidence, and how many classes the scores know; a model that diverged decides for anything."""
    if scores.ndim == 1 and scores.dtype.kind in "iub":
        return _indices("y_pred", scores), np.ones(len(scores)), 0
    if scores.ndim == 1 or (scores.ndim == 2 and scores.shape[1] == 1):
        p = _finite(scores.reshape(-1))
        p = p if np.all((p >= 0) & (p <= 1)) else dlmath.sigmoid(p)
        return (p > 0.5).astype(np.intp), np.maximum(p, 1 - p), 2
    if scores.ndim != 2:
        raise ArgumentError(
            "y_pred holds no classes.", expected="scores of shape (batch, classes)", received=f"shape {scores.shape}"
        )
    p = _finite(scores)
    if not (np.all(p >= 0) and np.allclose(p.sum(axis=1), 1, atol=1e-3)):
        p = dlmath.prob_distribution(p)
    return p.argmax(axis=1), p.max(axis=1), scores.shape[1]


def _finite(scores: NDArray[Any]) -> NDArray[np.float64]:
    """Return scores in float64, NaN as 0 and infinities so large that their differences and sums are finite."""
    return np.nan_to_num(scores.astype(np.float64), posinf=1e300, neginf=-1e300)
