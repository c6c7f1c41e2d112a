"""RandomLayer: what the layers that draw numbers in training have in common."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any

from numpy.typing import NDArray

from cutedl.arena import Arena
from cutedl.nn.layer import Layer, Shape

__all__ = ["RandomLayer"]


class RandomLayer(Layer):
    """Base of the layers that draw a number for each input in training; in evaluation y = x.

    The draws depend on (seed, layer name, epoch) alone.
    """

    inplace = True

    def build(self, in_shape: Shape, arena: Arena) -> Shape:
        """Declare room for the draws and the stream they are taken from."""
        self._draws = arena.buffer(in_shape)
        self._generator = arena.noise.generator(str(self.name))
        return in_shape

    def flops(self, in_shape: Shape, out_shape: Shape) -> int:
        """None: in evaluation y = x."""
        return 0

    def forward(self, x: NDArray[Any], out: NDArray[Any], training: bool) -> NDArray[Any]:
        if training:
            self.disturb(x, self._draws.rows(len(x)), out)
        elif out is not x:
            out[...] = x
        return out

    @abstractmethod
    def disturb(self, x: NDArray[Any], draws: NDArray[Any], out: NDArray[Any]) -> None:
        """Fill draws, (B, ...), from self._generator and write y into out; the draws are kept for backward."""
