"""Loss: what every loss has in common: the door, the reduction, value and gradient in one go."""

from __future__ import annotations

import copy
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cutedl import checks
from cutedl.errors import DataTypeError, NotBuiltError, ShapeError, unknown_name
from cutedl.losses import labels
from cutedl.losses.inspection import CHECKS, inspect
from cutedl.losses.reduction import REDUCTIONS, Scale, Shares, row_weights, shares

if TYPE_CHECKING:
    from cutedl.arena import Arena
    from cutedl.losses.explanation import Explanation

__all__ = ["Array", "Batch", "Loss", "Scale", "columns_last", "computable", "numbers"]

Array = NDArray[Any]

# Rows are worked through in pieces of at most so many rows and values: scratch memory does not grow with the batch.
_ROWS, _VALUES = 512, 1 << 19


class Batch(NamedTuple):
    """What passed the door, laid out as R rows of C columns: one loss per row.

    y: labels, (R,) or (R, C); x: y_pred, (R, C); shape: of the losses, R in all;
    axis: the one of y_pred that became the columns; valid: (R,) which rows count, or None for all.
    """

    y: Array
    x: Array
    shape: tuple[int, ...]
    axis: int
    valid: NDArray[np.bool_] | None


class Loss(ABC):
    """A number that says how far y_pred is from y_true, and its gradient with respect to y_pred.

    reduction: how the losses l, weighted by sample_weight w where it is given, become one number:
    "sum_over_batch_size" sum(w l) / number of losses; "weighted_mean" sum(w l) / sum(w), class weights included;
    "sum_by_nonzero_weights" sum(w l) / number of w that are not 0; "sum" sum(w l); "none" the array w l, whose gradient
    is that of its sum. Losses that are masked or ignored are not counted; where none is left, the value and the
    gradient are 0.

    check: "first" looks for probable mistakes in the first batch (see `inspect`), "always" in every one, "never" in
    none. Shapes, types and the range of labels are checked in any case.

    takes_hidden: y_pred is the last hidden output, of which no metric can be taken.
    activation: the one that makes probabilities of what the loss takes with from_logits=True, where there is one.

    A new loss writes `_open` (or takes it from ElementLoss or VectorLoss) and `_kernel`.
    """

    activation: ClassVar[str | None] = None
    takes_hidden: ClassVar[bool] = False
    from_logits = False

    def __init__(self, *, reduction: str = "sum_over_batch_size", check: str = "first"):
        if reduction not in REDUCTIONS:
            raise unknown_name("reduction", reduction, REDUCTIONS)
        if check not in CHECKS:
            raise unknown_name("check", check, CHECKS)
        self.reduction, self.check = reduction, check
        self._inspects = check != "never"
        self.total, self.count = 0.0, 0.0
        self._gradient: Array | None = None

    def __repr__(self) -> str:
        options = {name: value for name, value in vars(self).items() if name[0] != "_" and value is not None}
        for name in ("total", "count", "check"):
            options.pop(name, None)
        shown = [f"{name}={_shown(value)}" for name, value in options.items()]
        return f"{type(self).__name__}({', '.join(shown)})"

    @abstractmethod
    def _open(self, y_true: ArrayLike, y_pred: ArrayLike) -> Batch:
        """Check that labels and predictions fit, and lay them out as rows."""

    @abstractmethod
    def _kernel(self, y: Array, x: Array, scale: Scale, out: Array | None) -> Array:
        """Return the losses (R,) of rows; the gradient of each, times its scale, into out where given."""

    def _label_weights(self, y: Array) -> Array | None:
        """Return the class weight of each row as it counts in the divisor, or None for 1 each."""
        return None

    def _check_values(self, y: Array, start: int) -> None:
        """Raise for a label that the loss cannot use; start: the row that y begins at."""
        labels.within(y, -np.finfo(np.float64).max, np.finfo(np.float64).max, "numbers", start)

    def on_logits(self) -> Loss:
        """Return a copy that takes logits; the activation is then part of the loss."""
        twin = copy.copy(self)
        twin.from_logits = True
        return twin

    def attach(self, arena: Arena, inshape: tuple[int, ...], seed: int) -> None:  # noqa: B027  most losses have none
        """Give a loss with parameters of its own their place in the model's arena."""

    def state(self) -> dict[str, Any]:
        """Return what calls have changed, beside the parameters: whether the next batch is looked at."""
        return {"inspects": self._inspects}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Take back what state() returned."""
        self._inspects = bool(state["inspects"])

    @property
    def threshold(self) -> float | None:
        """The output above which each decision says yes; None where it is the largest output that wins."""
        return None

    @property
    def gradient(self) -> Array:
        """The gradient dL/dy_pred of the last call, of y_pred's shape."""
        if self._gradient is None:
            raise NotBuiltError(
                "there is no gradient yet.", hint="call loss(y_true, y_pred) or loss.value_and_gradient(...) first."
            )
        return self._gradient

    def check_labels(self, y_true: ArrayLike, output_shape: tuple[int, ...]) -> None:
        """Raise unless every label of a data set can be used with the outputs of a model.

        y_true: the labels of all samples; output_shape: of one sample's y_pred, without the batch axis.
        Raises ShapeError, LabelError, NonFiniteError or DataTypeError, naming the row and the value.
        """
        y = numbers("y_true", y_true)
        labels.per_sample(y, output_shape)
        labels.in_pieces(y, self._check_values)

    def __call__(
        self,
        y_true: ArrayLike,
        y_pred: ArrayLike,
        sample_weight: ArrayLike | None = None,
        mask: ArrayLike | None = None,
    ) -> Any:
        """Return the loss as a float (reduction "none": the array of losses); sets `gradient`, `total` and `count`."""
        return self.value_and_gradient(y_true, y_pred, sample_weight, mask)[0]

    def value_and_gradient(
        self,
        y_true: ArrayLike,
        y_pred: ArrayLike,
        sample_weight: ArrayLike | None = None,
        mask: ArrayLike | None = None,
        out: Array | None = None,
    ) -> tuple[Any, Array]:
        """Return (loss, dL/dy_pred); sets `gradient`, `total` and `count`.

        sample_weight, mask: one value per loss, or per row of losses; mask: 0 leaves a loss out.
        out: array of y_pred's shape that takes the gradient.
        Raises ShapeError, LabelError, NonFiniteError, ProbabilityError or DataTypeError, naming the row and the value.
        """
        batch = self._open(y_true, y_pred)
        share = self._share(batch, sample_weight, mask)
        if self._inspects:
            inspect(self, batch.y, batch.x, None if share.weights is None else share.weights != 0)
            self._inspects = self.check == "always"
        x, shape = batch.x, np.shape(y_pred)
        if out is None:
            out = np.empty(shape, x.dtype)
        elif out.shape != shape or out.dtype.kind != "f":
            _refuse_out(out, shape)
        moved = columns_last(out, batch.axis)
        in_place = moved.flags.c_contiguous and moved.dtype == x.dtype and not np.may_share_memory(moved, x)
        rows = moved.reshape(x.shape) if in_place else np.empty(x.shape, x.dtype)
        pieces = self._pieces(batch, share, rows)
        value: Any
        if self.reduction == "none":
            value = np.concatenate([np.empty(0), *pieces]).reshape(batch.shape)
            self.total, self.count = _sum([value]), share.divisor
        else:
            self.total, self.count = _sum(pieces), share.divisor
            value = self.reduce(self.total, self.count)
        if not in_place:
            moved[...] = rows.reshape(moved.shape)
        self._gradient = out
        return value, out

    def total_and_count(
        self,
        y_true: ArrayLike,
        y_pred: ArrayLike,
        sample_weight: ArrayLike | None = None,
        mask: ArrayLike | None = None,
    ) -> tuple[float, float]:
        """Return (sum of the weighted losses, what `reduce` divides it by); no gradient is computed.

        Totals and counts of several batches add up: reduce(sum of totals, sum of counts) is the loss of them all.
        """
        batch = self._open(y_true, y_pred)
        share = self._share(batch, sample_weight, mask)
        return _sum(self._pieces(batch, share, None)), share.divisor

    def per_example(
        self,
        y_true: ArrayLike,
        y_pred: ArrayLike,
        sample_weight: ArrayLike | None = None,
        mask: ArrayLike | None = None,
    ) -> Array:
        """Return the weighted losses before any reduction; no gradient is computed."""
        batch = self._open(y_true, y_pred)
        pieces = self._pieces(batch, self._share(batch, sample_weight, mask), None)
        return np.concatenate([np.empty(0), *pieces]).reshape(batch.shape)

    def reduce(self, total: float, count: float) -> float:
        """Return the loss that a sum of losses and a count stand for."""
        if self.reduction in ("sum", "none"):
            return total
        return total / count if count else 0.0

    def explain(self, y_true: ArrayLike, y_pred: ArrayLike) -> Explanation:
        """Print and return where the loss comes from and how low it could be; with weights: `explanation.explain`."""
        from cutedl.losses.explanation import explain

        explanation = explain(self, y_true, y_pred)
        print(explanation)
        return explanation

    def _share(self, batch: Batch, sample_weight: ArrayLike | None, mask: ArrayLike | None) -> Shares:
        weights: Array | None = None
        rows = len(batch.x)
        if sample_weight is not None or mask is not None or batch.valid is not None:
            weights, rows = row_weights(batch.shape, sample_weight, mask, batch.valid)
        return shares(self.reduction, weights, rows, self._label_weights(batch.y))

    def _pieces(self, batch: Batch, share: Shares, out: Array | None) -> Iterable[Array]:
        """Return the weighted losses, (R,) in all; the gradient, rows like batch.x, goes into out where given."""
        y, x, weights, scale = batch.y, batch.x, share.weights, share.scale
        if isinstance(scale, np.ndarray):
            scale = scale.astype(x.dtype)
        step = max(1, min(_ROWS, _VALUES // x.shape[1]))
        if 0 < len(x) <= step:
            return (self._piece(y, x, weights, scale, out),)
        return (
            self._piece(
                y[rows],
                x[rows],
                None if weights is None else weights[rows],
                scale[rows] if isinstance(scale, np.ndarray) else scale,
                None if out is None else out[rows],
            )
            for rows in (slice(start, start + step) for start in range(0, len(x), step))
        )

    def _piece(self, y: Array, x: Array, weights: Array | None, scale: Scale, out: Array | None) -> Array:
        losses = self._kernel(y, x, scale, out)
        if weights is not None:
            # What does not count is 0, even where its logits are not finite.
            idle = weights == 0
            losses = np.where(idle, 0.0, losses) * weights
            if out is not None:
                out[idle] = 0.0
        return losses


def numbers(name: str, values: ArrayLike) -> Array:
    """Return values as an array of real numbers; what already is one passes untouched.

    >>> numbers("y_true", [1, 2])
    array([1, 2])
    """
    if type(values) is np.ndarray and values.dtype.kind in "fiub":
        return values
    return checks.numeric_array(name, values)


def computable(y_pred: ArrayLike) -> Array:
    """Return y_pred in float32 or wider: float16 would overflow at 65504, and integers have no gradient.

    >>> computable(np.zeros(2, "float16")).dtype
    dtype('float32')
    """
    x = numbers("y_pred", y_pred)
    if x.dtype == np.float32 or x.dtype == np.float64:
        return x
    return x.astype(np.float32 if x.dtype == np.float16 else np.float64)


def columns_last(a: Array, axis: int) -> Array:
    """Return a view with an axis moved to the end."""
    return a if axis == -1 or axis == a.ndim - 1 else np.moveaxis(a, axis, -1)


def _sum(pieces: Iterable[Array]) -> float:
    total = 0.0
    for piece in pieces:
        total += float(np.add.reduce(piece, axis=None, dtype=np.float64))
    return total


def _refuse_out(out: Array, shape: tuple[int, ...]) -> None:
    if out.shape != shape:
        raise ShapeError("out does not fit y_pred.", expected=f"shape {shape}", received=f"shape {out.shape}")
    raise DataTypeError("out cannot hold a gradient.", expected="a floating dtype", received=f"dtype {out.dtype}")


def _shown(value: object) -> str:
    return repr(value.tolist()) if isinstance(value, np.ndarray) else repr(value)
