"""Mean absolute error, root mean square error and R2: how far predicted numbers are off."""

from __future__ import annotations

import math
from abc import abstractmethod
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cutedl.errors import ArgumentError, ShapeError
from cutedl.losses.categorical import SparseCategoricalCrossentropy
from cutedl.metrics.base import ReadingMetric
from cutedl.metrics.exact_sum import UNIT, ExactSum, quotient

if TYPE_CHECKING:
    from cutedl.losses import Loss

__all__ = ["R2", "MeanAbsoluteError", "RootMeanSquaredError"]

Numbers = NDArray[np.float64]


class RegressionMetric(ReadingMetric):
    """Base of the metrics of numbers: sums over rows, one per column, whose results are averaged over the columns.

    y_true and y_pred: (B,), or (..., n) for n columns, of one shape, or ShapeError. Outputs that are logits, or the
    logarithms of rates, are brought into the terms of the labels first, where the metric has been attached to the loss.
    """

    higher_is_better = False
    gathered = ("_totals", "_rows")

    def attach(self, loss: Loss) -> None:
        """Learn from the loss what the outputs are; ArgumentError for one of class indices, or that ignores a label."""
        if isinstance(loss, SparseCategoricalCrossentropy):
            raise ArgumentError(f"{self.name} is of numbers, and {type(loss).__name__} of class indices.")
        super().attach(loss)
        if self._reading.ignore_class is not None:
            raise ArgumentError(f"{self.name} cannot leave out the label {self._reading.ignore_class}.")

    def reset(self) -> None:
        """Forget everything seen."""
        self._totals, self._rows = ExactSum(0), 0

    @np.errstate(over="ignore", invalid="ignore")
    def update(self, y_true: ArrayLike, y_pred: ArrayLike) -> None:
        """Add the errors of one batch."""
        y, x, _ = self._reading.answers(y_true, y_pred)
        terms = self._terms(np.ascontiguousarray(y, np.float64), self._reading.activated(x))
        if not self._rows:
            self._totals = ExactSum(terms.shape[1])
        if len(self._totals) != terms.shape[1]:
            raise ShapeError("the number of columns changed.", received=f"y_pred of shape {np.shape(y_pred)}")
        self._totals.add(terms)
        self._rows += len(terms)

    def result(self) -> float:
        """Return the mean over the columns, of everything seen since reset; NaN when that is nothing."""
        columns = self._columns()
        return math.fsum(columns) / len(columns) if columns else float("nan")

    @abstractmethod
    def _terms(self, y: Numbers, x: Numbers) -> Numbers:
        """Return what is summed over the rows, (R, number of sums)."""

    @abstractmethod
    def _columns(self) -> list[float]:
        """Return the result of each column."""


class MeanAbsoluteError(RegressionMetric):
    """The mean of |y_true - y_pred|, >= 0, in the unit of the labels.

    y_true, y_pred and errors: see `RegressionMetric`. Equals sklearn.metrics.mean_absolute_error.

    >>> mae = MeanAbsoluteError()
    >>> mae.update([1.0, 2.0, 4.0], [1.0, 3.0, 6.0])
    >>> mae.result()
    1.0
    """

    name = "mae"

    def _terms(self, y: Numbers, x: Numbers) -> Numbers:
        return np.abs(y - x)

    def _columns(self) -> list[float]:
        return [self._totals.mean(self._rows, column) for column in range(len(self._totals))]


class RootMeanSquaredError(RegressionMetric):
    """The root of the mean of (y_true - y_pred)^2, >= 0, in the unit of the labels; of several columns the mean root.

    y_true, y_pred and errors: see `RegressionMetric`. Equals sklearn.metrics.root_mean_squared_error.

    >>> rmse = RootMeanSquaredError()
    >>> rmse.update([1.0, 2.0, 4.0, 0.0], [1.0, 3.0, 6.0, 2.0])
    >>> rmse.result()
    1.5
    """

    name = "rmse"

    def _terms(self, y: Numbers, x: Numbers) -> Numbers:
        return np.square(y - x)

    def _columns(self) -> list[float]:
        return [math.sqrt(self._totals.mean(self._rows, column)) for column in range(len(self._totals))]


class R2(RegressionMetric):
    """The coefficient of determination, <= 1: 1 - sum (y_true - y_pred)^2 / sum (y_true - mean)^2; the mean gives 0.

    Several columns: the mean of theirs. Of constant labels it is 1 where they are met and 0 otherwise; of fewer than
    two rows NaN. The sum in the divisor is exact: no digits are lost where the mean is large and the spread small.
    y_true, y_pred and errors: see `RegressionMetric`. Equals sklearn.metrics.r2_score.

    >>> r2 = R2()
    >>> r2.update([1.0, 2.0, 3.0], [1.0, 2.0, 4.0])
    >>> r2.result()
    0.5
    """

    name = "r2"
    higher_is_better = True

    def _terms(self, y: Numbers, x: Numbers) -> Numbers:
        return np.hstack([np.square(y - x), y, *exact_square(y)])

    def _columns(self) -> list[float]:
        n, rows = len(self._totals) // 4, self._rows
        if self._totals.odd.any() or rows < 2:
            return [math.nan] * n
        errors, sums, squares, rests = (self._totals.totals[i * n : (i + 1) * n] for i in range(4))
        return [_r2(rows, *each) for each in zip(errors, sums, squares, rests, strict=True)]


def exact_square(y: Numbers) -> tuple[Numbers, Numbers]:
    """Return y^2 rounded, and what the rounding left out, itself exact between 1e-145 and 1e145 (Dekker 1971).

    >>> square, rest = exact_square(np.array([1 + 2.0**-30]))
    >>> print(*(square - 1) * 2.0**29, *rest * 2.0**60)
    1.0 1.0
    """
    with np.errstate(over="ignore", invalid="ignore"):
        square = y * y
        # y = high + low, both of at most 26 bits, so that their products are exact
        scaled = y * (2.0**27 + 1.0)
        high = scaled - (scaled - y)
        low = y - high
        rest = ((high * high - square) + 2.0 * high * low) + low * low
    return square, np.where(np.isfinite(rest), rest, 0.0)


def _r2(rows: int, error: int, total: int, square: int, rest: int) -> float:
    """Return R2 from sums over the rows, in steps of 1 / UNIT."""
    # sum (y - mean)^2 = sum y^2 - (sum y)^2 / rows, all times UNIT^2 rows
    spread = (square + rest) * UNIT * rows - total**2
    if spread <= 0:
        return 1.0 if error == 0 else 0.0
    return quotient(spread - error * UNIT * rows, spread)
