"""Focal losses: cross entropies in which easy examples count less.

Everything is worked out in float64 and rounded once.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from cutedl import checks
from cutedl.dlmath import sigmoid, softplus
from cutedl.losses import labels
from cutedl.losses import sigmoid as cores
from cutedl.losses.base import Array, Scale
from cutedl.losses.binary import BinaryLoss
from cutedl.losses.probabilities import FLOOR, above_floor, floors, through_sums
from cutedl.losses.softmax import Softmax
from cutedl.losses.vector import ClassLoss, class_weights

__all__ = ["BinaryFocalCrossentropy", "CategoricalFocalCrossentropy"]


class BinaryFocalCrossentropy(BinaryLoss):
    """Binary cross entropy times r^gamma, r = z (1 - p) + (1 - z) p being the probability given to the wrong answer.

    gamma >= 0: 0 gives the plain cross entropy; apply_class_balancing: further times alpha for the label 1 and
    1 - alpha for the label 0, alpha in [0, 1].
    Equals keras.losses.BinaryFocalCrossentropy, but for from_logits=True as default.

    >>> print(f"{BinaryFocalCrossentropy(gamma=2.0)([[1.0]], [[0.0]]):.6f}")
    0.173287
    """

    def __init__(self, *, apply_class_balancing: bool = False, alpha: float = 0.25, gamma: float = 2.0, **options: Any):
        super().__init__(**options)
        self.apply_class_balancing = checks.flag("apply_class_balancing", apply_class_balancing)
        self.alpha = checks.number("alpha", alpha, low=0.0, high=1.0)
        self.gamma = checks.number("gamma", gamma, low=0.0)

    def _elements(self, y: Array, x: Array, out: Array | None) -> Array:
        z = self._smoothed(y)
        balance: Array | float = 1.0
        if self.apply_class_balancing:
            balance = z * self.alpha + (1.0 - z) * (1.0 - self.alpha)
        if self.from_logits:
            x = x.astype(np.float64)
            p, q = sigmoid(x), sigmoid(-x)
            slope = p * q  # dp/dx
            entropy = cores.times(z, softplus(-x)) + cores.times(1.0 - z, softplus(x))
            entropy_slope = (1.0 - z) * p - z * q
        else:
            p, q = above_floor(x)
            slope = np.ones_like(p)
            entropy = cores.probability_cross_entropy(z, 1.0 - z, x, floors(x.dtype), None)
            entropy_slope = (1.0 - z) / q - z / p
        r = z * q + (1.0 - z) * p
        focus = r**self.gamma
        if out is not None:
            # d(r^g l) = r^g (g l r' / r + l'), r' = (1 - 2 z) p'; where r is 0, so is l
            share = np.where(r > 0.0, entropy * slope / np.where(r > 0.0, r, 1.0), 0.0)
            out[...] = balance * focus * (self.gamma * (1.0 - 2.0 * z) * share + entropy_slope)
        return np.asarray(balance * cores.times(focus, entropy))


class CategoricalFocalCrossentropy(ClassLoss):
    """Categorical cross entropy in which likely answers count less: -sum_j alpha_j y_j (1 - p_j)^gamma log p_j.

    alpha: a number or one per class, >= 0; gamma >= 0. y_true, y_pred: as in CategoricalCrossentropy.
    Equals keras.losses.CategoricalFocalCrossentropy, but for from_logits=True as default.

    >>> print(f"{CategoricalFocalCrossentropy()([[1, 0]], [[0.0, 0.0]]):.6f}")
    0.043322
    """

    def __init__(self, *, alpha: ArrayLike = 0.25, gamma: float = 2.0, **options: Any):
        super().__init__(**options)
        self.alpha = class_weights("alpha", alpha)
        self.gamma = checks.number("gamma", gamma, low=0.0)

    def _rows(self, x: Array) -> tuple[Array, tuple[int, ...]]:
        rows, shape = super()._rows(x)
        labels.per_column("alpha", self.alpha, rows.shape[1], or_one=True)
        return rows, shape

    @np.errstate(over="ignore", invalid="ignore", divide="ignore")
    def _kernel(self, y: Array, x: Array, scale: Scale, out: Array | None) -> Array:
        t = self._smoothed(y) * self.alpha * (1.0 if self.class_weight is None else self.class_weight)
        sums = None
        if self.from_logits:
            softmax = Softmax(x)
            p, rest, entropy = softmax.p, softmax.complement(), softmax.negative_log()
        else:
            p, sums = self._distributions(x)
            p = np.maximum(p, FLOOR[x.dtype])
            rest, entropy = 1.0 - p, -np.log(p)
        focus = rest**self.gamma
        if out is not None:
            # with f = (1 - p)^g (-log p): p f' = -(1 - p)^g (g p (-log p) / (1 - p) + 1), and -log p / (1 - p) -> 1
            ratio = np.where(rest > 0.0, entropy / np.where(rest > 0.0, rest, 1.0), 1.0)
            h = -t * focus * (self.gamma * cores.times(p, ratio) + 1.0)
            if self.from_logits:
                # dp_j / dx_i = p_j (d_ij - p_i): h_i (1 - p_i) - p_i (the sum of the other h)
                h = h * rest - p * (h.sum(axis=1, keepdims=True) - h)
            else:
                h = through_sums(h / p, p, sums)
            np.multiply(h, np.reshape(scale, (-1, 1)), out=out, casting="same_kind")
        return np.asarray(cores.times(t, cores.times(focus, entropy)).sum(axis=1))
