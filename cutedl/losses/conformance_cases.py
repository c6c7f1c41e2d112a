"""What the losses share with PyTorch and Keras, one row per loss and option: a new case is a new row.

Each row has the same thing four times: the loss of cutedl, its textbook formula in plain NumPy, and the calls of the
other libraries, which get their own kind of arrays. All of it in float64.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cutedl import losses as L
from cutedl.streams import stream

__all__ = ["CASES", "Array", "Call", "Case", "softmax"]

Array = NDArray[Any]
Call = Callable[[Any, Any, Any], Any]


@dataclass(frozen=True)
class Case:
    """One loss with its options, on one batch.

    textbook: (y, x) -> value; torch: (torch.nn.functional, y, x) -> value; keras: (keras, y, x) -> value; None where a
    library has no such option. simplex: rows of x are distributions, so only the gradient along them is compared.
    """

    name: str
    loss: L.Loss
    y: Array
    x: Array
    textbook: Callable[[Array, Array], Any]
    torch: Call | None = None
    keras: Call | None = None
    sample_weight: Array | None = None
    simplex: bool = False


def softmax(x: Array, axis: int = -1) -> Array:
    """exp(x) / sum(exp(x)), as in a textbook."""
    e = np.exp(x)
    return np.asarray(e / e.sum(axis=axis, keepdims=True))


def _sigmoid(x: Array) -> Array:
    return np.asarray(1 / (1 + np.exp(-x)))


def _entropy(y: Array, p: Array, axis: int = -1) -> Array:
    return np.asarray(-(y * np.log(p)).sum(axis=axis))


def _binary(z: Array, p: Array, q: Any = 1.0) -> Array:
    return np.asarray(-q * z * np.log(p) - (1 - z) * np.log(1 - p))


def _focal(z: Array, p: Array, alpha: float, gamma: float) -> Array:
    balance = z * alpha + (1 - z) * (1 - alpha)
    return np.asarray(balance * (z * (1 - p) + (1 - z) * p) ** gamma * _binary(z, p))


def _smooth(y: Array, a: float) -> Array:
    return np.asarray(y * (1 - a) + a / y.shape[-1])


def _cosine(a: Array, b: Array) -> Array:
    return np.asarray((a * b).sum(-1) / np.sqrt((a * a).sum(-1) * (b * b).sum(-1)))


# -- one batch for all: 6 rows, 5 classes; images of 2 x 4 pixels, 3 classes ------------------------------------------

_rng = stream(0, "conformance")
X = 2 * _rng.normal(size=(6, 5))
P = softmax(X / 4)
HARD = _rng.integers(0, 5, 6)
IGNORED = np.where(np.arange(6) % 3 == 0, -1, HARD)
ONE_HOT = np.eye(5)[HARD]
SOFT = _rng.dirichlet(np.ones(5), 6)
KEPT = (IGNORED >= 0)[:, None] * ONE_HOT
W = _rng.uniform(0.5, 2.0, 6)
C = _rng.uniform(0.5, 2.0, 5)
Z = _rng.integers(0, 2, (6, 5)).astype(float)
Q = _rng.uniform(0.5, 3.0, 5)
IMAGE = _rng.normal(size=(2, 3, 2, 4))
PIXELS = _rng.integers(0, 3, (2, 2, 4))
PIXEL_ROWS = np.moveaxis(np.eye(3)[PIXELS], -1, 1)
T = X + _rng.choice([-1.0, 1.0], X.shape) * _rng.uniform(0.2, 3.0, X.shape)  # targets that are not near a kink
COUNTS = _rng.integers(0, 4, (6, 5)).astype(float)
RATES = _rng.uniform(0.2, 3.0, (6, 5))
SIGNS = 2 * Z - 1

# fmt: off
CASES = (
    # -- rows of probabilities as labels ------------------------------------------------------------------------------
    Case("categorical", L.CategoricalCrossentropy(), ONE_HOT, X,
         lambda y, x: _entropy(y, softmax(x)).mean(),
         lambda F, y, x: F.cross_entropy(x, y),
         lambda K, y, x: K.losses.CategoricalCrossentropy(from_logits=True)(y, x)),
    Case("categorical, soft labels", L.CategoricalCrossentropy(), SOFT, X,
         lambda y, x: _entropy(y, softmax(x)).mean(),
         lambda F, y, x: F.cross_entropy(x, y),
         lambda K, y, x: K.losses.CategoricalCrossentropy(from_logits=True)(y, x)),
    Case("categorical, labels that sum to 3", L.CategoricalCrossentropy(), 3 * SOFT, X,
         lambda y, x: _entropy(y, softmax(x)).mean(),
         lambda F, y, x: F.cross_entropy(x, y),
         lambda K, y, x: K.losses.CategoricalCrossentropy(from_logits=True)(y, x)),
    Case("categorical, label_smoothing", L.CategoricalCrossentropy(label_smoothing=0.1), SOFT, X,
         lambda y, x: _entropy(_smooth(y, 0.1), softmax(x)).mean(),
         lambda F, y, x: F.cross_entropy(x, y, label_smoothing=0.1),
         lambda K, y, x: K.losses.CategoricalCrossentropy(from_logits=True, label_smoothing=0.1)(y, x)),
    Case("categorical, class_weight", L.CategoricalCrossentropy(class_weight=C), SOFT, X,
         lambda y, x: _entropy(C * y, softmax(x)).mean(),
         lambda F, y, x: F.cross_entropy(x, y, weight=x.new_tensor(C))),
    Case("categorical, class_weight, label_smoothing",
         L.CategoricalCrossentropy(class_weight=C, label_smoothing=0.1), SOFT, X,
         lambda y, x: _entropy(C * _smooth(y, 0.1), softmax(x)).mean(),
         lambda F, y, x: F.cross_entropy(x, y, weight=x.new_tensor(C), label_smoothing=0.1)),
    Case("categorical, sample_weight", L.CategoricalCrossentropy(), SOFT, X,
         lambda y, x: (W * _entropy(y, softmax(x))).mean(), None,
         lambda K, y, x: K.losses.CategoricalCrossentropy(from_logits=True)(y, x, W), sample_weight=W),
    Case("categorical, axis=1", L.CategoricalCrossentropy(axis=1), PIXEL_ROWS, IMAGE,
         lambda y, x: _entropy(y, softmax(x, 1), 1).mean(),
         lambda F, y, x: F.cross_entropy(x, y),
         lambda K, y, x: K.losses.CategoricalCrossentropy(from_logits=True, axis=1)(y, x)),
    Case('categorical, reduction="sum"', L.CategoricalCrossentropy(reduction="sum"), SOFT, X,
         lambda y, x: _entropy(y, softmax(x)).sum(),
         lambda F, y, x: F.cross_entropy(x, y, reduction="sum"),
         lambda K, y, x: K.losses.CategoricalCrossentropy(from_logits=True, reduction="sum")(y, x)),
    Case('categorical, reduction="none"', L.CategoricalCrossentropy(reduction="none"), SOFT, X,
         lambda y, x: _entropy(y, softmax(x)),
         lambda F, y, x: F.cross_entropy(x, y, reduction="none"),
         lambda K, y, x: K.losses.CategoricalCrossentropy(from_logits=True, reduction="none")(y, x)),
    Case("categorical, probabilities", L.CategoricalCrossentropy(from_logits=False), SOFT, P,
         lambda y, p: _entropy(y, p).mean(), None,
         lambda K, y, p: K.losses.CategoricalCrossentropy()(y, p), simplex=True),
    # -- class indices as labels --------------------------------------------------------------------------------------
    Case("sparse", L.SparseCategoricalCrossentropy(), HARD, X,
         lambda y, x: _entropy(np.eye(5)[y], softmax(x)).mean(),
         lambda F, y, x: F.cross_entropy(x, y),
         lambda K, y, x: K.losses.SparseCategoricalCrossentropy(from_logits=True)(y, x)),
    Case("sparse, label_smoothing", L.SparseCategoricalCrossentropy(label_smoothing=0.1), HARD, X,
         lambda y, x: _entropy(_smooth(np.eye(5)[y], 0.1), softmax(x)).mean(),
         lambda F, y, x: F.cross_entropy(x, y, label_smoothing=0.1)),
    Case('sparse, class_weight, "weighted_mean"',
         L.SparseCategoricalCrossentropy(class_weight=C, reduction="weighted_mean"), HARD, X,
         lambda y, x: (C[y] * _entropy(np.eye(5)[y], softmax(x))).sum() / C[y].sum(),
         lambda F, y, x: F.cross_entropy(x, y, weight=x.new_tensor(C))),
    Case("sparse, sample_weight", L.SparseCategoricalCrossentropy(), HARD, X,
         lambda y, x: (W * _entropy(np.eye(5)[y], softmax(x))).mean(), None,
         lambda K, y, x: K.losses.SparseCategoricalCrossentropy(from_logits=True)(y, x, W), sample_weight=W),
    Case("sparse, ignore_class", L.SparseCategoricalCrossentropy(ignore_class=-1), IGNORED, X,
         lambda y, x: _entropy(KEPT, softmax(x)).sum() / KEPT.sum(),
         lambda F, y, x: F.cross_entropy(x, y, ignore_index=-1),
         lambda K, y, x: K.losses.SparseCategoricalCrossentropy(from_logits=True, ignore_class=-1)(y, x)),
    Case("sparse, smoothing, weights, ignore_class",
         L.SparseCategoricalCrossentropy(
             label_smoothing=0.1, class_weight=C, ignore_class=-1, reduction="weighted_mean"), IGNORED, X,
         lambda y, x: (y >= 0) @ _entropy(C * _smooth(ONE_HOT, 0.1), softmax(x)) / (C * KEPT).sum(),
         lambda F, y, x: F.cross_entropy(x, y, weight=x.new_tensor(C), label_smoothing=0.1, ignore_index=-1)),
    Case("sparse, axis=1", L.SparseCategoricalCrossentropy(axis=1), PIXELS, IMAGE,
         lambda y, x: _entropy(PIXEL_ROWS, softmax(x, 1), 1).mean(),
         lambda F, y, x: F.cross_entropy(x, y)),
    Case("sparse, probabilities", L.SparseCategoricalCrossentropy(from_logits=False), HARD, P,
         lambda y, p: _entropy(np.eye(5)[y], p).mean(),
         lambda F, y, p: F.nll_loss(p.log(), y),
         lambda K, y, p: K.losses.SparseCategoricalCrossentropy()(y, p), simplex=True),
    # -- yes or no ----------------------------------------------------------------------------------------------------
    Case("binary", L.BinaryCrossentropy(), Z, X,
         lambda z, x: _binary(z, _sigmoid(x)).mean(),
         lambda F, z, x: F.binary_cross_entropy_with_logits(x, z),
         lambda K, z, x: K.losses.BinaryCrossentropy(from_logits=True)(z, x)),
    Case("binary, soft labels", L.BinaryCrossentropy(), SOFT, X,
         lambda z, x: _binary(z, _sigmoid(x)).mean(),
         lambda F, z, x: F.binary_cross_entropy_with_logits(x, z),
         lambda K, z, x: K.losses.BinaryCrossentropy(from_logits=True)(z, x)),
    Case("binary, label_smoothing", L.BinaryCrossentropy(label_smoothing=0.1), Z, X,
         lambda z, x: _binary(z * 0.9 + 0.05, _sigmoid(x)).mean(), None,
         lambda K, z, x: K.losses.BinaryCrossentropy(from_logits=True, label_smoothing=0.1)(z, x)),
    Case("binary, pos_weight", L.WeightedBinaryCrossentropy(2.5), Z, X,
         lambda z, x: _binary(z, _sigmoid(x), 2.5).mean(),
         lambda F, z, x: F.binary_cross_entropy_with_logits(x, z, pos_weight=x.new_tensor(2.5))),
    Case("binary, pos_weight and class_weight by column", L.BinaryCrossentropy(pos_weight=Q, class_weight=C), Z, X,
         lambda z, x: (C * _binary(z, _sigmoid(x), Q)).mean(),
         lambda F, z, x: F.binary_cross_entropy_with_logits(x, z, weight=x.new_tensor(C), pos_weight=x.new_tensor(Q))),
    Case("binary, sample_weight", L.BinaryCrossentropy(), Z, X,
         lambda z, x: (W[:, None] * _binary(z, _sigmoid(x))).mean(), None,
         lambda K, z, x: K.losses.BinaryCrossentropy(from_logits=True)(z, x, W), sample_weight=W),
    Case("binary, probabilities", L.BinaryCrossentropy(from_logits=False), Z, P,
         lambda z, p: _binary(z, p).mean(),
         lambda F, z, p: F.binary_cross_entropy(p, z),
         lambda K, z, p: K.losses.BinaryCrossentropy()(z, p)),
    # -- focal --------------------------------------------------------------------------------------------------------
    Case("binary focal", L.BinaryFocalCrossentropy(gamma=2.0), Z, X,
         lambda z, x: (np.abs(z - _sigmoid(x)) ** 2 * _binary(z, _sigmoid(x))).mean(), None,
         lambda K, z, x: K.losses.BinaryFocalCrossentropy(from_logits=True)(z, x)),
    Case("binary focal, balanced, label_smoothing",
         L.BinaryFocalCrossentropy(apply_class_balancing=True, alpha=0.3, gamma=1.5, label_smoothing=0.1), Z, X,
         lambda z, x: _focal(0.9 * z + 0.05, _sigmoid(x), 0.3, 1.5).mean(), None,
         lambda K, z, x: K.losses.BinaryFocalCrossentropy(
             apply_class_balancing=True, alpha=0.3, gamma=1.5, label_smoothing=0.1, from_logits=True)(z, x)),
    Case("categorical focal", L.CategoricalFocalCrossentropy(alpha=C, gamma=2.0), SOFT, X,
         lambda y, x: (C * (1 - softmax(x)) ** 2 * -y * np.log(softmax(x))).sum(-1).mean(), None,
         lambda K, y, x: K.losses.CategoricalFocalCrossentropy(alpha=C.tolist(), from_logits=True)(y, x)),
    # -- distributions and numbers ------------------------------------------------------------------------------------
    Case("KL divergence", L.KLDivergence(), SOFT, X,
         lambda y, x: (y * np.log(y / softmax(x))).sum(-1).mean(),
         lambda F, y, x: F.kl_div(F.log_softmax(x, -1), y, reduction="batchmean")),
    Case("KL divergence, probabilities", L.KLDivergence(from_logits=False), SOFT, P,
         lambda y, p: (y * np.log(y / p)).sum(-1).mean(),
         lambda F, y, p: F.kl_div(p.log(), y, reduction="batchmean"),
         lambda K, y, p: K.losses.KLDivergence()(y, p)),
    Case("squared error", L.MeanSquaredError(), T, X,
         lambda y, x: ((x - y) ** 2).mean(),
         lambda F, y, x: F.mse_loss(x, y),
         lambda K, y, x: K.losses.MeanSquaredError()(y, x)),
    Case("absolute error", L.MeanAbsoluteError(), T, X,
         lambda y, x: np.abs(x - y).mean(),
         lambda F, y, x: F.l1_loss(x, y),
         lambda K, y, x: K.losses.MeanAbsoluteError()(y, x)),
    Case("Huber", L.Huber(delta=1.5), T, X,
         lambda y, x: np.where(np.abs(x - y) < 1.5, (x - y) ** 2 / 2, 1.5 * np.abs(x - y) - 1.125).mean(),
         lambda F, y, x: F.huber_loss(x, y, delta=1.5),
         lambda K, y, x: K.losses.Huber(delta=1.5)(y, x)),
    Case("log cosh", L.LogCosh(), T, X,
         lambda y, x: np.log(np.cosh(x - y)).mean(), None,
         lambda K, y, x: K.losses.LogCosh()(y, x)),
    Case("Poisson", L.Poisson(), COUNTS, RATES,
         lambda y, r: (r - y * np.log(r)).mean(),
         lambda F, y, r: F.poisson_nll_loss(r, y, log_input=False, eps=0),
         lambda K, y, r: K.losses.Poisson()(y, r)),
    Case("Poisson, log_input", L.Poisson(log_input=True), COUNTS, X,
         lambda y, x: (np.exp(x) - y * x).mean(),
         lambda F, y, x: F.poisson_nll_loss(x, y)),
    Case("hinge", L.Hinge(), SIGNS, X,
         lambda y, x: np.maximum(1 - y * x, 0).mean(), None,
         lambda K, y, x: K.losses.Hinge()(y, x)),
    Case("squared hinge", L.SquaredHinge(), Z, X,
         lambda z, x: (np.maximum(1 - (2 * z - 1) * x, 0) ** 2).mean(), None,
         lambda K, z, x: K.losses.SquaredHinge()(z, x)),
    Case("categorical hinge", L.CategoricalHinge(), ONE_HOT, X,
         lambda y, x: np.maximum(1 + ((1 - y) * x).max(-1) - (y * x).sum(-1), 0).mean(), None,
         lambda K, y, x: K.losses.CategoricalHinge()(y, x)),
    Case("cosine similarity", L.CosineSimilarity(), T, X,
         lambda y, x: -_cosine(y, x).mean(),
         lambda F, y, x: -F.cosine_similarity(x, y).mean(),
         lambda K, y, x: K.losses.CosineSimilarity()(y, x)),
)
# fmt: on
