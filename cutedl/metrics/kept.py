"""Kept: arrays of all batches, for what cannot be summed."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from cutedl.errors import ShapeError

__all__ = ["Kept"]


class Kept:
    """Copies of the arrays of all batches, which `array` puts one after the other.

    >>> kept = Kept()
    >>> kept.add(np.array([1, 2]))
    >>> kept.add(np.array([3]))
    >>> kept
    Kept(3 rows)
    >>> kept.array()
    array([1, 2, 3])
    """

    def __init__(self) -> None:
        self._pieces: list[NDArray[Any]] = []

    def __len__(self) -> int:
        return sum(map(len, self._pieces))

    def __repr__(self) -> str:
        return f"Kept({len(self)} rows)"

    def add(self, piece: NDArray[Any]) -> None:
        """Keep a copy of a batch; ShapeError if its rows have not the shape of those before."""
        if self._pieces and piece.shape[1:] != self._pieces[0].shape[1:]:
            raise ShapeError(
                "the rows of a batch have another shape than those before.",
                expected=f"rows of shape {self._pieces[0].shape[1:]}",
                received=f"rows of shape {piece.shape[1:]}",
            )
        self._pieces.append(piece.copy())

    def array(self) -> NDArray[Any]:
        """Return all rows; (0,) when there are none."""
        if not self._pieces:
            return np.empty(0)
        if len(self._pieces) > 1:
            self._pieces = [np.concatenate(self._pieces)]
        return self._pieces[0]

    def state(self) -> dict[str, Any]:
        """Return all rows, as a copy."""
        return {"rows": self.array().copy()} if self._pieces else {}

    def restore(self, state: dict[str, Any]) -> None:
        """Take back what `state` returned."""
        self._pieces = [np.array(state["rows"])] if state else []

    def merge(self, state: dict[str, Any]) -> None:
        """Add the rows that `state` returned elsewhere."""
        if state:
            self.add(state["rows"])
