"""The table of losses: a new loss is tested by adding its row, and its naive twin to reference.py."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from hypothesis import strategies as st

from cutedl import losses
from cutedl.losses.reduction import REDUCTIONS


@dataclass(frozen=True)
class LossRow:
    """make: the class; labels, predictions: (rng, shape, axis, ...) -> array; options: those it takes."""

    make: Callable[..., losses.Loss]
    labels: Callable
    predictions: Callable
    options: tuple[str, ...] = ()
    arguments: Callable = lambda: {}


def takes_probabilities(loss):
    return "from_logits" in vars(loss) and not loss.from_logits


class Problem(NamedTuple):
    loss: losses.Loss
    y: np.ndarray
    x: np.ndarray
    sample_weight: np.ndarray | None = None
    mask: np.ndarray | None = None


def distributions(rng, shape, axis, loss):
    """Soft rows, and some that are one-hot."""
    soft = rng.random(shape) + 0.05
    soft /= soft.sum(axis=axis, keepdims=True)
    hard = (soft == soft.max(axis=axis, keepdims=True)).astype(float)
    return np.where(rng.random(np.take(soft, [0], axis).shape) < 0.4, hard, soft)


def indices(rng, shape, axis, loss):
    y = rng.integers(0, shape[axis], np.delete(shape, axis))
    if loss.ignore_class is not None:
        y = np.where(rng.random(y.shape) < 0.3, loss.ignore_class, y)
    return y


def logits(rng, shape, axis, loss, y):
    x = 2.0 * rng.normal(size=shape)
    if loss.from_logits:
        return x
    # A little short of 1, so that differences can be taken at the only class there is.
    return 0.9999 * np.exp(0.5 * x) / np.exp(0.5 * x).sum(axis=axis, keepdims=True)


def answers(rng, shape, axis, loss):
    y = np.where(rng.random(shape) < 0.5, rng.random(shape), rng.integers(0, 2, shape))
    if loss.ignore_class is not None:
        y = np.where(rng.random(y.shape) < 0.3, loss.ignore_class, y)
    return y


def answer_logits(rng, shape, axis, loss, y):
    x = 2.0 * rng.normal(size=shape)
    return x if loss.from_logits else 0.1 + 0.8 / (1 + np.exp(-x))


def targets(rng, shape, axis, loss):
    return rng.normal(size=shape)


def near(rng, shape, axis, loss, y):
    """Predictions that differ from the targets, and not by 1: there the losses with a kink have it."""
    size = np.where(rng.random(shape) < 0.5, rng.uniform(0.1, 0.9, shape), rng.uniform(1.1, 3.0, shape))
    return y + rng.choice([-1.0, 1.0], shape) * size


def counts(rng, shape, axis, loss):
    return rng.integers(0, 4, shape).astype(float)


def rates(rng, shape, axis, loss, y):
    return rng.normal(size=shape) if loss.log_input else rng.uniform(0.2, 3.0, shape)


def sides(rng, shape, axis, loss):
    return rng.choice([[-1.0, 1.0], [0.0, 1.0]][rng.integers(2)], shape)


def margins(rng, shape, axis, loss, y):
    """Predictions on either side of the margin, but not on it."""
    gap = rng.choice([-1.0, 1.0], shape) * rng.uniform(0.1, 2.0, shape)
    return np.where(y > 0, 1.0, -1.0) * (1.0 - gap)


def one_hot(rng, shape, axis, loss):
    score = rng.random(shape)
    return (score == score.max(axis=axis, keepdims=True)).astype(float)


def scores(rng, shape, axis, loss, y):
    """Scores on a grid: no two alike, none where another overtakes it."""
    return rng.permutation(np.linspace(-2.03, 1.9, int(np.prod(shape)))).reshape(shape)


def vectors(rng, shape, axis, loss, y=None):
    return rng.choice([-1.0, 1.0], shape) * rng.uniform(0.5, 2.0, shape)


CLASS_OPTIONS = ("axis", "from_logits", "label_smoothing", "class_weight")
BINARY_OPTIONS = ("from_logits", "label_smoothing", "class_weight", "ignore_class")

LOSSES = {
    "categorical": LossRow(losses.CategoricalCrossentropy, distributions, logits, CLASS_OPTIONS),
    "sparse": LossRow(losses.SparseCategoricalCrossentropy, indices, logits, (*CLASS_OPTIONS, "ignore_class")),
    "kl": LossRow(losses.KLDivergence, distributions, logits, CLASS_OPTIONS),
    "categorical_focal": LossRow(
        losses.CategoricalFocalCrossentropy, distributions, logits, (*CLASS_OPTIONS, "gamma", "class_alpha")
    ),
    "binary": LossRow(losses.BinaryCrossentropy, answers, answer_logits, (*BINARY_OPTIONS, "pos_weight")),
    "weighted_binary": LossRow(
        losses.WeightedBinaryCrossentropy, answers, answer_logits, BINARY_OPTIONS, lambda: {"pos_weight": 2.5}
    ),
    "binary_focal": LossRow(
        losses.BinaryFocalCrossentropy, answers, answer_logits, (*BINARY_OPTIONS, "gamma", "balance")
    ),
    "mse": LossRow(losses.MeanSquaredError, targets, near),
    "mae": LossRow(losses.MeanAbsoluteError, targets, near),
    "huber": LossRow(losses.Huber, targets, near),
    "log_cosh": LossRow(losses.LogCosh, targets, near),
    "poisson": LossRow(losses.Poisson, counts, rates, ("log_input",)),
    "hinge": LossRow(losses.Hinge, sides, margins),
    "squared_hinge": LossRow(losses.SquaredHinge, sides, margins),
    "categorical_hinge": LossRow(losses.CategoricalHinge, one_hot, scores, ("axis",)),
    "cosine": LossRow(losses.CosineSimilarity, vectors, vectors, ("axis",)),
}
CROSS_ENTROPIES = ("categorical", "sparse", "kl", "binary", "weighted_binary")

_VALUES: dict[str, Callable[[Any, int], Any]] = {
    "from_logits": lambda rng, columns: bool(rng.integers(2)),
    "label_smoothing": lambda rng, columns: float(rng.choice([0.0, 0.1, 0.7, 1.0])),
    "class_weight": lambda rng, columns: rng.choice([0.0, 0.5, 1.0, 3.0], columns) if rng.integers(2) else None,
    "pos_weight": lambda rng, columns: [None, 2.5, rng.uniform(0.2, 4.0, columns)][rng.integers(3)],
    "gamma": lambda rng, columns: float(rng.choice([0.0, 0.5, 2.0, 3.0])),
    "log_input": lambda rng, columns: bool(rng.integers(2)),
}


@st.composite
def problems(draw, name, options=None, weighted=True):
    """Draw a loss with options, labels and predictions of any shape, and perhaps weights and a mask."""
    row = LOSSES[name]
    shape = tuple(draw(st.lists(st.integers(1, 4), min_size=1, max_size=3)))
    if options is None:
        options = row.options
    axis = draw(st.integers(-len(shape), len(shape) - 1)) if "axis" in options else -1
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    # What random numbers look like is not the point here.
    chosen = {"reduction": draw(st.sampled_from(REDUCTIONS)), "check": "never"} | row.arguments()
    columns = shape[axis] if "axis" in options or len(shape) > 1 else 1
    for option in options:
        if option == "axis":
            chosen["axis"] = axis
        elif option == "ignore_class":
            chosen["ignore_class"] = [None, -1][rng.integers(2)]
        elif option == "class_alpha":
            chosen["alpha"] = [0.25, rng.uniform(0.1, 1.0, columns)][rng.integers(2)]
        elif option == "balance":
            chosen |= {"apply_class_balancing": bool(rng.integers(2)), "alpha": 0.25}
        else:
            chosen[option] = _VALUES[option](rng, columns)
    loss = row.make(**chosen)
    y = row.labels(rng, shape, axis, loss)
    x = row.predictions(rng, shape, axis, loss, y)
    if not weighted:
        return Problem(loss, y, x)
    losses_shape = np.delete(shape, axis) if "axis" in options or len(shape) > 1 else shape
    kept = draw(st.integers(0, len(losses_shape)))
    weights = rng.choice([0.0, 0.5, 1.0, 2.0], tuple(losses_shape)[:kept])
    mask = rng.random(tuple(losses_shape)) < 0.7
    return Problem(loss, y, x, *draw(st.sampled_from([(None, None), (weights, None), (None, mask), (weights, mask)])))
