"""Losses of targets that are numbers, averaged over the last axis."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from cutedl import checks
from cutedl.dlmath import xlogy
from cutedl.errors import ProbabilityError
from cutedl.losses import labels
from cutedl.losses.base import Array, Batch, numbers
from cutedl.losses.elementwise import ElementLoss
from cutedl.losses.probabilities import FLOOR

__all__ = ["Huber", "LogCosh", "MeanAbsoluteError", "MeanSquaredError", "Poisson"]


class MeanSquaredError(ElementLoss):
    """Mean of e^2, e = y_pred - y_true; gradient 2 e / n.

    y_true: y_pred's shape. Equals keras.losses.MeanSquaredError, but never broadcasts.

    >>> MeanSquaredError()([[1.0, 2.0]], [[1.0, 4.0]])
    2.0
    """

    def _elements(self, y: Array, x: Array, out: Array | None) -> Array:
        error = np.subtract(x, y, out=out)
        losses: Array = np.square(error, dtype=np.float64)
        if out is not None:
            out *= 2.0
        return losses


class MeanAbsoluteError(ElementLoss):
    """Mean of |e|, e = y_pred - y_true; gradient sign(e) / n, 0 at e = 0.

    y_true: y_pred's shape. Equals keras.losses.MeanAbsoluteError, but never broadcasts.

    >>> MeanAbsoluteError()([[1.0, 2.0]], [[1.0, 4.0]])
    1.0
    """

    def _elements(self, y: Array, x: Array, out: Array | None) -> Array:
        error = np.subtract(x, y, out=out)
        losses: Array = np.abs(error)
        if out is not None:
            np.sign(out, out=out)
        return losses


class Huber(ElementLoss):
    """Mean of e^2 / 2 where |e| <= delta, else delta (|e| - delta / 2); gradient clip(e, -delta, delta) / n.

    y_true: y_pred's shape; delta > 0: the error at which the square becomes a line. Equals keras.losses.Huber.

    >>> Huber(delta=1.0)([[0.0, 0.0]], [[0.5, 3.0]])
    1.3125
    """

    def __init__(self, delta: float = 1.0, **options: Any):
        super().__init__(**options)
        self.delta = checks.number("delta", delta, low=0.0, above=True)

    def _elements(self, y: Array, x: Array, out: Array | None) -> Array:
        error = np.subtract(x, y, out=out)
        size = np.abs(error, dtype=np.float64)
        # with c = min(|e|, delta): c (|e| - c / 2)
        inner = np.minimum(size, self.delta)
        if out is not None:
            np.clip(out, -self.delta, self.delta, out=out)
        return np.asarray(inner * (size - 0.5 * inner))


class LogCosh(ElementLoss):
    """Mean of log(cosh(e)), e = y_pred - y_true: e^2 / 2 for small errors, |e| - log 2 for large; gradient tanh(e) / n.

    y_true: y_pred's shape. Equals keras.losses.LogCosh, which returns 0 for small errors in float32.

    >>> print(f"{LogCosh()([[0.0]], [[1e-4]]):.6e}")
    5.000000e-09
    """

    def _elements(self, y: Array, x: Array, out: Array | None) -> Array:
        error = np.subtract(x, y, out=out)
        size = np.abs(error, dtype=np.float64)
        # cosh(e) = 1 + 2 sinh(e / 2)^2 loses nothing near 0, (exp(|e|) + exp(-|e|)) / 2 nothing far away
        near = np.log1p(2.0 * np.sinh(0.5 * np.minimum(size, 1.0)) ** 2)
        far = size + np.log1p(np.exp(-2.0 * size)) - np.log(2.0)
        if out is not None:
            np.tanh(out, out=out)
        return np.where(size < 1.0, near, far)


class Poisson(ElementLoss):
    """Mean of r - y log r: minus the log-likelihood of counts y at rates r, without what depends on y alone.

    y_true: numbers >= 0; y_pred: rates r >= 0, gradient (1 - y / r) / n; with log_input=True their logarithms x,
    gradient (exp(x) - y) / n. 0 log 0 is 0; else a rate of 0 counts as 1e-30 (float64: 1e-300) in its logarithm.
    Equals keras.losses.Poisson, and with log_input=True torch.nn.PoissonNLLLoss.

    >>> print(f"{Poisson()([[2.0]], [[1.0]]):.1f} {Poisson(log_input=True)([[2.0]], [[0.0]]):.1f}")
    1.0 1.0
    """

    def __init__(self, *, log_input: bool = False, **options: Any):
        super().__init__(**options)
        self.log_input = checks.flag("log_input", log_input)

    def _open(self, y_true: ArrayLike, y_pred: ArrayLike) -> Batch:
        batch = super()._open(y_true, y_pred)
        self._check_values(numbers("y_true", y_true), 0)
        if not self.log_input and (batch.x < 0).any():
            row = int(np.argmax((batch.x < 0).any(axis=1)))
            raise ProbabilityError(
                "y_pred holds a rate below 0.",
                expected="rates >= 0",
                received=f"{batch.x[row].min():g} in row {row}",
                hint="for logarithms of rates, set log_input=True.",
            )
        return batch

    def _elements(self, y: Array, x: Array, out: Array | None) -> Array:
        wide = x.astype(np.float64)
        rate = np.exp(wide) if self.log_input else np.maximum(wide, FLOOR[x.dtype])
        slope, linear = (rate - y, y * wide) if self.log_input else (1.0 - y / rate, xlogy(y, rate))
        if out is not None:
            out[...] = slope
        return (rate if self.log_input else wide) - np.where(y == 0, 0.0, linear)

    def _check_values(self, y: Array, start: int) -> None:
        labels.within(y, 0.0, np.inf, "counts", start)
