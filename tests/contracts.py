"""The tables: a new layer, optimizer or listener is tested by adding its row here."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

import numpy as np

from cutedl import nn, optimizers
from tests import reference


@dataclass(frozen=True)
class LayerRow:
    """make: a new layer; inshape: samples it takes; twin: the naive forward in evaluation, given x and the parameters.

    training_twin: the naive forward in training where it is another, given also the layer's stream of noise.
    refused: makers of layers with wrong arguments, with what the message says.
    indices: x are integers below this, where they are no real numbers; such a layer stands first in a model.
    """

    make: Callable[[], nn.Layer]
    inshape: tuple[int, ...]
    twin: Callable
    wrong_shapes: tuple = ()
    training_twin: Callable | None = None
    refused: tuple[tuple[Callable[[], nn.Layer], str], ...] = ()
    indices: int | None = None


def _dense_twin(x, kernel, bias):
    return reference.dense_forward(x, kernel, bias)


def _same(x):
    return x


# fmt: off
LAYERS = {
    "dense": LayerRow(lambda: nn.Dense(3), (4,), _dense_twin, wrong_shapes=((),)),
    "dense_3d": LayerRow(lambda: nn.Dense(3), (2, 4), _dense_twin),
    "dense_no_bias": LayerRow(lambda: nn.Dense(3, use_bias=False), (4,), lambda x, W: x @ W),
    "dense_relu": LayerRow(lambda: nn.Dense(3, activation="relu"), (4,), lambda *a: reference.relu(_dense_twin(*a))),
    **{name: LayerRow(partial(nn.activations.get, name), (5,), twin) for name, twin in reference.ACTIVATIONS.items()},
    "softmax": LayerRow(nn.Softmax, (5,), reference.softmax, wrong_shapes=((),)),
    "log_softmax": LayerRow(nn.LogSoftmax, (5,), reference.ACTIVATIONS["log_softmax"], wrong_shapes=((),)),
    "log_softmax_3d": LayerRow(nn.LogSoftmax, (2, 5), reference.ACTIVATIONS["log_softmax"]),
    "gelu_3d": LayerRow(nn.Gelu, (2, 3), reference.gelu),
    "prelu": LayerRow(nn.PRelu, (5,), reference.prelu, wrong_shapes=((),)),
    "prelu_3d": LayerRow(nn.PRelu, (2, 3), reference.prelu),
    "leaky_relu_0.5": LayerRow(
        lambda: nn.LeakyRelu(0.5), (5,), lambda x: reference.prelu(x, 0.5),
        refused=(
            (lambda: nn.LeakyRelu(0), r"negative_slope cannot be used. expected a number in \(0, 1\], received 0"),
            (lambda: nn.LeakyRelu(1.5), "received 1.5"),
        ),
    ),
    "elu_2": LayerRow(
        lambda: nn.Elu(2), (5,), lambda x: reference.elu(x, 2),
        refused=((lambda: nn.Elu(0), r"alpha cannot be used. expected a number in \(0, inf\), received 0 \(int\)"),),
    ),
    "activation": LayerRow(
        lambda: nn.Activation("tanh"), (5,), np.tanh,
        refused=((lambda: nn.Activation("tahn"), "no activation is named 'tahn'.*did you mean 'tanh'"),),
    ),
    "embedding": LayerRow(
        lambda: nn.Embedding(7, 3), (4,), lambda x, E: E[x.astype(int)], indices=7,
        refused=(
            (lambda: nn.Embedding(0, 3), r"input_dim cannot be used. expected an int >= 1, received 0 \(int\)"),
            (lambda: nn.Embedding(2**24 + 1, 3), "input_dim cannot be used. expected an int <= 16777216, .* 16777217"),
            (lambda: nn.Embedding(7, 2.5), "output_dim cannot be used.*received 2.5"),
            (lambda: nn.Embedding(7, 3, "unifrm"), "no initializer is named 'unifrm'"),
        ),
    ),
    "embedding_of_one_index": LayerRow(lambda: nn.Embedding(7, 3), (), lambda x, E: E[x.astype(int)], indices=7),
    "sequential": LayerRow(
        lambda: nn.Sequential([nn.Dense(4), nn.Sequential([nn.Tanh(), nn.Dense(2)])]), (3,), reference.two_layers,
        refused=((lambda: nn.Sequential([]), r"layers cannot be used. expected at least one layer, received \[\]"),),
    ),
    "residual": LayerRow(
        lambda: nn.Residual([nn.Dense(5, activation="tanh"), nn.Dense(3)]), (3,),
        lambda x, *p: x + reference.two_layers(x, *p), wrong_shapes=((4,),),
        refused=(
            (lambda: nn.Residual(["relu"]), "only a layer can be used here. expected a cutedl.nn.Layer, received"),
            (lambda: nn.Residual([nn.Relu()], shortcut=[]), "shortcut cannot be used. expected at least one layer"),
            (lambda: nn.Residual([tanh := nn.Tanh(), tanh]), "is used twice. hint: make a second layer"),
        ),
    ),
    "residual_of_activation": LayerRow(lambda: nn.Residual([nn.Tanh()]), (2, 3), lambda x: x + np.tanh(x)),
    "residual_projected": LayerRow(
        lambda: nn.Residual([nn.Relu(), nn.Dense(2)], shortcut=nn.Dense(2, use_bias=False)), (3,),
        lambda x, W, b, P: reference.relu(x) @ W + b + x @ P,
    ),
    "residual_in_residual": LayerRow(
        lambda: nn.Residual([nn.Dense(3), nn.Residual([nn.Sigmoid(), nn.Dense(3)])]), (3,),
        lambda x, W, b, V, c: x + (h := x @ W + b) + reference.sigmoid(h) @ V + c,
    ),
    "flatten": LayerRow(nn.Flatten, (2, 3), lambda x: x.reshape(len(x), -1)),
    "reshape": LayerRow(
        lambda: nn.Reshape((3, -1)), (2, 3, 2), lambda x: x.reshape(len(x), 3, 4), wrong_shapes=((5,),),
        refused=(
            (lambda: nn.Reshape((3, 0)), r"target_shape cannot be used. expected an int >= 1, received 0 \(int\)"),
            (lambda: nn.Reshape((-1, -1)), r"target_shape .* expected at most one -1, received \(-1, -1\)"),
        ),
    ),
    "dropout": LayerRow(
        lambda: nn.Dropout(0.3), (5,), _same,
        training_twin=lambda x, noise: reference.dropout(x, 0.3, noise.random(x.shape, x.dtype)),
        refused=(
            (lambda: nn.Dropout(1.0), r"rate cannot be used. expected a number in \[0, 1\), received 1.0 \(float\)"),
            (lambda: nn.Dropout(-0.1), "received -0.1"),
        ),
    ),
    "gaussian_noise": LayerRow(
        lambda: nn.GaussianNoise(0.2), (3, 2), _same,
        training_twin=lambda x, noise: x + 0.2 * noise.standard_normal(x.shape, x.dtype).astype("float64"),
        refused=((lambda: nn.GaussianNoise(-1), "stddev cannot be used. expected a number .*, received -1"),),
    ),
    "layer_normalization": LayerRow(
        nn.LayerNormalization, (5,), reference.layer_normalization, wrong_shapes=((),),
        refused=((lambda: nn.LayerNormalization(0), "epsilon cannot be used. expected a number .*received 0"),),
    ),
    "layer_normalization_3d": LayerRow(nn.LayerNormalization, (3, 4), reference.layer_normalization),
    "batch_normalization": LayerRow(
        lambda: nn.BatchNormalization(epsilon=0.01), (5,),
        lambda x, scale, offset: x / np.sqrt(1.01) * scale + offset, wrong_shapes=((),),
        training_twin=lambda x, noise, *p: reference.batch_normalization(x, *p, epsilon=0.01),
        refused=(
            (lambda: nn.BatchNormalization(momentum=1), r"momentum cannot be used. expected .* in \[0, 1\), .* 1"),
            (lambda: nn.BatchNormalization(epsilon=-1.0), r"epsilon cannot be used. .* received -1.0 \(float\)"),
        ),
    ),
    "batch_normalization_3d": LayerRow(
        nn.BatchNormalization, (3, 4), lambda x, scale, offset: x / np.sqrt(1.001) * scale + offset,
        training_twin=lambda x, noise, *p: reference.batch_normalization(x, *p),
    ),
    "softmax_3d": LayerRow(nn.Softmax, (2, 5), reference.softmax),
}
# fmt: on


@dataclass(frozen=True)
class OptimizerRow:
    """make: a new optimizer from keyword arguments; twin: the naive rule with the same arguments."""

    make: Callable
    twin: Callable
    arguments: dict = field(default_factory=dict)
    refused: tuple = ()


_RATES = ({"learning_rate": 0}, {"learning_rate": -1.0}, {"learning_rate": np.nan}, {"learning_rate": "fast"})
_OPTIONS = ({"weight_decay": -0.1}, {"clip_norm": 0}, {"clip_value": np.inf}, {"clip_global_norm": -1}, {"ema": 1.0})
_EPSILON, _RHO, _MOMENTUM = {"epsilon": 0.0}, {"rho": 1.0}, {"momentum": 1.0}
_ALWAYS = (*_RATES, *_OPTIONS)
_MOMENTS = (*_ALWAYS, {"beta1": 1.0}, {"beta2": -0.1})

OPTIMIZERS = {
    "sgd": OptimizerRow(optimizers.SGD, reference.sgd, {"learning_rate": 0.1}, refused=(*_ALWAYS, _MOMENTUM)),
    "fixed": OptimizerRow(optimizers.Fixed, reference.sgd, refused=_RATES),
    "sgd_nesterov": OptimizerRow(optimizers.SGD, reference.sgd, {"momentum": 0.7, "nesterov": True}),
    "momentum": OptimizerRow(optimizers.Momentum, reference.momentum, {"momentum": 0.8}, refused=(*_ALWAYS, _MOMENTUM)),
    "nesterov": OptimizerRow(optimizers.Momentum, reference.momentum, {"nesterov": True}),
    "adagrad": OptimizerRow(
        optimizers.Adagrad,
        reference.adagrad,
        {"initial_accumulator_value": 0.1},
        refused=(*_ALWAYS, _EPSILON, {"initial_accumulator_value": -1}),
    ),
    "rmsprop": OptimizerRow(optimizers.RMSProp, reference.rmsprop, refused=(*_ALWAYS, _RHO, _MOMENTUM, _EPSILON)),
    "rmsprop_momentum": OptimizerRow(optimizers.RMSProp, reference.rmsprop, {"momentum": 0.8, "rho": 0.4}),
    "rmsprop_centered": OptimizerRow(optimizers.RMSProp, reference.rmsprop, {"centered": True, "momentum": 0.5}),
    "adadelta": OptimizerRow(optimizers.Adadelta, reference.adadelta, refused=(*_ALWAYS, _RHO, _EPSILON)),
    "adam": OptimizerRow(optimizers.Adam, reference.adam, {"learning_rate": 0.02}, refused=(*_MOMENTS, _EPSILON)),
    "adam_no_memory": OptimizerRow(optimizers.Adam, reference.adam, {"beta1": 0.0, "beta2": 0.5}),
    "amsgrad": OptimizerRow(optimizers.AMSGrad, reference.amsgrad, refused=(*_MOMENTS, _EPSILON)),
    "adamw": OptimizerRow(optimizers.AdamW, reference.adam, refused=(*_MOMENTS, _EPSILON)),  # a vector does not decay
    "nadam": OptimizerRow(
        optimizers.Nadam, reference.nadam, refused=(*_MOMENTS, _EPSILON, {"beta1": 0}, {"momentum_decay": -1})
    ),
    "adamax": OptimizerRow(optimizers.Adamax, reference.adamax, refused=(*_MOMENTS, _EPSILON)),
    "lion": OptimizerRow(optimizers.Lion, reference.lion, refused=_MOMENTS),
}
