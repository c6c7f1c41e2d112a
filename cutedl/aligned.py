"""Memory that begins where a line of the cache does: arithmetic on any other takes up to a seventh longer."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

__all__ = ["aligned_rows", "aligned_zeros"]

_LINE = 64  # bytes; NumPy itself promises 16


def aligned_zeros(shape: tuple[int, ...], dtype: DTypeLike) -> NDArray[Any]:
    """Return what np.zeros would, at an address that is a multiple of 64.

    >>> aligned_zeros((3, 5), "float32").__array_interface__["data"][0] % 64
    0
    """
    size = math.prod(shape) * np.dtype(dtype).itemsize
    raw = np.zeros(size + _LINE, np.uint8)
    start = -raw.__array_interface__["data"][0] % _LINE
    return raw[start : start + size].view(dtype).reshape(shape)


def aligned_rows(rows: int, size: int, dtype: DTypeLike) -> NDArray[Any]:
    """Return zeros (rows, size), each row at an address of its own that is a multiple of 64.

    >>> [row.__array_interface__["data"][0] % 64 for row in aligned_rows(3, 5, "float32")]
    [0, 0, 0]
    """
    per_line = max(1, _LINE // np.dtype(dtype).itemsize)
    return aligned_zeros((rows, -(-size // per_line) * per_line), dtype)[:, :size]
