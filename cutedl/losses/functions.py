"""The cross entropies as functions: TensorFlow's names and argument order, one loss per example, no reduction."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from cutedl import checks
from cutedl.errors import ShapeError
from cutedl.losses import sigmoid as cores
from cutedl.losses.base import Array, computable, numbers
from cutedl.losses.categorical import CategoricalCrossentropy, SparseCategoricalCrossentropy
from cutedl.losses.labels import same_shape, within
from cutedl.losses.probabilities import check_probabilities

__all__ = [
    "log_loss",
    "sigmoid_cross_entropy_with_logits",
    "softmax_cross_entropy_with_logits",
    "sparse_softmax_cross_entropy_with_logits",
    "weighted_cross_entropy_with_logits",
]


def _like(x: ArrayLike, losses: Array) -> Array:
    return losses.astype(computable(x).dtype, copy=False)


def softmax_cross_entropy_with_logits(labels: ArrayLike, logits: ArrayLike, axis: int = -1) -> Array:
    """Return -sum_j labels_j log softmax(logits)_j along an axis, which is left out of the result.

    labels: logits' shape, numbers >= 0. Equals tf.nn.softmax_cross_entropy_with_logits.

    >>> print(softmax_cross_entropy_with_logits([[0.0, 0.5, 0.5, 0.0]], [[1.0, 2.0, 3.0, 4.0]]))
    [1.9401897]
    """
    return _like(logits, CategoricalCrossentropy(axis=axis).per_example(labels, logits))


def sparse_softmax_cross_entropy_with_logits(labels: ArrayLike, logits: ArrayLike) -> Array:
    """Return -log softmax(logits)_label along the last axis.

    labels: class indices, of logits' shape without the last axis. Equals
    tf.nn.sparse_softmax_cross_entropy_with_logits, but raises LabelError for a label out of range.

    >>> print(sparse_softmax_cross_entropy_with_logits([0, 1], [[20.0, 0.0], [1e8, 1e8]]))
    [2.06115362e-09 6.93147181e-01]
    """
    return _like(logits, SparseCategoricalCrossentropy().per_example(labels, logits))


def sigmoid_cross_entropy_with_logits(labels: ArrayLike, logits: ArrayLike) -> Array:
    """Return -z log sigmoid(x) - (1 - z) log(1 - sigmoid(x)), element by element.

    labels: z, of the logits' shape, in [0, 1]; logits: x. Equals tf.nn.sigmoid_cross_entropy_with_logits.

    >>> print(sigmoid_cross_entropy_with_logits([0.0, 1.0, 0.5], [-20.0, 0.0, 2.0]))
    [2.06115362e-09 6.93147181e-01 1.12692801e+00]
    """
    return weighted_cross_entropy_with_logits(labels, logits, 1.0)


def weighted_cross_entropy_with_logits(labels: ArrayLike, logits: ArrayLike, pos_weight: ArrayLike) -> Array:
    """Return -q z log sigmoid(x) - (1 - z) log(1 - sigmoid(x)), element by element.

    labels: z, of the logits' shape, in [0, 1]; logits: x; pos_weight: q >= 0, a number or an array that NumPy
    broadcasts to the logits. Equals tf.nn.weighted_cross_entropy_with_logits, which loses the digits of small losses.

    >>> print(weighted_cross_entropy_with_logits([1.0, 0.0], [1.5, -10.0], 1.5))
    [3.02119917e-01 4.53988992e-05]
    """
    z, x = numbers("labels", labels), computable(logits)
    same_shape(z, x, "labels")
    within(z, 0.0, 1.0, "labels")
    q = numbers("pos_weight", pos_weight)
    try:
        q = np.broadcast_to(q, x.shape)
    except ValueError:
        raise ShapeError(
            "pos_weight does not fit the logits.",
            expected=f"a number, or an array that broadcasts to shape {x.shape}",
            received=f"shape {q.shape}",
        ) from None
    within(q, 0.0, np.inf, "pos_weight")
    return _like(logits, cores.soft_cross_entropy(q * z, 1.0 - z, x, None))


def log_loss(labels: ArrayLike, predictions: ArrayLike, epsilon: float = 1e-7) -> Array:
    """Return -z log p - (1 - z) log(1 - p), element by element.

    labels: z, of the predictions' shape, in [0, 1]; predictions: p, probabilities; epsilon: the least value that either
    logarithm is taken of. tf.compat.v1.losses.log_loss adds epsilon instead, so that perfect answers cost -1e-7.

    >>> print(log_loss([1.0, 0.0, 1.0], [0.9, 0.2, 0.0]))
    [ 0.10536052  0.22314355 16.11809565]
    """
    z, p = numbers("labels", labels), computable(predictions)
    same_shape(z, p, "labels")
    within(z, 0.0, 1.0, "labels")
    check_probabilities(p)
    epsilon = checks.number("epsilon", epsilon, low=0.0, high=0.5, above=True)
    z = z.astype(np.float64)
    return _like(predictions, cores.probability_cross_entropy(z, 1.0 - z, p, (epsilon, epsilon), None))
