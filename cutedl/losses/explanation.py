"""Where a loss comes from, and how low it could be: the classes, the hardest examples, the floor and the baselines.

The baselines are losses of other outputs for the same labels, worked out by the loss itself, so every number here has
the loss' own reduction and weights and can be compared with the others.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cutedl.dlmath import sigmoid
from cutedl.losses.base import Array, Batch, Loss
from cutedl.losses.baselines import best_constant_output, best_outputs, uniform_output
from cutedl.losses.binary import BinaryLoss
from cutedl.losses.elementwise import ElementLoss
from cutedl.losses.hinge import CategoricalHinge
from cutedl.losses.reduction import row_weights
from cutedl.losses.sigmoid import times
from cutedl.losses.softmax import Softmax
from cutedl.losses.vector import ClassLoss

__all__ = ["SATURATED", "Explanation", "HardExample", "explain"]

SATURATED = 1e-6
"""An output is saturated where its winning probability is above 1 - SATURATED."""

_HARDEST = 5
_SHOWN_CLASSES = 20


@dataclass(frozen=True)
class HardExample:
    """An example of a large loss.

    index: of the example, into the losses, or into y_pred where every number has a loss of its own; label, predicted:
    classes, the likeliest ones; of a regression, numbers; of vectors, None; loss: weighted, before the reduction.
    """

    index: tuple[int, ...]
    label: float | None
    predicted: float | None
    loss: float


@dataclass(frozen=True, eq=False)
class Explanation:
    """A loss taken apart; `print` shows it as tables. What a loss does not have is None.

    An example is what has a loss of its own: a row, or, of losses averaged over the last axis, a single number.

    loss: reduced (with reduction="none": the sum); counted, ignored: examples, ignored being those that are masked or
    have the label ignore_class; hardest: the five largest losses, NaN counting as infinite;
    class_counts, class_losses: examples and mean weighted loss by label, (C,), or (columns, 2) for yes-or-no answers,
    NaN where there is no example;
    floor: the least loss that any outputs reach on these labels: their entropy, for cross entropies;
    prior: the loss of the best constant distribution, the frequencies of the classes, or of the mean label;
    uniform: the loss of equal probabilities; saturated: the share of outputs whose winning probability is above
    1 - SATURATED, in [0, 1].

    >>> from cutedl import losses
    >>> logits = np.log([[0.7, 0.2, 0.1], [0.1, 0.8, 0.1], [0.2, 0.7, 0.1]])
    >>> print(explain(losses.SparseCategoricalCrossentropy(), [0, 0, 1], logits))
    SparseCategoricalCrossentropy
    <BLANKLINE>
    loss          1.005  of 3 examples, 0 ignored
    floor             0  the least that these labels allow
    excess        1.005  what training can still take away
    prior        0.6365  always predicting the mean label
    uniform       1.099  all classes equally likely
    saturated         0  share of outputs with a probability above 1 - 1e-06
    <BLANKLINE>
            class   examples  mean loss
                0          2       1.33
                1          1     0.3567
                2          0          -
    <BLANKLINE>
          hardest      label  predicted       loss
                1          0          1      2.303
                0          0          0     0.3567
                2          1          1     0.3567
    """

    name: str
    loss: float
    counted: int
    ignored: int
    hardest: tuple[HardExample, ...]
    class_counts: NDArray[np.intp] | None = None
    class_losses: NDArray[np.float64] | None = None
    floor: float | None = None
    prior: float | None = None
    uniform: float | None = None
    saturated: float | None = None

    @property
    def excess(self) -> float | None:
        """The loss above its floor: all that training can still take away."""
        return None if self.floor is None else self.loss - self.floor

    def __str__(self) -> str:
        tables = (self._summary(), self._by_class(), self._hardest())
        return "\n\n".join([self.name, *("\n".join(table) for table in tables if table)])

    def _summary(self) -> list[str]:
        rows = [
            ("loss", self.loss, f"of {self.counted} examples, {self.ignored} ignored"),
            ("floor", self.floor, "the least that these labels allow"),
            ("excess", self.excess, "what training can still take away"),
            ("prior", self.prior, "always predicting the mean label"),
            ("uniform", self.uniform, "all classes equally likely"),
            ("saturated", self.saturated, f"share of outputs with a probability above 1 - {SATURATED:g}"),
        ]
        return [f"{name:9} {_shown(value):>9}  {what}" for name, value, what in rows if value is not None]

    def _by_class(self) -> list[str]:
        if self.class_counts is None or self.class_losses is None:
            return []
        counts, means = self.class_counts.reshape(-1), self.class_losses.reshape(-1)
        columns = 1 if self.class_counts.ndim == 1 else len(self.class_counts)
        # NaN, of classes without examples, sorts last
        worst = np.sort(np.argsort(-means, kind="stable")[:_SHOWN_CLASSES])
        lines = [f"{'column, class' if columns > 1 else 'class':>13}  {'examples':>9}  {'mean loss':>9}"]
        for i in worst.tolist():
            name = f"{i // 2}, {i % 2}" if columns > 1 else str(i)
            lines.append(f"{name:>13}  {counts[i]:9}  {_shown(means[i] if counts[i] else None):>9}")
        if len(means) > len(worst):
            lines.append(f"{len(means) - len(worst):>13} more, of smaller mean loss")
        return lines

    def _hardest(self) -> list[str]:
        lines = [f"{'hardest':>13}  {'label':>9}  {'predicted':>9}  {'loss':>9}"]
        for each in self.hardest:
            cells = _shown(each.label), _shown(each.predicted), _shown(each.loss)
            lines.append(f"{', '.join(map(str, each.index)):>13}  " + "  ".join(f"{cell:>9}" for cell in cells))
        return lines if self.hardest else []


def explain(
    loss: Loss,
    y_true: ArrayLike,
    y_pred: ArrayLike,
    sample_weight: ArrayLike | None = None,
    mask: ArrayLike | None = None,
) -> Explanation:
    """Return where a loss comes from and how low it could be; nothing is changed, nor any gradient computed.

    y_true, y_pred, sample_weight, mask: as for the loss itself, which raises what it always raises.
    """
    batch = loss._open(y_true, y_pred)
    # What is masked or ignored does not count; what weighs 0 counts, with a loss of 0.
    rows, weights = _row_weights(batch, None, mask) != 0, _row_weights(batch, sample_weight, mask)
    if isinstance(loss, ElementLoss):
        examples = _numbers(loss, batch, weights, rows, np.shape(y_pred))
    else:
        losses = loss.per_example(y_true, y_pred, sample_weight, mask)
        examples = _rows(loss, batch, losses.reshape(-1), rows)

    def reduced(outputs: Array | None) -> float | None:
        """Return the loss of other outputs, (R, C) or (C,), for the same labels."""
        if outputs is None:
            return None
        last = np.broadcast_to(outputs, batch.x.shape).reshape(*batch.shape, batch.x.shape[1])
        other = np.moveaxis(last, -1, batch.axis).reshape(np.shape(y_pred))
        return loss.reduce(*loss.total_and_count(y_true, other, sample_weight, mask))

    counts, means = examples.by_class()
    counted = int(np.count_nonzero(examples.counted))
    return Explanation(
        name=type(loss).__name__,
        loss=loss.reduce(*loss.total_and_count(y_true, y_pred, sample_weight, mask)),
        counted=counted,
        ignored=len(examples.counted) - counted,
        hardest=tuple(examples.hardest()),
        class_counts=counts,
        class_losses=means,
        floor=reduced(best_outputs(loss, batch)),
        prior=reduced(best_constant_output(loss, batch, weights)),
        uniform=reduced(uniform_output(loss, batch.x.shape[1])),
        saturated=_saturated(loss, batch.x, examples.counted),
    )


class _Examples(NamedTuple):
    """All that has a loss of its own, flat, E in all.

    shape: what an index points into; labels, predicted: (E,), or None of vectors; groups: (E,) into class_shape, the
    class that the loss of an example belongs to, or None where there are no classes.
    """

    losses: Array
    counted: NDArray[np.bool_]
    shape: tuple[int, ...]
    labels: Array | None = None
    predicted: Array | None = None
    groups: NDArray[np.intp] | None = None
    class_shape: tuple[int, ...] = ()

    def by_class(self) -> tuple[NDArray[np.intp] | None, NDArray[np.float64] | None]:
        """Return (examples, mean loss) of each class."""
        if self.groups is None:
            return None, None
        groups, size = self.groups[self.counted], int(np.prod(self.class_shape))
        counts = np.bincount(groups, minlength=size)
        sums = np.bincount(groups, self.losses[self.counted], size)
        means = np.divide(sums, counts, out=np.full(size, np.nan), where=counts > 0)
        return counts.reshape(self.class_shape), means.reshape(self.class_shape)

    def hardest(self) -> Iterator[HardExample]:
        """Yield the examples of the largest losses, the largest first."""
        candidates = np.flatnonzero(self.counted)
        losses = self.losses[candidates]
        order = np.argsort(-np.where(np.isnan(losses), np.inf, losses), kind="stable")
        for i in candidates[order[:_HARDEST]].tolist():
            label = None if self.labels is None else self.labels[i].item()
            predicted = None if self.predicted is None else self.predicted[i].item()
            index = tuple(int(k) for k in np.unravel_index(i, self.shape))
            yield HardExample(index, label, predicted, float(self.losses[i]))


def _row_weights(batch: Batch, sample_weight: ArrayLike | None, mask: ArrayLike | None) -> Array:
    weights = row_weights(batch.shape, sample_weight, mask, batch.valid)[0]
    return np.ones(len(batch.x)) if weights is None else weights


def _rows(loss: Loss, batch: Batch, losses: Array, counted: NDArray[np.bool_]) -> _Examples:
    """Return the rows of a batch as examples, with their classes where the loss has any."""
    if not isinstance(loss, ClassLoss | CategoricalHinge):
        return _Examples(losses, counted, batch.shape)
    labels = batch.y if batch.y.ndim == 1 else batch.y.argmax(axis=1)
    return _Examples(losses, counted, batch.shape, labels, batch.x.argmax(axis=1), labels, (batch.x.shape[1],))


@np.errstate(over="ignore", invalid="ignore", divide="ignore")
def _numbers(
    loss: ElementLoss, batch: Batch, weights: Array, rows: NDArray[np.bool_], shape: tuple[int, ...]
) -> _Examples:
    """Return the single numbers of a batch as examples; weights, rows: (R,) what a row weighs, and if it counts."""
    y, x = batch.y, batch.x
    counted = np.repeat(rows[:, None], x.shape[1], axis=1)
    if isinstance(loss, BinaryLoss) and loss.ignore_class is not None:
        counted &= y != loss.ignore_class
        y = np.where(counted, y, 0)
    class_weight = getattr(loss, "class_weight", None)
    weights = counted * weights[:, None] * (1.0 if class_weight is None else class_weight)
    losses = times(weights, loss._elements(y, x, None)).reshape(-1)
    examples = _Examples(losses, counted.reshape(-1), shape, y.reshape(-1), x.reshape(-1))
    if loss.threshold is None:
        return examples
    yes = (y > 0.5).astype(np.intp)
    return examples._replace(
        labels=yes.reshape(-1),
        predicted=(x > loss.threshold).astype(np.intp).reshape(-1),
        groups=(2 * np.arange(x.shape[1]) + yes).reshape(-1),
        class_shape=(x.shape[1], 2),
    )


@np.errstate(over="ignore", invalid="ignore")
def _saturated(loss: Loss, x: Array, counted: NDArray[np.bool_]) -> float | None:
    """Return the share of outputs that leave less than SATURATED to all other answers together."""
    if not isinstance(loss, ClassLoss | BinaryLoss):
        return None
    wide = x.astype(np.float64)
    if isinstance(loss, BinaryLoss):
        doubt = sigmoid(-np.abs(wide)) if loss.from_logits else np.minimum(wide, 1.0 - wide)
    else:
        doubt = Softmax(x).rest if loss.from_logits else 1.0 - wide.max(axis=1) / wide.sum(axis=1)
    saturated = doubt.reshape(-1)[counted] < SATURATED
    return float(saturated.mean()) if saturated.size else 0.0


def _shown(value: float | None) -> str:
    return "-" if value is None else f"{value:.4g}"
