"""Accumulation: the mean gradient of several batches, for a batch larger than memory."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from cutedl.arena import Arena, Table

__all__ = ["Accumulation"]


class Accumulation:
    """Σ g over `count` batches, and then its mean in the gradients' place.

    That is the gradient of one batch `count` times as large, if all have equally many samples.
    """

    def __init__(self, arena: Arena, count: int):
        self.arena, self.count, self.batches = arena, count, 0
        self.sum = np.zeros_like(arena.gradients)
        self._rows: dict[str, list[tuple[NDArray[np.intp], NDArray[Any]]]] = {name: [] for name in arena.tables}

    def add(self) -> bool:
        """Take in the gradients of a batch; with the last one, leave the mean in their place and return True."""
        self.sum += self.arena.gradients
        for name, table in self.arena.tables.items():
            self._rows[name].append((table.rows, table.row_gradients.copy()))
        self.batches += 1
        if self.batches < self.count:
            return False
        np.multiply(self.sum, 1 / self.count, out=self.arena.gradients)
        for name, table in self.arena.tables.items():
            self._collect(table, self._rows[name])
        self.sum.fill(0)
        self.batches = 0
        return True

    def _collect(self, table: Table, seen: list[tuple[NDArray[np.intp], NDArray[Any]]]) -> None:
        rows, gradients = (np.concatenate(parts) for parts in zip(*seen, strict=True))
        table.collect(rows, gradients)
        table.row_gradients *= 1 / self.count
        seen.clear()
