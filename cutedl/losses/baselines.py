"""Outputs to compare a model's with: the ones that fit each label best, the best constant one, and equal odds.

A cross entropy with targets t, summing to T, is least at p = t / T; of one p for many rows with weights w, at
p = sum(w t) / sum(w T). Given to the loss itself, these show what it can come down to, and what it costs to know
nothing of x.
"""

from __future__ import annotations

import numpy as np

from cutedl.losses.base import Array, Batch, Loss
from cutedl.losses.binary import BinaryCrossentropy, BinaryLoss
from cutedl.losses.cosine import CosineSimilarity
from cutedl.losses.derivatives import CrossEntropy
from cutedl.losses.elementwise import ElementLoss
from cutedl.losses.regression import Huber, LogCosh, MeanAbsoluteError, MeanSquaredError, Poisson
from cutedl.losses.vector import ClassLoss, VectorLoss

__all__ = ["best_constant_output", "best_outputs", "uniform_output"]

# The losses that are least where the outputs are the labels, or the distributions that the labels stand for.
_DISTANCES = (CrossEntropy, MeanSquaredError, MeanAbsoluteError, Huber, LogCosh, Poisson, CosineSimilarity)


def best_outputs(loss: Loss, batch: Batch) -> Array | None:
    """Return the outputs (R, C) that no others can better, or None where a loss has none in closed form."""
    return _outputs(loss, *_targets(loss, batch)) if isinstance(loss, _DISTANCES) else None


def best_constant_output(loss: Loss, batch: Batch, weights: Array) -> Array | None:
    """Return the output (C,) of a model that does not look at x: the distribution of the classes, or the mean label.

    weights: (R,) of the rows. It is the best such output of cross entropies, MeanSquaredError and Poisson.
    """
    if not isinstance(loss, ElementLoss | VectorLoss):
        return None
    t, total = _targets(loss, batch)
    return _outputs(loss, weights @ t, weights @ total)


def uniform_output(loss: Loss, columns: int) -> Array | None:
    """Return the output (C,) that finds all classes, or both answers, equally likely; None if there are no classes."""
    if not isinstance(loss, ClassLoss | BinaryLoss):
        return None
    return _outputs(loss, np.zeros(columns), np.zeros(columns))


def _targets(loss: Loss, batch: Batch) -> tuple[Array, Array]:
    """Return (t, T), both (R, C), whose quotient is what the outputs should become."""
    y, columns = batch.y, batch.x.shape[1]
    if isinstance(loss, BinaryLoss):
        weights = loss._column_weights(y)
        z = loss._smoothed(np.where(weights == 0, 0, y))
        a, b = loss._sides(np.where(weights == 0, 0, y)) if isinstance(loss, BinaryCrossentropy) else (z, 1.0 - z)
        return weights * a, weights * (a + b)
    if isinstance(loss, ClassLoss):
        t = loss._smoothed(np.eye(columns)[y] if y.ndim == 1 else y)
        if loss.class_weight is not None:
            t *= loss.class_weight
        return t, np.broadcast_to(t.sum(axis=1, keepdims=True), t.shape)
    return y.astype(np.float64), np.ones(y.shape)


@np.errstate(divide="ignore")
def _outputs(loss: Loss, t: Array, total: Array) -> Array:
    """Return what y_pred holds for t / total: that itself, its logarithm, or its log odds; equal odds for 0 / 0."""
    if isinstance(loss, ClassLoss | BinaryLoss):
        even = 1.0 / t.shape[-1] if isinstance(loss, ClassLoss) else 0.5
    else:
        even = 0.0
    p = np.divide(t, total, out=np.full(t.shape, even), where=total != 0)
    if isinstance(loss, BinaryLoss) and loss.from_logits:
        return np.asarray(np.log(p) - np.log1p(-p))
    logarithmic = (isinstance(loss, ClassLoss) and loss.from_logits) or (isinstance(loss, Poisson) and loss.log_input)
    return np.asarray(np.log(p)) if logarithmic else p
