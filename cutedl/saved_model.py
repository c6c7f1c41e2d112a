"""Saved models: architecture and weights in a file, and back."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from cutedl import checkpoint, checks, registry
from cutedl.errors import CheckpointMismatchError
from cutedl.version import __version__

if TYPE_CHECKING:
    from cutedl.losses import Loss
    from cutedl.model import Model

__all__ = ["Custom", "load_model", "load_weights", "manifest", "model_state", "rebuild", "save_model"]

# Classes and functions of the user's own that a file may name.
Custom = Iterable[Callable[..., Any]]


def save_model(model: Model, path: str | os.PathLike[str]) -> None:
    """Write the layers and the weights of an assembled model."""
    memory = model.arena.state()
    checkpoint.write(path, {"kind": "model", "model": model_state(model), **memory}, manifest(model.seed))


def load_model(kind: type[Model], path: str | os.PathLike[str], custom: Custom = ()) -> Model:
    """Return the model of a file, that of a saved session too; kind: the class that it becomes."""
    state = checkpoint.read(path).state
    with checkpoint.reading(path):
        return rebuild(kind(registry.build(state["model"]["layers"], custom)), state)


def load_weights(model: Model, path: str | os.PathLike[str]) -> None:
    """Replace the weights and statistics of an assembled model by those of a file; all of them fit, or none is."""
    arena, state = model.arena, checkpoint.read(path).state
    with checkpoint.reading(path):
        _check_weights(state)
        arena.restore(_without_loss(state, arena.shapes["tables"]) | {"noise": arena.state()["noise"]})


def model_state(model: Model) -> dict[str, Any]:
    """Return what it takes to make the model again, but for what its arena holds."""
    return {
        "layers": registry.describe(model.layers),
        "inshape": list(model.shapes[0]) if model.assembled else None,
        "dtype": model.dtype.name if model.assembled else None,
        "seed": model.seed if model.assembled else None,
    }


def rebuild(model: Model, state: Mapping[str, Any], loss: Loss | None = None) -> Model:
    """Give a model of the saved layers its memory and what it held; loss: the session's, which may have tables too.

    No memory is allocated before every shape that the layers declare is one that the file holds.
    """
    _check_weights(state)
    inshape, dtype = (state["model"][name] for name in ("inshape", "dtype"))
    arena = model.declare(tuple(checks.integer("inshape", axis) for axis in inshape))
    if dtype not in ("float32", "float64"):
        raise CheckpointMismatchError("the model's dtype is unknown.", expected="float32 or float64", received=dtype)
    if loss is None:
        state = _without_loss(state, arena.shapes["tables"])
    else:
        loss.attach(arena, model.shapes[-1], 0)
    for kind, shapes in arena.shapes.items():
        checks.same_arrays(kind, state[kind], shapes, dtype)
    model.take(arena, checks.integer("seed", state["model"]["seed"], low=0), np.dtype(dtype), initialize=False)
    arena.restore(state)
    return model


def manifest(seed: int | None = None, **more: Any) -> dict[str, Any]:
    """Return who writes: for who finds the file, not for who loads it."""
    return {
        "cutedl": __version__,
        "numpy": np.__version__,
        "python": sys.version.split()[0],
        "platform": f"{sys.platform} {sys.byteorder}-endian",
        "seed": seed,
        **more,
    }


def _without_loss(state: Mapping[str, Any], tables: Iterable[str]) -> dict[str, Any]:
    """The state less the tables that a loss of the saved session owned."""
    if state.get("kind") != "session":
        return dict(state)
    return {**state, "tables": {name: table for name, table in state["tables"].items() if name in tables}}


def _check_weights(state: Mapping[str, Any]) -> None:
    if "values" not in state:
        raise CheckpointMismatchError(
            "this file holds no weights.", expected="a model or a session that was saved after assemble()"
        )
