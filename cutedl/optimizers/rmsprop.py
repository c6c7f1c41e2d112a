"""RMSProp: steps scaled by the running size of the gradient."""

from __future__ import annotations

import math
from typing import Any, Unpack

import numpy as np
from numpy.typing import NDArray

from cutedl import checks
from cutedl.optimizers.base import Factors, Optimizer
from cutedl.optimizers.options import Keywords
from cutedl.optimizers.schedules import Rate

__all__ = ["RMSProp"]


class RMSProp(Optimizer):
    """Root mean square: v = rho v + (1 - rho) g², w -= learning_rate g / (√v + epsilon).

    centered: v less the square of the running mean of g, its variance, stands under the root. momentum: the step is
    b = momentum b + g / (√v + epsilon), w -= learning_rate b. All means are kept as sums, the constants folded into
    the step, as Adam does.

    learning_rate: step size, > 0, or a schedule. rho, momentum: in [0, 1). epsilon: > 0, outside the root.
    Passes: 8, with centered 6 more, with momentum 2 more.
    Equal to PyTorch's RMSprop (rho is its alpha); Keras has rho 0.9 and epsilon 1e-7, inside the root.
    Source: Tieleman and Hinton, 2012; centered: Graves, 2013.

    >>> from cutedl.arena import Arena
    >>> from cutedl.initializers import ones
    >>> arena, optimizer = Arena(), RMSProp(0.1)
    >>> w = arena.parameter("w", (2,), ones)
    >>> arena.allocate(seed=0, dtype="float64")
    >>> for _ in range(2):
    ...     w.gradient[:] = 2.0, -300.0
    ...     optimizer.step(arena)
    >>> print(w.value)
    [-0.70888113  2.7088812 ]
    """

    def __init__(
        self,
        learning_rate: Rate = 0.01,
        rho: float = 0.99,
        momentum: float = 0.0,
        epsilon: float = 1e-8,
        centered: bool = False,
        **options: Unpack[Keywords],
    ):
        super().__init__(learning_rate, **options)
        self.rho = checks.number("rho", rho, low=0, high=1, below=True)
        self.momentum = checks.number("momentum", momentum, low=0, high=1, below=True)
        self.epsilon = checks.number("epsilon", epsilon, low=0, above=True)
        self.centered = checks.flag("centered", centered)
        self.slots = 1 + (self.momentum > 0) + self.centered

    @property
    def decays(self) -> tuple[float, ...]:
        """The means fade by rho, the velocity by momentum."""
        return self.rho, self.momentum

    def factors(self, step: int, rate: float) -> tuple[float, ...]:
        """The rate and epsilon that make the sum v into its mean."""
        root = math.sqrt(1 - self.rho)  # √(mean of g²) = root √v
        return rate / root, self.epsilon / root

    def update(self, w: NDArray[Any], g: NDArray[Any], state: tuple[NDArray[Any], ...], factors: Factors) -> None:
        v, *others = state
        rate, epsilon = factors
        root = self.scratch(g)
        np.square(g, out=root)  # v = rho v + g²
        v *= self.rho
        v += root
        if self.centered:
            self._variance(v, others.pop(), g, root)
            np.sqrt(root, out=root)
        else:
            np.sqrt(v, out=root)
        root += epsilon  # g = g / (√v + epsilon)
        g /= root
        if self.momentum:
            (b,) = others
            b *= self.momentum  # b = momentum b + g
            b += g
            np.multiply(b, rate, out=g)
        else:
            g *= rate
        w -= g

    def _variance(self, v: NDArray[Any], a: NDArray[Any], g: NDArray[Any], out: NDArray[Any]) -> None:
        """a = rho a + g; out = |v - (1 - rho) a²|, which only rounding makes negative."""
        a *= self.rho
        a += g
        np.square(a, out=out)
        out *= 1 - self.rho
        np.subtract(v, out, out=out)
        np.abs(out, out=out)
