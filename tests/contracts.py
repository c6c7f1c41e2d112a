"""The tables: a new layer, optimizer or listener is tested by adding its row here."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from cutedl import nn, optimizers
from tests import reference


@dataclass(frozen=True)
class LayerRow:
    """make: a new layer; inshape: samples it takes; twin: the naive forward, given the layer's parameters by name."""

    make: Callable[[], nn.Layer]
    inshape: tuple[int, ...]
    twin: Callable
    wrong_shapes: tuple = ()


def _dense_twin(x, kernel, bias):
    return reference.dense_forward(x, kernel, bias)


def _elementwise(name):
    return lambda x: reference.ACTIVATIONS[name](x)


LAYERS = {
    "dense": LayerRow(lambda: nn.Dense(3), (4,), _dense_twin, wrong_shapes=((),)),
    "dense_3d": LayerRow(lambda: nn.Dense(3), (2, 4), _dense_twin),
    "dense_relu": LayerRow(lambda: nn.Dense(3, activation="relu"), (4,), lambda *a: reference.relu(_dense_twin(*a))),
    "linear": LayerRow(nn.Linear, (5,), _elementwise("linear")),
    "relu": LayerRow(nn.Relu, (5,), _elementwise("relu")),
    "sigmoid": LayerRow(nn.Sigmoid, (5,), _elementwise("sigmoid")),
    "tanh": LayerRow(nn.Tanh, (5,), _elementwise("tanh")),
    "softmax": LayerRow(nn.Softmax, (5,), _elementwise("softmax"), wrong_shapes=((),)),
    "softmax_3d": LayerRow(nn.Softmax, (2, 5), _elementwise("softmax")),
}


@dataclass(frozen=True)
class OptimizerRow:
    """make: a new optimizer from keyword arguments; twin: the naive rule with the same arguments."""

    make: Callable
    twin: Callable
    arguments: dict = field(default_factory=dict)
    refused: tuple = ()


_RATES = ({"learning_rate": 0}, {"learning_rate": -1.0}, {"learning_rate": np.nan}, {"learning_rate": "fast"})
_BETAS = ({"beta1": 1.0}, {"beta2": -0.1}, {"epsilon": 0.0})

OPTIMIZERS = {
    "sgd": OptimizerRow(optimizers.SGD, reference.sgd, {"learning_rate": 0.1}, refused=_RATES),
    "fixed": OptimizerRow(optimizers.Fixed, reference.sgd, refused=_RATES),
    "momentum": OptimizerRow(
        optimizers.Momentum, reference.momentum, {"momentum": 0.8}, refused=(*_RATES, {"momentum": 1.0})
    ),
    "adam": OptimizerRow(optimizers.Adam, reference.adam, {"learning_rate": 0.02}, refused=(*_RATES, *_BETAS)),
    "adam_no_memory": OptimizerRow(optimizers.Adam, reference.adam, {"beta1": 0.0, "beta2": 0.5}),
}
