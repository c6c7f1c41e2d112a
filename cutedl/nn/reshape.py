"""Flatten and Reshape: the same numbers, seen with other axes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from numpy.typing import NDArray

from cutedl import checks
from cutedl.arena import Arena
from cutedl.errors import ArgumentError, ShapeError
from cutedl.nn.layer import Layer, Shape

__all__ = ["Flatten", "Reshape"]


class _Rearrangement(Layer):
    """What both share: y holds the numbers of x in their order, dx those of dy."""

    def flops(self, in_shape: Shape, out_shape: Shape) -> int:
        """None: the numbers are copied."""
        return 0

    def forward(self, x: NDArray[Any], out: NDArray[Any], training: bool) -> NDArray[Any]:
        out[...] = x.reshape(out.shape)
        return out

    def backward(self, dy: NDArray[Any], out: NDArray[Any] | None) -> NDArray[Any] | None:
        if out is not None:
            out[...] = dy.reshape(out.shape)
        return out


class Flatten(_Rearrangement):
    """All axes of a sample in one: (B, ...) -> (B, I), the last axis fastest.

    inshape: shape of one sample, an int or a tuple; needed by a first layer that is assembled before it sees data.

    Raises ArgumentError for an inshape below 1. Equals keras.layers.Flatten and torch.nn.Flatten.

    >>> from cutedl.model import Model
    >>> model = Model([Flatten(inshape=(28, 28))])
    >>> model.assemble()
    >>> print(model.shapes[-1])
    (784,)
    """

    def __init__(self, inshape: int | Shape | None = None, name: str | None = None):
        super().__init__(name, inshape)

    def __repr__(self) -> str:
        return "Flatten()"

    def build(self, in_shape: Shape, arena: Arena) -> Shape:
        return (math.prod(in_shape),)


class Reshape(_Rearrangement):
    """Samples of another shape: (B, *in_shape) -> (B, *target_shape), the last axis fastest.

    target_shape: shape of one sample, without the batch; one axis may be -1 and is worked out.
    inshape: shape of one sample, an int or a tuple; needed by a first layer that is assembled before it sees data.

    Raises ArgumentError for an axis below 1 or a second -1, ShapeError at assemble where the numbers do not fit.
    Equals keras.layers.Reshape and torch.nn.Unflatten.

    >>> from cutedl.model import Model
    >>> model = Model([Reshape((2, -1), inshape=6)])
    >>> model.assemble()
    >>> print(model.predict([[1, 2, 3, 4, 5, 6]]))
    [[[1. 2. 3.]
      [4. 5. 6.]]]
    """

    def __init__(self, target_shape: int | Sequence[int], inshape: int | Shape | None = None, name: str | None = None):
        super().__init__(name, inshape)
        axes = list(target_shape) if isinstance(target_shape, tuple | list) else [target_shape]
        self.target_shape = tuple(-1 if axis == -1 else checks.integer("target_shape", axis) for axis in axes)
        if self.target_shape.count(-1) > 1:
            raise ArgumentError("target_shape cannot be used.", expected="at most one -1", received=repr(target_shape))

    def __repr__(self) -> str:
        return f"Reshape({self.target_shape})"

    def build(self, in_shape: Shape, arena: Arena) -> Shape:
        count, known = math.prod(in_shape), math.prod(axis for axis in self.target_shape if axis != -1)
        shape = tuple(count // known if axis == -1 else axis for axis in self.target_shape)
        if math.prod(shape) != count:
            raise ShapeError(
                f"{self.name} cannot take this input.",
                expected=f"samples of a size that fits {self.target_shape}",
                received=f"samples {in_shape} of {count} numbers",
            )
        return shape
