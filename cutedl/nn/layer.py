"""Layer: the protocol that every layer follows."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from itertools import pairwise
from typing import Any, ClassVar

from numpy.typing import NDArray

from cutedl import checks
from cutedl.arena import Arena
from cutedl.errors import ArgumentError

__all__ = ["Layer", "Shape", "Sugar"]

Shape = tuple[int, ...]


class Layer(ABC):
    """One function of the network: build once, then forward and backward for every batch.

    inplace: forward may write over its input (elementwise layers).
    reads_output: backward needs y, so the next layer must not write over it.
    takes_indices: x are integers, to which there is no gradient.
    shows_nonfinite: NaN or infinity anywhere in a row of x is seen in that row of y.
    inshape: shape of one sample, where the user gave it; the first layer needs one before data is seen.
    name: unique in its model; given by the model where the user did not.
    """

    inplace: ClassVar[bool] = False
    reads_output: ClassVar[bool] = False
    takes_indices: ClassVar[bool] = False
    shows_nonfinite: ClassVar[bool] = False

    def __init__(self, name: str | None = None, inshape: int | Shape | None = None):
        self.name = None if name is None else checks.text("name", name)
        self.inshape: Shape | None = None
        if inshape is not None:
            axes = inshape if isinstance(inshape, tuple | list) else (inshape,)
            self.inshape = tuple(checks.integer("inshape", axis) for axis in axes)

    @classmethod
    def kind(cls) -> str:
        """Return the name of the class as layers, parameters and activations are named after it.

        >>> from cutedl.nn import LeakyRelu
        >>> LeakyRelu.kind()
        'leaky_relu'
        """
        letters = ("_" + b.lower() if a.islower() and b.isupper() else b.lower() for a, b in pairwise(cls.__name__))
        return cls.__name__[:1].lower() + "".join(letters)

    def expand(self) -> list[Layer]:
        """Return the layers that the model runs for this one; sugar such as an activation becomes a layer."""
        return [self]

    def check_samples(self, x: NDArray[Any]) -> None:
        """Raise SampleError for samples of the right shape that this layer, being the first, cannot take."""
        return

    @abstractmethod
    def build(self, in_shape: Shape, arena: Arena) -> Shape:
        """Declare parameters for samples of in_shape and return the shape of one output."""

    @abstractmethod
    def forward(self, x: NDArray[Any], out: NDArray[Any], training: bool) -> NDArray[Any]:
        """Write y, (B, ...), into out and return it; keep for backward only when training.

        With training=False nothing of the layer may be written to: several threads may be inside.
        """

    @abstractmethod
    def backward(self, dy: NDArray[Any], out: NDArray[Any] | None) -> NDArray[Any] | None:
        """Overwrite the parameter gradients; write dx into out, never dy's memory, unless out is None."""

    def flops(self, in_shape: Shape, out_shape: Shape) -> int:
        """Return the operations that one sample takes in evaluation: one for each number of the output.

        Convention of every layer: +, -, *, /, max, a root and any elementwise function such as exp or tanh are one
        operation each, so a multiply-add is two; copying, comparing and looking up are none.

        >>> from cutedl.nn import Tanh
        >>> Tanh().flops((28, 28), (28, 28))
        784
        """
        return math.prod(out_shape)


class Sugar(Layer):
    """A layer that is never run itself: the model runs those that expand() returns."""

    @abstractmethod
    def expand(self) -> list[Layer]:
        """Return the layers that are run for this one."""

    def build(self, in_shape: Shape, arena: Arena) -> Shape:
        raise self._not_run()

    def forward(self, x: NDArray[Any], out: NDArray[Any], training: bool) -> NDArray[Any]:
        raise self._not_run()

    def backward(self, dy: NDArray[Any], out: NDArray[Any] | None) -> NDArray[Any] | None:
        raise self._not_run()

    def flops(self, in_shape: Shape, out_shape: Shape) -> int:
        raise self._not_run()

    def _not_run(self) -> ArgumentError:
        return ArgumentError(f"{self!r} is not run itself.", hint="run the layers that its expand() returns.")
