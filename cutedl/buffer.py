"""Buffer: room for what a layer needs between forward and backward."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from cutedl.aligned import aligned_zeros

__all__ = ["Buffer"]


class Buffer:
    """Room for one array per batch: grows when a larger batch comes, is sliced for a smaller one.

    fill: what its numbers are at first, where that matters.
    """

    __slots__ = ("_memory", "_view", "dtype", "fill", "shape")

    def __init__(self, shape: tuple[int, ...], fill: float = 0.0):
        self.shape, self.fill = shape, fill
        self.dtype: DTypeLike = np.float32
        self._memory = self._view = np.empty((0, *shape))

    def __repr__(self) -> str:
        return f"Buffer({self.shape})"

    def rows(self, count: int) -> NDArray[Any]:
        """Return the first rows; what they hold is what was last written there.

        >>> buffer = Buffer((3,))
        >>> buffer.rows(5).shape, buffer.rows(2).shape
        ((5, 3), (2, 3))
        """
        if len(self._view) != count:
            if len(self._memory) < count:
                self._memory = aligned_zeros((count, *self.shape), self.dtype)
                if self.fill:
                    self._memory[...] = self.fill
            self._view = self._memory[:count]
        return self._view
