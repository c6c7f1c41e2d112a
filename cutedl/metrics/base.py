"""Metric: what every metric has in common: a name, what it has seen, and one result."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike

from cutedl import checks
from cutedl.metrics.reading import Reading

if TYPE_CHECKING:
    from cutedl.losses import Loss

__all__ = ["DecisionMetric", "Metric", "ReadingMetric", "ScoreMetric"]


class Metric(ABC):
    """A number about predictions, gathered batch by batch; how they are cut into batches changes no bit of it.

    name: the history's column; validation puts "val_" before it. Where two metrics would have one name, give one.
    higher_is_better: None where nobody can say.

    A new metric writes `reset`, `update` and `result`, and lists in `gathered` the attributes that `reset` makes and
    `update` changes: ints, arrays, and objects with state() and restore(), such as an ExactSum. The arrays of a batch
    are overwritten by the next: copy what is kept.
    """

    name: str
    higher_is_better: bool | None = None
    gathered: ClassVar[tuple[str, ...]] = ()

    def __init__(self, *, name: str | None = None):
        if name is not None:
            self.name = checks.text("name", name)
        self.reset()

    def __repr__(self) -> str:
        options = [f"{name}={value!r}" for name, value in vars(self).items() if name[0] != "_"]
        return f"{type(self).__name__}({', '.join(options)})"

    @property
    def names(self) -> tuple[str, ...]:
        """The history columns that this metric fills."""
        return (self.name,)

    def attach(self, loss: Loss) -> None:  # noqa: B027  many metrics need not know
        """Learn from the loss what the model's outputs mean."""

    @abstractmethod
    def reset(self) -> None:
        """Forget everything seen."""

    @abstractmethod
    def update(self, y_true: ArrayLike, y_pred: ArrayLike) -> None:
        """See one batch."""

    @abstractmethod
    def result(self) -> float:
        """Return the metric of everything seen since reset; NaN when that is nothing."""

    def results(self) -> dict[str, float]:
        """Return the value of each history column."""
        return {self.name: self.result()}

    def state(self) -> dict[str, Any]:
        """Return what has been seen, as copies."""
        return {name.lstrip("_"): _saved(getattr(self, name)) for name in self.gathered}

    def restore(self, state: dict[str, Any]) -> None:
        """Take back what `state` returned: the next batch continues where that was."""
        for name in self.gathered:
            saved, own = state[name.lstrip("_")], getattr(self, name)
            if hasattr(own, "restore"):
                own.restore(saved)
            else:
                setattr(self, name, saved.copy() if isinstance(saved, np.ndarray) else saved)

    def merge(self, state: dict[str, Any]) -> None:
        """Add what another metric of this kind has seen, in another process; state: what its `state` returned.

        Whatever is gathered is taken to be a sum; where it is not, override this.
        """
        for name in self.gathered:
            seen, own = state[name.lstrip("_")], getattr(self, name)
            if hasattr(own, "merge"):
                own.merge(seen)
            elif np.size(own) and np.size(seen):
                setattr(self, name, own + seen)
            elif np.size(seen):  # nothing was seen here, not even how many columns there are
                setattr(self, name, seen.copy())


class ReadingMetric(Metric):
    """Base of the metrics that ask the loss how labels and outputs are to be read."""

    def __init__(self, *, name: str | None = None):
        super().__init__(name=name)
        self._reading = Reading()

    def attach(self, loss: Loss) -> None:
        """Learn from the loss what outputs are, and which labels do not count."""
        self._reading = Reading.of(loss)


class DecisionMetric(ReadingMetric):
    """Base of the metrics of decisions, for a class or between yes and no.

    threshold: the output above which an answer says yes, for outputs of any shape, one answer each. None: the loss
    knows; without a loss the outputs are scores of classes, of which the largest wins.
    """

    def __init__(self, threshold: float | None = None, *, name: str | None = None):
        super().__init__(name=name)
        self.threshold = None if threshold is None else checks.number("threshold", threshold)
        self._reading = Reading(threshold=self.threshold)

    def attach(self, loss: Loss) -> None:
        """Learn from the loss what outputs are, where a yes begins, and which labels do not count."""
        super().attach(loss)
        if self.threshold is not None:
            self._reading = self._reading._replace(threshold=self.threshold)


class ScoreMetric(Metric):
    """Base of the metrics of scores and probabilities, which need no decision.

    from_logits: whether y_pred holds logits, as by default; a loss that the metric is attached to knows better.
    Without a loss, y_pred of shape (B,) or (B, 1) holds yes-or-no answers, any other the scores of classes.
    """

    def __init__(self, from_logits: bool = True, *, name: str | None = None):
        super().__init__(name=name)
        self.from_logits = checks.flag("from_logits", from_logits)
        self._reading: Reading | None = None

    def attach(self, loss: Loss) -> None:
        """Learn from the loss what the outputs are and which labels do not count."""
        self._reading, self.from_logits = Reading.of(loss), loss.from_logits

    def _read(self, y_pred: ArrayLike) -> Reading:
        """Return how to read a batch."""
        if self._reading is not None:
            return self._reading
        shape = np.shape(y_pred)
        if len(shape) < 2 or shape[-1] == 1:
            return Reading(0.0, "sigmoid" if self.from_logits else None)
        return Reading(None, "softmax" if self.from_logits else None)


def _saved(value: Any) -> Any:
    if hasattr(value, "state"):
        return value.state()
    return value.copy() if isinstance(value, np.ndarray) else value
