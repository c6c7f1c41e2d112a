"""PyTorch's weights: the names and layouts of a torch.nn.Sequential of the same layers, to and from safetensors.

    cutedl                                             PyTorch
    Dense              kernel (I, O), bias             Linear       weight (O, I), bias
    Embedding          embeddings                      Embedding    weight
    PRelu              alpha                           PReLU        weight
    LayerNormalization scale, offset                   LayerNorm    weight, bias
    BatchNormalization scale, offset, moving mean,     BatchNorm1d  weight, bias, running_mean, running_var
                       moving variance

Names are "<place in model.chain>.<name>", such as "0.weight"; layers without weights take a place too, and the parts of
a Residual are "<place>.layers.<place>.<name>" and "<place>.shortcut...". Epsilons are no weights: give both sides the
same.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cutedl import checkpoint, checks, container, nn
from cutedl.errors import NotBuiltError
from cutedl.export.lowering import check_known
from cutedl.files import write_durably
from cutedl.model import Model
from cutedl.nn import Layer, chain

__all__ = ["load_torch", "save_torch", "torch_state"]

Array = NDArray[Any]

# PyTorch counts the batches it has seen, which nothing here needs.
_COUNTER = "num_batches_tracked"


def torch_state(model: Model) -> dict[str, Array]:
    """Return copies of the weights under PyTorch's names, in PyTorch's layout.

    Raises NotBuiltError before assemble, ExportError for layers of your own.

    >>> model = Model([nn.Dense(3, inshape=2, activation="relu"), nn.Dense(1)])
    >>> model.assemble()
    >>> {name: weight.shape for name, weight in torch_state(model).items()}
    {'0.weight': (3, 2), '0.bias': (3,), '2.weight': (1, 3), '2.bias': (1,)}
    """
    return {name: np.array(view, order="C") for name, view in _of(model).items()}


def save_torch(model: Model, path: str | os.PathLike[str]) -> None:
    """Write torch_state(model) as safetensors: network.load_state_dict(safetensors.torch.load_file(path)).

    Raises what torch_state raises, and OSError where it cannot be written.
    """
    write_durably(Path(path), [container.pack(torch_state(model), {"format": "pt"})])


def load_torch(model: Model, path: str | os.PathLike[str]) -> None:
    """Take the weights of a file that safetensors.torch.save_file(network.state_dict(), path) wrote.

    They are converted to the model's dtype. Where any name or shape does not fit, CheckpointError, and nothing changes.
    """
    views = _of(model)
    shapes = {name: view.shape for name, view in views.items()}
    with checkpoint.reading(path):
        tensors, _ = container.unpack(Path(path))
        weights = {name: w.astype(model.dtype) for name, w in tensors.items() if not name.endswith(_COUNTER)}
        checks.same_arrays("PyTorch weights", weights, shapes, model.dtype)
    for name, view in views.items():
        view[...] = weights[name]


_WEIGHTS: dict[type[Layer], Callable[[Any], dict[str, Array]]] = {
    nn.Dense: lambda layer: {"weight": layer.W.value.T} | ({"bias": layer.b.value} if layer.use_bias else {}),
    nn.Embedding: lambda layer: {"weight": layer.table.values},
    nn.PRelu: lambda layer: {"weight": layer.alpha.value},
    nn.LayerNormalization: lambda layer: {"weight": layer.scale.value, "bias": layer.offset.value},
    nn.BatchNormalization: lambda layer: {
        "weight": layer.scale.value,
        "bias": layer.offset.value,
        "running_mean": layer.moving_mean.value,
        "running_var": layer.moving_variance.value,
    },
}


def _of(model: Model) -> dict[str, Array]:
    if not model.assembled:
        raise NotBuiltError("this model has no weights yet.", hint="call model.assemble() first.")
    return dict(_views(model.chain))


def _views(layers: Iterable[Layer], prefix: str = "") -> Iterator[tuple[str, Array]]:
    """The weights of layers in a row under PyTorch's names: views into the model's memory."""
    for place, layer in enumerate(layers):
        check_known(layer)
        if isinstance(layer, nn.Residual):
            yield from _views(chain.expand(layer.layers), f"{prefix}{place}.layers.")
            yield from _views(chain.expand(layer.shortcut or ()), f"{prefix}{place}.shortcut.")
        for name, view in _WEIGHTS.get(type(layer), lambda _: {})(layer).items():
            yield f"{prefix}{place}.{name}", view
