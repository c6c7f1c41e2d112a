"""Regularizers: penalties on the size of a parameter, added to the loss, and their gradients to its gradient."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cutedl import checks
from cutedl.errors import ArgumentError, unknown_name

__all__ = ["L1", "L1L2", "L2", "Regularizer", "get"]

# A gradient is added in pieces of so many numbers, so that no array of the parameter's size is made.
_PIECE = 1 << 14


class Regularizer(ABC):
    """A penalty on one parameter.

    The penalty is part of the loss that Session reports, in training and in validation, and of what gradcheck checks.
    """

    @abstractmethod
    def penalty(self, w: NDArray[Any]) -> float:
        """Return the penalty of a parameter."""

    @abstractmethod
    def gradient(self, w: NDArray[Any]) -> NDArray[Any]:
        """Return d penalty / d w for any part of it, 1-D."""

    def add_gradient(self, w: NDArray[Any], g: NDArray[Any]) -> None:
        """Add d penalty / d w to g, which has w's shape and, as w, lies in one piece of memory."""
        w, g = w.reshape(-1), g.reshape(-1)
        for start in range(0, w.size, _PIECE):
            g[start : start + _PIECE] += self.gradient(w[start : start + _PIECE])


class L1L2(Regularizer):
    """l1 Σ |w| + l2 Σ w²; the gradient is l1 sign(w) + 2 l2 w.

    l1, l2: >= 0. As keras.regularizers.L1L2. Under Adam a penalty is scaled by the moments as any gradient is; decay
    that is not is the optimizers' weight_decay.

    >>> print(f"{L1L2(l1=1.0, l2=0.5).penalty(np.array([3.0, -2.0])):g}")
    11.5
    """

    def __init__(self, l1: float = 0.0, l2: float = 0.0):
        self.l1 = checks.number("l1", l1, low=0)
        self.l2 = checks.number("l2", l2, low=0)

    def __repr__(self) -> str:
        return f"L1L2(l1={self.l1:g}, l2={self.l2:g})"

    def penalty(self, w: NDArray[Any]) -> float:
        """Return l1 Σ |w| + l2 Σ w²."""
        flat = w.reshape(-1)
        l1 = self.l1 * float(np.linalg.norm(flat, 1)) if self.l1 else 0.0
        return l1 + self.l2 * float(np.vdot(flat, flat))

    def gradient(self, w: NDArray[Any]) -> NDArray[Any]:
        """Return l1 sign(w) + 2 l2 w."""
        result: NDArray[Any] = 2 * self.l2 * w
        if self.l1:
            result += self.l1 * np.sign(w)
        return result


class L1(L1L2):
    """l1 Σ |w|, which makes weights exactly small. l1: >= 0.

    >>> L1(0.1)
    L1(0.1)
    """

    def __init__(self, l1: float = 0.01):
        super().__init__(l1=l1)

    def __repr__(self) -> str:
        return f"L1({self.l1:g})"


class L2(L1L2):
    """l2 Σ w², which shrinks large weights most. l2: >= 0.

    >>> L2(0.1)
    L2(0.1)
    """

    def __init__(self, l2: float = 0.01):
        super().__init__(l2=l2)

    def __repr__(self) -> str:
        return f"L2({self.l2:g})"


_BY_NAME: dict[str, type[Regularizer]] = {"l1": L1, "l2": L2}


def get(regularizer: str | Regularizer | None) -> Regularizer | None:
    """Return the regularizer of that name with its default strength; an object or None as it is.

    >>> get("l2")
    L2(0.01)
    """
    if regularizer is None or isinstance(regularizer, Regularizer):
        return regularizer
    if not isinstance(regularizer, str):
        raise ArgumentError(
            "regularizer cannot be used.", expected="a name or a Regularizer object", received=repr(regularizer)
        )
    if regularizer not in _BY_NAME:
        raise unknown_name("regularizer", regularizer, _BY_NAME)
    return _BY_NAME[regularizer]()
