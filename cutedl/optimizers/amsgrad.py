"""AMSGrad: Adam whose steps cannot grow again."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from cutedl.optimizers.adam import Adam
from cutedl.optimizers.base import Factors

__all__ = ["AMSGrad"]


class AMSGrad(Adam):
    """Adam with the largest v so far under the root: u = max(u, v), w -= learning_rate m̂ / (√û + epsilon).

    learning_rate: step size, > 0, or a schedule. beta1, beta2: in [0, 1). epsilon: > 0, outside the root. Passes: 11.
    Equal to PyTorch's Adam(amsgrad=True), which corrects the bias after the maximum, and to Keras' but for epsilon;
    see Adam. Source: Reddi, Kale and Kumar, 2018.

    >>> from cutedl.arena import Arena
    >>> from cutedl.initializers import ones
    >>> arena, optimizer = Arena(), AMSGrad(0.1)
    >>> w = arena.parameter("w", (2,), ones)
    >>> arena.allocate(seed=0, dtype="float64")
    >>> for _ in range(2):
    ...     w.gradient[:] = 2.0, -300.0
    ...     optimizer.step(arena)
    >>> print(w.value)
    [0.8 1.2]
    """

    slots = 3

    def update(self, w: NDArray[Any], g: NDArray[Any], state: tuple[NDArray[Any], ...], factors: Factors) -> None:
        (m, v, u), (beta1, beta2, rate, epsilon) = state, factors
        m *= beta1  # m = beta1 m + g
        m += g
        g *= g  # v = beta2 v + g²
        v *= beta2
        v += g
        np.maximum(u, v, out=u)
        np.sqrt(u, out=g)  # w -= rate m / (√u + epsilon)
        g += epsilon
        np.divide(m, g, out=g)
        g *= rate
        w -= g
