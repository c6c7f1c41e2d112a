"""Where other libraries are wrong, one row per number: a new defect is a new row.

Each row has one small batch, the exact answer by a formula in float64, and the calls that are asked for it. Nothing is
claimed here about anybody: the command runs what is installed and shows what it answers.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from cutedl import losses as L
from cutedl.losses.conformance_cases import Array, Call

__all__ = ["DEFECTS", "Defect"]


@dataclass(frozen=True)
class Defect:
    """One number that is easy to get wrong.

    exact: the right answer, or None where the input should be refused; entry: which entry of the gradient it is, or
    None for the value; activation: "softmax" or "sigmoid", applied to x before the loss; torch, keras: as in Case.
    """

    name: str
    loss: L.Loss
    y: Array
    x: Array
    exact: float | None
    torch: Call | None = None
    keras: Call | None = None
    entry: tuple[int, ...] | None = None
    activation: str | None = None
    sample_weight: float | None = None


def _softmax_torch(F: Any, y: Any, x: Any) -> Any:
    return F.cross_entropy(x, y)


def _softmax_keras(K: Any, y: Any, x: Any) -> Any:
    return K.losses.SparseCategoricalCrossentropy(from_logits=True)(y, x)


def _sigmoid_torch(F: Any, y: Any, x: Any) -> Any:
    return F.binary_cross_entropy_with_logits(x, y)


def _sigmoid_keras(K: Any, y: Any, x: Any) -> Any:
    return K.losses.BinaryCrossentropy(from_logits=True)(y, x)


def _f4(*rows: object) -> Array:
    return np.array(rows, np.float32)


def _f2(*rows: object) -> Array:
    return np.array(rows, np.float16)


SOFTMAX, SIGMOID = (_softmax_torch, _softmax_keras), (_sigmoid_torch, _sigmoid_keras)
SPARSE, BINARY = L.SparseCategoricalCrossentropy(), L.BinaryCrossentropy()
FIRST = np.array([0])


def _small(margin: float) -> float:
    """The loss of an answer that is right by this margin."""
    return float(np.log1p(np.exp(-margin)))


# fmt: off
DEFECTS = (
    # -- float32: small losses are lost in the rounding of 1 + s -------------------------------------------------------
    Defect("softmax, margin 10", SPARSE, FIRST, _f4([10, 0]), _small(10), *SOFTMAX),
    Defect("softmax, margin 15", SPARSE, FIRST, _f4([15, 0]), _small(15), *SOFTMAX),
    Defect("softmax, margin 20", SPARSE, FIRST, _f4([20, 0]), _small(20), *SOFTMAX),
    Defect("softmax, margin 15, gradient", SPARSE, FIRST, _f4([15, 0]),
           float(-1 / (1 + np.exp(15))), *SOFTMAX, entry=(0, 0)),
    Defect("softmax, margin 20, gradient", SPARSE, FIRST, _f4([20, 0]),
           float(-1 / (1 + np.exp(20))), *SOFTMAX, entry=(0, 0)),
    Defect("sigmoid, label 0, logit -10", BINARY, _f4([0]), _f4([-10]), _small(10), *SIGMOID),
    Defect("sigmoid, label 0, logit -15", BINARY, _f4([0]), _f4([-15]), _small(15), *SIGMOID),
    Defect("sigmoid, label 1, logit 15", BINARY, _f4([1]), _f4([15]), _small(15), *SIGMOID),
    Defect("log cosh of 1e-4", L.LogCosh(), _f4([0]), _f4([1e-4]), 5e-9,
           keras=lambda K, y, x: K.losses.LogCosh()(y, x)),
    # -- probabilities: a wrong answer must keep its gradient, a perfect one costs nothing -----------------------------
    Defect("softmax layer, wrong by 20, gradient", L.CategoricalCrossentropy(from_logits=False),
           _f4([1, 0]), _f4([0, 20]), float(-1 / (1 + np.exp(-20))),
           keras=lambda K, y, x: K.losses.CategoricalCrossentropy()(y, K.activations.softmax(x)),
           entry=(0, 0), activation="softmax"),
    Defect("sigmoid layer, label 1, logit -20, gradient", L.BinaryCrossentropy(from_logits=False),
           _f4([1]), _f4([-20]), float(-1 / (1 + np.exp(-20))),
           lambda F, y, x: F.binary_cross_entropy(F.sigmoid(x), y),
           lambda K, y, x: K.losses.BinaryCrossentropy()(y, K.activations.sigmoid(x)),
           entry=(0, 0), activation="sigmoid"),
    Defect("sigmoid layer, label 1, logit -30, gradient", L.BinaryCrossentropy(from_logits=False),
           _f4([1]), _f4([-30]), float(-1 / (1 + np.exp(-30))),
           lambda F, y, x: F.binary_cross_entropy(F.sigmoid(x), y),
           lambda K, y, x: K.losses.BinaryCrossentropy()(y, K.activations.sigmoid(x)),
           entry=(0, 0), activation="sigmoid"),
    Defect("a perfect answer, as probabilities", L.BinaryCrossentropy(from_logits=False), _f4([1]), _f4([1]), 0.0,
           lambda F, y, x: F.binary_cross_entropy(x, y),
           lambda K, y, x: K.losses.BinaryCrossentropy()(y, x)),
    # -- infinite logits that decide nothing wrongly -------------------------------------------------------------------
    Defect("logit -inf where the label is 0", L.CategoricalCrossentropy(), _f4([1, 0, 0]), _f4([0, 0, -np.inf]),
           float(np.log(2)), _softmax_torch, lambda K, y, x: K.losses.CategoricalCrossentropy(from_logits=True)(y, x)),
    Defect("logit inf where the label is 1", BINARY, _f4([1]), _f4([np.inf]), 0.0, *SIGMOID),
    # -- float16 -------------------------------------------------------------------------------------------------------
    Defect("float16: sigmoid, label 0, logit -10", BINARY, _f2([0]), _f2([-10]), _small(10), *SIGMOID),
    Defect("float16: softmax, wrong by 120000", SPARSE, FIRST, _f2([-60000, 60000]), 120000.0, *SOFTMAX),
    # -- the mean ------------------------------------------------------------------------------------------------------
    Defect("all labels ignored", L.SparseCategoricalCrossentropy(ignore_class=-1), np.array([-1]), _f4([1, 2]), 0.0,
           lambda F, y, x: F.cross_entropy(x, y, ignore_index=-1),
           lambda K, y, x: K.losses.SparseCategoricalCrossentropy(from_logits=True, ignore_class=-1)(y, x)),
    Defect("an empty batch", L.MeanSquaredError(), np.zeros((0, 1), "f"), np.zeros((0, 1), "f"), 0.0,
           lambda F, y, x: F.mse_loss(x, y),
           lambda K, y, x: K.losses.MeanSquaredError()(y, x)),
    Defect("weighted mean, one weight 2 for all", L.MeanSquaredError(reduction="weighted_mean"),
           _f4([0], [0], [0]), _f4([1], [1], [1]), 1.0, sample_weight=2.0,
           keras=lambda K, y, x: K.losses.MeanSquaredError(reduction="mean_with_sample_weight")(y, x, 2.0)),
    # -- what should be refused ----------------------------------------------------------------------------------------
    Defect("labels (3,) against outputs (3, 1)", L.MeanSquaredError(), _f4(1, 2, 3), _f4([1], [2], [3]), None,
           lambda F, y, x: F.mse_loss(x, y)),
    Defect("labels (3,) against outputs (2, 3)", L.MeanSquaredError(), _f4(1, 2, 3), _f4([1, 2, 3], [4, 5, 6]), None,
           lambda F, y, x: F.mse_loss(x, y),
           lambda K, y, x: K.losses.MeanSquaredError()(y, x)),
    Defect("class index -1", SPARSE, np.array([-1]), _f4([1, 2]), None, *SOFTMAX),
    Defect("class index 2 of 2 classes", SPARSE, np.array([2]), _f4([1, 2]), None, *SOFTMAX),
    Defect("class probabilities (-1, 2)", L.CategoricalCrossentropy(), _f4([-1, 2]), _f4([0, 1]), None,
           _softmax_torch, lambda K, y, x: K.losses.CategoricalCrossentropy(from_logits=True)(y, x)),
    Defect("probability 7", L.BinaryCrossentropy(from_logits=False), _f4([1]), _f4([7]), None,
           lambda F, y, x: F.binary_cross_entropy(x, y),
           lambda K, y, x: K.losses.BinaryCrossentropy()(y, x)),
    Defect("logits as probabilities", L.CategoricalCrossentropy(from_logits=False), _f4([1, 0]), _f4([3, -2]), None,
           keras=lambda K, y, x: K.losses.CategoricalCrossentropy()(y, x)),
)
# fmt: on
