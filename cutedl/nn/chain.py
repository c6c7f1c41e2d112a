"""Layers in a row: how they are named, built and run, by a model and by a layer made of layers."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Any

from numpy.typing import NDArray

from cutedl.arena import Arena
from cutedl.errors import ArgumentError, ShapeError
from cutedl.nn.layer import Layer, Shape
from cutedl.summary import batch_shape

__all__ = ["backward", "build", "expand", "flops", "forward", "misfit", "name_layers"]


def expand(layers: Iterable[Layer]) -> list[Layer]:
    """Return the layers that run for these.

    Raises ArgumentError for what is no layer and for a layer used twice.
    """
    chain: list[Layer] = []
    for layer in layers:
        if not isinstance(layer, Layer):
            raise ArgumentError("only a layer can be used here.", expected="a cutedl.nn.Layer", received=repr(layer))
        for part in layer.expand():
            if any(part is other for other in chain):
                raise ArgumentError(f"{part!r} is used twice.", hint="make a second layer.")
            chain.append(part)
    return chain


def name_layers(chain: Iterable[Layer], prefix: str = "") -> None:
    """Name each layer that has no name after its kind and its place among its kind: dense_0, relu_0, dense_1."""
    seen: dict[str, int] = {}
    for layer in chain:
        kind = layer.kind()
        number = seen.get(kind, 0)
        seen[kind] = number + 1
        if layer.name is None:
            layer.name = f"{prefix}{kind}_{number}"


def build(chain: Iterable[Layer], shape: Shape, arena: Arena) -> tuple[list[Shape], list[int]]:
    """Build each layer for the output of the one before; return the shape of one output and the parameters of each.

    Raises ShapeError where layers do not fit together.
    """
    shapes, counts = [], []
    for layer in chain:
        if layer.inshape is not None and layer.inshape != shape:
            raise misfit(layer, layer.inshape, batch_shape(shape))
        before = arena.size
        shape = layer.build(shape, arena)
        shapes.append(shape)
        counts.append(arena.size - before)
    return shapes, counts


def flops(chain: Iterable[Layer], shapes: Sequence[Shape]) -> list[int]:
    """Return the operations of each layer for one sample; shapes are that of the input and those of the outputs."""
    return [layer.flops(*pair) for layer, pair in zip(chain, pairwise(shapes), strict=True)]


def forward(chain: Sequence[Layer], x: NDArray[Any], outputs: Sequence[NDArray[Any]], training: bool) -> NDArray[Any]:
    """Run a batch through the chain, each layer into its output; return the last."""
    for layer, out in zip(chain, outputs, strict=True):
        x = layer.forward(x, out, training)
    return x


def backward(
    chain: Sequence[Layer],
    dy: NDArray[Any],
    gradients: Sequence[NDArray[Any]],
    out: NDArray[Any] | None,
    lowest: int = 0,
) -> None:
    """Run d loss / d y down to the lowest layer; gradients[i] takes that of the output of layer i, out the last."""
    for i in range(len(chain) - 1, lowest, -1):
        chain[i].backward(dy, gradients[i - 1])
        dy = gradients[i - 1]
    chain[lowest].backward(dy, out)


def misfit(layer: Layer, inshape: Shape, received: str) -> ShapeError:
    """Return the error for a layer that gets samples of another shape."""
    return ShapeError(
        f"{layer.name} cannot take this input.",
        expected=batch_shape(inshape),
        received=received,
        hint=f"reshape x to {batch_shape(inshape)}.",
    )
