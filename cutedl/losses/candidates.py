"""The core of the sampled losses: examples are scored on their own labels and on a sample that the batch shares.

With h an example's input, Q(k) the expected count of class k in the sample, T labels and S sampled classes:

    o_k = h . W_k + b_k - log Q(k)         over the T true columns, then the S sampled ones
    softmax    L = -(1/T) sum over true k of log softmax(o)_k         r = dL/do = softmax(o) - t
    NCE        L = sum over all k of the sigmoid cross entropy        r = dL/do = sigmoid(o) - t

t is 1/T in true columns and 0 in sampled ones. A sampled class that is a label of the example, an accidental hit, is
taken out of its row by o = -infinity, whose exponential is exactly 0; no large number is added, which would become
0 * infinity in a narrow dtype.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cutedl.dlmath import sigmoid, softplus
from cutedl.losses.sampling import Classes, SampledValues
from cutedl.losses.softmax import hard_cross_entropy, soft_cross_entropy
from cutedl.losses.targets import DenseTargets

__all__ = ["Residuals", "corrected_logits", "nce_residuals", "row_gradients", "softmax_residuals", "taking_part"]

Array = NDArray[Any]

# logits (N, T + S) and T give losses (N,) and residuals (N, T + S)
Residuals = Callable[[Array, int], tuple[Array, Array]]


def taking_part(labels: Classes, sampled: Classes) -> Classes:
    """Return the classes whose rows of W and b take part, (N T + S,): all labels, then the sample; they may repeat.

    >>> taking_part(np.array([[3], [1]]), np.array([0, 3]))
    array([3, 1, 0, 3])
    """
    return np.concatenate([labels.reshape(-1), sampled])


def corrected_logits(w: Array, b: Array, h: Array, labels: Classes, values: SampledValues, remove_hits: bool) -> Array:
    """Return o = h . W + b - log Q, (N, T + S), in h's dtype.

    w (N T + S, d), b (N T + S,): the rows that take part; h: (N, d); labels: (N, T).
    """
    true, columns = labels.size, labels.shape[1]
    counts = np.concatenate([np.reshape(values.true_expected_count, -1), values.sampled_expected_count])
    b = (b - np.log(counts)).astype(h.dtype)
    logits = np.empty((len(h), columns + len(values.sampled)), h.dtype)
    np.einsum("nd,ntd->nt", h, w[:true].reshape(*labels.shape, w.shape[1]), out=logits[:, :columns])
    logits[:, :columns] += b[:true].reshape(labels.shape)
    np.matmul(h, w[true:].T, out=logits[:, columns:])
    logits[:, columns:] += b[true:]
    if remove_hits:
        for label in labels.T:
            np.copyto(logits[:, columns:], -np.inf, where=label[:, None] == values.sampled)
    return logits


def softmax_residuals(logits: Array, true: int) -> tuple[Array, Array]:
    """Return softmax cross entropies (N,) with targets 1/T in the first T columns, and softmax(o) - t.

    >>> losses, residuals = softmax_residuals(np.array([[0.0, 0.0, -np.inf]]), 1)
    >>> print(losses.round(6), residuals)
    [0.693147] [[-0.5  0.5  0. ]]
    """
    residuals = np.empty_like(logits)
    losses = None
    if true == 1 and len(logits):
        losses = hard_cross_entropy(np.zeros(len(logits), np.intp), logits, 1.0, residuals)
    if losses is None:
        t = np.zeros_like(logits)
        t[:, :true] = 1.0 / true
        losses = soft_cross_entropy(DenseTargets(t), logits, 1.0, residuals)
    return losses, residuals


def nce_residuals(logits: Array, true: int) -> tuple[Array, Array]:
    """Return the sums (N,) of sigmoid cross entropies with targets 1/T in the first T columns, and sigmoid(o) - t.

    >>> losses, residuals = nce_residuals(np.array([[0.0, 0.0, -np.inf]]), 1)
    >>> print(losses.round(6), residuals)
    [1.386294] [[-0.5  0.5  0. ]]
    """
    losses, residuals = softplus(logits), sigmoid(logits)
    # in true columns, without cancellation: t sp(-o) + (1 - t) sp(o), of derivative (1 - t) sigmoid(o) - t sigmoid(-o)
    t, o = 1.0 / true, logits[:, :true]
    losses[:, :true] = t * softplus(-o) + (1.0 - t) * losses[:, :true]
    residuals[:, :true] = (1.0 - t) * residuals[:, :true] - t * sigmoid(-o)
    return losses.sum(axis=1), residuals


def row_gradients(residuals: Array, w: Array, h: Array, true: int) -> tuple[Array, Array, Array]:
    """Return the gradients (dh (N, d), dw (N T + S, d), db (N T + S,)) that belong to residuals (N, T + S).

    w: the rows that take part; of a class that repeats among them, the gradients are to be summed.
    """
    count, width = h.shape
    r_true, r_sampled = residuals[:, :true], residuals[:, true:]
    w_true, w_sampled = np.split(w, [count * true])
    dh = r_sampled @ w_sampled
    dh += np.einsum("nt,ntd->nd", r_true, w_true.reshape(count, true, width))
    dw = np.concatenate([(r_true[:, :, None] * h[:, None]).reshape(-1, width), r_sampled.T @ h])
    db = np.concatenate([r_true.reshape(-1), r_sampled.sum(axis=0)])
    return dh, dw, db
