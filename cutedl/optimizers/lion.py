"""Lion: the sign of the momentum."""

from __future__ import annotations

from typing import Any, Unpack

import numpy as np
from numpy.typing import NDArray

from cutedl import checks
from cutedl.optimizers.base import Factors, Optimizer
from cutedl.optimizers.options import Keywords
from cutedl.optimizers.schedules import Rate

__all__ = ["Lion"]

# np.sign costs ten passes. Clipped to this power of two, numbers are its sign times it; only what is smaller still, far
# below any gradient of use, takes a smaller step.
_SMALL = 2.0**-100


class Lion(Optimizer):
    """Evolved sign momentum: w -= learning_rate sign(beta1 m + (1 - beta1) g), then m = beta2 m + (1 - beta2) g.

    Every weight moves by the learning rate, or not at all; its rate wants to be 3 to 10 times below Adam's. m is kept
    as a sum; a sign needs no constants but the ratio of the two.

    learning_rate: step size, > 0, or a schedule. beta1, beta2: in [0, 1). Passes: 7.
    Equal to Keras' Lion (PyTorch has none), with the paper's default rate. Source: Chen et al., 2023.

    >>> from cutedl.arena import Arena
    >>> from cutedl.initializers import ones
    >>> arena, optimizer = Arena(), Lion(0.1)
    >>> w = arena.parameter("w", (2,), ones)
    >>> arena.allocate(seed=0, dtype="float64")
    >>> for _ in range(2):
    ...     w.gradient[:] = 2.0, -300.0
    ...     optimizer.step(arena)
    >>> print(w.value)
    [0.8 1.2]
    """

    slots = 1

    def __init__(
        self, learning_rate: Rate = 0.0001, beta1: float = 0.9, beta2: float = 0.99, **options: Unpack[Keywords]
    ):
        super().__init__(learning_rate, **options)
        self.beta1 = checks.number("beta1", beta1, low=0, high=1, below=True)
        self.beta2 = checks.number("beta2", beta2, low=0, high=1, below=True)

    @property
    def decays(self) -> tuple[float, ...]:
        """The momentum fades by beta2."""
        return (self.beta2,)

    def factors(self, step: int, rate: float) -> tuple[float, ...]:
        """The rate, and what the sum m weighs against g."""
        return rate, self.beta1 * (1 - self.beta2) / (1 - self.beta1)

    def update(self, w: NDArray[Any], g: NDArray[Any], state: tuple[NDArray[Any], ...], factors: Factors) -> None:
        (m,), (rate, weight) = state, factors
        direction = self.scratch(g)
        np.multiply(m, weight, out=direction)  # w -= rate sign(weight m + g)
        direction += g
        np.clip(direction, -_SMALL, _SMALL, out=direction)
        direction *= rate / _SMALL
        w -= direction
        m *= self.beta2  # m = beta2 m + g
        m += g
