"""Adadelta: steps as long as the steps before, whatever the unit of the gradient."""

from __future__ import annotations

from typing import Any, Unpack

import numpy as np
from numpy.typing import NDArray

from cutedl import checks
from cutedl.optimizers.base import Factors, Optimizer
from cutedl.optimizers.options import Keywords
from cutedl.optimizers.schedules import Rate

__all__ = ["Adadelta"]


class Adadelta(Optimizer):
    """Adaptive delta: δ = √(d + epsilon) / √(s + epsilon) g, w -= learning_rate δ.

    s and d are the running means of g² and δ². Both are kept as sums with epsilon in them, s = rho s + g² + epsilon:
    the ratio, all that counts, is the same.

    learning_rate: > 0, or a schedule. rho: in [0, 1). epsilon: > 0, inside the roots. Passes: 13.
    Equal to PyTorch's Adadelta; Keras has a learning rate of 0.001, rho 0.95 and epsilon 1e-7. Source: Zeiler, 2012.

    >>> from cutedl.arena import Arena
    >>> from cutedl.initializers import ones
    >>> arena, optimizer = Arena(), Adadelta(0.1)
    >>> w = arena.parameter("w", (2,), ones)
    >>> arena.allocate(seed=0, dtype="float64")
    >>> for _ in range(2):
    ...     w.gradient[:] = 2.0, -300.0
    ...     optimizer.step(arena)
    >>> print(w.value)
    [0.99935933 1.00064067]
    """

    slots = 2

    def __init__(self, learning_rate: Rate = 1.0, rho: float = 0.9, epsilon: float = 1e-6, **options: Unpack[Keywords]):
        super().__init__(learning_rate, **options)
        self.rho = checks.number("rho", rho, low=0, high=1, below=True)
        self.epsilon = checks.number("epsilon", epsilon, low=0, above=True)

    @property
    def initial_state(self) -> tuple[float, ...]:
        """What the sums hold of epsilon alone: epsilon (1 + rho + rho² + ...)."""
        return (self.epsilon / (1 - self.rho),) * 2

    def update(self, w: NDArray[Any], g: NDArray[Any], state: tuple[NDArray[Any], ...], factors: Factors) -> None:
        (s, d), (rate,) = state, factors
        ratio = self.scratch(g)
        np.square(g, out=ratio)
        self._add(s, ratio)
        np.divide(d, s, out=ratio)  # g = δ = √(d / s) g
        np.sqrt(ratio, out=ratio)
        g *= ratio
        np.square(g, out=ratio)
        self._add(d, ratio)
        g *= rate
        w -= g

    def _add(self, total: NDArray[Any], square: NDArray[Any]) -> None:
        """Total = rho total + square + epsilon."""
        total *= self.rho
        total += square
        total += self.epsilon
