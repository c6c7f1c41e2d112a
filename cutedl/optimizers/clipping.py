"""Gradient clipping: each kind a function that shortens the gradients of an arena in place."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from cutedl.arena import Arena
from cutedl.dlmath import norm

__all__ = ["clip_global_norm", "clip_norm", "clip_value", "norm"]


def clip_value(arena: Arena, limit: float) -> None:
    """g = min(max(g, -limit), limit), number by number. Equal to PyTorch's clip_grad_value_ and Keras' clipvalue.

    >>> from cutedl.initializers import zeros
    >>> arena = Arena()
    >>> w = arena.parameter("w", (3,), zeros)
    >>> arena.allocate(seed=0, dtype="float64")
    >>> w.gradient[:] = 3.0, -4.0, 0.5
    >>> clip_value(arena, 1.0)
    >>> print(w.gradient)
    [ 1.  -1.   0.5]
    """
    for g in _gradients(arena):
        np.clip(g, -limit, limit, out=g)


def clip_norm(arena: Arena, limit: float) -> None:
    """g = g limit / ‖g‖ where ‖g‖ > limit, each parameter by itself. Equal to Keras' clipnorm."""
    parameters = [parameter.gradient for parameter in arena.parameters.values()]
    for g in (*parameters, *(table.row_gradients for table in arena.tables.values())):
        length = norm([g.reshape(-1)])
        if length > limit:
            g *= limit / length


def clip_global_norm(arena: Arena, limit: float) -> None:
    """g = g limit / ‖g‖ where ‖g‖ > limit, all parameters as one vector.

    Equal to Keras' global_clipnorm; PyTorch's clip_grad_norm_ divides by ‖g‖ + 1e-6 and so ends a little below limit.

    >>> from cutedl.initializers import zeros
    >>> arena = Arena()
    >>> w = arena.parameter("w", (2,), zeros)
    >>> arena.allocate(seed=0, dtype="float64")
    >>> w.gradient[:] = 3e200, -4e200
    >>> clip_global_norm(arena, 1.0)
    >>> print(w.gradient)
    [ 0.6 -0.8]
    """
    length = norm(_gradients(arena))
    if length > limit:
        for g in _gradients(arena):
            g *= limit / length


def _gradients(arena: Arena) -> list[NDArray[Any]]:
    return [arena.gradients, *(table.row_gradients.reshape(-1) for table in arena.tables.values())]
