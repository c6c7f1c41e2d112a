"""What a row of classes is trained towards: t, given by a whole array or by one index per row.

The cores work on sums over t and entries of t alone, so that class indices never become one-hot rows.
"""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

__all__ = ["DenseTargets", "IndexTargets", "Targets"]

Array = NDArray[Any]


class Targets(Protocol):
    """Targets t of R rows and C classes, t >= 0, of any sum T."""

    total: Array
    """(R,) the sum T of each row."""

    def at(self, columns: NDArray[np.intp]) -> Array:
        """Return t[i, columns[i]], (R,)."""

    def dot(self, a: Array) -> Array:
        """Return the sum over j of t[i, j] * a[i, j], (R,), where 0 * infinity counts as 0."""

    def subtract_from(self, a: Array) -> None:
        """a -= t."""

    def multiply(self, a: Array) -> None:
        """a *= t, where 0 * infinity counts as 0."""


class DenseTargets:
    """Targets given as an array (R, C) of float64."""

    def __init__(self, t: Array):
        self.t = t
        self.total: Array = np.asarray(t.sum(axis=1))

    def at(self, columns: NDArray[np.intp]) -> Array:
        """Return t[i, columns[i]], (R,)."""
        return np.asarray(self.t[np.arange(len(columns)), columns])

    def dot(self, a: Array) -> Array:
        """Return the sum over j of t[i, j] * a[i, j], (R,), where 0 * infinity counts as 0."""
        result: Array = np.einsum("ij,ij->i", self.t, a)
        if not np.isfinite(result).all():
            result = np.where(self.t == 0, 0.0, self.t * a).sum(axis=1)
        return result

    def subtract_from(self, a: Array) -> None:
        """a -= t."""
        a -= self.t

    def multiply(self, a: Array) -> None:
        """a *= t, where 0 * infinity counts as 0."""
        a *= self.t
        a[self.t == 0] = 0.0


class IndexTargets:
    """Targets given as one class per row: peak (R,) at column y (R,), and spread (C,), if any, on every column."""

    def __init__(self, y: NDArray[np.intp], peak: Array, spread: Array | None = None):
        self.y, self.peak, self.spread = y, peak, spread
        self.rows = np.arange(len(y))
        self.total: Array = peak if spread is None else peak + spread.sum()

    def at(self, columns: NDArray[np.intp]) -> Array:
        """Return t[i, columns[i]], (R,)."""
        peak: Array = np.where(columns == self.y, self.peak, 0.0)
        return peak if self.spread is None else peak + self.spread[columns]

    def dot(self, a: Array) -> Array:
        """Return the sum over j of t[i, j] * a[i, j], (R,), where 0 * infinity counts as 0."""
        at_peak: Array = np.where(self.peak == 0, 0.0, self.peak * a[self.rows, self.y])
        if self.spread is None:
            return at_peak
        everywhere: Array = a @ self.spread
        if not np.isfinite(everywhere).all():
            everywhere = np.where(self.spread == 0, 0.0, a * self.spread).sum(axis=1)
        return at_peak + everywhere

    def subtract_from(self, a: Array) -> None:
        """a -= t."""
        if self.spread is not None:
            a -= self.spread
        a[self.rows, self.y] -= self.peak

    def multiply(self, a: Array) -> None:
        """a *= t, where 0 * infinity counts as 0."""
        peaks = np.where(self.peak == 0, 0.0, a[self.rows, self.y] * self.peak)
        if self.spread is None:
            a[...] = 0.0
        else:
            a *= self.spread
            a[:, self.spread == 0] = 0.0
        a[self.rows, self.y] += peaks
