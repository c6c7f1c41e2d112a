"""Heads: losses that hold the output layer of very many classes, and train it by the few rows that a step samples."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from cutedl import checks, initializers
from cutedl.dlmath import log_sum_exp, softplus
from cutedl.errors import NotBuiltError, ShapeError
from cutedl.initializers import Initializer
from cutedl.losses import samplers
from cutedl.losses.base import Array, Batch, Loss, Scale, computable, numbers
from cutedl.losses.candidates import corrected_logits, nce_residuals, row_gradients, softmax_residuals, taking_part
from cutedl.losses.labels import class_indices, in_pieces
from cutedl.losses.reduction import Shares
from cutedl.losses.sampling import Classes, Sampler
from cutedl.streams import stream

if TYPE_CHECKING:
    from cutedl.arena import Arena, Table

__all__ = ["NCE", "SampledHead", "SampledSoftmax"]

# The full loss takes so many classes at a time: its memory does not grow with the vocabulary.
_CLASSES = 4096


class SampledHead(Loss):
    """Base of the losses whose y_pred is the model's last hidden output h, (B, d), and which hold W and b themselves.

    num_classes: V; num_sampled: S distinct classes, drawn anew at each step for the whole batch; num_true: T labels
    per row; sampler: "log_uniform" (classes sorted by decreasing frequency), "uniform", "learned_unigram" or a Sampler;
    remove_accidental_hits: leave a sampled class out of the rows of which it is a label; seed: of the draws, which
    depend on it and the number of the step alone; name: of the tables "<name>.weights" (V, d), "<name>.biases" (V, 1).

    y_true: class indices, (B,) or (B, T). A call or value_and_gradient is a training step: the loss is the sampled one,
    and the gradients of the rows that took part go into the tables, which every optimizer steps by the row.
    total_and_count and per_example, and so Session.evaluate, give the loss over all classes.
    """

    takes_hidden = True

    def __init__(
        self,
        num_classes: int,
        num_sampled: int,
        *,
        num_true: int = 1,
        sampler: str | Sampler = "log_uniform",
        remove_accidental_hits: bool,
        seed: int = 0,
        name: str = "head",
        reduction: str = "sum_over_batch_size",
    ):
        super().__init__(reduction=reduction)
        self.num_classes = checks.integer("num_classes", num_classes)
        self.num_sampled = checks.integer("num_sampled", num_sampled)
        self.num_true = checks.integer("num_true", num_true)
        self.sampler = samplers.get(sampler, self.num_classes)
        self.sampler.check_count(self.num_sampled)
        self.remove_accidental_hits = checks.flag("remove_accidental_hits", remove_accidental_hits)
        self.seed = checks.integer("seed", seed, low=0)
        self.name = name
        self._step = 0
        self._tables: tuple[Table, Table] | None = None

    @abstractmethod
    def _residuals(self, logits: Array) -> tuple[Array, Array]:
        """Return losses (N,) and residuals of sampled logits."""

    @abstractmethod
    def _full(self, scores: Iterator[Array], true: Array) -> Array:
        """Return the losses (N,) over all classes: scores (N, C) of one block of classes after another, true (N, T)."""

    def _start(self, out: Array, generator: np.random.Generator) -> None:
        """Fill the biases before training."""
        out[...] = 0.0

    # -- memory ------------------------------------------------------------------------------------------------------

    def attach(self, arena: Arena, inshape: tuple[int, ...], seed: int) -> None:
        """Take W and b from the arena of the model, where they are made the first time; called again, nothing changes.

        inshape: (d,), the shape of one output of the model. The biases start where the loss is that of equal classes,
        the weights at 0: unlike a hidden layer's, they need no chance to become different.
        """
        if len(inshape) != 1:
            raise ShapeError(
                f"{type(self).__name__} cannot take these outputs.",
                expected="one axis (d,)",
                received=f"{tuple(inshape)}",
                hint="end the model with Flatten() or Dense(d).",
            )
        weights = self._table(arena, "weights", inshape[0], initializers.zeros)
        self._tables = weights, self._table(arena, "biases", 1, self._start)

    def _table(self, arena: Arena, part: str, columns: int, initializer: Initializer) -> Table:
        name, shape = f"{self.name}.{part}", (self.num_classes, columns)
        if name not in arena.tables:
            arena.table(name, shape, initializer)
        table = arena.tables[name]
        if table.shape != shape:
            raise ShapeError(
                f"{name} exists already with another shape.",
                expected=f"{shape}",
                received=f"{table.shape}",
                hint="give the head a name of its own.",
            )
        return table

    @property
    def weights(self) -> Table:
        """W, (V, d): one row per class."""
        return self._attached()[0]

    @property
    def biases(self) -> Table:
        """b, (V, 1)."""
        return self._attached()[1]

    def _attached(self) -> tuple[Table, Table]:
        if self._tables is None:
            raise NotBuiltError(
                f"{type(self).__name__} has no memory yet.",
                hint="a Session attaches it; by hand: head.attach(model.arena, model.shapes[-1], seed).",
            )
        return self._tables

    # -- the door ----------------------------------------------------------------------------------------------------

    def check_labels(self, y_true: ArrayLike, output_shape: tuple[int, ...]) -> None:
        """Raise unless every label of a data set is a class index of a class that the sampler can draw."""

        def check(piece: Array, start: int) -> None:
            self.sampler.check_labels(self._indices(piece, len(piece), start))

        in_pieces(numbers("y_true", y_true), check)

    def _indices(self, y: Array, rows: int, start: int = 0) -> Classes:
        if y.shape != (rows, self.num_true) and not (y.shape == (rows,) and self.num_true == 1):
            raise ShapeError(
                "the labels do not fit the head.",
                expected=f"class indices of shape {(rows, self.num_true)}" + f" or {(rows,)}" * (self.num_true == 1),
                received=f"shape {y.shape}",
            )
        return class_indices(y, self.num_classes, start=start)[0].reshape(rows, self.num_true)

    def _open(self, y_true: ArrayLike, y_pred: ArrayLike) -> Batch:
        h, table = computable(y_pred), self.weights
        if h.ndim != 2 or h.shape[1] != table.shape[1]:
            raise ShapeError(
                "y_pred does not fit the head.", expected=f"(batch, {table.shape[1]})", received=f"shape {h.shape}"
            )
        y = self._indices(numbers("y_true", y_true), len(h))
        return Batch(y, h.astype(table.values.dtype, copy=False), (len(h),), -1, None)

    # -- training on a sample ----------------------------------------------------------------------------------------

    def _pieces(self, batch: Batch, share: Shares, out: Array | None) -> Iterator[Array]:
        """Yield the weighted losses: where a gradient is wanted those of a sample, else those of all classes."""
        if out is None:
            yield from super()._pieces(batch, share, None)
            return
        weights = np.ones(len(batch.x)) if share.weights is None else share.weights
        # Rows that do not count take no part, even where they are not finite.
        counted = np.flatnonzero(weights)
        scale = np.broadcast_to(share.scale, weights.shape)[counted]
        losses = np.zeros(len(weights))
        out[...] = 0.0
        sampled, out[counted] = self._train(batch.y[counted], batch.x[counted], scale)
        losses[counted] = sampled * weights[counted]
        yield losses

    def _train(self, y: Classes, h: Array, scale: Array) -> tuple[Array, Array]:
        """Return (losses, scaled gradient by h) on a new sample; the tables get the gradients of their rows."""
        values = self.sampler.sample(stream(self.seed, "sampler", self._step), y, self.num_sampled)
        self._step += 1
        rows = taking_part(y, values.sampled)
        w, b = self.weights.values[rows], self.biases.values[rows, 0]
        losses, r = self._residuals(corrected_logits(w, b, h, y, values, self.remove_accidental_hits))
        r *= scale.astype(r.dtype)[:, None]
        dh, dw, db = row_gradients(r, w, h, self.num_true)
        self.weights.collect(rows, dw)
        self.biases.collect(rows, db[:, None])
        return losses, dh

    def state(self) -> dict[str, Any]:
        """Return the number of the next sample, and what the sampler has counted."""
        return {**super().state(), "step": self._step, "sampler": self.sampler.state()}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Take back what state() returned."""
        step = checks.integer("step", state["step"], low=0)
        self.sampler.restore(state["sampler"])
        super().restore(state)
        self._step = step

    # -- all classes -------------------------------------------------------------------------------------------------

    def logits(self, h: ArrayLike) -> Array:
        """Return the scores of all classes, (B, V) = h Wᵀ + b; h: (B, d), the model's outputs."""
        scores: Array = computable(h) @ self.weights.values.T
        scores += self.biases.values[:, 0]
        return scores

    def _kernel(self, y: Array, x: Array, scale: Scale, out: Array | None) -> Array:
        """Return the losses (R,) over all classes."""
        true = np.einsum("nd,ntd->nt", x, self.weights.values[y]) + self.biases.values[y, 0]
        return self._full(self._scores(x), true)

    def _scores(self, h: Array) -> Iterator[Array]:
        w, b = self.weights.values, self.biases.values[:, 0]
        for start in range(0, self.num_classes, _CLASSES):
            block = h @ w[start : start + _CLASSES].T
            block += b[start : start + _CLASSES]
            yield block


class SampledSoftmax(SampledHead):
    """Softmax over very many classes, trained on a sample of them: sampled_softmax_loss with its own W and b.

    Each step costs B (T + S) d, whatever V; evaluated as the full softmax cross entropy, -(1/T) Σ log p over the
    labels. Source: Jean et al., 2015.

    >>> from cutedl import nn
    >>> from cutedl.model import Model
    >>> model, head = Model([nn.Dense(4, inshape=2)]), SampledSoftmax(1000, num_sampled=20)
    >>> model.assemble(seed=0)
    >>> head.attach(model.arena, model.shapes[-1], seed=0)
    >>> total, count = head.total_and_count([7, 3], model.predict([[1, 2], [3, 4]]))
    >>> print(round(total / count, 4), head.weights)
    6.9078 Table('head.weights', shape=(1000, 4))
    """

    def __init__(self, num_classes: int, num_sampled: int, *, remove_accidental_hits: bool = True, **options: Any):
        super().__init__(num_classes, num_sampled, remove_accidental_hits=remove_accidental_hits, **options)

    def _residuals(self, logits: Array) -> tuple[Array, Array]:
        return softmax_residuals(logits, self.num_true)

    def _full(self, scores: Iterator[Array], true: Array) -> Array:
        total = np.full(len(true), -np.inf)
        for block in scores:
            total = np.logaddexp(total, log_sum_exp(block))
        return np.asarray(total - true.mean(axis=1))


class NCE(SampledHead):
    """Independent yes-or-no answers for very many classes, trained against a sample: nce_loss with its own W and b.

    The biases start at -log V, so that the scores are log probabilities from the first step on. Evaluated as the
    sigmoid cross entropy summed over all classes, with targets 1/T for the labels.
    Source: Mnih and Teh, 2012.

    >>> from cutedl import nn
    >>> from cutedl.model import Model
    >>> model, head = Model([nn.Dense(4, inshape=2)]), NCE(1000, num_sampled=20)
    >>> model.assemble(seed=0)
    >>> head.attach(model.arena, model.shapes[-1], seed=0)
    >>> total, count = head.total_and_count([7, 3], model.predict([[1, 2], [3, 4]]))
    >>> print(round(total / count, 4))
    7.9073
    """

    def __init__(self, num_classes: int, num_sampled: int, *, remove_accidental_hits: bool = False, **options: Any):
        super().__init__(num_classes, num_sampled, remove_accidental_hits=remove_accidental_hits, **options)

    def _residuals(self, logits: Array) -> tuple[Array, Array]:
        return nce_residuals(logits, self.num_true)

    def _full(self, scores: Iterator[Array], true: Array) -> Array:
        total = np.zeros(len(true))
        for block in scores:
            total += softplus(block).sum(axis=1)
        return np.asarray(total - true.mean(axis=1))

    def _start(self, out: Array, generator: np.random.Generator) -> None:
        out[...] = -np.log(self.num_classes)
