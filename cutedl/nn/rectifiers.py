"""Rectifiers: the identity above 0, little below it."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cutedl import checks, dlmath, initializers
from cutedl.arena import Arena
from cutedl.errors import ShapeError
from cutedl.initializers import Initializer
from cutedl.nn.layer import Shape
from cutedl.nn.nonlinearity import Nonlinearity
from cutedl.nn.rows import rows, sum_rows

__all__ = ["Elu", "LeakyRelu", "PRelu", "Relu", "Selu", "Softplus"]

_QUARTER = initializers.Constant(0.25)

# Against an array, NumPy takes the larger of many numbers at once; against a number, of one at a time.
_PIECE = 1 << 17
_ZEROS = {np.dtype(name): np.zeros(_PIECE, name) for name in ("float32", "float64")}


class Relu(Nonlinearity):
    """The rectifier: y = max(x, 0), dx = dy where y > 0, else 0 (also at x = 0).

    >>> from cutedl.model import Model
    >>> model = Model([Relu()])
    >>> model.assemble(inshape=2)
    >>> print(model.predict([[1.0, -2.0]]))
    [[1. 0.]]
    """

    def forward(self, x: NDArray[Any], out: NDArray[Any], training: bool) -> NDArray[Any]:
        _positive_part(x, out)
        if training:
            self._y = out
        return out

    def backward(self, dy: NDArray[Any], out: NDArray[Any] | None) -> NDArray[Any] | None:
        if out is not None:
            np.greater(self._y, 0, out=out)  # dx = dy [y > 0]
            out *= dy
        return out


class LeakyRelu(Nonlinearity):
    """The rectifier that leaks: y = x where x > 0, else a x; dx = dy where y > 0, else a dy.

    negative_slope: a, in (0, 1]; 0 would be Relu. Raises ArgumentError outside.
    Source: Maas, Hannun and Ng, 2013. The default 0.2 is that of keras.activations.leaky_relu; keras.layers.LeakyReLU
    has 0.3, torch.nn.LeakyReLU 0.01.

    >>> from cutedl.model import Model
    >>> model = Model([LeakyRelu(negative_slope=0.1)])
    >>> model.assemble(inshape=2)
    >>> print(model.predict([[1.0, -2.0]]))
    [[ 1.  -0.2]]
    """

    def __init__(self, negative_slope: float = 0.2, name: str | None = None):
        super().__init__(name)
        self.negative_slope = checks.number("negative_slope", negative_slope, low=0, high=1, above=True)

    def __repr__(self) -> str:
        return f"LeakyRelu({self.negative_slope:g})"

    def forward(self, x: NDArray[Any], out: NDArray[Any], training: bool) -> NDArray[Any]:
        leak = np.multiply(x, self.negative_slope, out=self._room(x, training))
        np.maximum(x, leak, out=out)
        if training:
            self._y = out
        return out

    def backward(self, dy: NDArray[Any], out: NDArray[Any] | None) -> NDArray[Any] | None:
        if out is not None:
            np.greater(self._y, 0, out=out)
            np.maximum(out, self.negative_slope, out=out)  # dx = dy max([y > 0], a)
            out *= dy
        return out


class PRelu(Nonlinearity):
    """The rectifier that learns its leak: y = x where x > 0, else a x, with one a for each feature of the last axis.

    Shapes: x (B, ..., I), alpha (I,). Gradients: da = Σ dy min(x, 0) over all rows; dx = dy where x > 0, else a dy.

    alpha_initializer: a name of cutedl.initializers or a function (out, generator).
    Raises UnknownNameError for a misspelt name, ShapeError at assemble for samples without an axis.
    Source: He, Zhang, Ren and Sun, 2015; torch.nn.PReLU(num_parameters=I), with the 0.25 of both as the start. In
    Keras alpha starts at 0 and has an entry for every position unless axes are shared.

    >>> from cutedl.model import Model
    >>> model = Model([PRelu()])
    >>> model.assemble(inshape=2)
    >>> print(model.predict([[1.0, -2.0]]))
    [[ 1.  -0.5]]
    """

    reads_output = False

    def __init__(self, alpha_initializer: str | Initializer = _QUARTER, name: str | None = None):
        super().__init__(name)
        self.alpha_initializer = initializers.get(alpha_initializer)

    def build(self, in_shape: Shape, arena: Arena) -> Shape:
        """Declare alpha (I,), and room for x, whose sign a learned slope would hide in y."""
        if not in_shape:
            raise ShapeError(
                f"{self.name} cannot take this input.",
                expected="(batch, ..., features)",
                received="(batch,)",
                hint="reshape x to (batch, 1).",
            )
        self.alpha = arena.parameter(f"{self.name}.alpha", in_shape[-1:], self.alpha_initializer)
        self._x = arena.buffer(in_shape)
        self._ones = arena.buffer((), fill=1.0)
        return super().build(in_shape, arena)

    def forward(self, x: NDArray[Any], out: NDArray[Any], training: bool) -> NDArray[Any]:
        if training:
            self._x.rows(len(x))[...] = x
        leak = np.minimum(x, 0, out=self._room(x, training))
        leak *= self.alpha.value
        np.maximum(x, 0, out=out)
        out += leak  # y = max(x, 0) + a min(x, 0)
        return out

    def backward(self, dy: NDArray[Any], out: NDArray[Any] | None) -> NDArray[Any] | None:
        x, scratch = self._x.rows(len(dy)), self._scratch.rows(len(dy))
        np.minimum(x, 0, out=scratch)
        scratch *= dy
        ones = self._ones.rows(len(rows(scratch)))
        sum_rows(rows(scratch), ones, out=self.alpha.gradient)  # da = Σ dy min(x, 0)
        if out is not None:
            np.greater(x, 0, out=scratch)
            np.less_equal(x, 0, out=out)
            out *= self.alpha.value
            out += scratch  # dx = dy ([x > 0] + a [x <= 0])
            out *= dy
        return out


class _ExponentialUnit(Nonlinearity):
    """y = scale x where x > 0, else bound (exp(x) - 1); dx = dy scale where y > 0, else dy (y + bound)."""

    _scale = 1.0
    _bound = 1.0

    def forward(self, x: NDArray[Any], out: NDArray[Any], training: bool) -> NDArray[Any]:
        tail = np.minimum(x, 0, out=self._room(x, training))
        np.expm1(tail, out=tail)
        tail *= self._bound
        np.maximum(x, 0, out=out)
        with np.errstate(over="ignore"):  # the largest floats times scale are infinite
            out *= self._scale
        out += tail
        if training:
            self._y = out
        return out

    def backward(self, dy: NDArray[Any], out: NDArray[Any] | None) -> NDArray[Any] | None:
        if out is not None:
            y, below = self._y, self._scratch.rows(len(dy))
            np.minimum(y, 0, out=below)
            below += self._bound
            np.less_equal(y, 0, out=out)
            below *= out
            np.greater(y, 0, out=out)
            out *= self._scale
            out += below  # dx = dy (scale [y > 0] + (y + bound) [y <= 0])
            out *= dy
        return out


class Elu(_ExponentialUnit):
    """The exponential linear unit: y = x where x > 0, else a (exp(x) - 1); dx = dy where y > 0, else dy (y + a).

    alpha: a, > 0: y stays above -a. Raises ArgumentError outside.
    Source: Clevert, Unterthiner and Hochreiter, 2016; keras.activations.elu and torch.nn.ELU.

    >>> from cutedl.model import Model
    >>> model = Model([Elu()])
    >>> model.assemble(inshape=3)
    >>> print(model.predict([[1.0, -1.0, -1e-9]]))
    [[ 1.0000000e+00 -6.3212055e-01 -9.9999997e-10]]
    """

    def __init__(self, alpha: float = 1.0, name: str | None = None):
        super().__init__(name)
        self.alpha = self._bound = checks.number("alpha", alpha, low=0, above=True)

    def __repr__(self) -> str:
        return f"Elu({self.alpha:g})"


class Selu(_ExponentialUnit):
    """The self-normalising unit: y = s x where x > 0, else s a (exp(x) - 1); dx = s dy where y > 0, else dy (y + s a).

    a = 1.6732632423543772 and s = 1.0507009873554805 keep mean 0 and variance 1 from layer to layer, given kernels
    from "lecun_normal". Source: Klambauer et al., 2017; keras.activations.selu and torch.nn.SELU.

    >>> from cutedl.model import Model
    >>> model = Model([Selu()])
    >>> model.assemble(inshape=2)
    >>> print(model.predict([[1.0, -1.0]]))
    [[ 1.050701  -1.1113307]]
    """

    _scale = 1.0507009873554805
    _bound = 1.0507009873554805 * 1.6732632423543772


class Softplus(Nonlinearity):
    """The smooth rectifier: y = log(1 + exp(x)), dx = dy σ(x) = dy (1 - exp(-y)).

    Source: Dugas et al., 2001; keras.activations.softplus and torch.nn.Softplus, which returns x itself above 20.

    >>> from cutedl.model import Model
    >>> model = Model([Softplus()])
    >>> model.assemble(inshape=3)
    >>> print(model.predict([[100.0, 0.0, -100.0]]))
    [[1.000000e+02 6.931472e-01 3.783506e-44]]
    """

    def forward(self, x: NDArray[Any], out: NDArray[Any], training: bool) -> NDArray[Any]:
        dlmath.softplus(x, out=out, scratch=self._room(x, training))
        if training:
            self._y = out
        return out

    def backward(self, dy: NDArray[Any], out: NDArray[Any] | None) -> NDArray[Any] | None:
        if out is not None:
            np.negative(self._y, out=out)
            np.expm1(out, out=out)
            np.negative(out, out=out)  # dx = dy (1 - exp(-y))
            out *= dy
        return out


@lru_cache(maxsize=64)
def _zeros(shape: tuple[int, ...], dtype: np.dtype[Any]) -> NDArray[Any]:
    return _ZEROS[dtype][: math.prod(shape)].reshape(shape)


def _positive_part(x: NDArray[Any], out: NDArray[Any]) -> None:
    """Write max(x, 0) into out."""
    if x.size <= _PIECE:
        np.maximum(x, _zeros(x.shape, out.dtype), out=out)
    elif x.flags.c_contiguous and out.flags.c_contiguous:
        flat, flat_out = x.reshape(-1), out.reshape(-1)
        for start in range(0, x.size, _PIECE):
            piece = slice(start, start + _PIECE)
            np.maximum(flat[piece], _ZEROS[out.dtype][: x.size - start], out=flat_out[piece])
    else:
        np.maximum(x, 0, out=out)
