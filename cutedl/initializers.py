"""Initializers: each fills a given array from a given generator.

A kernel has shape (fan_in, fan_out). Draws are made in float64 and rounded once, so that a float32 model starts from
the rounded weights of its float64 twin.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cutedl.errors import ArgumentError, unknown_name

__all__ = ["Initializer", "get", "glorot_normal", "glorot_uniform", "he_normal", "he_uniform", "ones", "zeros"]

# Quoted, for np.random is loaded only when it is used.
Initializer = Callable[[NDArray[Any], "np.random.Generator"], None]


def zeros(out: NDArray[Any], generator: np.random.Generator) -> None:
    """Fill with 0, the usual start of a bias."""
    out[...] = 0


def ones(out: NDArray[Any], generator: np.random.Generator) -> None:
    """Fill with 1, the usual start of a scale."""
    out[...] = 1


def glorot_uniform(out: NDArray[Any], generator: np.random.Generator) -> None:
    """Uniform on [-a, a], a = sqrt(6 / (fan_in + fan_out)): keeps the variance through tanh-like layers.

    Source: Glorot and Bengio, 2010; Keras' default for Dense.

    >>> kernel = np.empty((200, 100))
    >>> glorot_uniform(kernel, np.random.default_rng(0))
    >>> bool(abs(kernel).max() <= (6 / 300) ** 0.5)
    True
    """
    limit = math.sqrt(6 / sum(_fans(out)))
    out[...] = generator.uniform(-limit, limit, out.shape)


def glorot_normal(out: NDArray[Any], generator: np.random.Generator) -> None:
    """Normal with standard deviation sqrt(2 / (fan_in + fan_out)). Source: Glorot and Bengio, 2010."""
    out[...] = generator.normal(0, math.sqrt(2 / sum(_fans(out))), out.shape)


def he_uniform(out: NDArray[Any], generator: np.random.Generator) -> None:
    """Uniform on [-a, a], a = sqrt(6 / fan_in): keeps the variance through relu layers. Source: He et al., 2015."""
    limit = math.sqrt(6 / _fans(out)[0])
    out[...] = generator.uniform(-limit, limit, out.shape)


def he_normal(out: NDArray[Any], generator: np.random.Generator) -> None:
    """Normal with standard deviation sqrt(2 / fan_in): keeps the variance through relu layers.

    Source: He et al., 2015.

    >>> kernel = np.empty((200, 100))
    >>> he_normal(kernel, np.random.default_rng(0))
    >>> round(float(kernel.std()), 2)
    0.1
    """
    out[...] = generator.normal(0, math.sqrt(2 / _fans(out)[0]), out.shape)


_BY_NAME: dict[str, Initializer] = {
    function.__name__: function for function in (zeros, ones, glorot_uniform, glorot_normal, he_uniform, he_normal)
}


def get(name: str | Initializer) -> Initializer:
    """Return the initializer of that name; a function is returned as it is.

    >>> get("zeros") is zeros
    True
    """
    if callable(name):
        return name
    if name not in _BY_NAME:
        raise unknown_name("initializer", name, _BY_NAME)
    return _BY_NAME[name]


def _fans(out: NDArray[Any]) -> tuple[int, int]:
    if out.ndim < 2:
        raise ArgumentError(
            "this initializer needs a kernel.",
            expected="at least two axes (fan_in, fan_out)",
            received=f"shape {out.shape}",
            hint='a vector starts well from "zeros" or "ones".',
        )
    return out.shape[-2], out.shape[-1]
