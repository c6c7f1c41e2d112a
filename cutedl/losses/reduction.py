"""From the loss of every row to one number: what each row weighs and what the sum is divided by.

Everything here is known before a logit is looked at, so the gradient comes out of each loss already divided.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cutedl import checks
from cutedl.errors import ShapeError

__all__ = ["REDUCTIONS", "Array", "Scale", "Shares", "aligned", "row_weights", "shares"]

Array = NDArray[Any]
Scale = float | Array

REDUCTIONS = ("sum_over_batch_size", "weighted_mean", "sum", "none", "sum_by_nonzero_weights")


class Shares(NamedTuple):
    """What each of R rows contributes.

    weights: (R,) or None for 1 each: multiplies the losses; 0 for rows that are masked or ignored.
    scale: weights / divisor, or weights alone where nothing is divided: multiplies the gradient.
    divisor: what the sum of the weighted losses is divided by.
    """

    weights: Array | None
    scale: Scale
    divisor: float


def aligned(name: str, values: ArrayLike, shape: tuple[int, ...]) -> Array:
    """Return values repeated to the losses' shape, flat; axes are matched from the left, as rows come first.

    >>> print(aligned("sample_weight", [1.0, 2.0], (2, 3)))
    [1. 1. 1. 2. 2. 2.]
    >>> aligned("sample_weight", [[1.0, 2.0]], (2,))
    Traceback (most recent call last):
    ...
    cutedl.errors.ShapeError: sample_weight does not fit the losses. expected shape (2,), (2, 1), or 1 in place of any \
axis, received shape (1, 2). hint: the classes have been summed by then: give one value per loss.
    """
    array = checks.numeric_array(name, values)
    given = array.shape[:-1] if array.ndim == len(shape) + 1 and array.shape[-1] == 1 else array.shape
    if len(given) > len(shape) or any(have not in (1, need) for have, need in zip(given, shape, strict=False)):
        raise ShapeError(
            f"{name} does not fit the losses.",
            expected=f"shape {shape}, {(*shape, 1)}, or 1 in place of any axis",
            received=f"shape {array.shape}",
            hint="the classes have been summed by then: give one value per loss.",
        )
    array = array.reshape(given + (1,) * (len(shape) - len(given)))
    return np.broadcast_to(array, shape).reshape(-1)


def row_weights(
    shape: tuple[int, ...],
    sample_weight: ArrayLike | None,
    mask: ArrayLike | None,
    valid: NDArray[np.bool_] | None,
) -> tuple[Array | None, int]:
    """Return (weights, rows that count): flat weights of the losses, 0 where masked or ignored, or None for all 1."""
    rows = int(np.prod(shape))
    if mask is not None:
        kept = aligned("mask", mask, shape) != 0
        valid = kept if valid is None else valid & kept
    weights = None
    if sample_weight is not None:
        weights = aligned("sample_weight", sample_weight, shape).astype(np.float64)
    if valid is None:
        return weights, rows
    weights = valid.astype(np.float64) if weights is None else np.where(valid, weights, 0.0)
    return weights, int(np.count_nonzero(valid))


def shares(
    reduction: str,
    weights: Array | None,
    valid_rows: int,
    label_weights: Array | None,
) -> Shares:
    """Return what each row contributes under a reduction.

    label_weights: (R,) the class weight of each row, which the losses contain already; it counts in the divisors that
    sum or count weights.
    """
    count = float(valid_rows)
    if reduction in ("weighted_mean", "sum_by_nonzero_weights") and not (weights is None and label_weights is None):
        both = np.asarray(1.0 if weights is None else weights) * (1.0 if label_weights is None else label_weights)
        count = float(both.sum()) if reduction == "weighted_mean" else float(np.count_nonzero(both))
    factor = 1.0 if reduction in ("sum", "none") else (1.0 / count if count else 0.0)
    return Shares(weights, factor if weights is None else weights * factor, count)
