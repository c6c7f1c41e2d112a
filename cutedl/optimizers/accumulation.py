"""Accumulation: the mean gradient of several batches, for a batch larger than memory."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cutedl import checks
from cutedl.aligned import aligned_zeros
from cutedl.arena import Arena, Table
from cutedl.errors import CheckpointMismatchError

__all__ = ["Accumulation"]


class Accumulation:
    """Σ g over `count` batches, and then its mean in the gradients' place.

    That is the gradient of one batch `count` times as large, if all have equally many samples.
    """

    def __init__(self, arena: Arena, count: int):
        self.arena, self.count, self.batches = arena, count, 0
        self.sum = aligned_zeros(arena.gradients.shape, arena.gradients.dtype)
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

    def state(self) -> dict[str, Any]:
        """Return copies of the sums so far."""
        return {
            "batches": self.batches,
            "sum": self.sum.copy(),
            "rows": {name: np.concatenate([rows for rows, _ in seen]) for name, seen in self._rows.items() if seen},
            "row_gradients": {name: np.concatenate([g for _, g in seen]) for name, seen in self._rows.items() if seen},
        }

    def restore(self, state: Any) -> None:
        """Take back what state() returned; raises CheckpointMismatchError for what does not fit this arena."""
        if not isinstance(state, Mapping):
            raise CheckpointMismatchError("the saved optimizer does not accumulate.", expected=f"{self.count} batches")
        checks.same_arrays("sums of gradients", {"sum": state["sum"]}, {"sum": self.sum.shape}, self.sum.dtype)
        batches = checks.integer("batches", state["batches"], low=0)
        rows, gradients = dict(state["rows"]), dict(state["row_gradients"])
        tables = {name: table for name, table in self.arena.tables.items() if name in rows}
        checks.same_arrays("rows of tables", rows, {name: (len(rows[name]),) for name in tables}, np.int64)
        shapes = {name: (len(rows[name]), table.shape[1]) for name, table in tables.items()}
        checks.same_arrays("gradients of tables", gradients, shapes, self.sum.dtype)
        inside = all(((rows[name] >= 0) & (rows[name] < table.shape[0])).all() for name, table in tables.items())
        if batches >= self.count or not inside:
            raise CheckpointMismatchError(
                "the saved sums of gradients cannot be continued.",
                expected=f"fewer than {self.count} batches, of rows that the tables have",
                received=f"{batches} batches",
            )
        self.batches = batches
        self.sum[...] = state["sum"]
        for name in tables:
            self._rows[name] = [(rows[name].astype(np.intp), np.array(gradients[name]))]

    def _collect(self, table: Table, seen: list[tuple[NDArray[np.intp], NDArray[Any]]]) -> None:
        rows, gradients = (np.concatenate(parts) for parts in zip(*seen, strict=True))
        table.collect(rows, gradients)
        table.row_gradients *= 1 / self.count
        seen.clear()
