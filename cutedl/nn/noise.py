"""GaussianNoise: training on inputs that are a little different each time."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from cutedl import checks
from cutedl.nn.random_layer import RandomLayer

__all__ = ["GaussianNoise"]


class GaussianNoise(RandomLayer):
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

    def __init__(self, stddev: float, name: str | None = None):
        super().__init__(name)
        self.stddev = checks.number("stddev", stddev, low=0)

    def __repr__(self) -> str:
        return f"GaussianNoise({self.stddev:g})"

    def disturb(self, x: NDArray[Any], draws: NDArray[Any], out: NDArray[Any]) -> None:
        self._generator.standard_normal(dtype=draws.dtype, out=draws)
        draws *= self.stddev
        np.add(x, draws, out=out)

    def backward(self, dy: NDArray[Any], out: NDArray[Any] | None) -> NDArray[Any] | None:
        if out is not None:
            out[...] = dy
        return out
