"""Sampling: the few classes that stand in for very many, and how often each was to be expected among them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cutedl import checks
from cutedl.errors import ArgumentError, LabelError
from cutedl.losses.labels import class_indices

__all__ = ["Classes", "SampledValues", "Sampler"]

Classes = NDArray[np.intp]


class SampledValues(NamedTuple):
    """A sample and its expected counts, in TensorFlow's order.

    sampled: (S,) class indices; true_expected_count: of the labels, in their shape; sampled_expected_count: (S,).
    """

    sampled: NDArray[Any]
    true_expected_count: NDArray[Any]
    sampled_expected_count: NDArray[Any]


class Sampler(ABC):
    """Draws classes 0 to num_classes - 1, each with a probability p of its own.

    num_classes: V, >= 1. A new sampler writes `probability` and `_draw`.

    The expected count of a class in n draws is n p. Of n distinct classes, drawn until there are n, it is the
    probability to be among them: at most 1, and exactly 1 where n classes are all there are.
    """

    def __init__(self, num_classes: int):
        self.num_classes = checks.integer("num_classes", num_classes)

    def __repr__(self) -> str:
        return f"{type(self).__name__}(num_classes={self.num_classes})"

    def state(self) -> dict[str, Any]:
        """Return what sampling has changed: nothing, of most samplers."""
        return {}

    def restore(self, state: Mapping[str, Any]) -> None:  # noqa: B027  most samplers have nothing to take back
        """Take back what state() returned."""

    @property
    def drawable(self) -> int:
        """How many classes can be drawn at all."""
        return self.num_classes

    @abstractmethod
    def probability(self, classes: Classes) -> NDArray[np.float64]:
        """Return the probability of each of these classes in one draw, in their shape."""

    @abstractmethod
    def _draw(self, generator: np.random.Generator, count: int) -> Classes:
        """Draw so many classes, which may repeat."""

    def sample(
        self, generator: np.random.Generator, true_labels: ArrayLike, count: int, unique: bool = True
    ) -> SampledValues:
        """Draw `count` classes, each at most once if unique, and work out how often each was to be expected.

        true_labels: class indices of any shape, whose expected counts are wanted too; they do not change the draw.
        Raises ArgumentError for more distinct classes than can be drawn, LabelError for a label that is no class, or
        one that is never drawn: the logarithm of its expected count would be -infinity.

        >>> from cutedl.losses.samplers import LogUniformSampler
        >>> values = LogUniformSampler(5).sample(np.random.default_rng(0), [0, 4], 3)
        >>> print(values.sampled, values.true_expected_count.round(4))
        [2 0 3] [0.8619 0.3966]
        """
        count = checks.integer("count", count)
        labels = class_indices(np.asarray(true_labels), self.num_classes)[0]
        self.check_labels(labels)
        if not unique:
            sampled = self._draw(generator, count)
            return SampledValues(sampled, count * self.probability(labels), count * self.probability(sampled))
        self.check_count(count)
        sampled, tries = self._draw_distinct(generator, count)
        return SampledValues(sampled, self._inclusion(labels, count, tries), self._inclusion(sampled, count, tries))

    def check_count(self, count: int) -> None:
        """Raise ArgumentError unless so many distinct classes can be drawn."""
        if count > self.drawable:
            raise ArgumentError(
                "the sample is larger than what it is drawn from.",
                expected=f"at most {self.drawable} distinct classes",
                received=count,
                hint="sample fewer classes, or train on the full loss.",
            )

    def check_labels(self, labels: Classes) -> None:
        """Raise LabelError naming the first label that is never drawn."""
        never = self.probability(labels) == 0
        if never.any():
            label = labels[never][0]
            raise LabelError(
                f"class {label} is a label, but {type(self).__name__} never draws it.",
                expected="labels of a probability > 0",
                received=f"probability 0 of class {label}",
                hint="give the class a count, or leave its rows out.",
            )

    def _draw_distinct(self, generator: np.random.Generator, count: int) -> tuple[Classes, float]:
        """Return (distinct classes in the order of their first draw, number of draws that it took)."""
        drawn = self._draw(generator, 2 * count)
        while True:
            first = np.sort(np.unique(drawn, return_index=True)[1])[:count]
            if len(first) == count:
                return drawn[first], float(first[-1] + 1)
            if len(drawn) >= self.num_classes:
                return self._race(generator, drawn[first], count, len(drawn))
            drawn = np.concatenate([drawn, self._draw(generator, len(drawn))])

    def _race(self, generator: np.random.Generator, have: Classes, count: int, tries: float) -> tuple[Classes, float]:
        """Complete a sample whose missing classes are too rare to wait for.

        At one draw per unit of time, a class first comes up after an exponential time of rate p: the first ones win.
        """
        p = self.probability(np.arange(self.num_classes))
        p[have] = 0.0
        with np.errstate(divide="ignore"):
            times = generator.standard_exponential(self.num_classes) / p
        missing = count - len(have)
        won = np.argpartition(times, missing - 1)[:missing]
        won = won[np.argsort(times[won])]
        return np.concatenate([have, won]), tries + float(times[won[-1]])

    def _inclusion(self, classes: Classes, count: int, tries: float) -> NDArray[np.float64]:
        """Return the probability of each class to come up at all in so many tries: 1 - (1 - p)^tries."""
        if count == self.drawable:
            return np.ones(classes.shape)
        with np.errstate(divide="ignore"):
            return -np.expm1(tries * np.log1p(-self.probability(classes)))
