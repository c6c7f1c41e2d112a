"""Momentum: gradient descent that keeps its direction."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from cutedl import checks
from cutedl.optimizers.base import Optimizer

__all__ = ["Momentum"]


class Momentum(Optimizer):
    """The heavy ball: v = momentum v + g, w -= learning_rate v.

    learning_rate: step size, > 0. momentum: in [0, 1). As PyTorch's SGD(momentum=): a new learning rate acts on the
    whole velocity at once (Keras keeps the rate inside the velocity; the same while the rate is constant).
    Source: Polyak, 1964.

    >>> from cutedl.arena import Arena
    >>> from cutedl.initializers import ones
    >>> arena, momentum = Arena(), Momentum(0.1, momentum=0.5)
    >>> w = arena.parameter("w", (1,), ones)
    >>> arena.allocate(seed=0, dtype="float64")
    >>> for _ in range(2):
    ...     w.gradient[:] = 2.0
    ...     momentum.step(arena)
    >>> print(w.value)
    [0.5]
    """

    slots = 1

    def __init__(self, learning_rate: float = 0.01, momentum: float = 0.9):
        super().__init__(learning_rate)
        self.momentum = checks.number("momentum", momentum, low=0, high=1, below=True)

    def __repr__(self) -> str:
        return f"Momentum(learning_rate={self.learning_rate:g}, momentum={self.momentum:g})"

    @property
    def decays(self) -> tuple[float, ...]:
        """The velocity fades by momentum."""
        return (self.momentum,)

    def update(
        self, w: NDArray[Any], g: NDArray[Any], state: tuple[NDArray[Any], ...], factors: tuple[float, ...]
    ) -> None:
        (v,), (rate,) = state, factors
        v *= self.momentum  # v = momentum v + g
        v += g
        np.multiply(v, rate, out=g)  # w -= rate v
        w -= g
