"""Gates: activations y = x g(x), where g rises from 0 to 1 and decides how much of x passes.

Their derivative g + x g' cannot be had from y, which two x share, so it is kept for backward. Both are worked out in
float64, in pieces that stay in cache: where g is subnormal in float32, x g(x) is not, and needs digits that g has lost.
"""

from __future__ import annotations

import math
from abc import abstractmethod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cutedl import dlmath
from cutedl.arena import Arena
from cutedl.nn.gaussian import density, distribution
from cutedl.nn.layer import Shape
from cutedl.nn.nonlinearity import Nonlinearity, pieces

__all__ = ["Gelu", "GeluTanh", "Mish", "Silu", "Swish"]

Array = NDArray[np.float64]

# Beyond it every g is 0 or 1 in float64, and up to it no power of x used here overflows.
_FAR = 800.0

# GeluTanh: the argument of tanh is _RATE (x + _CUBE x³).
_RATE = math.sqrt(2 / math.pi)
_CUBE = 0.044715


class _Gate(Nonlinearity):
    """y = x g(x), dx = dy (g + x g')."""

    reads_output = False

    def build(self, in_shape: Shape, arena: Arena) -> Shape:
        """Declare room for the derivative."""
        self._slope = arena.buffer(in_shape)
        return in_shape

    @abstractmethod
    def _gate(self, x: Array) -> Array:
        """Return g for x in [-800, 800]."""

    @abstractmethod
    def _gate_slope(self, x: Array, g: Array) -> Array:
        """Return g', given also g."""

    def forward(self, x: NDArray[Any], out: NDArray[Any], training: bool) -> NDArray[Any]:
        slope = self._slope.rows(len(x)) if training else None
        for piece in pieces(x):
            t = np.maximum(x[piece], -_FAR, dtype=np.float64)
            near = np.minimum(t, _FAR)
            g = self._gate(near)
            np.multiply(t, g, out=out[piece], casting="same_kind")  # y = x g
            if slope is not None:
                near *= self._gate_slope(near, g)
                np.add(g, near, out=slope[piece], casting="same_kind")  # dy/dx = g + x g'
        return out

    def backward(self, dy: NDArray[Any], out: NDArray[Any] | None) -> NDArray[Any] | None:
        if out is not None:
            np.multiply(dy, self._slope.rows(len(dy)), out=out)
        return out


class Gelu(_Gate):
    """The Gaussian error linear unit: y = x Φ(x), dx = dy (Φ(x) + x φ(x)), Φ and φ of the standard normal distribution.

    Source: Hendrycks and Gimpel, 2016; keras.activations.gelu and torch.nn.GELU with their defaults, which lose the
    left tail (Φ as (1 + erf) / 2); this one keeps it.

    >>> from cutedl.model import Model
    >>> model = Model([Gelu()])
    >>> model.assemble(inshape=3)
    >>> print(model.predict([[1.0, -1.0, -10.0]]))
    [[ 8.4134477e-01 -1.5865526e-01 -7.6198530e-23]]
    """

    def _gate(self, x: Array) -> Array:
        return distribution(x)

    def _gate_slope(self, x: Array, g: Array) -> Array:
        return density(x)


class GeluTanh(_Gate):
    """Gelu by its first approximation: y = x / 2 (1 + tanh u) = x σ(2u), u = sqrt(2 / π) (x + 0.044715 x³).

    dx = dy (σ + x σ (1 - σ) 2u'). Source: Hendrycks and Gimpel, 2016; gelu(approximate=True) of Keras and
    torch.nn.GELU(approximate="tanh").

    >>> from cutedl.model import Model
    >>> model = Model([GeluTanh()])
    >>> model.assemble(inshape=3)
    >>> print(model.predict([[1.0, -1.0, -5.0]]))
    [[ 8.4119201e-01 -1.5880801e-01 -2.2917962e-07]]
    """

    def _gate(self, x: Array) -> Array:
        u = _RATE * (x + _CUBE * x * x * x)
        return dlmath.sigmoid(2 * u)

    def _gate_slope(self, x: Array, g: Array) -> Array:
        return g * (1 - g) * 2 * _RATE * (1 + 3 * _CUBE * x * x)


class Silu(_Gate):
    """The sigmoid linear unit, or swish: y = x σ(x), dx = dy (σ + x σ (1 - σ)).

    Source: Elfwing, Uchibe and Doya, 2017; Ramachandran, Zoph and Le, 2017; keras.activations.silu and torch.nn.SiLU.

    >>> from cutedl.model import Model
    >>> model = Model([Silu()])
    >>> model.assemble(inshape=3)
    >>> print(model.predict([[1.0, -1.0, -100.0]]))
    [[ 7.3105860e-01 -2.6894143e-01 -3.7204474e-42]]
    """

    def _gate(self, x: Array) -> Array:
        return dlmath.sigmoid(x)

    def _gate_slope(self, x: Array, g: Array) -> Array:
        return g * (1 - g)


class Mish(_Gate):
    """The self-gated unit: y = x tanh(log(1 + exp(x))), dx = dy (g + x (1 - g²) σ(x)) with g = y / x.

    Source: Misra, 2019; keras.activations.mish and torch.nn.Mish.

    >>> from cutedl.model import Model
    >>> model = Model([Mish()])
    >>> model.assemble(inshape=3)
    >>> print(model.predict([[1.0, -1.0, -50.0]]))
    [[ 8.6509842e-01 -3.0340147e-01 -9.6437490e-21]]
    """

    def _gate(self, x: Array) -> Array:
        e = np.exp(np.minimum(x, 40.0))  # g is 1 in float64 from 19 on
        n = e * (e + 2)  # tanh(log(1 + e)) = ((1 + e)² - 1) / ((1 + e)² + 1)
        return np.asarray(n / (n + 2))

    def _gate_slope(self, x: Array, g: Array) -> Array:
        return np.asarray((1 - g * g) * dlmath.sigmoid(x))


Swish = Silu
