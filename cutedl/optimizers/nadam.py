"""Nadam: Adam with Nesterov's look ahead."""

from __future__ import annotations

import math
from typing import Any, Unpack

import numpy as np
from numpy.typing import NDArray

from cutedl import checks
from cutedl.optimizers.base import Factors
from cutedl.optimizers.moments import Moments
from cutedl.optimizers.options import Keywords
from cutedl.optimizers.schedules import Rate

__all__ = ["Nadam"]


class Nadam(Moments):
    """Adam along the gradient to come: w -= learning_rate (a g + b m) / (√v̂ + epsilon).

    mu(t) = beta1 (1 - 0.96^(t momentum_decay) / 2) warms the momentum up; with P(t) = mu(1) ... mu(t),
    a = (1 - mu(t)) / (1 - P(t)) and b = mu(t + 1) / (1 - P(t + 1)); m and v are the running means of g and g².

    learning_rate: step size, > 0, or a schedule. beta1: in (0, 1). beta2: in [0, 1). epsilon: > 0, outside the root.
    momentum_decay: >= 0. Passes: 12.
    Equal to PyTorch's NAdam; Keras has a learning rate of 0.001, epsilon 1e-7 and momentum_decay 1.
    Source: Dozat, 2016.

    >>> from cutedl.arena import Arena
    >>> from cutedl.initializers import ones
    >>> arena, optimizer = Arena(), Nadam(0.1)
    >>> w = arena.parameter("w", (2,), ones)
    >>> arena.allocate(seed=0, dtype="float64")
    >>> for _ in range(2):
    ...     w.gradient[:] = 2.0, -300.0
    ...     optimizer.step(arena)
    >>> print(w.value)
    [0.81598639 1.18401361]
    """

    def __init__(
        self,
        learning_rate: Rate = 0.002,
        beta1: float = 0.9,
        beta2: float = 0.999,
        epsilon: float = 1e-8,
        momentum_decay: float = 0.004,
        **options: Unpack[Keywords],
    ):
        checks.number("beta1", beta1, low=0, high=1, above=True, below=True)  # 0 would make b 0
        super().__init__(learning_rate, beta1, beta2, epsilon, **options)
        self.momentum_decay = checks.number("momentum_decay", momentum_decay, low=0)
        self._at, self._product = 0, 1.0

    def factors(self, step: int, rate: float) -> tuple[float, ...]:
        """a / b, the rate and epsilon, as the sums m and v need them."""
        product, ahead = self._product_to(step), self._mu(step + 1)
        a = (1 - self._mu(step)) / (1 - product)
        b = ahead / (1 - product * ahead) * (1 - self.beta1)
        root = math.sqrt((1 - self.beta2) / (1 - self.beta2**step))
        return a / b, rate * b / root, self.epsilon / root

    def _mu(self, step: int) -> float:
        return self.beta1 * (1 - math.pow(0.96, step * self.momentum_decay) / 2)

    def _product_to(self, step: int) -> float:
        """mu(1) ... mu(step), carried on from the last call."""
        if step < self._at:
            self._at, self._product = 0, 1.0
        while self._at < step and self._product:  # 0 is its limit, reached after some thousand steps
            self._at += 1
            self._product *= self._mu(self._at)
        return self._product

    def update(self, w: NDArray[Any], g: NDArray[Any], state: tuple[NDArray[Any], ...], factors: Factors) -> None:
        (m, v), (ratio, rate, epsilon) = state, factors
        root = self.scratch(g)
        m *= self.beta1  # m = beta1 m + g
        m += g
        np.square(g, out=root)  # v = beta2 v + g²
        v *= self.beta2
        v += root
        np.sqrt(v, out=root)
        root += epsilon
        g *= ratio  # w -= rate (ratio g + m) / (√v + epsilon)
        g += m
        g /= root
        g *= rate
        w -= g
