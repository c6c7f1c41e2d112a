"""Peer: what every library is asked to do."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any

from numpy.typing import NDArray

if TYPE_CHECKING:
    from benchmarks.data import Data
    from benchmarks.works import Work

__all__ = ["Peer"]


class Peer(ABC):
    """One network of one library, on the data of one work; built with as many threads as all others have."""

    @abstractmethod
    def __init__(self, work: Work, data: Data, threads: int) -> None: ...

    @abstractmethod
    def epoch(self) -> None:
        """Train one epoch in a new order; return when all of it is computed."""

    @abstractmethod
    def predict(self, x: NDArray[Any]) -> NDArray[Any]:
        """Return the outputs for float32 rows, as a NumPy array, in the way that is fastest for so many rows."""

    @abstractmethod
    def facts(self) -> dict[str, str]:
        """Return versions and what else the numbers depend on."""

    def logits(self, x: NDArray[Any]) -> NDArray[Any]:
        """Return the outputs before softmax or sigmoid, (N, C) or (N, 1)."""
        return self.predict(x)
