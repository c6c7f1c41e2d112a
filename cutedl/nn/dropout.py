"""Dropout: training with a random part of the inputs switched off."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from cutedl import checks
from cutedl.nn.random_layer import RandomLayer

__all__ = ["Dropout"]


class Dropout(RandomLayer):
    """In training each input is 0 with probability rate, the others are scaled up; in evaluation y = x.

    y = x m, dx = dy m, with m = 1 / (1 - rate) where a draw u, uniform in [0, 1), is >= rate, else 0: the mean of y
    is x, so that evaluation needs no scaling (inverted dropout).

    rate: the share of inputs switched off, in [0, 1).
    The draws depend on (seed, layer name, epoch) alone.

    Raises ArgumentError for a rate outside its range. Source: Srivastava et al., "Dropout" (2014); equals
    keras.layers.Dropout and torch.nn.Dropout but for the draws.

    >>> from cutedl.model import Model
    >>> model = Model([Dropout(0.5)])
    >>> model.assemble(seed=0, inshape=6)
    >>> print(model.forward(np.ones((1, 6), "float32")), model.predict(np.ones((1, 6))))
    [[...]] [[1. 1. 1. 1. 1. 1.]]
    """

    def __init__(self, rate: float, name: str | None = None):
        super().__init__(name)
        self.rate = checks.number("rate", rate, low=0, high=1, below=True)

    def __repr__(self) -> str:
        return f"Dropout({self.rate:g})"

    def disturb(self, x: NDArray[Any], draws: NDArray[Any], out: NDArray[Any]) -> None:
        self._generator.random(dtype=draws.dtype, out=draws)
        np.greater_equal(draws, self.rate, out=draws)
        draws *= 1 / (1 - self.rate)  # m = [u >= rate] / (1 - rate)
        np.multiply(x, draws, out=out)

    def backward(self, dy: NDArray[Any], out: NDArray[Any] | None) -> NDArray[Any] | None:
        if out is not None:
            np.multiply(dy, self._draws.rows(len(dy)), out=out)
        return out
