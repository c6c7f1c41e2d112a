"""Average: the running mean of the weights, which is often better than the last of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import numpy as np

from cutedl.aligned import aligned_zeros
from cutedl.arena import Arena
from cutedl.optimizers.blocks import Block

__all__ = ["Average"]


class Average:
    """mean = ema mean + (1 - ema) w, one term for each step; it starts at the first step's weights."""

    def __init__(self, arena: Arena, ema: float):
        self.arena, self.ema = arena, ema
        self.mean = aligned_zeros(arena.values.shape, arena.values.dtype)
        self.mean[...] = arena.values

    def add(self, blocks: Iterable[Block], step: int) -> None:
        """Take in the weights after a step, counted from 1; the gradients, used up by then, are the scratch."""
        share = 1 - self.ema if step > 1 else 1.0
        for place, w, g, *_ in blocks:
            mean = self.mean[place]
            np.subtract(w, mean, out=g)  # mean += (1 - ema) (w - mean)
            g *= share
            mean += g

    @contextmanager
    def in_place(self) -> Iterator[None]:
        """Put the mean in the weights' place, and the weights back afterwards."""
        weights = self.arena.values.copy()
        self.arena.values[...] = self.mean
        try:
            yield
        finally:
            self.arena.values[...] = weights
