"""Adam: steps scaled by the running moments of the gradient."""

from __future__ import annotations

import math
from typing import Any, Unpack

import numpy as np
from numpy.typing import NDArray

from cutedl.optimizers.base import Factors
from cutedl.optimizers.moments import Moments
from cutedl.optimizers.options import Keywords
from cutedl.optimizers.schedules import Rate

__all__ = ["Adam"]


class Adam(Moments):
    """Adaptive moments: w -= learning_rate m̂ / (√v̂ + epsilon).

    m̂ and v̂ are the bias-corrected running means of g and g². Kept here as sums, m = beta1 m + g and
    v = beta2 v + g², with the constants folded into the step: ten passes over the vectors instead of fourteen.

    learning_rate: step size, > 0, or a schedule. beta1, beta2: in [0, 1). epsilon: > 0, outside the root.
    Equal to PyTorch's Adam and to the paper (Kingma and Ba, 2015); Keras' epsilon is 1e-7 and stands before the bias
    correction.

    >>> from cutedl.arena import Arena
    >>> from cutedl.initializers import ones
    >>> arena, adam = Arena(), Adam(0.1)
    >>> w = arena.parameter("w", (2,), ones)
    >>> arena.allocate(seed=0, dtype="float64")
    >>> w.gradient[:] = 2.0, -300.0
    >>> adam.step(arena)
    >>> print(w.value)
    [0.9 1.1]
    """

    def __init__(
        self,
        learning_rate: Rate = 0.001,
        beta1: float = 0.9,
        beta2: float = 0.999,
        epsilon: float = 1e-8,
        **options: Unpack[Keywords],
    ):
        super().__init__(learning_rate, beta1, beta2, epsilon, **options)

    def factors(self, step: int, rate: float) -> tuple[float, ...]:
        """What the moments fade by, and the rate and epsilon that make the sums m and v into m̂ and v̂."""
        first = (1 - self.beta1) / (1 - self.beta1**step)  # m̂ = first m
        root = math.sqrt((1 - self.beta2) / (1 - self.beta2**step))  # √v̂ = root √v
        return self.beta1, self.beta2, rate * first / root, self.epsilon / root

    def update(self, w: NDArray[Any], g: NDArray[Any], state: tuple[NDArray[Any], ...], factors: Factors) -> None:
        (m, v), (beta1, beta2, rate, epsilon) = state, factors
        m *= beta1  # m = beta1 m + g
        m += g
        g *= g  # v = beta2 v + g²
        v *= beta2
        v += g
        np.sqrt(v, out=g)  # w -= rate m / (√v + epsilon)
        g += epsilon
        np.divide(m, g, out=g)
        g *= rate
        w -= g
