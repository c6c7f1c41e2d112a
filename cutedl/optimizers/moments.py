"""Moments: what Adam and the rules named after it have in common."""

from __future__ import annotations

from typing import Unpack

from cutedl import checks
from cutedl.optimizers.base import Optimizer
from cutedl.optimizers.options import Keywords
from cutedl.optimizers.schedules import Rate

__all__ = ["Moments"]


class Moments(Optimizer):
    """Base of the rules that keep two vectors: m, the running mean of the gradient, and v or u, its running size.

    beta1, beta2: what a step leaves of the two, in [0, 1). epsilon: keeps the size from being 0, > 0.
    """

    slots = 2

    def __init__(self, learning_rate: Rate, beta1: float, beta2: float, epsilon: float, **options: Unpack[Keywords]):
        super().__init__(learning_rate, **options)
        self.beta1 = checks.number("beta1", beta1, low=0, high=1, below=True)
        self.beta2 = checks.number("beta2", beta2, low=0, high=1, below=True)
        self.epsilon = checks.number("epsilon", epsilon, low=0, above=True)

    @property
    def decays(self) -> tuple[float, ...]:
        """The moments fade by beta1 and beta2."""
        return self.beta1, self.beta2
