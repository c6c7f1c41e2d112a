"""Lowering: every layer's evaluation in primitive operations. A new layer is one row of LAYERS, for all formats."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from cutedl import nn
from cutedl.errors import ExportError
from cutedl.export.graph import Constant, Graph, Value, apply
from cutedl.model import Model
from cutedl.nn import Layer, chain

__all__ = ["LAYERS", "check_known", "lower"]


def lower(model: Model) -> Graph:
    """Return what the model computes in evaluation. Raises NotBuiltError before assemble, ExportError for own layers.

    >>> model = Model([nn.Dense(3, inshape=2, activation="relu"), nn.Dropout(0.5)])
    >>> model.assemble()
    >>> lower(model)
    Graph(3 operations, (2,) -> (3,), float32)
    """
    dtype = model.dtype
    graph = Graph(model.shapes[0], dtype)
    graph.output = _in_a_row(model.chain, graph.x)
    return graph


def check_known(layer: Layer) -> None:
    """Raise ExportError for a layer that has no row here."""
    if type(layer) not in LAYERS:
        raise ExportError(
            f"{layer.name} cannot be exported: only its own code knows what {type(layer).__name__} computes.",
            expected="layers of cutedl.nn",
            received=repr(layer),
            hint="give cutedl.export.lowering.LAYERS a row for it, or keep it in cutedl with model.save.",
        )


def _in_a_row(layers: Iterable[Layer], x: Value) -> Value:
    graph, outer = x.graph, x.graph.layer
    for layer in layers:
        check_known(layer)
        graph.layer = str(layer.name)
        x = LAYERS[type(layer)](layer, x)
        graph.layer = outer
    return x


def _same(layer: Layer, x: Value) -> Value:
    return x


def _named(operation: str) -> Callable[[Layer, Value], Value]:
    return lambda layer, x: apply(operation, x)


def _dense(layer: nn.Dense, x: Value) -> Value:
    y = x @ layer.W
    return y + layer.b if layer.use_bias else y


def _reshape(layer: nn.Reshape, x: Value) -> Value:
    count = math.prod(x.shape)
    known = math.prod(axis for axis in layer.target_shape if axis != -1)
    return x.reshape(tuple(count // known if axis == -1 else axis for axis in layer.target_shape))


def _layer_normalization(layer: nn.LayerNormalization, x: Value) -> Value:
    d = x - apply("mean", x)
    n = d / apply("sqrt", apply("mean", d * d) + layer.epsilon)
    return n * layer.scale + layer.offset


def _batch_normalization(layer: nn.BatchNormalization, x: Value) -> Value:
    factor = layer.scale.value / np.sqrt(layer.moving_variance.value + layer.epsilon)
    return (x - layer.moving_mean) * Constant(f"{layer.name}.factor", factor) + layer.offset


def _residual(layer: nn.Residual, x: Value) -> Value:
    y = _in_a_row(chain.expand(layer.layers), x)
    return y + (x if layer.shortcut is None else _in_a_row(chain.expand(layer.shortcut), x))


def _exponential_unit(x: Value, scale: float, bound: float) -> Value:
    """Scale x where x > 0, else bound (exp(x) - 1)."""
    return scale * apply("relu", x) + bound * apply("elu", apply("minimum", x, 0.0))


def _gelu(layer: nn.Gelu, x: Value) -> Value:
    return 0.5 * x * (1.0 + apply("erf", x * math.sqrt(0.5)))


def _gelu_tanh(layer: nn.GeluTanh, x: Value) -> Value:
    return x * apply("sigmoid", 2 * math.sqrt(2 / math.pi) * (x + 0.044715 * x * x * x))


def _mish(layer: nn.Mish, x: Value) -> Value:
    e = apply("exp", apply("minimum", x, 20.0))  # from there on tanh(log(1 + e)) is 1
    n = e * (e + 2.0)
    return x * (n / (n + 2.0))


LAYERS: dict[type[Layer], Callable[[Any, Value], Value]] = {
    nn.BatchNormalization: _batch_normalization,
    nn.Dense: _dense,
    nn.Dropout: _same,
    nn.Elu: lambda layer, x: _exponential_unit(x, 1.0, layer.alpha),
    nn.Embedding: lambda layer, x: apply("take", layer.table, apply("integers", x)),
    nn.Exponential: _named("exp"),
    nn.Flatten: lambda layer, x: x.reshape((math.prod(x.shape),)),
    nn.GaussianNoise: _same,
    nn.Gelu: _gelu,
    nn.GeluTanh: _gelu_tanh,
    nn.HardSigmoid: lambda layer, x: apply("minimum", apply("maximum", x + 3.0, 0.0), 6.0) / 6.0,
    nn.LayerNormalization: _layer_normalization,
    nn.LeakyRelu: lambda layer, x: apply("maximum", x, layer.negative_slope * x),
    nn.Linear: _same,
    nn.LogSigmoid: lambda layer, x: -apply("softplus", -x),
    nn.LogSoftmax: _named("log_softmax"),
    nn.Mish: _mish,
    nn.PRelu: lambda layer, x: apply("relu", x) + layer.alpha * apply("minimum", x, 0.0),
    nn.Relu: _named("relu"),
    nn.Reshape: _reshape,
    nn.Residual: _residual,
    nn.Selu: lambda layer, x: _exponential_unit(x, layer._scale, layer._bound),
    nn.Sigmoid: _named("sigmoid"),
    nn.Silu: lambda layer, x: x * apply("sigmoid", x),
    nn.Softmax: _named("softmax"),
    nn.Softplus: _named("softplus"),
    nn.Softsign: lambda layer, x: x / (1.0 + apply("absolute", x)),
    nn.Tanh: _named("tanh"),
}
