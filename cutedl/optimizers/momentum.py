"""Momentum: gradient descent that keeps its direction."""

from __future__ import annotations

from typing import Unpack

from cutedl.optimizers.options import Keywords
from cutedl.optimizers.schedules import Rate
from cutedl.optimizers.sgd import SGD

__all__ = ["Momentum"]


class Momentum(SGD):
    """The heavy ball: v = momentum v + g, w -= learning_rate v. SGD with a momentum of 0.9.

    learning_rate: step size, > 0, or a schedule. momentum: in [0, 1). nesterov: step along g + momentum v.
    Passes: 4, with nesterov 5. Equal to PyTorch's SGD(momentum=); see SGD. Source: Polyak, 1964.

    >>> from cutedl.arena import Arena
    >>> from cutedl.initializers import ones
    >>> arena, optimizer = Arena(), Momentum(0.1, momentum=0.5)
    >>> w = arena.parameter("w", (2,), ones)
    >>> arena.allocate(seed=0, dtype="float64")
    >>> for _ in range(2):
    ...     w.gradient[:] = 2.0, -300.0
    ...     optimizer.step(arena)
    >>> print(w.value)
    [ 0.5 76. ]
    """

    def __init__(
        self, learning_rate: Rate = 0.01, momentum: float = 0.9, nesterov: bool = False, **options: Unpack[Keywords]
    ):
        super().__init__(learning_rate, momentum, nesterov, **options)
