"""What losses on probabilities need: the check, the floor under every logarithm, rows that do not sum to 1.

0 * log 0 counts as 0. Any other logarithm of 0 is that of the floor, and so is the derivative there: straight through,
never 0 for a wrong answer. The floor lies far below anything that a network puts out on purpose, so what a type can
hold is used as it is.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from cutedl.errors import ProbabilityError
from cutedl.losses.labels import spans
from cutedl.losses.reduction import Scale
from cutedl.losses.targets import Targets

__all__ = [
    "FLOOR",
    "above_floor",
    "check_probabilities",
    "cross_entropy",
    "curvature",
    "distributions",
    "floors",
    "off_one",
    "through_sums",
]

Array = NDArray[Any]

FLOOR = {np.dtype(np.float32): 1e-30, np.dtype(np.float64): 1e-300}
"""The least value a logarithm of a probability of this type is taken of."""

_SLACK = 1e-6  # sums of rounded probabilities may pass 1 by this much
_UNNORMALISED = 1e-3


def check_probabilities(p: Array) -> None:
    """Raise ProbabilityError naming the first value of y_pred outside [0, 1], NaN included.

    >>> check_probabilities(np.array([[0.5, 0.5], [3.0, -2.0]]))
    Traceback (most recent call last):
    ...
    cutedl.errors.ProbabilityError: y_pred holds a value that is no probability. expected values in [0, 1], \
received 3 at index (1, 0). hint: for logits, leave from_logits=True.
    """
    if spans(p, 0.0, 1.0 + _SLACK):
        return
    where = tuple(int(i) for i in np.argwhere(~((p >= 0.0) & (p <= 1.0 + _SLACK)))[0])
    raise ProbabilityError(
        "y_pred holds a value that is no probability.",
        expected="values in [0, 1]",
        received=f"{p[where]:g} at index {where}",
        hint="for logits, leave from_logits=True.",
    )


def floors(dtype: np.dtype[Any]) -> tuple[float, float]:
    """Return the least p and the least 1 - p that a logarithm is taken of: FLOOR, and the type's step next to 1.

    >>> floors(np.dtype("float32"))
    (1e-30, 5.960464477539063e-08)
    """
    return FLOOR[dtype], float(np.finfo(dtype).epsneg)


def above_floor(p: Array) -> tuple[Array, Array]:
    """Return (p, 1 - p) as float64, neither below its floor.

    >>> above_floor(np.array([0.0, 1.0], "float32"))
    (array([1.e-30, 1.e+00]), array([1.00000000e+00, 5.96046448e-08]))
    """
    wide = p.astype(np.float64)
    least, least_rest = floors(p.dtype)
    return np.maximum(wide, least), np.maximum(1.0 - wide, least_rest)


def off_one(p: Array, scale: Scale) -> tuple[int, float] | None:
    """Return (row, sum) of the first row that does not sum to 1 within 1e-3, zeros first; rows of scale 0 do not count.

    >>> off_one(np.array([[0.5, 0.5], [0.9, 0.8]]), 1.0)
    (1, 1.7000000000000002)
    """
    sums = p.sum(axis=1, dtype=np.float64)
    off = (np.abs(sums - 1.0) > _UNNORMALISED) & (np.asarray(scale) != 0)
    if not off.any():
        return None
    row = int(np.argmin(np.where(off, sums > 0.0, 2)))
    return row, float(sums[row])


def distributions(p: Array) -> tuple[Array, Array | None]:
    """Return (rows of p as float64, None), or, where some do not sum to 1, (rows divided by their sums, the sums)."""
    p = p.astype(np.float64)
    sums = p.sum(axis=1)
    off = (np.abs(sums - 1.0) > _UNNORMALISED) & (sums > 0.0)
    if not off.any():
        return p, None
    sums = np.where(off, sums, 1.0)
    p /= sums[:, None]
    return p, sums


def cross_entropy(
    targets: Targets, p: Array, sums: Array | None, floor: float, scale: Scale, out: Array | None
) -> Array:
    """Return the losses -sum_j t_j log p_j of rows of float64 probabilities; gradient * scale into out.

    The gradient is -t / p; for rows that were divided by their sums s it is that of the whole: (sum(t) - t / p) / s.
    """
    p = np.maximum(p, floor)
    losses: Array = -targets.dot(np.log(p))
    if out is not None:
        gradient = -1.0 / p
        targets.multiply(gradient)
        gradient = through_sums(gradient, p, sums)
        np.multiply(gradient, np.reshape(scale, (-1, 1)), out=out, casting="same_kind")
    return losses


def through_sums(gradient: Array, p: Array, sums: Array | None) -> Array:
    """Carry a gradient by p back through p = p' / sums: (g - sum_j g_j p_j) / sums for the rows that were divided."""
    if sums is None:
        return gradient
    carried = (gradient - np.einsum("ij,ij->i", gradient, p)[:, None]) / sums[:, None]
    return np.where(sums[:, None] == 1.0, gradient, carried)


def curvature(targets: Targets, p: Array, sums: Array | None, floor: float, v: Array | None = None) -> Array:
    """Return the Hessian of such losses times v, or its diagonal without v.

    It is diag(t / p^2), and (diag(t / p^2) - sum(t)) / s^2 for rows that were divided by their sums s.
    """
    h = np.maximum(p, floor) ** -2.0
    targets.multiply(h)
    if v is not None:
        h *= v
    if sums is not None:
        common = targets.total if v is None else targets.total * v.sum(axis=1)
        h -= np.where(sums != 1.0, common, 0.0)[:, None]
        h /= (sums**2)[:, None]
    return h
