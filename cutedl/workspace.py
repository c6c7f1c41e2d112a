"""Workspace: where a chain of layers writes, activations and gradients, for batches of any size."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from cutedl.arena import Arena

if TYPE_CHECKING:
    from cutedl.nn.layer import Layer, Shape

__all__ = ["Views", "Workspace"]

# The views of a few batch sizes are kept; a program that feeds every size in turn starts over now and then.
_KEPT_SIZES = 16


@dataclass(frozen=True, slots=True)
class Views:
    """The buffers cut to one batch size: outputs[i] is y of layer i, gradients[i] is d loss / d y of layer i."""

    outputs: list[NDArray[Any]]
    gradients: list[NDArray[Any]]


class Workspace:
    """The buffers that the layers of one model share.

    A layer that works in place writes into its predecessor's output, unless that one still needs it for backward.
    Gradients go back and forth between two buffers of the widest output; the one of the last output has a place of its
    own, so that loss.gradient is still there after backward.

    chain: the layers; shapes: shape of one output of each; arena: gives the buffers.
    """

    def __init__(self, chain: Sequence[Layer], shapes: Sequence[Shape], arena: Arena):
        self._shapes = list(shapes)
        self._groups = _groups(chain)
        self._outputs = [arena.buffer(shapes[self._groups.index(group)]) for group in range(self._groups[-1] + 1)]
        widest = max((math.prod(shape) for shape in shapes[:-1]), default=0)
        self._gradients = arena.buffer((widest,)), arena.buffer((widest,))
        self._last_gradient = arena.buffer(shapes[-1])
        self._views: dict[int, Views] = {}
        self._rows = 0

    def __repr__(self) -> str:
        return f"Workspace({len(self._shapes)} layers)"

    def views(self, rows: int) -> Views:
        """Return the buffers for a batch of so many rows; they are the same memory at every call."""
        views = self._views.get(rows)
        if views is None:
            if rows > self._rows or len(self._views) >= _KEPT_SIZES:
                self._views.clear()  # larger memory is about to take the place of what these look at
                self._rows = max(rows, self._rows)
            outputs = [self._outputs[group].rows(rows) for group in self._groups]
            self._views[rows] = views = Views(outputs, self._gradient_views(rows))
        return views

    def fresh(self, out: NDArray[Any]) -> list[NDArray[Any]]:
        """Return new arrays for the outputs of a batch whose last output goes into out; the buffers are not touched."""
        made = [np.empty((len(out), *buffer.shape), out.dtype) for buffer in self._outputs[:-1]]
        return [[*made, out][group] for group in self._groups]

    def _gradient_views(self, rows: int) -> list[NDArray[Any]]:
        flat = [buffer.rows(rows).reshape(-1) for buffer in self._gradients]
        inner = [
            flat[i % 2][: rows * math.prod(shape)].reshape(rows, *shape) for i, shape in enumerate(self._shapes[:-1])
        ]
        return [*inner, self._last_gradient.rows(rows)]


def _groups(chain: Sequence[Layer]) -> list[int]:
    """Number the layers so that those which share one output buffer have the same number."""
    groups = [0]
    for before, layer in pairwise(chain):
        shares = layer.inplace and not before.reads_output
        groups.append(groups[-1] + (not shares))
    return groups
