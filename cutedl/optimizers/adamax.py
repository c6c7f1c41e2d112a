"""Adamax: Adam with the largest gradient as its scale."""

from __future__ import annotations

from typing import Any, Unpack

import numpy as np
from numpy.typing import NDArray

from cutedl.optimizers.base import Factors
from cutedl.optimizers.moments import Moments
from cutedl.optimizers.options import Keywords
from cutedl.optimizers.schedules import Rate

__all__ = ["Adamax"]


class Adamax(Moments):
    """Adam in the infinity norm: u = max(beta2 u, |g| + epsilon), w -= learning_rate m̂ / u.

    learning_rate: step size, > 0, or a schedule. beta1, beta2: in [0, 1). epsilon: > 0. Passes: 9.
    Equal to PyTorch's Adamax; Keras has a learning rate of 0.001 and adds its epsilon, 1e-7, to u after the maximum.
    Source: Kingma and Ba, 2015, section 7.1.

    >>> from cutedl.arena import Arena
    >>> from cutedl.initializers import ones
    >>> arena, optimizer = Arena(), Adamax(0.1)
    >>> w = arena.parameter("w", (2,), ones)
    >>> arena.allocate(seed=0, dtype="float64")
    >>> for _ in range(2):
    ...     w.gradient[:] = 2.0, -300.0
    ...     optimizer.step(arena)
    >>> print(w.value)
    [0.8 1.2]
    """

    def __init__(
        self,
        learning_rate: Rate = 0.002,
        beta1: float = 0.9,
        beta2: float = 0.999,
        epsilon: float = 1e-8,
        **options: Unpack[Keywords],
    ):
        super().__init__(learning_rate, beta1, beta2, epsilon, **options)

    @property
    def decays(self) -> tuple[float, ...]:
        """The mean fades by beta1; u never falls below epsilon."""
        return (self.beta1,)

    def factors(self, step: int, rate: float) -> tuple[float, ...]:
        """The rate that makes the sum m into m̂."""
        return (rate * (1 - self.beta1) / (1 - self.beta1**step),)

    def update(self, w: NDArray[Any], g: NDArray[Any], state: tuple[NDArray[Any], ...], factors: Factors) -> None:
        (m, u), (rate,) = state, factors
        m *= self.beta1  # m = beta1 m + g
        m += g
        np.abs(g, out=g)  # u = max(beta2 u, |g| + epsilon)
        g += self.epsilon
        u *= self.beta2
        np.maximum(u, g, out=u)
        np.divide(m, u, out=g)  # w -= rate m / u
        g *= rate
        w -= g
