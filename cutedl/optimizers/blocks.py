"""Blocks: the pieces in which a step walks over the arena's two flat vectors, small enough to stay in cache."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from typing import Any, NamedTuple

from numpy.typing import NDArray

from cutedl.arena import Arena
from cutedl.optimizers.options import Options

__all__ = ["ONE_BLOCK", "Block", "cut"]

# One block of w, g and two state vectors in float32 is 1 MiB or 2 MiB: what a core's second-level cache holds.
_BLOCK = 1 << 16
ONE_BLOCK = 1 << 17


class Block(NamedTuple):
    """A piece of all vectors whose parameters are treated alike."""

    place: slice
    w: NDArray[Any]
    g: NDArray[Any]
    state: tuple[NDArray[Any], ...]
    multiplier: float
    weight_decay: float


def cut(arena: Arena, state_vectors: NDArray[Any], options: Options) -> list[Block]:
    """Return the blocks of all parameters but the frozen ones: views into the vectors of the arena and the state.

    >>> import numpy as np
    >>> from cutedl.initializers import zeros
    >>> arena = Arena()
    >>> for name, shape in {"kernel": (2, 3), "bias": (3,), "scale": (3,)}.items():
    ...     parameter = arena.parameter(name, shape, zeros)
    >>> arena.allocate(seed=0, dtype="float32")
    >>> for block in cut(arena, np.zeros((1, 12), "float32"), Options(weight_decay=0.1)):
    ...     print(block.place, block.weight_decay)
    slice(0, 6, None) 0.1
    slice(6, 12, None) 0.0
    """
    w, g = arena.values, arena.gradients
    return [
        Block(place, w[place], g[place], tuple(slot[place] for slot in state_vectors), *treatment)
        for run, treatment in _runs(arena, options)
        for place in _pieces(run)
    ]


def _runs(arena: Arena, options: Options) -> Iterator[tuple[slice, tuple[float, float]]]:
    """The longest runs of parameters with the same multiplier and decay, the frozen ones left out."""

    def treatment(item: tuple[str, slice]) -> tuple[float, float]:
        decay = options.weight_decay if len(arena.parameters[item[0]].shape) > 1 else 0.0
        return options.multiplier(item[0]), decay

    for (multiplier, decay), run in groupby(arena.places.items(), key=treatment):
        places = [place for _, place in run]
        if multiplier:
            yield slice(places[0].start, places[-1].stop), (multiplier, decay)


def _pieces(run: slice) -> list[slice]:
    """Blocks of a run of parameters; all of it if that is small."""
    length = run.stop - run.start
    size = max(1, length) if length <= ONE_BLOCK else _BLOCK
    return [slice(start, min(start + size, run.stop)) for start in range(run.start, run.stop, size)]
