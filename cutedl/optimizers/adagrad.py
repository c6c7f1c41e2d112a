"""Adagrad: steps that shrink with the gradients seen."""

from __future__ import annotations

from typing import Any, Unpack

import numpy as np
from numpy.typing import NDArray

from cutedl import checks
from cutedl.optimizers.base import Factors, Optimizer
from cutedl.optimizers.options import Keywords
from cutedl.optimizers.schedules import Rate

__all__ = ["Adagrad"]


class Adagrad(Optimizer):
    """Adaptive gradient: s = s + g², w -= learning_rate g / (√s + epsilon).

    learning_rate: step size, > 0, or a schedule. initial_accumulator_value: what s starts from, >= 0.
    epsilon: > 0, outside the root. Passes: 7.
    Equal to PyTorch's Adagrad; Keras starts s from 0.1 and has epsilon 1e-7, inside the root.
    Source: Duchi, Hazan and Singer, 2011.

    >>> from cutedl.arena import Arena
    >>> from cutedl.initializers import ones
    >>> arena, optimizer = Arena(), Adagrad(0.1)
    >>> w = arena.parameter("w", (2,), ones)
    >>> arena.allocate(seed=0, dtype="float64")
    >>> for _ in range(2):
    ...     w.gradient[:] = 2.0, -300.0
    ...     optimizer.step(arena)
    >>> print(w.value)
    [0.82928932 1.17071068]
    """

    slots = 1

    def __init__(
        self,
        learning_rate: Rate = 0.01,
        initial_accumulator_value: float = 0.0,
        epsilon: float = 1e-10,
        **options: Unpack[Keywords],
    ):
        super().__init__(learning_rate, **options)
        self.initial_accumulator_value = checks.number("initial_accumulator_value", initial_accumulator_value, low=0)
        self.epsilon = checks.number("epsilon", epsilon, low=0, above=True)

    @property
    def initial_state(self) -> tuple[float, ...]:
        """The sum starts where the user says."""
        return (self.initial_accumulator_value,)

    def update(self, w: NDArray[Any], g: NDArray[Any], state: tuple[NDArray[Any], ...], factors: Factors) -> None:
        (s,), (rate,) = state, factors
        root = self.scratch(g)
        np.square(g, out=root)  # s += g²
        s += root
        np.sqrt(s, out=root)  # w -= rate g / (√s + epsilon)
        root += self.epsilon
        g /= root
        g *= rate
        w -= g
