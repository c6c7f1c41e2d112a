"""The numerically stable functions that everything else is made of.

Each takes `out=` as NumPy's own functions do: write here and return it. None overflows, and each keeps full relative
accuracy in the tails, where the textbook forms return 0 or infinity.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["log_sigmoid", "log_softmax", "log_sum_exp", "norm", "prob_distribution", "sigmoid", "softplus", "xlogy"]

# Sums over pieces of this many numbers are added in float64, and each piece stays in cache.
_PIECE = 1 << 16


def floating(x: ArrayLike) -> NDArray[Any]:
    """Return x as a floating array; integers and booleans become float64.

    >>> floating([1, 2]).dtype
    dtype('float64')
    """
    array = np.asarray(x)
    return array if array.dtype.kind == "f" else array.astype(np.float64)


def sigmoid(x: ArrayLike, out: NDArray[Any] | None = None, scratch: NDArray[Any] | None = None) -> NDArray[Any]:
    """The logistic function, element by element: 1 / (1 + exp(-x)).

    Computed as exp(min(x, 0)) / (1 + exp(-|x|)): no overflow, no flush to zero before the type's own limit
    (<= 4 ULP, subnormals included). x: any shape; out: may be x itself; scratch: an array of x's shape to work in.

    >>> print(sigmoid([-100.0, 0.0, 100.0]))
    [3.72007598e-44 5.00000000e-01 1.00000000e+00]
    """
    x = floating(x)
    tail = np.abs(x, out=scratch)
    np.negative(tail, out=tail)
    np.exp(tail, out=tail)
    tail += 1.0
    out = np.minimum(x, 0.0, out=out)
    np.exp(out, out=out)
    out /= tail
    return out


def softplus(x: ArrayLike, out: NDArray[Any] | None = None, scratch: NDArray[Any] | None = None) -> NDArray[Any]:
    """The smooth rectifier, element by element: log(1 + exp(x)); its derivative is sigmoid(x).

    Computed as max(x, 0) + log1p(exp(-|x|)). x: any shape; out: may be x itself; scratch: an array of x's shape.

    >>> print(softplus([-100.0, 0.0, 100.0]))
    [3.72007598e-44 6.93147181e-01 1.00000000e+02]
    """
    x = floating(x)
    tail = np.abs(x, out=scratch)
    np.negative(tail, out=tail)
    np.exp(tail, out=tail)
    np.log1p(tail, out=tail)
    out = np.maximum(x, 0.0, out=out)
    out += tail
    return out


def log_sigmoid(x: ArrayLike, out: NDArray[Any] | None = None, scratch: NDArray[Any] | None = None) -> NDArray[Any]:
    """The logarithm of the logistic function, element by element: -log(1 + exp(-x)) = -softplus(-x).

    x: any shape; out: may be x itself; scratch: an array of x's shape to work in.

    >>> print(log_sigmoid([-100.0, 0.0, 100.0]))
    [-1.00000000e+02 -6.93147181e-01 -3.72007598e-44]
    """
    out = np.negative(floating(x), out=out)
    out = softplus(out, out=out, scratch=scratch)
    np.negative(out, out=out)
    return out


def log_sum_exp(x: ArrayLike, axis: int = -1) -> NDArray[Any]:
    """log(sum(exp(x))) along an axis, which is left out of the result.

    The largest entry is taken out of the sum, so that what remains keeps its relative accuracy:
    m + log1p(sum of exp(x - m) over all but one largest). All entries -inf gives -inf.

    >>> print(log_sum_exp([[1000.0, 1000.0], [0.0, -50.0]]))
    [1.00069315e+03 1.92874985e-22]
    """
    x = np.moveaxis(floating(x), axis, -1)
    largest = np.argmax(x, axis=-1)[..., None]
    m = np.take_along_axis(x, largest, axis=-1)
    with np.errstate(invalid="ignore"):
        rest = np.exp(x - m)
    np.put_along_axis(rest, largest, 0.0, axis=-1)
    result = m[..., 0] + np.log1p(rest.sum(axis=-1))
    return np.asarray(np.where(np.isinf(m[..., 0]), m[..., 0], result))


def prob_distribution(
    x: ArrayLike, axis: int = -1, out: NDArray[Any] | None = None, scratch: NDArray[Any] | None = None
) -> NDArray[Any]:
    """Softmax, the probability distribution over an axis: exp(x) / sum(exp(x)).

    x: any shape; axis: the classes; out: may be x itself; scratch: an array of x's shape
    with length 1 along axis, to work in. The entries along the axis sum to 1 up to rounding.

    >>> print(prob_distribution([[1.0, 1.0, 1.0, 1.0], [1e4, 0.0, 0.0, -1e4]]))
    [[0.25 0.25 0.25 0.25]
     [1.   0.   0.   0.  ]]
    """
    x = floating(x)
    scratch = np.max(x, axis=axis, keepdims=True, out=scratch)
    out = np.subtract(x, scratch, out=out)
    np.exp(out, out=out)
    out /= np.sum(out, axis=axis, keepdims=True, out=scratch)
    return out


def log_softmax(x: ArrayLike, axis: int = -1, out: NDArray[Any] | None = None) -> NDArray[Any]:
    """The logarithm of softmax over an axis: x - log_sum_exp(x), to full accuracy at any height.

    With d = x - max(x) it is d - log1p(sum of exp(d) over all but one largest): both terms have one sign, so that
    nothing cancels. x: any shape; axis: the classes; out: may be x itself.

    >>> print(log_softmax([[1000.0, 950.0], [0.0, 0.0]]))
    [[-1.92874985e-22 -5.00000000e+01]
     [-6.93147181e-01 -6.93147181e-01]]
    """
    x = floating(x)
    largest = np.expand_dims(np.argmax(x, axis=axis), axis)
    with np.errstate(over="ignore"):  # a distance beyond the largest float is infinite
        out = np.subtract(x, np.take_along_axis(x, largest, axis=axis), out=out)
    rest = np.exp(out)
    np.put_along_axis(rest, largest, 0.0, axis=axis)
    out -= np.log1p(rest.sum(axis=axis, keepdims=True))
    return out


def xlogy(x: ArrayLike, y: ArrayLike) -> NDArray[Any]:
    """x * log(y), with 0 wherever x is 0, also at y = 0.

    >>> print(xlogy([0.0, 1.0, 2.0], [0.0, 1.0, 0.5]))
    [ 0.          0.         -1.38629436]
    """
    x, y = np.broadcast_arrays(floating(x), floating(y))
    with np.errstate(divide="ignore"):
        result: NDArray[Any] = x * np.log(np.where(x == 0, 1.0, y))
    return result


def norm(vectors: Iterable[NDArray[Any]]) -> float:
    """The Euclidean length of 1-D vectors taken as one: √Σ g². Squares that overflow or vanish are scaled by max |g|.

    >>> print(norm([np.array([3e-30], "float32"), np.array([4e-30], "float32")]))
    5...e-30
    """
    pieces = [v[start : start + _PIECE] for v in vectors for start in range(0, v.size, _PIECE)]
    if not pieces:
        return 0.0
    with np.errstate(over="ignore", under="ignore"):
        total = sum(float(np.dot(piece, piece)) for piece in pieces)
    limits = np.finfo(pieces[0].dtype)
    if float(limits.tiny) / float(limits.eps) ** 2 < total < math.inf:
        return math.sqrt(total)
    largest = max(float(np.abs(piece).max()) for piece in pieces)
    if largest == 0 or not math.isfinite(largest):
        return largest
    return largest * math.sqrt(sum(float(np.square(piece / largest).sum()) for piece in pieces))
