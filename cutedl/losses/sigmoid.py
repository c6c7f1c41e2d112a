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


def hard_cross_entropy(z: Array, x: Array, q: Array | None, out: Array | None) -> Array:
    """Return the losses for labels z of 0 and 1, in x's own precision; their derivative into out.

    z, x, out: of one shape; q: weight of the label 1, for each column, or None for 1. With u = -x for the label 1, and
    u = x for the label 0, the loss is sp(u) and its derivative sigmoid(u), with u's sign.
    """
    positive = z != 0
    u = np.where(positive, -x, x)
    tail = np.exp(-np.abs(u))
    losses: Array = np.maximum(u, 0.0)
    losses += np.log1p(tail)
    if out is not None:
        # sigmoid(u) = exp(min(u, 0)) / (1 + exp(-|u|))
        np.exp(np.minimum(u, 0.0), out=out)
        out /= 1.0 + tail
        np.negative(out, out=out, where=positive)
    if q is not None:
        weight = np.where(positive, q, 1.0)
        losses = losses * weight
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
