"""Samplers: one class for each way to give the classes their probabilities."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cutedl import checks
from cutedl.errors import ArgumentError, CheckpointMismatchError, ShapeError, unknown_name
from cutedl.losses.inclusion import inclusion_probabilities
from cutedl.losses.sampling import Classes, SampledValues, Sampler

__all__ = [
    "FixedUnigramSampler",
    "LearnedUnigramSampler",
    "LogUniformSampler",
    "UniformSampler",
    "get",
]

# Exact inclusion probabilities of so many classes take a tenth of a second, once for each size of the sample.
_EXACT_CLASSES = 64


class UniformSampler(Sampler):
    """Every class alike: p = 1 / V.

    >>> UniformSampler(4).sample(np.random.default_rng(0), [3], 3).true_expected_count
    array([0.75])
    """

    def probability(self, classes: Classes) -> NDArray[np.float64]:
        return np.full(np.shape(classes), 1.0 / self.num_classes)

    def _draw(self, generator: np.random.Generator, count: int) -> Classes:
        return np.asarray(generator.integers(self.num_classes, size=count, dtype=np.intp))

    def _inclusion(self, classes: Classes, count: int, tries: float) -> NDArray[np.float64]:
        return np.full(classes.shape, count / self.num_classes)


class _KnownSampler(Sampler):
    """Base of the samplers of unequal probabilities that never change: of few classes their counts are exact."""

    def __init__(self, num_classes: int):
        super().__init__(num_classes)
        self._exact: dict[int, NDArray[np.float64]] = {}

    def _inclusion(self, classes: Classes, count: int, tries: float) -> NDArray[np.float64]:
        if self.num_classes > _EXACT_CLASSES or count == self.drawable:
            return super()._inclusion(classes, count, tries)
        if count not in self._exact:
            p = self.probability(np.arange(self.num_classes))
            exact = np.zeros(self.num_classes)
            exact[p > 0] = inclusion_probabilities(p[p > 0], count)
            self._exact[count] = exact
        return self._exact[count][classes]


class LogUniformSampler(_KnownSampler):
    """Approximately Zipf's law: p(k) = log((k + 2) / (k + 1)) / log(V + 1).

    Made for classes that are sorted by decreasing frequency, as in a vocabulary. Equal to TensorFlow's
    log_uniform_candidate_sampler, but for the expected counts of distinct classes, which exceed 1 there.

    >>> print(LogUniformSampler(5).probability(np.arange(5)).round(4))
    [0.3869 0.2263 0.1606 0.1245 0.1018]
    """

    def probability(self, classes: Classes) -> NDArray[np.float64]:
        return np.asarray(np.log1p(1.0 / (np.asarray(classes) + 1.0)) / np.log1p(self.num_classes))

    def _draw(self, generator: np.random.Generator, count: int) -> Classes:
        # the inverse of P(class <= k) = log(k + 2) / log(V + 1)
        drawn = np.expm1(generator.random(count) * np.log1p(self.num_classes)).astype(np.intp)
        return np.asarray(np.minimum(drawn, self.num_classes - 1))


class FixedUnigramSampler(_KnownSampler):
    """Given frequencies: p(k) proportional to counts[k] ** distortion.

    counts: numbers >= 0, not all 0, of the classes from num_reserved_ids on; the num_reserved_ids classes before them
    (padding, start of sentence) are never drawn. distortion: 1 keeps the counts, 0.75 is word2vec's choice, 0 makes
    all alike. num_classes is num_reserved_ids + len(counts).

    >>> print(FixedUnigramSampler([9, 16], distortion=0.5, num_reserved_ids=1).probability(np.arange(3)).round(4))
    [0.     0.4286 0.5714]
    """

    def __init__(self, counts: ArrayLike, distortion: float = 1.0, num_reserved_ids: int = 0):
        self.num_reserved_ids = checks.integer("num_reserved_ids", num_reserved_ids, low=0)
        self.distortion = checks.number("distortion", distortion, low=0.0)
        self.counts = checks.numeric_array("counts", counts).copy()
        weights = self.counts.astype(np.float64)
        if weights.ndim != 1 or not weights.size:
            raise ShapeError("counts cannot be used.", expected="one per class", received=f"shape {weights.shape}")
        if not (np.isfinite(weights).all() and (weights >= 0).all() and weights.any()):
            raise ArgumentError(
                "counts cannot be used.",
                expected="finite numbers >= 0, not all 0",
                received=f"{weights.min():g} to {weights.max():g}",
            )
        super().__init__(self.num_reserved_ids + len(weights))
        counted = weights > 0
        weights[counted] = (weights[counted] / weights.max()) ** self.distortion
        self._p = np.concatenate([np.zeros(self.num_reserved_ids), weights / weights.sum()])
        self._cumulative = np.cumsum(self._p)
        # Rounding may end the sum below 1; whatever lies above it belongs to the last class that can be drawn.
        self._cumulative[np.flatnonzero(self._p)[-1] :] = 1.0
        self._drawable = int(np.count_nonzero(self._p))

    def __repr__(self) -> str:
        return (
            f"FixedUnigramSampler({self.num_classes} classes, distortion={self.distortion:g}, "
            f"num_reserved_ids={self.num_reserved_ids})"
        )

    @property
    def drawable(self) -> int:
        """How many classes can be drawn at all."""
        return self._drawable

    def probability(self, classes: Classes) -> NDArray[np.float64]:
        return self._p[classes]

    def _draw(self, generator: np.random.Generator, count: int) -> Classes:
        return np.asarray(np.searchsorted(self._cumulative, generator.random(count), side="right"))


class LearnedUnigramSampler(Sampler):
    """The frequencies of the labels seen so far: p(k) proportional to 1 + how often k was a label.

    Each call to `sample` counts its labels after the draw. Equal to TensorFlow's learned_unigram_candidate_sampler.

    >>> sampler, generator = LearnedUnigramSampler(3), np.random.default_rng(0)
    >>> values = sampler.sample(generator, [2, 2, 2], 1)
    >>> print(sampler.probability(np.arange(3)).round(4))
    [0.1667 0.1667 0.6667]
    """

    @cached_property
    def _levels(self) -> list[NDArray[np.int64]]:
        """A binary tree of sums: drawing and counting take log2(V) steps, and never a pass over all classes."""
        return _sums(np.ones(self.num_classes, np.int64))

    def state(self) -> dict[str, Any]:
        """Return how often each class was a label, plus 1."""
        return {"counts": self._levels[0][: self.num_classes].copy()}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Take back what state() returned. Raises CheckpointMismatchError for counts of other classes."""
        checks.same_arrays("counts of labels", state, {"counts": (self.num_classes,)}, np.int64)
        if state["counts"].min() < 1 or state["counts"].max() >= 1 << 53 or state["counts"].sum() >= 1 << 53:
            raise CheckpointMismatchError("the saved counts of labels cannot be used.", expected="1 and more each")
        self._levels = _sums(state["counts"])

    def sample(
        self, generator: np.random.Generator, true_labels: ArrayLike, count: int, unique: bool = True
    ) -> SampledValues:
        """Draw as every sampler does, then count the labels."""
        values = super().sample(generator, true_labels, count, unique)
        nodes = np.asarray(true_labels).astype(np.intp).reshape(-1)
        for level in self._levels:
            np.add.at(level, nodes, 1)
            nodes = nodes >> 1
        return values

    def probability(self, classes: Classes) -> NDArray[np.float64]:
        return np.asarray(self._levels[0][classes] / self._levels[-1][0])

    def _draw(self, generator: np.random.Generator, count: int) -> Classes:
        rest = generator.integers(self._levels[-1][0], size=count)
        nodes = np.zeros(count, np.intp)
        for level in self._levels[-2::-1]:
            nodes *= 2  # the left child; on the right are those whose rest exceeds its sum
            left = level[nodes]
            right = rest >= left
            rest -= left * right
            nodes += right
        return nodes


def _sums(counts: NDArray[np.int64]) -> list[NDArray[np.int64]]:
    """The counts, filled up with 0 to a power of 2, then the sums of pairs, of pairs of those, up to the total."""
    leaves = np.zeros(1 << (len(counts) - 1).bit_length(), np.int64)
    leaves[: len(counts)] = counts
    levels = [leaves]
    while len(levels[-1]) > 1:
        levels.append(levels[-1].reshape(-1, 2).sum(axis=1))
    return levels


_BY_NAME: dict[str, Callable[[int], Sampler]] = {
    "log_uniform": LogUniformSampler,
    "uniform": UniformSampler,
    "learned_unigram": LearnedUnigramSampler,
}


def get(sampler: str | Sampler, num_classes: int) -> Sampler:
    """Return a new sampler of that name, or the given one after a look at its number of classes.

    >>> get("uniform", 10)
    UniformSampler(num_classes=10)
    """
    if isinstance(sampler, Sampler):
        if sampler.num_classes != num_classes:
            raise ArgumentError(
                "the sampler is one of other classes.", expected=f"{num_classes} classes", received=repr(sampler)
            )
        return sampler
    if sampler not in _BY_NAME:
        raise unknown_name("sampler", sampler, _BY_NAME)
    return _BY_NAME[sampler](num_classes)
