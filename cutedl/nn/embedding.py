"""Embedding: a learned vector for each index."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from cutedl import checks, initializers
from cutedl.arena import Arena
from cutedl.errors import ArgumentError, SampleError
from cutedl.initializers import Initializer
from cutedl.nn.layer import Layer, Shape
from cutedl.nn.rows import rows

__all__ = ["Embedding"]

# Samples reach a layer in the model's dtype; float32 holds every integer up to here.
_LARGEST = 1 << 24
# Indices are looked at in pieces of about this many, for the copy that looking makes.
_PIECE = 1 << 16


class Embedding(Layer):
    """The row of a table for each index: y[..., :] = E[x[...]].

    Shapes: x (B, ...) integers in [0, input_dim) -> y (B, ..., d); table E (input_dim, d).
    Gradient: of row i the sum of dy wherever x = i; rows that do not occur are not touched, nor their optimizer's
    state. An index has no gradient: dx = 0.

    input_dim: how many indices there are, from 1 to 2²⁴ (indices travel in the model's dtype, and float32 holds no
    more). output_dim: d >= 1. Indices may come in any type; floats must be integral.
    embeddings_initializer: a name of cutedl.initializers or a function (out, generator).
    inshape: shape of one sample, an int or a tuple; needed by a first layer that is assembled before it sees data.

    Raises ArgumentError for a wrong argument, UnknownNameError for a misspelt name, SampleError, before training, for
    an index that is out of range or no integer. Equals keras.layers.Embedding and torch.nn.Embedding(sparse=True).

    >>> from cutedl.model import Model
    >>> model = Model([Embedding(10, 2, embeddings_initializer="ones", inshape=3)])
    >>> model.assemble()
    >>> model.predict([[7, 0, 7]]).shape
    (1, 3, 2)
    """

    takes_indices = True

    def __init__(
        self,
        input_dim: int,
        output_dim: int,
        embeddings_initializer: str | Initializer = "random_uniform",
        inshape: int | Shape | None = None,
        name: str | None = None,
    ):
        super().__init__(name, inshape)
        self.input_dim = checks.integer("input_dim", input_dim)
        self.output_dim = checks.integer("output_dim", output_dim)
        if self.input_dim > _LARGEST:
            raise ArgumentError("input_dim cannot be used.", expected=f"an int <= {_LARGEST}", received=repr(input_dim))
        self.embeddings_initializer = initializers.get(embeddings_initializer)

    def __repr__(self) -> str:
        return f"Embedding({self.input_dim}, {self.output_dim})"

    def build(self, in_shape: Shape, arena: Arena) -> Shape:
        """Declare the table, which learns by the row."""
        shape = (self.input_dim, self.output_dim)
        self.table = arena.table(f"{self.name}.embeddings", shape, self.embeddings_initializer)
        return (*in_shape, self.output_dim)

    def flops(self, in_shape: Shape, out_shape: Shape) -> int:
        """None: a row is looked up."""
        return 0

    def check_samples(self, x: NDArray[Any]) -> None:
        """Raise SampleError with the first index that is out of range or no integer."""
        step = max(1, _PIECE * len(x) // max(1, x.size))
        for start in range(0, len(x), step):
            self._indices(x[start : start + step])

    def forward(self, x: NDArray[Any], out: NDArray[Any], training: bool) -> NDArray[Any]:
        indices = self._indices(x)
        if training:
            self._used = indices.reshape(-1)
        np.take(self.table.values, indices, axis=0, out=out, mode="clip")  # in range already: clip is the fast mode
        return out

    def backward(self, dy: NDArray[Any], out: NDArray[Any] | None) -> NDArray[Any] | None:
        self.table.collect(self._used, rows(dy))
        if out is not None:
            out[...] = 0
        return out

    def _indices(self, x: NDArray[Any]) -> NDArray[np.intp]:
        with np.errstate(invalid="ignore"):  # NaN and infinity become integers that are not equal to them
            indices = x.astype(np.intp)
        # Seen as unsigned, a negative index is larger than any table.
        if indices.size and (indices.view(np.uintp).max() >= self.input_dim or (indices != x).any()):
            wrong = (indices != x) | (indices < 0) | (indices >= self.input_dim)
            raise SampleError(
                f"{self.name} cannot take this index.",
                expected=f"an integer in [0, {self.input_dim})",
                received=f"{x[wrong][0]:g}",
                hint="input_dim must be larger than every index; count from 0.",
            )
        return indices
