"""SGD: gradient descent, plain or with momentum."""

from __future__ import annotations

from typing import Any, Unpack

import numpy as np
from numpy.typing import NDArray

from cutedl import checks
from cutedl.errors import ArgumentError
from cutedl.optimizers.base import Factors, Optimizer
from cutedl.optimizers.options import Keywords
from cutedl.optimizers.schedules import Rate

__all__ = ["SGD", "Fixed"]


class SGD(Optimizer):
    """Gradient descent on batches: w -= learning_rate g; with momentum v = momentum v + g, w -= learning_rate v.

    Nesterov's variant steps along g + momentum v instead of v, where the momentum will carry the weights next.

    learning_rate: step size, > 0, or a schedule. momentum: in [0, 1). nesterov: needs a momentum. Also named Fixed.
    Passes: 2, with momentum 4, with nesterov 5.
    Equal to PyTorch's SGD: a new learning rate acts on the whole velocity at once (Keras keeps the rate inside the
    velocity; the same while the rate is constant). Source: Polyak, 1964; Nesterov, 1983.

    >>> from cutedl.arena import Arena
    >>> from cutedl.initializers import ones
    >>> arena = Arena()
    >>> w = arena.parameter("w", (1,), ones)
    >>> arena.allocate(seed=0, dtype="float64")
    >>> w.gradient[:] = 2.0
    >>> SGD(0.1).step(arena)
    >>> print(w.value)
    [0.8]
    """

    def __init__(
        self, learning_rate: Rate = 0.01, momentum: float = 0.0, nesterov: bool = False, **options: Unpack[Keywords]
    ):
        super().__init__(learning_rate, **options)
        self.momentum = checks.number("momentum", momentum, low=0, high=1, below=True)
        self.nesterov = checks.flag("nesterov", nesterov)
        if self.nesterov and not self.momentum:
            raise ArgumentError("nesterov=True needs a momentum.", expected="momentum > 0", received="momentum=0")
        self.slots = 1 if self.momentum else 0

    @property
    def decays(self) -> tuple[float, ...]:
        """The velocity fades by momentum."""
        return (self.momentum,) if self.momentum else ()

    def update(self, w: NDArray[Any], g: NDArray[Any], state: tuple[NDArray[Any], ...], factors: Factors) -> None:
        (rate,) = factors
        if not self.momentum:
            g *= rate
        elif self.nesterov:
            (v,) = state
            v += g  # v = momentum (v + g) is the velocity times momentum: the step is g + v
            v *= self.momentum
            g += v
            g *= rate
        else:
            (v,) = state
            v *= self.momentum  # v = momentum v + g
            v += g
            np.multiply(v, rate, out=g)
        w -= g


Fixed = SGD
