"""Initializers: each fills a given array from a given generator.

A kernel has shape (fan_in, fan_out). Draws are made in float64 and rounded once, so that a float32 model starts from
the rounded weights of its float64 twin.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cutedl import checks
from cutedl.errors import ArgumentError, unknown_name

__all__ = [
    "Constant",
    "Initializer",
    "Orthogonal",
    "RandomNormal",
    "RandomUniform",
    "TruncatedNormal",
    "get",
    "glorot_normal",
    "glorot_uniform",
    "he_normal",
    "he_uniform",
    "lecun_normal",
    "lecun_uniform",
    "ones",
    "zeros",
]

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


def lecun_uniform(out: NDArray[Any], generator: np.random.Generator) -> None:
    """Uniform on [-a, a], a = sqrt(3 / fan_in): variance 1 / fan_in. Source: LeCun et al., 1998."""
    limit = math.sqrt(3 / _fans(out)[0])
    out[...] = generator.uniform(-limit, limit, out.shape)


def lecun_normal(out: NDArray[Any], generator: np.random.Generator) -> None:
    """Normal with standard deviation sqrt(1 / fan_in): what selu expects. Source: LeCun et al., 1998.

    Keras cuts its *_normal draws at two standard deviations; these are not cut, as PyTorch's.

    >>> kernel = np.empty((200, 100))
    >>> lecun_normal(kernel, np.random.default_rng(0))
    >>> round(float(kernel.std()), 2)
    0.07
    """
    out[...] = generator.normal(0, math.sqrt(1 / _fans(out)[0]), out.shape)


@dataclass(slots=True)
class Constant:
    """Fill with one number. Raises ArgumentError for a value that is no finite number.

    >>> alpha = np.empty(3)
    >>> Constant(0.25)(alpha, np.random.default_rng(0))
    >>> print(Constant(0.25), alpha)
    Constant(value=0.25) [0.25 0.25 0.25]
    """

    value: float = 0.0

    def __post_init__(self) -> None:
        self.value = checks.number("value", self.value)

    def __call__(self, out: NDArray[Any], generator: np.random.Generator) -> None:
        out[...] = self.value


@dataclass(slots=True)
class RandomUniform:
    """Uniform on [minval, maxval). Raises ArgumentError unless minval < maxval. Equals Keras' of that name.

    >>> kernel = np.empty((200, 100))
    >>> RandomUniform(0, 2)(kernel, np.random.default_rng(0))
    >>> round(float(kernel.mean()), 1)
    1.0
    """

    minval: float = -0.05
    maxval: float = 0.05

    def __post_init__(self) -> None:
        self.minval = checks.number("minval", self.minval)
        self.maxval = checks.number("maxval", self.maxval, low=self.minval, above=True)

    def __call__(self, out: NDArray[Any], generator: np.random.Generator) -> None:
        out[...] = generator.uniform(self.minval, self.maxval, out.shape)


@dataclass(slots=True)
class RandomNormal:
    """Normal with that mean and standard deviation. Raises ArgumentError for stddev <= 0. Equals Keras' of that name.

    >>> kernel = np.empty((200, 100))
    >>> RandomNormal(stddev=0.1)(kernel, np.random.default_rng(0))
    >>> round(float(kernel.std()), 2)
    0.1
    """

    mean: float = 0.0
    stddev: float = 0.05

    def __post_init__(self) -> None:
        self.mean = checks.number("mean", self.mean)
        self.stddev = checks.number("stddev", self.stddev, low=0, above=True)

    def __call__(self, out: NDArray[Any], generator: np.random.Generator) -> None:
        out[...] = generator.normal(self.mean, self.stddev, out.shape)


@dataclass(slots=True)
class TruncatedNormal:
    """Normal, drawn again where further than 2 stddev from the mean, so that no weight starts large.

    stddev is that of the normal before it is cut; of what is left it is 0.88 stddev.
    Raises ArgumentError for stddev <= 0. Equals Keras' of that name; PyTorch's trunc_normal_ cuts at ±2, not ±2 stddev.

    >>> kernel = np.empty((200, 100))
    >>> TruncatedNormal(stddev=0.1)(kernel, np.random.default_rng(0))
    >>> bool(abs(kernel).max() <= 0.2), round(float(kernel.std()), 3)
    (True, 0.088)
    """

    mean: float = 0.0
    stddev: float = 0.05

    def __post_init__(self) -> None:
        self.mean = checks.number("mean", self.mean)
        self.stddev = checks.number("stddev", self.stddev, low=0, above=True)

    def __call__(self, out: NDArray[Any], generator: np.random.Generator) -> None:
        draw = generator.standard_normal(out.size)
        while (outside := np.flatnonzero(np.abs(draw) > 2)).size:
            draw[outside] = generator.standard_normal(outside.size)
        out[...] = self.mean + self.stddev * draw.reshape(out.shape)


@dataclass(slots=True)
class Orthogonal:
    """gain times a matrix, uniform among those with orthonormal columns, or rows where these are fewer.

    Keeps the length of what passes through. A kernel of more axes counts as (all but the last, last).
    Raises ArgumentError for gain <= 0. Source: Saxe, McClelland and Ganguli, 2014; Keras' Orthogonal and PyTorch's
    orthogonal_.

    >>> kernel = np.empty((3, 2))
    >>> Orthogonal()(kernel, np.random.default_rng(0))
    >>> bool(np.allclose(kernel.T @ kernel, np.eye(2)))
    True
    """

    gain: float = 1.0

    def __post_init__(self) -> None:
        self.gain = checks.number("gain", self.gain, low=0, above=True)

    def __call__(self, out: NDArray[Any], generator: np.random.Generator) -> None:
        _fans(out)
        rows, columns = out.size // out.shape[-1], out.shape[-1]
        q, r = np.linalg.qr(generator.standard_normal((max(rows, columns), min(rows, columns))))
        q *= np.copysign(1.0, np.diagonal(r))  # the signs that QR is free to choose would not be uniform
        out[...] = self.gain * (q if rows >= columns else q.T).reshape(out.shape)


_BY_NAME: dict[str, Initializer] = {
    "constant": Constant(),
    "glorot_normal": glorot_normal,
    "glorot_uniform": glorot_uniform,
    "he_normal": he_normal,
    "he_uniform": he_uniform,
    "lecun_normal": lecun_normal,
    "lecun_uniform": lecun_uniform,
    "ones": ones,
    "orthogonal": Orthogonal(),
    "random_normal": RandomNormal(),
    "random_uniform": RandomUniform(),
    "truncated_normal": TruncatedNormal(),
    "zeros": zeros,
}


def get(name: str | Initializer) -> Initializer:
    """Return the initializer of that name, a class with its defaults; a function is returned as it is.

    >>> get("zeros") is zeros
    True
    >>> get("orthogonal")
    Orthogonal(gain=1.0)
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
