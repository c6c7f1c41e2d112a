"""ExactSum: sums of floating numbers without any rounding, so that order and grouping cannot matter.

A float64 is an integer of 53 bits times a power of two. The integers of numbers that share a power are added in whole
arrays, in two halves of 26 and 27 bits, which leaves float64 room for 2^26 of them; the few sums that remain are put
together in a Python integer, which has no end.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cutedl import checks

__all__ = ["UNIT", "ExactSum", "quotient"]

# The least power of two that np.frexp gives, 2^-1073, of a mantissa with 53 bits behind the point.
_LEAST = -1073
_BITS, _LOW_BITS = 53, 27
_PIECE = 1 << 20

UNIT = 1 << (_BITS - _LEAST)
"""What the totals of an ExactSum are divided by to be numbers."""


class ExactSum:
    """One exact sum per column of float64 numbers, or of what converts to them.

    size: columns. totals: the sums as integers, in steps of 1 / UNIT; the same numbers give the same totals in any
    order and any grouping. Memory: 300 bytes per column at most.

    Infinities and NaN are kept beside the totals: inf and -inf make NaN, a NaN stays NaN, any other sum with an
    infinity is that infinity. Finite numbers never overflow on the way; a sum beyond the largest float is infinite.
    Equals math.fsum, where that does not raise.

    >>> total = ExactSum()
    >>> total.add([1e100, 1.0, -1e100])
    >>> total.add([0.1] * 10)
    >>> total.value()
    2.0
    """

    def __init__(self, size: int = 1):
        self.totals = [0] * checks.integer("size", size, low=0)
        self.odd = np.zeros(size)  # the sum of what is not finite

    def __len__(self) -> int:
        return len(self.totals)

    def __repr__(self) -> str:
        shown = ", ".join(f"{self.value(column):.6g}" for column in range(min(3, len(self))))
        return f"ExactSum({shown}{', ...' if len(self) > 3 else ''})"

    def add(self, values: ArrayLike, columns: NDArray[np.intp] | None = None) -> None:
        """Add numbers to their sums.

        values: (N,), all for the first column, or each for that of columns, (N,); or (R, size), a value for each
        column.
        """
        x = np.asarray(values, np.float64)
        if columns is None:
            columns = np.zeros(x.shape, np.intp) if x.ndim < 2 else np.tile(np.arange(x.shape[1]), len(x))
        x, columns = x.reshape(-1), columns.reshape(-1)
        finite = np.isfinite(x)
        if not finite.all():
            with np.errstate(invalid="ignore"):
                self.odd += np.bincount(columns[~finite], weights=x[~finite], minlength=len(self.odd))
            x, columns = x[finite], columns[finite]
        for start in range(0, x.size, _PIECE):
            self._add_finite(x[start : start + _PIECE], columns[start : start + _PIECE])

    def _add_finite(self, x: NDArray[np.float64], columns: NDArray[np.intp]) -> None:
        # x = (high 2^27 + low) 2^(exponent - 53)
        mantissa, exponent = np.frexp(x)
        mantissa *= 2.0 ** (_BITS - _LOW_BITS)
        high = np.floor(mantissa)
        low = np.subtract(mantissa, high, out=mantissa)
        low *= 2.0**_LOW_BITS
        least = int(exponent.min())
        span = int(exponent.max()) - least + 1
        place = columns * span + (exponent - least)
        highs, lows = np.bincount(place, weights=high), np.bincount(place, weights=low)
        for i in np.flatnonzero((highs != 0) | (lows != 0)).tolist():
            column, step = divmod(i, span)
            self.totals[column] += ((int(highs[i]) << _LOW_BITS) + int(lows[i])) << (step + least - _LEAST)

    def value(self, column: int = 0) -> float:
        """Return the sum of a column, rounded once."""
        return self.mean(1, column)

    def mean(self, count: int, column: int = 0) -> float:
        """Return the sum of a column divided by a count, rounded once; NaN for a count of 0."""
        odd = float(self.odd[column])
        return quotient(self.totals[column], count * UNIT) if odd == 0.0 else odd

    def state(self) -> dict[str, Any]:
        """Return the sums as hexadecimal text, which has no limit of size, and what is not finite."""
        return {"totals": [hex(total) for total in self.totals], "odd": self.odd.copy()}

    def restore(self, state: dict[str, Any]) -> None:
        """Take back what `state` returned."""
        self.totals = [int(text, 16) for text in state["totals"]]
        self.odd = np.array(state["odd"], np.float64)

    @np.errstate(invalid="ignore")
    def merge(self, state: dict[str, Any]) -> None:
        """Add the sums that `state` returned elsewhere; one that is empty has not seen how many columns there are."""
        if not self.totals:
            self.restore(state)
        elif state["totals"]:
            self.totals = [total + int(text, 16) for total, text in zip(self.totals, state["totals"], strict=True)]
            self.odd = self.odd + state["odd"]


def quotient(numerator: int, denominator: int) -> float:
    """Return numerator / denominator >= 0, rounded once: infinite beyond the largest float, NaN where it is by 0.

    >>> quotient(2 * 10**400, 3 * 10**400), quotient(-(10**400), 1), quotient(0, 0)
    (0.6666666666666666, -inf, nan)
    """
    if denominator == 0:
        return float("nan")
    try:
        return numerator / denominator
    except OverflowError:
        return float("inf") if numerator > 0 else float("-inf")
