"""Activations: layers that act on each element, or on each row, each with its true derivative.

The derivative is written in the output, so forward may overwrite its input.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from cutedl import dlmath
from cutedl.arena import Arena
from cutedl.errors import ArgumentError, ShapeError, unknown_name
from cutedl.nn.layer import Layer, Shape

__all__ = ["Linear", "Relu", "Sigmoid", "Softmax", "Tanh", "get"]


class _Activation(Layer):
    """What activations share: shape in is shape out, no parameters, y kept for backward."""

    inplace = True
    reads_output = True

    def build(self, in_shape: Shape, arena: Arena) -> Shape:
        return in_shape

    def __repr__(self) -> str:
        return f"{type(self).__name__}()"


class Linear(_Activation):
    """The identity: y = x, dx = dy.

    >>> from cutedl.model import Model
    >>> model = Model([Linear()])
    >>> model.assemble(inshape=2)
    >>> print(model.predict([[1.0, -2.0]]))
    [[ 1. -2.]]
    """

    reads_output = False

    def forward(self, x: NDArray[Any], out: NDArray[Any], training: bool) -> NDArray[Any]:
        if out is not x:
            out[...] = x
        return out

    def backward(self, dy: NDArray[Any], out: NDArray[Any] | None) -> NDArray[Any] | None:
        if out is not None:
            out[...] = dy
        return out


class Relu(_Activation):
    """The rectifier: y = max(x, 0), dx = dy where y > 0, else 0 (also at x = 0).

    >>> from cutedl.model import Model
    >>> model = Model([Relu()])
    >>> model.assemble(inshape=2)
    >>> print(model.predict([[1.0, -2.0]]))
    [[1. 0.]]
    """

    def forward(self, x: NDArray[Any], out: NDArray[Any], training: bool) -> NDArray[Any]:
        np.maximum(x, 0, out=out)
        if training:
            self._y = out
        return out

    def backward(self, dy: NDArray[Any], out: NDArray[Any] | None) -> NDArray[Any] | None:
        if out is not None:
            np.greater(self._y, 0, out=out)  # dx = dy [y > 0]
            out *= dy
        return out


class Sigmoid(_Activation):
    """The logistic function: y = 1 / (1 + exp(-x)), dx = dy y (1 - y).

    >>> from cutedl.model import Model
    >>> model = Model([Sigmoid()])
    >>> model.assemble(inshape=2)
    >>> print(model.predict([[0.0, -100.0]]))
    [[5.0e-01 3.8e-44]]
    """

    def build(self, in_shape: Shape, arena: Arena) -> Shape:
        """Declare the scratch of the stable form."""
        self._scratch = arena.buffer(in_shape)
        return in_shape

    def forward(self, x: NDArray[Any], out: NDArray[Any], training: bool) -> NDArray[Any]:
        dlmath.sigmoid(x, out=out, scratch=self._scratch.rows(len(x)) if training else None)
        if training:
            self._y = out
        return out

    def backward(self, dy: NDArray[Any], out: NDArray[Any] | None) -> NDArray[Any] | None:
        if out is not None:
            np.subtract(1, self._y, out=out)  # dx = dy y (1 - y)
            out *= self._y
            out *= dy
        return out


class Tanh(_Activation):
    """The hyperbolic tangent: y = tanh(x), dx = dy (1 - y²).

    >>> from cutedl.model import Model
    >>> model = Model([Tanh()])
    >>> model.assemble(inshape=2)
    >>> print(model.predict([[0.0, 1.0]]))
    [[0.        0.7615942]]
    """

    def forward(self, x: NDArray[Any], out: NDArray[Any], training: bool) -> NDArray[Any]:
        np.tanh(x, out=out)
        if training:
            self._y = out
        return out

    def backward(self, dy: NDArray[Any], out: NDArray[Any] | None) -> NDArray[Any] | None:
        if out is not None:
            np.multiply(self._y, self._y, out=out)  # dx = dy (1 - y²)
            np.subtract(1, out, out=out)
            out *= dy
        return out


class Softmax(_Activation):
    """The distribution over the last axis: y = exp(x) / Σ exp(x), dx = y (dy - Σ y dy).

    >>> from cutedl.model import Model
    >>> model = Model([Softmax()])
    >>> model.assemble(inshape=2)
    >>> print(model.predict([[0.0, 0.0], [1e4, 0.0]]))
    [[0.5 0.5]
     [1.  0. ]]
    """

    def build(self, in_shape: Shape, arena: Arena) -> Shape:
        if not in_shape:
            raise ShapeError(
                f"{self.name} needs an axis of classes.",
                expected="(batch, classes)",
                received="(batch,)",
                hint="for one output per sample use sigmoid.",
            )
        self._row = arena.buffer((*in_shape[:-1], 1))
        return in_shape

    def forward(self, x: NDArray[Any], out: NDArray[Any], training: bool) -> NDArray[Any]:
        dlmath.prob_distribution(x, out=out, scratch=self._row.rows(len(x)) if training else None)
        if training:
            self._y = out
        return out

    def backward(self, dy: NDArray[Any], out: NDArray[Any] | None) -> NDArray[Any] | None:
        if out is not None:
            np.multiply(self._y, dy, out=out)
            mean = np.sum(out, axis=-1, keepdims=True, out=self._row.rows(len(dy)))
            np.subtract(dy, mean, out=out)  # dx = y (dy - Σ y dy)
            out *= self._y
        return out


_BY_NAME: dict[str, type[Layer]] = {cls.__name__.lower(): cls for cls in (Linear, Relu, Sigmoid, Softmax, Tanh)}


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
