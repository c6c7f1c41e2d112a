"""Composites: layers made of layers, so that a skip connection can be written as a list."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cutedl import checks
from cutedl.arena import Arena
from cutedl.errors import ArgumentError, ShapeError
from cutedl.nn import chain
from cutedl.nn.layer import Layer, Shape, Sugar
from cutedl.summary import batch_shape
from cutedl.workspace import Workspace

__all__ = ["Residual", "Sequential"]


class Sequential(Sugar):
    """Layers in a row as one layer: a model, or a Residual, runs them as if they stood in its own list.

    layers: Layer objects, at least one.

    Raises ArgumentError for no layers, for what is no layer and for a layer used twice.

    >>> from cutedl.model import Model
    >>> from cutedl.nn.dense import Dense
    >>> model = Model([Sequential([Dense(4, inshape=2), Dense(3)]), Dense(1)])
    >>> model.assemble()
    >>> [layer.name for layer in model.chain]
    ['dense_0', 'dense_1', 'dense_2']
    """

    def __init__(self, layers: Iterable[Layer], name: str | None = None):
        super().__init__(name)
        self.layers = _some("layers", layers)
        self.inshape = self.layers[0].inshape

    def __repr__(self) -> str:
        return f"Sequential({self.layers!r})"

    def expand(self) -> list[Layer]:
        """The layers."""
        return chain.expand(self.layers)


class Residual(Layer):
    """A skip connection: y = f(x) + x, or f(x) + s(x) with a shortcut s; dx = df/dxᵀ dy + dy, or + ds/dxᵀ dy.

    layers: f, Layer objects in a row.
    shortcut: s, a Layer or several in a row, such as Dense(units, use_bias=False); needed where f changes the shape.
    Names and parameters inside carry the name of this layer: residual_0.dense_0.kernel.

    Raises ArgumentError for no layers, for what is no layer and for a layer used twice, ShapeError at assemble where
    f(x) and what is added to it differ in shape. Source: He et al., "Deep residual learning" (2015).

    >>> from cutedl.model import Model
    >>> from cutedl.nn.dense import Dense
    >>> model = Model([Residual([Dense(2, kernel_initializer="ones")])])
    >>> model.assemble(inshape=2)
    >>> print(model.predict([[1.0, 2.0]]), list(model.parameters))
    [[4. 5.]] ['residual_0.dense_0.kernel', 'residual_0.dense_0.bias']
    """

    def __init__(
        self, layers: Iterable[Layer], shortcut: Layer | Iterable[Layer] | None = None, name: str | None = None
    ):
        super().__init__(name)
        self.layers = _some("layers", layers)
        self.inshape = self.layers[0].inshape
        shortcuts = [shortcut] if isinstance(shortcut, Layer) else shortcut
        self.shortcut = None if shortcuts is None else _some("shortcut", shortcuts)

    def __repr__(self) -> str:
        return f"Residual({self.layers!r}" + (")" if self.shortcut is None else f", shortcut={self.shortcut!r})")

    def build(self, in_shape: Shape, arena: Arena) -> Shape:
        """Declare what the layers of both branches declare, and the buffers between them."""
        chain.name_layers(chain.expand([*self.layers, *(self.shortcut or ())]), prefix=f"{self.name}.")
        self._branch = _Branch(self.layers, in_shape, arena)
        self._skip = None if self.shortcut is None else _Branch(self.shortcut, in_shape, arena)
        self._skip_gradient = arena.buffer(in_shape)
        shape, added = self._branch.out_shape, in_shape if self._skip is None else self._skip.out_shape
        if added != shape:
            raise ShapeError(
                f"{self.name} cannot add its input to the output of its layers.",
                expected=batch_shape(shape),
                received=batch_shape(added),
                hint="a shortcut such as nn.Dense(units, use_bias=False) changes the last axis.",
            )
        return shape

    def flops(self, in_shape: Shape, out_shape: Shape) -> int:
        """Those of both branches, known once they are built, and one for each number of their sum."""
        skip = 0 if self._skip is None else self._skip.flops(in_shape)
        return self._branch.flops(in_shape) + skip + math.prod(out_shape)

    def forward(self, x: NDArray[Any], out: NDArray[Any], training: bool) -> NDArray[Any]:
        y = self._branch.forward(x, training)
        np.add(y, x if self._skip is None else self._skip.forward(x, training), out=out)
        return out

    def backward(self, dy: NDArray[Any], out: NDArray[Any] | None) -> NDArray[Any] | None:
        added = dy
        if self._skip is not None:
            added = self._skip_gradient.rows(len(dy))
            self._skip.backward(dy, None if out is None else added)
        self._branch.backward(dy, out)
        if out is not None:
            out += added
        return out


class _Branch:
    """Layers in a row, built, with buffers of their own."""

    def __init__(self, layers: Iterable[Layer], in_shape: Shape, arena: Arena):
        self._chain = chain.expand(layers)
        self._shapes, _ = chain.build(self._chain, in_shape, arena)
        self.out_shape = self._shapes[-1]
        self._workspace = Workspace(self._chain, self._shapes, arena)

    def flops(self, in_shape: Shape) -> int:
        return sum(chain.flops(self._chain, [in_shape, *self._shapes]))

    def forward(self, x: NDArray[Any], training: bool) -> NDArray[Any]:
        if training:
            outputs = self._workspace.views(len(x)).outputs
        else:
            outputs = self._workspace.fresh(np.empty((len(x), *self.out_shape), x.dtype))
        return chain.forward(self._chain, x, outputs, training)

    def backward(self, dy: NDArray[Any], out: NDArray[Any] | None) -> None:
        chain.backward(self._chain, dy, self._workspace.views(len(dy)).gradients, out)


def _some(name: str, layers: Iterable[Layer]) -> list[Layer]:
    some = checks.several(name, layers)
    if not chain.expand(some):
        raise ArgumentError(f"{name} cannot be used.", expected="at least one layer", received=repr(some))
    return some
