"""Sigmoids: S-shaped functions that level off on both sides, and the logarithm of one."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from cutedl import dlmath
from cutedl.nn.nonlinearity import Nonlinearity

__all__ = ["HardSigmoid", "LogSigmoid", "Sigmoid", "Softsign", "Tanh"]

# From here on x / (1 + |x|) is ±1 in any precision, also where infinity / infinity would be NaN.
_FAR = 1e30


class Sigmoid(Nonlinearity):
    """The logistic function: y = 1 / (1 + exp(-x)), dx = dy y (1 - y).

    >>> from cutedl.model import Model
    >>> model = Model([Sigmoid()])
    >>> model.assemble(inshape=2)
    >>> print(model.predict([[0.0, -100.0]]))
    [[5.0e-01 3.8e-44]]
    """

    def forward(self, x: NDArray[Any], out: NDArray[Any], training: bool) -> NDArray[Any]:
        dlmath.sigmoid(x, out=out, scratch=self._room(x, training))
        if training:
            self._y = out
        return out

    def backward(self, dy: NDArray[Any], out: NDArray[Any] | None) -> NDArray[Any] | None:
        if out is not None:
            np.subtract(1, self._y, out=out)  # dx = dy y (1 - y)
            out *= self._y
            out *= dy
        return out


class HardSigmoid(Nonlinearity):
    """The logistic function in three straight lines: y = min(max(x + 3, 0), 6) / 6, dx = dy / 6 where 0 < y < 1.

    Source: keras.activations.hard_sigmoid of Keras 3 and torch.nn.Hardsigmoid; Keras 2 had 0.2 x + 0.5.

    >>> from cutedl.model import Model
    >>> model = Model([HardSigmoid()])
    >>> model.assemble(inshape=3)
    >>> print(model.predict([[-4.0, 0.0, 1.5]]))
    [[0.   0.5  0.75]]
    """

    def forward(self, x: NDArray[Any], out: NDArray[Any], training: bool) -> NDArray[Any]:
        np.add(x, 3.0, out=out)
        np.clip(out, 0.0, 6.0, out=out)
        out /= 6.0
        if training:
            self._y = out
        return out

    def backward(self, dy: NDArray[Any], out: NDArray[Any] | None) -> NDArray[Any] | None:
        if out is not None:
            np.subtract(1, self._y, out=out)
            out *= self._y
            np.sign(out, out=out)  # dx = dy [y (1 - y) > 0] / 6
            out *= dy
            out /= 6.0
        return out


class LogSigmoid(Nonlinearity):
    """The logarithm of the logistic function: y = -log(1 + exp(-x)), dx = dy (1 - exp(y)).

    Source: keras.activations.log_sigmoid and torch.nn.LogSigmoid.

    >>> from cutedl.model import Model
    >>> model = Model([LogSigmoid()])
    >>> model.assemble(inshape=3)
    >>> print(model.predict([[50.0, 0.0, -1000.0]]))
    [[-1.9287499e-22 -6.9314718e-01 -1.0000000e+03]]
    """

    def forward(self, x: NDArray[Any], out: NDArray[Any], training: bool) -> NDArray[Any]:
        dlmath.log_sigmoid(x, out=out, scratch=self._room(x, training))
        if training:
            self._y = out
        return out

    def backward(self, dy: NDArray[Any], out: NDArray[Any] | None) -> NDArray[Any] | None:
        if out is not None:
            np.expm1(self._y, out=out)
            np.negative(out, out=out)  # dx = dy (1 - exp(y))
            out *= dy
        return out


class Tanh(Nonlinearity):
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


class Softsign(Nonlinearity):
    """The algebraic sigmoid: y = x / (1 + |x|), dx = dy (1 - |y|)².

    Source: Turian, Bergstra and Bengio, 2009; keras.activations.softsign and torch.nn.Softsign.

    >>> from cutedl.model import Model
    >>> model = Model([Softsign()])
    >>> model.assemble(inshape=2)
    >>> print(model.predict([[1.0, -3.0]]))
    [[ 0.5  -0.75]]
    """

    def forward(self, x: NDArray[Any], out: NDArray[Any], training: bool) -> NDArray[Any]:
        np.clip(x, -_FAR, _FAR, out=out)
        scale = np.abs(out, out=self._room(x, training))
        scale += 1.0
        out /= scale
        if training:
            self._y = out
        return out

    def backward(self, dy: NDArray[Any], out: NDArray[Any] | None) -> NDArray[Any] | None:
        if out is not None:
            np.abs(self._y, out=out)
            np.subtract(1, out, out=out)
            np.square(out, out=out)  # dx = dy (1 - |y|)²
            out *= dy
        return out
