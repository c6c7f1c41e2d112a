"""Softmax cross entropy of rows, with its gradient: the two cores that all categorical losses on logits share.

With m the largest logit of a row, k its column and s the sum of exp(x_j - m) over the other columns:

    log p_j = (x_j - m) - log1p(s)         p_k = 1 / (1 + s)         1 - p_k = s / (1 + s)
    loss = -sum_j t_j log p_j              gradient = p * sum(t) - t

Leaving k out of the sum is what keeps full relative accuracy for confident rows, where 1 + s rounds to 1. Where each
row has one class and its logits are of usual size, that class is left out instead, which needs no largest one.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from cutedl.losses.reduction import Scale
from cutedl.losses.targets import Targets

__all__ = ["Softmax", "hard_cross_entropy", "soft_cross_entropy"]

Array = NDArray[Any]

# The largest logit, and per class the least sum of a row's exponentials and the least exponential at its label: then
# those within 80 of the row's largest are normal numbers, and their sum over that of the label does not overflow.
_MODERATE = {np.dtype(np.float32): (40.0, 1e-3, 1e-20), np.dtype(np.float64): (300.0, 1e-130, 1e-175)}
_ONES = {dtype: np.ones(1024, dtype) for dtype in _MODERATE}


def hard_cross_entropy(y: NDArray[np.intp], x: Array, scale: Scale, out: Array | None) -> Array | None:
    """Return the losses of rows with one class each, in x's own precision; gradient * scale into out.

    y: (R,) in range; x: (R, C); scale: a number or (R,); out: (R, C) contiguous, not x. Returns (R,), or None, out
    spoilt, for logits of unusual size, which `soft_cross_entropy` takes.

    With e = exp(x) and r the sum of e over the other classes than y, loss = log1p(r / e_y): nothing is subtracted, so
    nothing is rounded before the exponential; at x - m = -80, half a unit in float32's last place becomes a relative
    error of 4e-6 after it. The gradient is e_j / (e_y + r), and -r / (e_y + r) for y.
    """
    highest, least_total, least_e_y = _MODERATE[x.dtype]
    flat = x.reshape(-1)
    if not flat[flat.argmax()] <= highest:
        return None
    at_y = np.arange(0, x.size, x.shape[1])
    at_y += y
    e = np.exp(x, out=out)
    flat = e.reshape(-1)
    e_y = flat[at_y]
    flat[at_y] = 0.0
    r = _row_sums(e)
    total = e_y + r
    if not (total[total.argmin()] >= least_total * x.shape[1] and e_y[e_y.argmin()] >= least_e_y * x.shape[1]):
        return None
    if out is not None:
        q = scale / total
        e *= q[:, None]
        q *= r
        flat[at_y] = np.negative(q, out=q)
    r /= e_y
    losses: Array = np.log1p(r, out=r)
    return losses


def _row_sums(a: Array) -> Array:
    """Sum the rows as sum(axis=1) does, in a third of the time: products with ones, of parts that lose no digits."""
    columns, ones = a.shape[1], _ONES[a.dtype]
    if columns <= 128:
        return np.asarray(a.dot(ones[:columns]))
    if columns <= len(ones):
        return np.asarray(np.vecdot(a, ones[:columns]))
    parts = [_row_sums(a[:, start : start + len(ones)]) for start in range(0, columns, len(ones))]
    return np.sum(parts, axis=0, dtype=np.float64).astype(a.dtype)


class Softmax:
    """The distributions of rows of logits x (R, C), worked out in float64.

    p: the probabilities; k: (R,) the column of the largest; rest: 1 - p_k, also where p_k rounds to 1;
    shifted: x - m; log_normaliser: log1p(s), so that log p = shifted - log_normaliser.
    Rows of nothing but -inf, and rows with NaN, have no distribution: they come out as NaN.
    """

    @np.errstate(over="ignore", invalid="ignore")
    def __init__(self, x: Array):
        self.rows, self.k = np.arange(len(x)), x.argmax(axis=1)
        m = x[self.rows, self.k].astype(np.float64)
        self.shifted = np.subtract(x, m[:, None], dtype=np.float64)
        # Of rows with +inf the subtraction made NaN; of one column it would hide that there is no distribution.
        self.shifted[self.rows, self.k] = np.where(m > -np.inf, 0.0, np.nan)
        self.p = np.exp(self.shifted)
        self.p[self.rows, self.k] = self.shifted[self.rows, self.k]
        s = self.p.sum(axis=1)
        self.p /= (1.0 + s)[:, None]
        self.p[self.rows, self.k] = 1.0 / (1.0 + s)
        self.rest = s / (1.0 + s)
        self.log_normaliser = np.log1p(s)

    def complement(self) -> Array:
        """Return 1 - p without cancellation."""
        result: Array = 1.0 - self.p
        result[self.rows, self.k] = self.rest
        return result

    def negative_log(self) -> Array:
        """Return -log p."""
        return np.asarray(self.log_normaliser[:, None] - self.shifted)


@np.errstate(over="ignore", invalid="ignore")
def soft_cross_entropy(targets: Targets, x: Array, scale: Scale, out: Array | None) -> Array:
    """Return the losses of rows with any targets, worked out in float64; gradient * scale into out.

    targets: R rows of C classes; x: (R, C); scale: a number or (R,); out: (R, C), rounded once. Returns float64 (R,).
    """
    softmax = Softmax(x)
    losses: Array = targets.total * softmax.log_normaliser - targets.dot(softmax.shifted)
    if out is not None:
        at_k = softmax.p[softmax.rows, softmax.k], targets.at(softmax.k)
        gradient = softmax.p
        gradient *= targets.total[:, None]
        targets.subtract_from(gradient)
        # p_k T - t_k = p_k (T - t_k) - t_k (1 - p_k), which does not cancel where t_k = T
        gradient[softmax.rows, softmax.k] = at_k[0] * (targets.total - at_k[1]) - at_k[1] * softmax.rest
        np.multiply(gradient, np.reshape(scale, (-1, 1)), out=out, casting="same_kind")
    return losses
