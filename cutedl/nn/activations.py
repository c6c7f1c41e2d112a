"""Activations by name, and the two that belong to no family.

The families: rectifiers, sigmoids, gates and distributions, a file each.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from cutedl.errors import ArgumentError, unknown_name
from cutedl.nn.distributions import LogSoftmax, Softmax
from cutedl.nn.gates import Gelu, GeluTanh, Mish, Silu, Swish
from cutedl.nn.layer import Layer, Shape
from cutedl.nn.nonlinearity import Nonlinearity
from cutedl.nn.rectifiers import Elu, LeakyRelu, PRelu, Relu, Selu, Softplus
from cutedl.nn.sigmoids import HardSigmoid, LogSigmoid, Sigmoid, Softsign, Tanh

__all__ = [
    "Elu",
    "Exponential",
    "Gelu",
    "GeluTanh",
    "HardSigmoid",
    "LeakyRelu",
    "Linear",
    "LogSigmoid",
    "LogSoftmax",
    "Mish",
    "PRelu",
    "Relu",
    "Selu",
    "Sigmoid",
    "Silu",
    "Softmax",
    "Softplus",
    "Softsign",
    "Swish",
    "Tanh",
    "get",
]


class Linear(Nonlinearity):
    """The identity: y = x, dx = dy.

    >>> from cutedl.model import Model
    >>> model = Model([Linear()])
    >>> model.assemble(inshape=2)
    >>> print(model.predict([[1.0, -2.0]]))
    [[ 1. -2.]]
    """

    reads_output = False

    def flops(self, in_shape: Shape, out_shape: Shape) -> int:
        """None: y = x."""
        return 0

    def forward(self, x: NDArray[Any], out: NDArray[Any], training: bool) -> NDArray[Any]:
        if out is not x:
            out[...] = x
        return out

    def backward(self, dy: NDArray[Any], out: NDArray[Any] | None) -> NDArray[Any] | None:
        if out is not None:
            out[...] = dy
        return out


class Exponential(Nonlinearity):
    """The exponential function: y = exp(x), dx = dy y; infinite above 88.7 in float32, 709.7 in float64.

    Source: keras.activations.exponential and torch.exp.

    >>> from cutedl.model import Model
    >>> model = Model([Exponential()])
    >>> model.assemble(inshape=2)
    >>> print(model.predict([[1.0, -1.0]]).round(4))
    [[2.7183 0.3679]]
    """

    def forward(self, x: NDArray[Any], out: NDArray[Any], training: bool) -> NDArray[Any]:
        with np.errstate(over="ignore"):  # infinity is the right answer, and what the loss is asked about
            np.exp(x, out=out)
        if training:
            self._y = out
        return out

    def backward(self, dy: NDArray[Any], out: NDArray[Any] | None) -> NDArray[Any] | None:
        if out is not None:
            np.multiply(dy, self._y, out=out)
        return out


_BY_NAME: dict[str, type[Layer]] = {
    "elu": Elu,
    "exponential": Exponential,
    "gelu": Gelu,
    "gelu_tanh": GeluTanh,
    "hard_sigmoid": HardSigmoid,
    "leaky_relu": LeakyRelu,
    "linear": Linear,
    "log_sigmoid": LogSigmoid,
    "log_softmax": LogSoftmax,
    "mish": Mish,
    "prelu": PRelu,
    "relu": Relu,
    "selu": Selu,
    "sigmoid": Sigmoid,
    "silu": Silu,
    "softmax": Softmax,
    "softplus": Softplus,
    "softsign": Softsign,
    "swish": Swish,
    "tanh": Tanh,
}


def get(activation: str | Layer | None) -> Layer:
    """Return a new activation of that name; a layer is returned as it is, None means linear.

    Raises UnknownNameError with a suggestion for a misspelt name.

    >>> get("relu")
    Relu()
    """
    if isinstance(activation, Layer):
        return activation
    if activation is None:
        return Linear()
    if not isinstance(activation, str):
        raise ArgumentError(
            "activation cannot be used.", expected="a name or a Layer object", received=repr(activation)
        )
    if activation not in _BY_NAME:
        raise unknown_name("activation", activation, _BY_NAME)
    return _BY_NAME[activation]()
