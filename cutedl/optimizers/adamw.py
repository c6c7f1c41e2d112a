"""AdamW: Adam with decoupled weight decay."""

from __future__ import annotations

from typing import Unpack

from cutedl.optimizers.adam import Adam
from cutedl.optimizers.options import Keywords
from cutedl.optimizers.schedules import Rate

__all__ = ["AdamW"]


class AdamW(Adam):
    """Adam after w -= learning_rate weight_decay w: the option weight_decay, on from the start.

    learning_rate: step size, > 0, or a schedule. beta1, beta2: in [0, 1). epsilon: > 0, outside the root.
    weight_decay: >= 0, of the parameters with two or more axes. Passes: 10, and 1 over what decays.
    Equal to PyTorch's AdamW, which decays biases and norms as well; Keras' default decay is 0.004, for its epsilon see
    Adam. Source: Loshchilov and Hutter, 2019.

    >>> from cutedl.arena import Arena
    >>> from cutedl.initializers import ones
    >>> arena, optimizer = Arena(), AdamW(0.1)
    >>> w = arena.parameter("w", (1, 2), ones)
    >>> arena.allocate(seed=0, dtype="float64")
    >>> for _ in range(2):
    ...     w.gradient[:] = 2.0, -300.0
    ...     optimizer.step(arena)
    >>> print(w.value)
    [[0.798101 1.197901]]
    """

    def __init__(
        self,
        learning_rate: Rate = 0.001,
        beta1: float = 0.9,
        beta2: float = 0.999,
        epsilon: float = 1e-8,
        **options: Unpack[Keywords],
    ):
        options.setdefault("weight_decay", 0.01)
        super().__init__(learning_rate, beta1, beta2, epsilon, **options)
