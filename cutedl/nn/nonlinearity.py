"""Nonlinearity: what every activation shares, and the pieces in which some of them work."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

from numpy.typing import NDArray

from cutedl.arena import Arena
from cutedl.nn.layer import Layer, Shape

__all__ = ["Nonlinearity", "pieces"]

# Temporaries of this many float64 values stay in the cache of one core; half of it costs a quarter more time.
_PIECE = 16384


class Nonlinearity(Layer):
    """Shape in is shape out; forward may overwrite x, and backward takes the derivative from y unless a class differs.

    >>> from cutedl.arena import Arena
    >>> from cutedl.nn import Relu
    >>> Relu().build((2, 3), Arena())
    (2, 3)
    """

    inplace = True
    reads_output = True

    def build(self, in_shape: Shape, arena: Arena) -> Shape:
        """Declare one scratch array of x's shape; it costs memory only in the classes that use it."""
        self._scratch = arena.buffer(in_shape)
        return in_shape

    def __repr__(self) -> str:
        return f"{type(self).__name__}()"

    def _room(self, x: NDArray[Any], training: bool) -> NDArray[Any] | None:
        """The scratch for a batch like x; None in evaluation, where several threads may be inside."""
        return self._scratch.rows(len(x)) if training else None


def pieces(x: NDArray[Any]) -> Iterator[slice]:
    """Cut the rows of x so that one piece holds about 16384 values, and one row at least.

    >>> import numpy as np
    >>> [(piece.start, piece.stop) for piece in pieces(np.empty((5, 4000)))]
    [(0, 4), (4, 8)]
    """
    step = max(1, _PIECE // max(1, math.prod(x.shape[1:])))
    return (slice(start, start + step) for start in range(0, len(x), step))
