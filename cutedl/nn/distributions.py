"""Distributions: activations of a whole row, whose outputs are probabilities or their logarithms."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cutedl import dlmath
from cutedl.arena import Arena
from cutedl.errors import ShapeError
from cutedl.nn.layer import Shape
from cutedl.nn.nonlinearity import Nonlinearity, pieces

__all__ = ["LogSoftmax", "Softmax"]


class _Distribution(Nonlinearity):
    """A function of each row along the last axis, the classes."""

    def build(self, in_shape: Shape, arena: Arena) -> Shape:
        """Declare room for one number per row."""
        if not in_shape:
            raise ShapeError(
                f"{self.name} needs an axis of classes.",
                expected="(batch, classes)",
                received="(batch,)",
                hint="for one output per sample use sigmoid.",
            )
        self._row = arena.buffer((*in_shape[:-1], 1))
        return in_shape

    def flops(self, in_shape: Shape, out_shape: Shape) -> int:
        """Five for each number: maximum, difference, exp, sum, and a quotient or another difference."""
        return 5 * math.prod(out_shape)


class Softmax(_Distribution):
    """The distribution over the last axis: y = exp(x) / Σ exp(x), dx = y (dy - Σ y dy).

    >>> from cutedl.model import Model
    >>> model = Model([Softmax()])
    >>> model.assemble(inshape=2)
    >>> print(model.predict([[0.0, 0.0], [1e4, 0.0]]))
    [[0.5 0.5]
     [1.  0. ]]
    """

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


class LogSoftmax(_Distribution):
    """The logarithm of softmax over the last axis: y = x - log Σ exp(x), dx = dy - exp(y) Σ dy.

    Exact where softmax rounds to 0 or 1. Source: keras.activations.log_softmax and torch.nn.LogSoftmax(dim=-1).

    >>> from cutedl.model import Model
    >>> model = Model([LogSoftmax()])
    >>> model.assemble(inshape=2)
    >>> print(model.predict([[0.0, 0.0], [50.0, 0.0]]))
    [[-6.9314718e-01 -6.9314718e-01]
     [-1.9287499e-22 -5.0000000e+01]]
    """

    def forward(self, x: NDArray[Any], out: NDArray[Any], training: bool) -> NDArray[Any]:
        for piece in pieces(x):
            dlmath.log_softmax(x[piece], out=out[piece])
        if training:
            self._y = out
        return out

    def backward(self, dy: NDArray[Any], out: NDArray[Any] | None) -> NDArray[Any] | None:
        if out is not None:
            total = np.sum(dy, axis=-1, keepdims=True, out=self._row.rows(len(dy)))
            np.exp(self._y, out=out)
            out *= total
            np.subtract(dy, out, out=out)  # dx = dy - exp(y) Σ dy
        return out
