"""GaussianNoise: training on inputs that are a little different each time."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from cutedl import checks
from cutedl.arena import Arena
from cutedl.nn.layer import Layer, Shape

__all__ = ["GaussianNoise"]


class GaussianNoise(Layer):
    """In training y = x + stddev n, n drawn from the normal distribution; in evaluation y = x. dx = dy.

    stddev: standard deviation of the noise, in the units of x, >= 0.
    The draws depend on (seed, layer name, epoch) alone.

    Raises ArgumentError for a stddev below 0. Source: Bishop, "Training with noise is equivalent to Tikhonov
    regularization" (1995); equals keras.layers.GaussianNoise but for the draws.

    >>> from cutedl.model import Model
    >>> model = Model([GaussianNoise(0.1)])
    >>> model.assemble(seed=0, inshape=10_000)
    >>> print(f"{model.forward(np.zeros((1, 10_000), 'float32')).std():.2f}")
    0.10
    """

    inplace = True

    def __init__(self, stddev: float, name: str | None = None):
        super().__init__(name)
        self.stddev = checks.number("stddev", stddev, low=0)

    def __repr__(self) -> str:
        return f"GaussianNoise({self.stddev:g})"

    def build(self, in_shape: Shape, arena: Arena) -> Shape:
        """Declare room for the noise and the stream it is drawn from."""
        self._noise = arena.buffer(in_shape)
        self._generator = arena.generator(str(self.name))
        return in_shape

    def flops(self, in_shape: Shape, out_shape: Shape) -> int:
        """None: in evaluation y = x."""
        return 0

    def forward(self, x: NDArray[Any], out: NDArray[Any], training: bool) -> NDArray[Any]:
        if not training:
            if out is not x:
                out[...] = x
            return out
        noise = self._noise.rows(len(x))
        self._generator.standard_normal(dtype=noise.dtype, out=noise)
        noise *= self.stddev
        np.add(x, noise, out=out)
        return out

    def backward(self, dy: NDArray[Any], out: NDArray[Any] | None) -> NDArray[Any] | None:
        if out is not None:
            out[...] = dy
        return out
