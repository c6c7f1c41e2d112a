"""The network that `train` builds from its options: dense layers, loss, optimizer."""

from __future__ import annotations

import argparse
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cutedl import checks, losses, nn, optimizers
from cutedl.commands.labels import CLASSIFICATION, REGRESSION
from cutedl.errors import ArgumentError, unknown_name
from cutedl.losses import Loss
from cutedl.model import Model
from cutedl.optimizers import Optimizer

__all__ = ["fold", "loss", "model", "optimizer", "scaling"]

_LOSSES: dict[str, dict[str, type[Loss]]] = {  # the first is the default
    CLASSIFICATION: {"cross_entropy": losses.SparseCategoricalCrossentropy},
    REGRESSION: {
        "mse": losses.MeanSquaredError,
        "mae": losses.MeanAbsoluteError,
        "huber": losses.Huber,
        "log_cosh": losses.LogCosh,
    },
}
_OPTIMIZERS: dict[str, type[Optimizer]] = {
    name.lower(): kind
    for name, kind in vars(optimizers).items()
    if isinstance(kind, type) and issubclass(kind, Optimizer) and kind is not Optimizer
}


def model(args: argparse.Namespace, inshape: tuple[int, ...], outputs: int) -> Model:
    """Return dense layers of the asked widths, each with activation and dropout, then one of `outputs`."""
    layers: list[nn.Layer] = [nn.Flatten()] if len(inshape) > 1 else []
    for units in _widths(args.layers):
        layers.append(nn.Dense(units, activation=args.activation, kernel_initializer=_initializer(args.activation)))
        if args.dropout:
            layers.append(nn.Dropout(args.dropout))
    return Model([*layers, nn.Dense(outputs)])


def _widths(text: str) -> list[int]:
    try:
        return [int(width) for width in text.split(",") if width.strip()]
    except ValueError:
        raise ArgumentError(
            "--layers cannot be read.", expected="whole numbers with commas between, as 128,64", received=repr(text)
        ) from None


def _initializer(activation: str) -> str:
    return "he_normal" if activation.endswith("relu") else "glorot_uniform"


def loss(task: str, name: str | None) -> Loss:
    """Return the loss of that name, or the usual one of the task. Raises UnknownNameError."""
    known = _LOSSES[task]
    if name is not None and name not in known:
        raise unknown_name(f"loss for {task}", name, known)
    return known[name or next(iter(known))]()


def optimizer(name: str, learning_rate: float | None) -> Optimizer:
    """Return the optimizer of that name, with its own learning rate unless one is given. Raises UnknownNameError."""
    if name not in _OPTIMIZERS:
        raise unknown_name("optimizer", name, _OPTIMIZERS)
    return _OPTIMIZERS[name]() if learning_rate is None else _OPTIMIZERS[name](learning_rate)  # type: ignore[call-arg]


def scaling(x: NDArray[Any]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return mean and standard deviation of each feature, in x's shape but for the first axis; 1 for a constant one.

    Raises DataTypeError for what are no numbers, NonFiniteError for those that are not finite.

    >>> scaling(np.array([[1.0, 5.0], [3.0, 5.0]]))
    (array([2., 5.]), array([1., 1.]))
    """
    checks.finite_rows("data", checks.numeric_array("data", x))
    mean, deviation = x.mean(axis=0, dtype=np.float64), x.std(axis=0, dtype=np.float64)
    return mean, np.where(deviation > 0, deviation, 1.0)


def fold(model: Model, mean: NDArray[np.float64], deviation: NDArray[np.float64]) -> None:
    """Make a model of (x - mean) / deviation one of x, by its first Dense layer; predictions stay as they are."""
    dense = next(layer for layer in model.layers if isinstance(layer, nn.Dense))
    # ((x - mean) / deviation) W + b  =  x (W / deviation) + (b - (mean / deviation) W)
    W = dense.W.value.astype(np.float64)
    dense.b.value[...] = dense.b.value - (mean / deviation).ravel() @ W
    dense.W.value[...] = W / deviation.reshape(-1, 1)
