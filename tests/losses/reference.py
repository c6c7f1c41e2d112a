"""The naive twins of all losses: one row after the other, by the textbook formula, in 100 decimal digits.

Gradients are differences of values, so that no derivative is written twice.
"""

from __future__ import annotations

import mpmath as mp
import numpy as np

DIGITS = 100
STEP = mp.mpf(10) ** -30


def smoothed(labels, a, share):
    return [(1 - mp.mpf(a)) * y + mp.mpf(a) * share for y in labels]


def per_class(weights, n):
    """Return n weights as mpf: 1 where None, one for all where single."""
    weights = [1.0] if weights is None else weights
    return [mp.mpf(float(weights[i if len(weights) > 1 else 0])) for i in range(n)]


def xlogy(x, y):
    return mp.mpf(0) if x == 0 else x * mp.log(y)


def softmax(x):
    e = [mp.exp(v) for v in x]
    return [v / mp.fsum(e) for v in e]


def sigmoid(x):
    return 1 / (1 + mp.exp(-x))


def cross_entropy(loss, y, x):
    c, z = per_class(loss.class_weight, len(x)), smoothed(y, loss.label_smoothing, mp.mpf(1) / len(x))
    p = softmax(x) if loss.from_logits else x
    return -mp.fsum(cj * xlogy(zj, pj) for cj, zj, pj in zip(c, z, p, strict=True))


def sparse_cross_entropy(loss, y, x):
    return cross_entropy(loss, [mp.mpf(j == y[0]) for j in range(len(x))], x)


def kl_divergence(loss, y, x):
    c, z = per_class(loss.class_weight, len(x)), smoothed(y, loss.label_smoothing, mp.mpf(1) / len(x))
    return cross_entropy(loss, y, x) + mp.fsum(cj * xlogy(zj, zj) for cj, zj in zip(c, z, strict=True))


def categorical_focal(loss, y, x):
    c, alpha = per_class(loss.class_weight, len(x)), per_class(loss.alpha, len(x))
    z = smoothed(y, loss.label_smoothing, mp.mpf(1) / len(x))
    p = softmax(x) if loss.from_logits else x
    return -mp.fsum(
        cj * aj * (1 - pj) ** loss.gamma * xlogy(zj, pj) for cj, aj, zj, pj in zip(c, alpha, z, p, strict=True)
    )


def binary(term):
    """Make a twin of a binary loss from term(loss, z, p, column weight q): the mean over what is not ignored."""

    def twin(loss, y, x):
        c, q = per_class(loss.class_weight, len(x)), per_class(getattr(loss, "pos_weight", None), len(x))
        kept = [j for j in range(len(x)) if loss.ignore_class is None or y[j] != loss.ignore_class]
        if not kept:
            return mp.mpf(0)
        z = smoothed(y, loss.label_smoothing, mp.mpf(1) / 2)
        p = [sigmoid(v) if loss.from_logits else v for v in x]
        return mp.fsum(c[j] * term(loss, z[j], p[j], q[j]) for j in kept) / len(kept)

    return twin


def binary_term(loss, z, p, q):
    return -q * xlogy(z, p) - xlogy(1 - z, 1 - p)


def binary_focal_term(loss, z, p, q):
    balance = z * loss.alpha + (1 - z) * (1 - loss.alpha) if loss.apply_class_balancing else 1
    right = z * p + (1 - z) * (1 - p)
    return balance * (1 - right) ** loss.gamma * binary_term(loss, z, p, 1)


def mean(term):
    """Make a twin of an elementwise loss from term(loss, y, x)."""
    return lambda loss, y, x: mp.fsum(term(loss, yj, xj) for yj, xj in zip(y, x, strict=True)) / len(x)


def huber_term(loss, y, x):
    e, delta = abs(x - y), mp.mpf(loss.delta)
    return e**2 / 2 if e <= delta else delta * e - delta**2 / 2


def poisson_term(loss, y, x):
    return mp.exp(x) - y * x if loss.log_input else x - xlogy(y, x)


def hinge_gap(y, x):
    return max(1 - (1 if y == 1 else -1) * x, mp.mpf(0))


def categorical_hinge(loss, y, x):
    rival = max((1 - yj) * xj for yj, xj in zip(y, x, strict=True))
    return max(1 + rival - mp.fdot(y, x), mp.mpf(0))


def cosine(loss, y, x):
    lengths = mp.sqrt(mp.fdot(y, y) * mp.fdot(x, x))
    return -mp.fdot(y, x) / lengths if lengths else mp.mpf(0)


TWINS = {
    "BinaryCrossentropy": binary(binary_term),
    "BinaryFocalCrossentropy": binary(binary_focal_term),
    "CategoricalCrossentropy": cross_entropy,
    "CategoricalFocalCrossentropy": categorical_focal,
    "CategoricalHinge": categorical_hinge,
    "CosineSimilarity": cosine,
    "Hinge": mean(lambda loss, y, x: hinge_gap(y, x)),
    "Huber": mean(huber_term),
    "KLDivergence": kl_divergence,
    "LogCosh": mean(lambda loss, y, x: mp.log(mp.cosh(x - y))),
    "MeanAbsoluteError": mean(lambda loss, y, x: abs(x - y)),
    "MeanSquaredError": mean(lambda loss, y, x: (x - y) ** 2),
    "Poisson": mean(poisson_term),
    "SparseCategoricalCrossentropy": sparse_cross_entropy,
    "SquaredHinge": mean(lambda loss, y, x: hinge_gap(y, x) ** 2),
    "WeightedBinaryCrossentropy": binary(binary_term),
}


def rows(loss, y, x):
    """Return (labels and predictions row by row as lists of mpf, shape of the losses, axis of the columns)."""
    y, x = np.asarray(y), np.asarray(x)
    axis = getattr(loss, "axis", -1)
    if hasattr(loss, "axis") or x.ndim > 1:
        x = np.moveaxis(x, axis, -1)
        y = np.moveaxis(y, axis, -1) if y.ndim == x.ndim else y[..., None]
    else:
        x, y = x[:, None], y[:, None]
    pairs = [([mp.mpf(float(v)) for v in y[i]], [mp.mpf(float(v)) for v in x[i]]) for i in np.ndindex(x.shape[:-1])]
    return pairs, x.shape[:-1], axis


def label_weight(loss, y, columns):
    """Return the class weight of a row as it counts in the divisor."""
    if getattr(loss, "class_weight", None) is None:
        return mp.mpf(1)
    c = per_class(loss.class_weight, columns)
    if type(loss).__name__.startswith("Sparse"):
        return c[int(y[0])] if 0 <= y[0] < columns else mp.mpf(0)
    if not hasattr(loss, "pos_weight") and not hasattr(loss, "apply_class_balancing"):
        return mp.fdot(c, y)
    kept = [c[j] for j in range(columns) if loss.ignore_class is None or y[j] != loss.ignore_class]
    return mp.fsum(kept) / max(len(kept), 1)


def weights(loss, pairs, shape, sample_weight, mask):
    """Return what each loss is multiplied by, and what the sum is divided by."""
    ones = np.ones(shape)
    w = ones if sample_weight is None else ones * leading(sample_weight, shape)
    kept = ones if mask is None else ones * (leading(mask, shape) != 0)
    ignore = getattr(loss, "ignore_class", None)
    flags = [
        bool(k) and not (ignore is not None and all(v == ignore for v in y))
        for k, (y, _) in zip(kept.flat, pairs, strict=True)
    ]
    w = [mp.mpf(float(v)) if flag else mp.mpf(0) for v, flag in zip(w.flat, flags, strict=True)]
    both = [v * label_weight(loss, y, len(x)) for v, (y, x) in zip(w, pairs, strict=True)]
    divisor = {
        "sum": 1,
        "none": 1,
        "sum_over_batch_size": sum(flags),
        "weighted_mean": mp.fsum(both),
        "sum_by_nonzero_weights": sum(v != 0 for v in both),
    }[loss.reduction]
    return w, divisor


def leading(values, shape):
    values = np.asarray(values)
    return values.reshape(values.shape + (1,) * (len(shape) - values.ndim))


def value_and_gradient(loss, y, x, sample_weight=None, mask=None):
    """Return (value, gradient) as float64, by the definitions."""
    with mp.workdps(DIGITS):
        twin = TWINS[type(loss).__name__]
        pairs, shape, axis = rows(loss, y, x)
        w, divisor = weights(loss, pairs, shape, sample_weight, mask)
        losses = [v * twin(loss, *pair) if v else mp.mpf(0) for v, pair in zip(w, pairs, strict=True)]
        gradient = [
            [v * slope(loss, twin, *pair, j) / divisor if v and divisor else mp.mpf(0) for j in range(len(pair[1]))]
            for v, pair in zip(w, pairs, strict=True)
        ]
        gradient = np.array([[float(g) for g in row] for row in gradient]).reshape(*shape, -1)
        if loss.reduction == "none":
            value = np.array([float(v) for v in losses]).reshape(shape)
        else:
            value = float(mp.fsum(losses) / divisor) if divisor else 0.0
        return value, np.moveaxis(gradient, -1, axis).reshape(np.shape(x))


def slope(loss, twin, y, x, j):
    """Return the derivative of a row's loss by x[j]."""
    up, down = list(x), list(x)
    up[j] += STEP
    down[j] -= STEP
    return (twin(loss, y, up) - twin(loss, y, down)) / (2 * STEP)


def four_point(function, x, h, where=None):
    """Return the gradient of a scalar function by fourth-order central differences; 0 where it is not asked for."""
    x = np.array(x, dtype=np.float64)
    result = np.zeros_like(x)
    for i in np.ndindex(x.shape):
        if where is not None and not where[i]:
            continue
        at, values = x[i], {}
        for k in (-2, -1, 1, 2):
            x[i] = at + k * h
            values[k] = np.asarray(function(x))
        x[i] = at
        result[i] = (values[-2] - 8 * values[-1] + 8 * values[1] - values[2]) / (12 * h)
    return result
