"""Optimizer: what all rules share, the walk over the arena's two flat vectors in blocks that stay in cache."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from cutedl import checks
from cutedl.arena import Arena, Table

__all__ = ["Optimizer"]

# One block of w, g and two state vectors in float32 is 1 MiB or 2 MiB: what a core's second-level cache holds.
_BLOCK = 1 << 16
_ONE_BLOCK = 1 << 17

# State that no gradient feeds fades into subnormal numbers, which make arithmetic many times slower. Whatever is
# nearer than this factor to the smallest normal number is set to 0, often enough that nothing can cross the gap.
_GAP = 1e13
_FLUSH_EVERY = 64


class Optimizer(ABC):
    """A rule that turns gradients into steps.

    A rule is written once, for 1-D slices, in place: see `update`. The gradient is its scratch: after a step the
    gradients are used up.

    slots: how many state vectors the rule keeps, rows of one (slots, N) array.
    learning_rate: step size, > 0; may be changed between steps.
    steps: how many steps were made.
    """

    slots: ClassVar[int] = 0

    def __init__(self, learning_rate: float):
        self.learning_rate = learning_rate
        self.steps = 0
        self.state: NDArray[Any] = np.empty((self.slots, 0))
        self._arena: Arena | None = None

    @property
    def learning_rate(self) -> float:
        """Step size, > 0."""
        return self._learning_rate

    @learning_rate.setter
    def learning_rate(self, value: float) -> None:
        self._learning_rate = checks.number("learning_rate", value, low=0, above=True)

    @property
    def decays(self) -> tuple[float, ...]:
        """The factors by which state fades in a step without gradient."""
        return ()

    def factors(self, step: int) -> tuple[float, ...]:
        """The numbers of this step, the same for all blocks; step counts from 1."""
        return (self.learning_rate,)

    @abstractmethod
    def update(
        self, w: NDArray[Any], g: NDArray[Any], state: tuple[NDArray[Any], ...], factors: tuple[float, ...]
    ) -> None:
        """Apply the rule to one block: parameters w, gradients g and state, 1-D slices, all in place."""

    def step(self, arena: Arena) -> None:
        """Make one step on all parameters of a model."""
        if arena is not self._arena:
            self._bind(arena)
        self.steps += 1
        factors = self.factors(self.steps)
        for w, g, state in self._blocks:
            self.update(w, g, state, factors)
        for table in arena.tables.values():
            self._step_rows(table, factors)
        if self.slots and self.steps % self._flush_every == 0:
            self._flush()

    def _bind(self, arena: Arena) -> None:
        w, g = arena.values, arena.gradients
        self._arena, self.steps = arena, 0
        self.state = np.zeros((self.slots, w.size), w.dtype)
        size = max(1, w.size) if w.size <= _ONE_BLOCK else _BLOCK
        places = [slice(start, start + size) for start in range(0, w.size, size)]
        self._blocks = [(w[place], g[place], tuple(slot[place] for slot in self.state)) for place in places]
        self._table_state: dict[str, NDArray[Any]] = {}
        self._flush_every = min([_FLUSH_EVERY, *(_steps_to_fade(decay) for decay in self.decays)])

    def _step_rows(self, table: Table, factors: tuple[float, ...]) -> None:
        """Apply the rule to the rows of the last backward alone; the state of the others does not fade meanwhile."""
        if table.name not in self._table_state:
            self._table_state[table.name] = np.zeros((self.slots, *table.shape), table.values.dtype)
        rows, slots = table.rows, self._table_state[table.name]
        w, state = table.values[rows], [slot[rows] for slot in slots]
        flat = tuple(part.reshape(-1) for part in state)
        self.update(w.reshape(-1), table.row_gradients.reshape(-1), flat, factors)
        table.values[rows] = w
        for slot, part in zip(slots, state, strict=True):
            slot[rows] = part

    def _flush(self) -> None:
        threshold = float(np.finfo(self.state.dtype).tiny) * _GAP
        for _, scratch, state in self._blocks:
            for slot in state:
                np.abs(slot, out=scratch)
                np.greater_equal(scratch, threshold, out=scratch)
                slot *= scratch


def _steps_to_fade(decay: float) -> int:
    """Steps in which state just above the gap stays normal."""
    return max(1, int(math.log(_GAP) / -math.log(decay))) if 0 < decay < 1 else _FLUSH_EVERY
