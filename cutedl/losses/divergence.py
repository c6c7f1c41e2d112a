"""How far the predicted distribution is from the true one."""

from __future__ import annotations

import numpy as np

from cutedl.dlmath import xlogy
from cutedl.losses.base import Array, Scale
from cutedl.losses.categorical import CategoricalCrossentropy

__all__ = ["KLDivergence"]


class KLDivergence(CategoricalCrossentropy):
    """Kullback-Leibler divergence sum_j y_j log(y_j / p_j): the cross entropy above its floor, the labels' entropy.

    Equals keras.losses.KLDivergence with from_logits=False. Options: see `ClassLoss` and `Loss`.
    y_true: y_pred's shape, numbers >= 0; y_pred: logits or, which is the same where they are normalised, logarithms of
    probabilities; with from_logits=False probabilities, used as they are, whatever their sum, as in Keras.

    >>> print(f"{KLDivergence()([[0.5, 0.5]], [[0.0, np.log(3)]]):.6f}")
    0.143841
    """

    _normalises = False

    def _kernel(self, y: Array, x: Array, scale: Scale, out: Array | None) -> Array:
        t = self._smoothed(y)
        entropies = -xlogy(t, t)
        if self.class_weight is not None:
            entropies *= self.class_weight
        return np.asarray(super()._kernel(y, x, scale, out) - entropies.sum(axis=1))

    def _label_gradient(self, y: Array, x: Array) -> Array:
        with np.errstate(divide="ignore"):
            own = (1.0 - self.label_smoothing) * (1.0 + np.log(self._smoothed(y)))
        return super()._label_gradient(y, x) + (own if self.class_weight is None else own * self.class_weight)
