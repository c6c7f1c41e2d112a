"""Constraints: what a parameter must satisfy after every step, restored in place."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cutedl import checks
from cutedl.errors import ArgumentError

__all__ = ["Constraint", "MaxNorm", "NonNegative", "UnitNorm", "get"]


class Constraint(ABC):
    """A condition on one parameter, such as a bound on its norm."""

    @abstractmethod
    def apply(self, w: NDArray[Any]) -> None:
        """Change w, in place, to the nearest array that satisfies the condition."""

    def __repr__(self) -> str:
        return f"{type(self).__name__}()"


class NonNegative(Constraint):
    """w >= 0: what is below becomes 0. As keras.constraints.NonNeg.

    >>> w = np.array([1.0, -2.0])
    >>> NonNegative().apply(w)
    >>> print(w)
    [1. 0.]
    """

    def apply(self, w: NDArray[Any]) -> None:
        """Make what is negative 0."""
        np.maximum(w, 0, out=w)


class MaxNorm(Constraint):
    """‖w‖ <= limit for the weights into each unit, the columns of a kernel (I, O). As keras.constraints.MaxNorm.

    limit: > 0.

    >>> kernel = np.array([[3.0, 0.0], [4.0, 1.0]])
    >>> MaxNorm(2.5).apply(kernel)
    >>> print(kernel)
    [[1.5 0. ]
     [2.  1. ]]
    """

    def __init__(self, limit: float = 2.0):
        self.limit = checks.number("limit", limit, low=0, above=True)

    def __repr__(self) -> str:
        return f"MaxNorm({self.limit:g})"

    def apply(self, w: NDArray[Any]) -> None:
        """Shrink the columns that are too long."""
        norms = _column_norms(w)
        w *= np.minimum(1.0, self.limit / np.maximum(norms, self.limit)).astype(w.dtype)


class UnitNorm(Constraint):
    """‖w‖ = 1 for the weights into each unit, the columns of a kernel (I, O); a column of zeros stays.

    As keras.constraints.UnitNorm.

    >>> kernel = np.array([[3.0], [4.0]])
    >>> UnitNorm().apply(kernel)
    >>> print(kernel)
    [[0.6]
     [0.8]]
    """

    def apply(self, w: NDArray[Any]) -> None:
        """Divide every column by its norm."""
        norms = _column_norms(w)
        w /= np.where(norms > 0, norms, 1.0).astype(w.dtype)


def get(constraint: Constraint | None) -> Constraint | None:
    """Return a constraint, or None, as it is; refuse anything else."""
    if constraint is None or isinstance(constraint, Constraint):
        return constraint
    raise ArgumentError("constraint cannot be used.", expected="a Constraint object", received=repr(constraint))


def _column_norms(w: NDArray[Any]) -> NDArray[np.float64]:
    return np.asarray(np.sqrt(np.einsum("i...,i...->...", w, w, dtype=np.float64)))
