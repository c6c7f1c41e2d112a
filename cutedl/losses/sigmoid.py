"""Sigmoid cross entropy of single logits, with its derivative: the cores that the binary losses share.

With A the weight of the label 1, B that of the label 0 and sp(x) = log(1 + exp(x)):

    loss = A sp(-x) + B sp(x)         derivative = B sigmoid(x) - A sigmoid(-x)

A hard label makes A or B 0, and then nothing cancels.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from cutedl.dlmath import sigmoid, softplus

__all__ = ["hard_cross_entropy", "probability_cross_entropy", "soft_cross_entropy", "times"]

Array = NDArray[Any]


# Up to here exp(x), and what is made of it, is a normal number.
_MODERATE: dict[np.dtype[Any], float] = {np.dtype(np.float32): 80.0, np.dtype(np.float64): 700.0}
# -2 and 1 as arrays without axes: of Python's numbers NumPy makes such at every use, in as long as a small batch takes.
_SCALARS = {dtype: (np.array(-2.0, dtype), np.array(1.0, dtype)) for dtype in _MODERATE}


def hard_cross_entropy(z: Array, x: Array, q: Array | None, out: Array | None) -> Array | None:
    """Return the losses for labels z of 0 and 1, in x's own precision; their derivative into out.

    z, x, out: of one shape; q: weight of the label 1, for each column, or None for 1. Returns None, out untouched, for
    logits of unusual size, which `soft_cross_entropy` takes.

    With e = exp(-x) for the label 1, and exp(x) for the label 0, the loss is log1p(e) and its derivative e / (1 + e),
    with the sign of the exponent.
    """
    flat, limit = x.reshape(-1), _MODERATE[x.dtype]
    if not (flat[flat.argmin()] >= -limit and flat[flat.argmax()] <= limit):
        return None
    minus_two, one = _SCALARS[x.dtype]
    sign = np.multiply(z, minus_two, dtype=x.dtype)  # 1 - 2 z
    sign += one
    e = x * sign
    np.exp(e, out=e)
    losses: Array = np.log1p(e)
    if out is not None:
        np.add(e, one, out=out)
        np.divide(e, out, out=out)
        out *= sign
    if q is not None:
        weight = np.where(z != 0, q, 1.0)
        with np.errstate(over="ignore"):
            losses *= weight
            if out is not None:
                out *= weight
    return losses


def soft_cross_entropy(a: Array, b: Array, x: Array, out: Array | None) -> Array:
    """Return the losses A sp(-x) + B sp(x), worked out in float64; their derivative into out, rounded once."""
    x = x.astype(np.float64)
    if out is not None:
        np.subtract(b * sigmoid(x), a * sigmoid(-x), out=out, casting="same_kind")
    return times(a, softplus(-x)) + times(b, softplus(x))


def probability_cross_entropy(a: Array, b: Array, p: Array, floors: tuple[float, float], out: Array | None) -> Array:
    """Return the losses -A log p - B log(1 - p), worked out in float64; their derivative into out, rounded once.

    floors: the least p, and the least 1 - p, that is divided by or taken a logarithm of.
    """
    p = p.astype(np.float64)
    above_zero, below_one = np.maximum(p, floors[0]), np.maximum(1.0 - p, floors[1])
    if out is not None:
        np.subtract(b / below_one, a / above_zero, out=out, casting="same_kind")
    # 1 - p has lost the digits of a small p, and log1p has not
    log_rest = np.where(p < 0.5, np.log1p(-np.minimum(p, 0.5)), np.log(below_one))
    losses: Array = -a * np.log(above_zero) - b * log_rest
    return losses


def times(a: Array, b: Array) -> Array:
    """a * b, where 0 * infinity counts as 0."""
    product: Array = np.where(a == 0.0, 0.0, a * b)
    return product
