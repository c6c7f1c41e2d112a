"""Model: a chain of layers, its memory and its buffers."""

from __future__ import annotations

import copy
import math
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from cutedl import checks, streams
from cutedl.arena import Arena, Parameter
from cutedl.errors import ArgumentError, NotBuiltError, ShapeError
from cutedl.nn import chain
from cutedl.nn.layer import Layer, Shape
from cutedl.sparse_rows import numeric_rows
from cutedl.summary import LayerRow, Summary
from cutedl.workspace import Workspace

__all__ = ["Model"]

# predict works through its input in pieces whose activations stay in cache.
_PREDICT_ROWS = 960


class Model:
    """Layers in a row: the output of one is the input of the next.

    layers: Layer objects, in order. An activation given to Dense becomes a layer of its own in `chain`, which is what
    runs.

    Raises ArgumentError for what is no layer and for a layer used twice.

    >>> from cutedl import nn
    >>> model = Model([nn.Dense(3, inshape=2, activation="relu"), nn.Dense(1)])
    >>> model.assemble(seed=0)
    >>> model.predict(np.zeros((5, 2))).shape
    (5, 1)
    """

    def __init__(self, layers: Iterable[Layer] = ()):
        self.layers: list[Layer] = []
        self.chain: list[Layer] = []
        self.shapes: list[Shape] = []
        self._arena: Arena | None = None
        for layer in checks.several("layers", layers):
            self.add(layer)

    def __repr__(self) -> str:
        return f"Model([{', '.join(map(repr, self.layers))}])"

    def add(self, layer: Layer) -> None:
        """Append a layer; before assemble, which gives the chain its memory."""
        if not isinstance(layer, Layer):
            raise ArgumentError("only a layer can be added.", expected="a cutedl.nn.Layer", received=repr(layer))
        if any(layer is other for other in self.layers):
            raise ArgumentError(f"{layer!r} is in this model already.", hint="make a second layer.")
        if self.assembled:
            raise ArgumentError(
                "this model is assembled; another layer would cost it its weights.", hint="add before assemble()."
            )
        self.layers.append(layer)

    # -- assembly ----------------------------------------------------------------------------------------------------

    @property
    def assembled(self) -> bool:
        """Whether the parameters have memory."""
        return self._arena is not None

    @property
    def arena(self) -> Arena:
        """All memory of the model; NotBuiltError before assemble."""
        if self._arena is None:
            raise _not_built()
        return self._arena

    @property
    def parameters(self) -> Mapping[str, Parameter]:
        """The parameters by name."""
        return self.arena.parameters

    @property
    def dtype(self) -> np.dtype[Any]:
        """The type of parameters, activations and predictions."""
        return self.arena.values.dtype

    def declare(self, inshape: int | Shape | None = None) -> Arena:
        """Name the layers, work out every shape and return the arena that knows all parameters, still without memory.

        inshape: shape of one sample; None takes the first layer's.
        Raises ArgumentError for a model without layers, ShapeError where layers do not fit together.
        """
        if not self.layers:
            raise ArgumentError("this model has no layers.", hint="Model([nn.Dense(10, inshape=784)])")
        inshape = self.layers[0].inshape if inshape is None else inshape
        if inshape is None:
            raise ShapeError(
                "the shape of one sample is not known.",
                hint="give the first layer inshape=..., or let Session.fit take it from the data.",
            )
        axes = inshape if isinstance(inshape, tuple | list) else (inshape,)
        shape = tuple(checks.integer("inshape", axis) for axis in axes)
        layers, arena = chain.expand(self.layers), Arena()
        chain.name_layers(layers)
        shapes, counts = chain.build(layers, shape, arena)
        self.chain, self.shapes, self._counts = layers, [shape, *shapes], counts
        return arena

    def assemble(
        self, seed: int | None = None, dtype: DTypeLike = "float32", inshape: int | Shape | None = None
    ) -> None:
        """Give every layer its memory and initial weights; called again, it starts anew.

        seed: an int >= 0; the same seed gives the same weights, None draws one (see `.seed`).
        dtype: "float32", or "float64" for gradient checks.
        inshape: shape of one sample, where the first layer does not say.
        """
        seed = streams.fresh_seed() if seed is None else checks.integer("seed", seed, low=0)
        dtype = _computable(dtype)
        if self.assembled:
            copy.deepcopy(self).declare(inshape)  # what fails has to fail before these layers let go of their memory
        self.take(self.declare(inshape), seed, dtype)

    def take(self, arena: Arena, seed: int, dtype: DTypeLike, initialize: bool = True) -> None:
        """Run on a declared arena, which gets its memory now, and initial weights unless saved ones follow."""
        arena.allocate(seed, dtype, initialize)
        self._workspace = Workspace(self.chain, self.shapes[1:], arena)
        # Below the lowest layer that learns, nobody wants a gradient.
        self._lowest = next((i for i, count in enumerate(self._counts) if count), len(self.chain) - 1)
        self._arena, self.seed = arena, seed

    def check_input(self, x: Any) -> None:
        """Raise ShapeError, or SampleError, unless x is a batch of the samples that this model takes.

        Raises NotBuiltError where nothing has said yet what samples these are.
        """
        if not self.shapes:
            raise _not_built()
        if x.ndim == 0 or x.shape[1:] != self.shapes[0]:
            raise chain.misfit(self.chain[0], self.shapes[0], f"{x.shape} {x.dtype}")
        self.chain[0].check_samples(x)

    # -- training ----------------------------------------------------------------------------------------------------

    def forward(self, x: NDArray[Any], training: bool = True) -> NDArray[Any]:
        """Run a batch (B, *inshape) through the chain; the result lies in a buffer that the next forward overwrites."""
        if x.shape[1:] != self.shapes[0]:
            self.check_input(x)
        return chain.forward(self.chain, x, self._workspace.views(len(x)).outputs, training)

    def output_gradient(self, rows: int) -> NDArray[Any]:
        """The buffer for d loss / d output of a batch of so many rows."""
        return self._workspace.views(rows).gradients[-1]

    def backward(self, dy: NDArray[Any], out: NDArray[Any] | None = None) -> None:
        """Write every parameter gradient from dy = d loss / d output, and d loss / d input into out, if given."""
        gradients = self._workspace.views(len(dy)).gradients
        chain.backward(self.chain, dy, gradients, out, lowest=self._lowest if out is None else 0)

    def outputs(self, rows: int) -> dict[str, NDArray[Any]]:
        """Return what the layers' last forward of a batch of so many rows wrote, by layer name: views of the buffers.

        A layer that works in place has overwritten its predecessor's output with its own.
        """
        views = self._workspace.views(rows).outputs
        return {str(layer.name): view for layer, view in zip(self.chain, views, strict=True)}

    def trunk(self) -> Model:
        """Return the model less the last layer of its chain: the same layers and parameters, buffers of its own."""
        trunk = copy.copy(self)
        trunk.chain, trunk.shapes, trunk._counts = self.chain[:-1], self.shapes[:-1], self._counts[:-1]
        trunk._workspace = Workspace(trunk.chain, trunk.shapes[1:], self.arena)
        return trunk

    # -- use ---------------------------------------------------------------------------------------------------------

    def predict(self, x: ArrayLike | Iterator[ArrayLike]) -> NDArray[Any]:
        """Return the outputs for x, (B, *inshape) numbers of any type, as a new array.

        x: a list, an array, a table, a SciPy sparse matrix, or an iterator of such batches. Any number of rows.
        Writes to nothing of the model, so several threads may call it at once. While another thread trains, a result
        may come of weights that are half those of the next step; a listener's predict sees those of one step.
        Raises ShapeError for samples of another shape, SampleError for indices out of range, DataTypeError for what
        are no numbers, NonFiniteError for NaN and infinity, which layers such as sigmoid would hide.
        """
        dtype = self.dtype
        if isinstance(x, Iterator):
            return np.concatenate([np.empty((0, *self.shapes[-1]), dtype), *map(self.predict, x)])
        samples = numeric_rows("x", x)
        self.check_input(samples)
        result = np.empty((len(samples), *self.shapes[-1]), dtype)
        # Input that is not finite ends in NonFiniteError, which says more than NumPy's warning.
        with np.errstate(over="ignore", invalid="ignore"):
            for start in range(0, len(samples), _PREDICT_ROWS):
                piece = slice(start, start + _PREDICT_ROWS)
                self._predict_piece(samples[piece], result[piece], start)
        return result

    def _predict_piece(self, given: NDArray[Any], out: NDArray[Any], start: int) -> None:
        """Write the outputs for samples into out; start: the row that they begin at."""
        x, first, outputs = _cast(given, out.dtype), self.chain[0], self._workspace.fresh(out)
        y = first.forward(x, outputs[0], training=False)
        # 10,000 rows of 784 take a millisecond to look at, the 128 outputs of each a tenth of that, and their sum of
        # squares a third again; it may overflow where they are finite, which is why finite_rows has the last word.
        seen = (y if first.shows_nonfinite else x).reshape(-1)
        if not math.isfinite(seen.dot(seen)):
            checks.finite_rows("x", given, out.dtype, start=start)
        chain.forward(self.chain[1:], y, outputs[1:], training=False)

    def summary(self) -> Summary:
        """Return the table of layers, shapes, parameters, bytes and FLOPs per sample; print it.

        >>> from cutedl import nn
        >>> print(f"{Model([nn.Dense(10, inshape=784)]).summary().parameters:,}")
        7,850
        """
        if not self.assembled:
            self.declare()
        flops = chain.flops(self.chain, self.shapes)
        rows = zip(self.chain, self.shapes[1:], self._counts, flops, strict=True)
        dtype = self.dtype if self.assembled else np.dtype("float32")
        return Summary(
            tuple(LayerRow(str(x.name), type(x).__name__, shape, count, work) for x, shape, count, work in rows),
            inshape=self.shapes[0],
            dtype=dtype.name,
            itemsize=dtype.itemsize,
        )

    # -- saved state -------------------------------------------------------------------------------------------------

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write layers and weights to this very path, whole or not at all; see docs/saving.md.

        Raises NotBuiltError before assemble, CheckpointError for a layer that cannot be described, or a full disk.
        """
        from cutedl import saved_model

        saved_model.save_model(self, path)

    @classmethod
    def load(cls, path: str | os.PathLike[str], custom: Iterable[Callable[..., Any]] = ()) -> Model:
        """Return the model of a file that Model.save or Session.save wrote; no code of a file ever runs.

        custom: classes and functions of your own that it uses. Raises CheckpointError.
        """
        from cutedl import saved_model

        return saved_model.load_model(cls, path, custom)

    def load_weights(self, path: str | os.PathLike[str]) -> None:
        """Take weights and statistics from a file; where any does not fit, CheckpointError, and nothing changes."""
        from cutedl import saved_model

        saved_model.load_weights(self, path)


def _computable(dtype: DTypeLike) -> np.dtype[Any]:
    try:
        named = np.dtype(dtype)
    except TypeError:
        named = None
    if dtype is None or named is None or named.name not in ("float32", "float64"):
        raise ArgumentError("dtype cannot be used.", expected="float32 or float64", received=str(named or dtype))
    return named


def _cast(x: NDArray[Any], dtype: np.dtype[Any]) -> NDArray[Any]:
    """Return x in one block of memory, since a strided one would take another way through BLAS, to other bits."""
    if x.dtype == dtype:
        return np.ascontiguousarray(x)
    with np.errstate(over="ignore"):  # infinity is what the check looks for
        return np.ascontiguousarray(x, dtype)


def _not_built() -> NotBuiltError:
    return NotBuiltError("this model has no memory yet.", hint="call model.assemble() first.")
