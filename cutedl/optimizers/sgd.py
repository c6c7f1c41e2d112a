"""SGD: plain gradient descent."""

from __future__ import annotations

from typing import Any

from numpy.typing import NDArray

from cutedl.optimizers.base import Optimizer

__all__ = ["SGD", "Fixed"]


class SGD(Optimizer):
    """Gradient descent on batches: w -= learning_rate g.

    learning_rate: step size, > 0. Also named Fixed. Equal to Keras' and PyTorch's SGD without momentum.

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

    def __init__(self, learning_rate: float = 0.01):
        super().__init__(learning_rate)

    def __repr__(self) -> str:
        return f"SGD(learning_rate={self.learning_rate:g})"

    def update(
        self, w: NDArray[Any], g: NDArray[Any], state: tuple[NDArray[Any], ...], factors: tuple[float, ...]
    ) -> None:
        (rate,) = factors
        g *= rate
        w -= g


Fixed = SGD
