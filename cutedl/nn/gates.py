"""Gates: activations y = x g(x), where g rises from 0 to 1 and decides how much of x passes.

Their derivative g + x g' cannot be had from y, which two x share, so it is kept for backward. Both are worked out in
pieces that stay in cache. A piece of float32 without outliers is written by _near, several times faster than by _far,
which works in float64: where g is subnormal in float32, x g(x) is not, and needs digits that g has lost.
"""

from __future__ import annotations

import math
from abc import abstractmethod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cutedl import dlmath
from cutedl.arena import Arena
from cutedl.nn.gaussian import bell, density, distribution, tail_ratio
from cutedl.nn.layer import Shape
from cutedl.nn.nonlinearity import Nonlinearity, pieces

__all__ = ["Gelu", "GeluTanh", "Mish", "Silu", "Swish"]

Array = NDArray[np.float64]
Single = NDArray[np.float32]

# Beyond it every g is 0 or 1 in float64, and up to it no power of x used here overflows.
_FAR = 800.0

# Gelu: φ(x) is _PEAK exp(-x²/2).
_PEAK = 1 / math.sqrt(2 * math.pi)

# GeluTanh: the argument of tanh is _RATE (x + _CUBE x³).
_RATE = math.sqrt(2 / math.pi)
_CUBE = 0.044715


class _Gate(Nonlinearity):
    """y = x g(x), dx = dy (g + x g')."""

    reads_output = False
    _reach: float  # up to this |x|, all that _near works out is normal in float32

    def build(self, in_shape: Shape, arena: Arena) -> Shape:
        """Declare room for the derivative."""
        self._slope = arena.buffer(in_shape)
        return in_shape

    @abstractmethod
    def _near(self, x: Single, y: Single, slope: Single | None) -> None:
        """Write g + x g' into slope, unless it is None, and x g into y, which may be x; for |x| <= _reach."""

    @abstractmethod
    def _gate(self, x: Array) -> Array:
        """Return g for x in [-800, 800]."""

    @abstractmethod
    def _gate_slope(self, x: Array, g: Array) -> Array:
        """Return g', given also g."""

    def forward(self, x: NDArray[Any], out: NDArray[Any], training: bool) -> NDArray[Any]:
        slope = self._slope.rows(len(x)) if training else None
        for piece in pieces(x):
            write = self._near if self._is_near(x[piece]) else self._far
            write(x[piece], out[piece], None if slope is None else slope[piece])
        return out

    def _is_near(self, x: NDArray[Any]) -> bool:
        """Whether _near may have x: float32 numbers within reach, which NaN is not."""
        if x.dtype != np.float32:
            return False
        return bool(-self._reach <= x.item(x.argmin()) and x.item(x.argmax()) <= self._reach)

    def _far(self, x: NDArray[Any], y: NDArray[Any], slope: NDArray[Any] | None) -> None:
        """Do the same for any x."""
        t = np.maximum(x, -_FAR, dtype=np.float64)
        near = np.minimum(t, _FAR)
        g = self._gate(near)
        np.multiply(t, g, out=y, casting="same_kind")  # y = x g
        if slope is not None:
            near *= self._gate_slope(near, g)
            np.add(g, near, out=slope, casting="same_kind")  # dy/dx = g + x g'

    def backward(self, dy: NDArray[Any], out: NDArray[Any] | None) -> NDArray[Any] | None:
        if out is not None:
            np.multiply(dy, self._slope.rows(len(dy)), out=out)
        return out


def _divide(x: Single, d: Single, y: Single, slope: Single | None) -> None:
    """Do as _near does for g = 1 / d, which costs one rounding less than x g: slope comes with -d' in it."""
    np.divide(x, d, out=y)
    if slope is not None:
        slope *= y
        slope += 1.0
        slope /= d  # g + x g' = (1 - y d') / d


class Gelu(_Gate):
    """The Gaussian error linear unit: y = x Φ(x), dx = dy (Φ(x) + x φ(x)), Φ and φ of the standard normal distribution.

    Source: Hendrycks and Gimpel, 2016; keras.activations.gelu and torch.nn.GELU with their defaults, which lose the
    left tail (Φ as (1 + erf) / 2); this one keeps it.

    >>> from cutedl.model import Model
    >>> model = Model([Gelu()])
    >>> model.assemble(inshape=3)
    >>> print(model.predict([[1.0, -1.0, -10.0]]))
    [[ 8.41344...e-01 -1.58655...e-01 -7.61985...e-23]]
    """

    _reach = 12.5

    def _near(self, x: Single, y: Single, slope: Single | None) -> None:
        z = np.abs(x)
        wide = z.astype(np.float64)
        bump = bell(wide)
        tail = bump * tail_ratio(z)  # Φ(-z)
        if slope is not None:
            np.greater(x, 0, out=slope)
            slope -= tail.astype(np.float32)
            np.abs(slope, out=slope)  # Φ(x) = |[x > 0] - Φ(-z)|
            density_part = bump.astype(np.float32)
            density_part *= _PEAK
            density_part *= x
            slope += density_part  # Φ(x) + x φ(x)
        tail *= wide
        np.add(x, z, out=y)
        y *= 0.5
        y -= tail.astype(np.float32)  # y = max(x, 0) - z Φ(-z)

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
    [[ 8.41192...e-01 -1.58808...e-01 -2.29179...e-07]]
    """

    _reach = 9.9

    def _near(self, x: Single, y: Single, slope: Single | None) -> None:
        t = x.astype(np.float64)
        v = np.square(t)
        v *= -2 * _RATE * _CUBE
        v -= 2 * _RATE
        v *= t
        d = np.exp(v, out=v).astype(np.float32)  # of -2u, which in float32 would have too few digits for exp
        if slope is not None:
            np.square(x, out=slope)
            slope *= 6 * _RATE * _CUBE
            slope += 2 * _RATE
            slope *= d  # -d' = 2u' exp(-2u)
        d += 1.0  # d = 1 + exp(-2u)
        _divide(x, d, y, slope)

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

    _reach = 87.0

    def _near(self, x: Single, y: Single, slope: Single | None) -> None:
        d = np.negative(x)
        np.exp(d, out=d)
        if slope is not None:
            slope[...] = d  # -d' = exp(-x)
        d += 1.0  # d = 1 + exp(-x)
        _divide(x, d, y, slope)

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
    [[ 8.65098...e-01 -3.03401...e-01 -9.64374...e-21]]
    """

    _reach = 87.0

    def _near(self, x: Single, y: Single, slope: Single | None) -> None:
        d = np.negative(x)
        np.exp(d, out=d)
        w = d + 0.5
        np.divide(0.25, w, out=w)  # with f = exp(-x): w = 1 / (4 f + 2)
        if slope is not None:
            np.square(w, out=slope)
            slope *= -4.0
            slope += 1.0
            slope *= d  # -d' = f (1 - 4 w²)
        w += 0.5
        d += w  # d = f + 1/2 + w
        _divide(x, d, y, slope)

    def _gate(self, x: Array) -> Array:
        e = np.exp(np.minimum(x, 40.0))  # g is 1 in float64 from 19 on
        n = e * (e + 2)  # tanh(log(1 + e)) = ((1 + e)² - 1) / ((1 + e)² + 1)
        return np.asarray(n / (n + 2))

    def _gate_slope(self, x: Array, g: Array) -> Array:
        return np.asarray((1 - g * g) * dlmath.sigmoid(x))


Swish = Silu
