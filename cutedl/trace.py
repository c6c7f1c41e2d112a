"""Trace: a curve of any number of steps in a fixed number of points."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cutedl.errors import CorruptDataError

__all__ = ["Trace"]

_POINTS = 2048  # even: when they are full, pairs of neighbours merge


class Trace:
    """The numbers of all steps, thinned to at most 2048 points, each the mean of `stride` steps in a row.

    stride: steps per point: 1 up to 2048 steps, then doubled whenever the points are full. The steps since the last
    point are not shown yet: none while the stride is 1, else fewer than one point in a thousand.
    Memory is fixed (16 KiB), and the same numbers give the same points.

    >>> trace = Trace()
    >>> for loss in (0.7, 0.5, 0.4):
    ...     trace.add(loss)
    >>> print(trace.steps, trace.values)
    [1. 2. 3.] [0.7 0.5 0.4]
    """

    __slots__ = ("_points", "_size", "_total", "_waiting", "stride")

    def __init__(self) -> None:
        self.stride = 1
        self._points = np.empty(_POINTS)
        self._size = 0
        self._total, self._waiting = 0.0, 0  # of the point to come

    def __repr__(self) -> str:
        return f"Trace({self._size} points of {self.stride} step{'s' * (self.stride > 1)})"

    def __len__(self) -> int:
        return self._size

    def add(self, value: float) -> None:
        """Append the number of one step; a Python float, for speed."""
        self._total += value
        self._waiting += 1
        if self._waiting == self.stride:
            self._points[self._size] = self._total / self.stride
            self._size += 1
            self._total, self._waiting = 0.0, 0
            if self._size == _POINTS:
                self._merge()

    def _merge(self) -> None:
        self._size //= 2
        # (a + b) / 2 of every pair
        self._points[: self._size] = (self._points[0::2] + self._points[1::2]) / 2
        self.stride *= 2

    @property
    def steps(self) -> NDArray[np.float64]:
        """Where each point stands: the middle of its steps, which count from 1. Shape (points,), a new array."""
        return np.arange(self._size, dtype=np.float64) * self.stride + (self.stride + 1) / 2

    @property
    def values(self) -> NDArray[np.float64]:
        """The mean of each point's steps. Shape (points,), a copy."""
        return self._points[: self._size].copy()

    def state(self) -> dict[str, Any]:
        """Return everything that add has built up, for restore."""
        return {"stride": self.stride, "values": self.values, "total": self._total, "waiting": self._waiting}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on where state() was taken. Raises CorruptDataError, before any change, for what state() never gives."""
        try:
            values = np.asarray(state["values"], dtype=np.float64)
            total = math.nan if state["total"] is None else float(state["total"])
            stride, waiting = int(state["stride"]), int(state["waiting"])
        except (KeyError, TypeError, ValueError, OverflowError) as error:
            raise CorruptDataError("this is no trace of losses.", received=repr(error)) from None
        doubled = 0 < stride <= 1 << 62 and stride & (stride - 1) == 0
        if not doubled or not 0 <= waiting < stride or values.ndim != 1 or len(values) >= _POINTS:
            raise CorruptDataError(
                "this is no trace of losses.",
                expected=f"a power of two as stride, fewer steps waiting than that, fewer than {_POINTS} points",
                received=f"stride {stride}, {waiting} waiting, values of shape {values.shape}",
            )
        self.stride, self._size, self._total, self._waiting = stride, len(values), total, waiting
        self._points[: self._size] = values
