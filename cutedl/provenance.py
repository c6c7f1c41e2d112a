"""Provenance: where the numbers of a history come from, in a few words each."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import TYPE_CHECKING

from cutedl.batch_stream import BatchStream
from cutedl.dataset import Dataset

if TYPE_CHECKING:
    from cutedl.model import Model
    from cutedl.nn.layer import Shape
    from cutedl.session import Session

__all__ = ["provenance"]


def provenance(session: Session, train: Dataset | BatchStream) -> dict[str, str | int | float]:
    """Return what a fit report says about data, model, loss, optimizer and seed."""
    size = {"samples": len(train), "batch_size": train.batch_size} if isinstance(train, Dataset) else {}
    return {
        "data": train.source,
        **size,
        "model": "-".join(str(math.prod(shape)) for shape in _widths(session.model)),
        "parameters": session.model.arena.size,
        "dtype": session.model.dtype.name,
        "loss": type(session.loss).__name__,
        "optimizer": repr(session.optimizer),
        "seed": session.seed,
        **({"ranks": session.comm.size} if session.comm.size > 1 else {}),
    }


def _widths(model: Model) -> list[Shape]:
    """The shapes of input, of what each Dense makes, and of what comes out of layers that change it."""
    layers = zip(model.chain, pairwise(model.shapes), strict=True)
    made = (after for layer, (before, after) in layers if after != before or f"{layer.name}.kernel" in model.parameters)
    return [model.shapes[0], *made]
