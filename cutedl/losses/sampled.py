"""Sampled softmax and noise-contrastive losses under TensorFlow's names, and their gradients by the row."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cutedl import checks
from cutedl.errors import LabelError, ShapeError
from cutedl.losses.candidates import (
    Residuals,
    corrected_logits,
    nce_residuals,
    row_gradients,
    softmax_residuals,
    taking_part,
)
from cutedl.losses.labels import class_indices
from cutedl.losses.samplers import LogUniformSampler
from cutedl.losses.sampling import Classes, SampledValues
from cutedl.streams import fresh_seed, stream

__all__ = [
    "SampledGradients",
    "nce_gradients",
    "nce_loss",
    "sampled_softmax_gradients",
    "sampled_softmax_loss",
]

Array = NDArray[Any]
Given = tuple[ArrayLike, ArrayLike, ArrayLike]


class SampledGradients(NamedTuple):
    """Losses and the gradients of their sum.

    losses: (N,); inputs: (N, d); rows: (R,) the labels and the sampled classes, each once, in ascending order;
    weights: (R, d) and biases: (R,), the gradients of these rows. All other rows have none.
    """

    losses: Array
    inputs: Array
    rows: Classes
    weights: Array
    biases: Array


def sampled_softmax_loss(
    weights: ArrayLike,
    biases: ArrayLike,
    labels: ArrayLike,
    inputs: ArrayLike,
    num_sampled: int,
    num_classes: int,
    num_true: int = 1,
    sampled_values: Given | None = None,
    remove_accidental_hits: bool = True,
    seed: int | None = None,
) -> Array:
    """Return the softmax cross entropies of a batch over its labels and a sample of classes, (N,).

    L = -(1/T) Σ log softmax(o) over the T labels, o = h·W + b - log Q with Q the expected counts.

    weights: (V, d); biases: (V,); labels: (N,) or (N, T) class indices; inputs: h, (N, d); num_sampled: S, for the
    whole batch; num_classes: V; num_true: T; sampled_values: (sampled (S,), true_expected_count (N, T),
    sampled_expected_count (S,)), or None to draw S distinct classes log-uniformly from seed (None: a fresh one);
    remove_accidental_hits: leave a sampled class out of the rows of which it is a label.

    float16 is computed in float32. For training: it is mostly below the full softmax loss.
    Raises ShapeError, LabelError, ArgumentError. Equal to TensorFlow's sampled_softmax_loss.

    >>> W, b, x = np.eye(4, 2), np.zeros(4), np.ones((1, 2))
    >>> print(sampled_softmax_loss(W, b, [0], x, 2, 4, sampled_values=([1, 2], [[0.5]], [0.5, 0.5])).round(6))
    [0.861995]
    """
    w, b, y, h = _door(weights, biases, labels, inputs)
    values = _values(y, num_sampled, num_classes, num_true, len(w), sampled_values, seed)
    return _losses(softmax_residuals, w, b, y, h, values, remove_accidental_hits)


def nce_loss(
    weights: ArrayLike,
    biases: ArrayLike,
    labels: ArrayLike,
    inputs: ArrayLike,
    num_sampled: int,
    num_classes: int,
    num_true: int = 1,
    sampled_values: Given | None = None,
    remove_accidental_hits: bool = False,
    seed: int | None = None,
) -> Array:
    """Return the noise-contrastive losses of a batch, (N,): is a class a label, or was it only sampled?

    The sum over labels and sample of the sigmoid cross entropy of o = h·W + b - log Q; with several labels the target
    of each is 1 / num_true. Arguments and errors are those of sampled_softmax_loss, but hits are kept; without them
    the scores learn log odds instead of log probabilities.
    Source: Gutmann and Hyvärinen, 2010. Equal to TensorFlow's nce_loss.

    >>> W, b, x = np.eye(4, 2), np.zeros(4), np.ones((1, 2))
    >>> print(nce_loss(W, b, [0], x, 2, 4, sampled_values=([1, 2], [[0.5]], [0.5, 0.5])).round(6))
    [3.129455]
    """
    w, b, y, h = _door(weights, biases, labels, inputs)
    values = _values(y, num_sampled, num_classes, num_true, len(w), sampled_values, seed)
    return _losses(nce_residuals, w, b, y, h, values, remove_accidental_hits)


def sampled_softmax_gradients(
    weights: ArrayLike,
    biases: ArrayLike,
    labels: ArrayLike,
    inputs: ArrayLike,
    sampled_values: Given,
    remove_accidental_hits: bool = True,
) -> SampledGradients:
    """Return the losses of sampled_softmax_loss for a given sample, and the gradients of their sum.

    >>> W, b, x = np.eye(4, 2), np.zeros(4), np.ones((1, 2))
    >>> result = sampled_softmax_gradients(W, b, [0], x, ([1, 2], [[0.5]], [0.5, 0.5]))
    >>> print(result.rows, result.biases.round(4))
    [0 1 2] [-0.5777  0.4223  0.1554]
    """
    return _gradients(softmax_residuals, weights, biases, labels, inputs, sampled_values, remove_accidental_hits)


def nce_gradients(
    weights: ArrayLike,
    biases: ArrayLike,
    labels: ArrayLike,
    inputs: ArrayLike,
    sampled_values: Given,
    remove_accidental_hits: bool = False,
) -> SampledGradients:
    """Return the losses of nce_loss for a given sample, and the gradients of their sum.

    >>> W, b, x = np.eye(4, 2), np.zeros(4), np.ones((1, 2))
    >>> result = nce_gradients(W, b, [0], x, ([1, 2], [[0.5]], [0.5, 0.5]))
    >>> print(result.rows, result.biases.round(4))
    [0 1 2] [-0.1554  0.8446  0.6667]
    """
    return _gradients(nce_residuals, weights, biases, labels, inputs, sampled_values, remove_accidental_hits)


def _losses(
    residuals: Residuals, w: Array, b: Array, y: Classes, h: Array, values: SampledValues, remove_hits: bool
) -> Array:
    rows = taking_part(y, values.sampled)
    logits = corrected_logits(w[rows].astype(h.dtype), b[rows], h, y, values, remove_hits)
    return residuals(logits, y.shape[1])[0].astype(h.dtype, copy=False)


def _gradients(
    residuals: Residuals,
    weights: ArrayLike,
    biases: ArrayLike,
    labels: ArrayLike,
    inputs: ArrayLike,
    sampled_values: Given,
    remove_hits: bool,
) -> SampledGradients:
    w, b, y, h = _door(weights, biases, labels, inputs)
    values = _given_values(y, len(w), sampled_values)
    taken = taking_part(y, values.sampled)
    w = w[taken].astype(h.dtype)
    losses, r = residuals(corrected_logits(w, b[taken], h, y, values, remove_hits), y.shape[1])
    dh, dw, db = row_gradients(r, w, h, y.shape[1])
    rows, places = np.unique(taken, return_inverse=True)
    summed = np.zeros((len(rows), h.shape[1]), h.dtype), np.zeros(len(rows), h.dtype)
    np.add.at(summed[0], places, dw)
    np.add.at(summed[1], places, db)
    return SampledGradients(losses.astype(h.dtype, copy=False), dh, rows, *summed)


def _door(
    weights: ArrayLike, biases: ArrayLike, labels: ArrayLike, inputs: ArrayLike
) -> tuple[Array, Array, Classes, Array]:
    """Return (W, b, labels (N, T), h in the dtype to compute in), or raise for what does not fit together."""
    w, b = checks.numeric_array("weights", weights), checks.numeric_array("biases", biases)
    y, h = checks.numeric_array("labels", labels), checks.numeric_array("inputs", inputs)
    if w.ndim != 2 or b.shape != w.shape[:1]:
        raise ShapeError(
            "weights and biases do not belong together.",
            expected="weights (num_classes, d) and biases (num_classes,)",
            received=f"shapes {w.shape} and {b.shape}",
        )
    if h.ndim != 2 or h.shape[1] != w.shape[1]:
        raise ShapeError("inputs do not fit the weights.", expected=f"(N, {w.shape[1]})", received=f"shape {h.shape}")
    if y.ndim not in (1, 2) or len(y) != len(h) or y.shape[1:] == (0,):
        raise ShapeError(
            "labels do not fit the inputs.",
            expected=f"({len(h)},) or ({len(h)}, num_true)",
            received=f"shape {y.shape}",
        )
    y = class_indices(y, len(w))[0]
    return w, b, y[:, None] if y.ndim == 1 else y, h.astype(np.result_type(np.float32, w, h), copy=False)


def _values(
    y: Classes,
    num_sampled: int,
    num_classes: int,
    num_true: int,
    rows: int,
    given: Given | None,
    seed: int | None,
) -> SampledValues:
    """Return the sample to use, given or drawn, or raise where the arguments contradict each other."""
    num_sampled, num_true = checks.integer("num_sampled", num_sampled), checks.integer("num_true", num_true)
    if checks.integer("num_classes", num_classes) != rows:
        raise ShapeError("weights do not fit num_classes.", expected=f"{num_classes} rows", received=f"{rows} rows")
    if num_true != y.shape[1]:
        raise ShapeError(
            "labels do not fit num_true.", expected=f"{num_true} labels per row", received=f"{y.shape[1]} per row"
        )
    if given is None:
        generator = stream(fresh_seed() if seed is None else checks.integer("seed", seed, low=0), "sampler")
        return LogUniformSampler(num_classes).sample(generator, y, num_sampled)
    values = _given_values(y, num_classes, given)
    if len(values.sampled) != num_sampled:
        raise ShapeError(
            "sampled_values do not fit num_sampled.",
            expected=f"{num_sampled} sampled classes",
            received=f"{len(values.sampled)}",
        )
    return values


def _given_values(y: Classes, num_classes: int, given: Given) -> SampledValues:
    """Return a user's sample as arrays, or raise for one that cannot be used."""
    sampled, of_true, of_sampled = (checks.numeric_array("sampled_values", part) for part in given)
    of_true = of_true.reshape(y.shape) if of_true.shape == y.shape[:1] and y.shape[1] == 1 else of_true
    if sampled.ndim != 1 or of_true.shape != y.shape or of_sampled.shape != sampled.shape:
        raise ShapeError(
            "sampled_values do not fit the labels.",
            expected=f"shapes (S,), {y.shape} and (S,)",
            received=f"{sampled.shape}, {of_true.shape} and {of_sampled.shape}",
        )
    sampled = class_indices(sampled, num_classes)[0]
    for classes, counts in ((y, of_true), (sampled, of_sampled)):
        usable = np.isfinite(counts) & (counts > 0)
        if not usable.all():
            raise LabelError(
                f"class {classes[~usable][0]} takes part, but its expected count cannot be used.",
                expected="finite expected counts > 0",
                received=counts[~usable][0],
                hint="a class that the sampler never draws cannot be a label.",
            )
    return SampledValues(sampled, of_true, of_sampled)
