"""FunctionMetric: any function of labels and predictions as a metric."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from numpy.typing import ArrayLike

from cutedl import checks
from cutedl.errors import ArgumentError, ShapeError
from cutedl.losses.base import numbers
from cutedl.metrics.base import Metric
from cutedl.metrics.exact_sum import ExactSum
from cutedl.metrics.kept import Kept

__all__ = ["FunctionMetric"]


class FunctionMetric(Metric):
    """f(y_true, y_pred), called once on everything seen, in the order in which it was seen.

    function: returns a number, which is the result, or an array of one number per row, whose mean is. As no number that
    a function gives for a batch says what it would give for all rows, the labels and outputs of all rows are kept:
    for large data write a Metric that sums. Results are therefore exact for uneven batches, whatever the function.
    y_true, y_pred: as the loss takes and the model gives them: logits, where the loss has from_logits=True.
    name: the function's own unless given. Raises ShapeError where f returns neither.

    >>> def largest_error(y_true, y_pred):
    ...     return abs(y_true - y_pred).max()
    >>> metric = FunctionMetric(largest_error)
    >>> metric.update([1.0, 2.0], [1.0, 2.5])
    >>> metric.update([3.0], [2.0])
    >>> metric.results()
    {'largest_error': 1.0}
    """

    gathered = ("_y_true", "_y_pred")

    def __init__(
        self,
        function: Callable[[Any, Any], Any],
        *,
        name: str | None = None,
        higher_is_better: bool | None = None,
    ):
        if not callable(function):
            raise ArgumentError("function cannot be used.", expected="f(y_true, y_pred)", received=repr(function))
        self.function = function
        self.higher_is_better = None if higher_is_better is None else checks.flag("higher_is_better", higher_is_better)
        super().__init__(name=name or getattr(function, "__name__", type(function).__name__).strip("<>"))

    def reset(self) -> None:
        """Forget everything seen."""
        self._y_true, self._y_pred = Kept(), Kept()

    def update(self, y_true: ArrayLike, y_pred: ArrayLike) -> None:
        """Keep the labels and outputs of one batch."""
        y, x = numbers("y_true", y_true), numbers("y_pred", y_pred)
        if y.ndim == 0 or x.ndim == 0 or len(y) != len(x):
            raise ShapeError(
                "y_true does not fit y_pred.", expected=f"as many rows as y_pred {x.shape}", received=f"shape {y.shape}"
            )
        self._y_true.add(y)
        self._y_pred.add(x)

    def result(self) -> float:
        """Return f of everything seen since reset; NaN when that is nothing."""
        rows = len(self._y_pred)
        if not rows:
            return float("nan")
        value = checks.numeric_array(self.name, self.function(self._y_true.array(), self._y_pred.array()))
        if value.ndim == 0:
            return float(value)
        if value.shape != (rows,):
            raise ShapeError(
                f"{self.name} returned something else than a metric.",
                expected=f"a number, or one number for each of the {rows} rows",
                received=f"shape {value.shape}",
            )
        total = ExactSum()
        total.add(value)
        return total.mean(rows)
