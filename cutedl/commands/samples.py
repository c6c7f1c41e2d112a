"""Samples: what the argument DATA names: a data set that cutedl knows, an .npz archive or a .csv table."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from numpy.typing import NDArray

from cutedl.commands import archive, table
from cutedl.dataset import Dataset
from cutedl.datasets import digits, mnist
from cutedl.errors import ArgumentError, ShapeError

__all__ = ["HELP", "Part", "Samples", "known", "read"]

HELP = "mnist, digits (a rendered stand-in for it), a file.npz with x and y, or a file.csv"


class Part(NamedTuple):
    """Samples and labels as they stand in the data: x (N, ...) numbers; y (N,) or (N, K), numbers or text."""

    x: NDArray[Any]
    y: NDArray[Any]


class Samples(NamedTuple):
    """The parts of a data set, and where it comes from."""

    train: Part
    test: Part | None
    source: str


known: dict[str, Callable[..., tuple[Dataset, Dataset]]] = {"mnist": mnist.load, "digits": digits.load}


def read(data: str, target: str | None = None) -> Samples:
    """Return the samples that DATA names; target: the column of a table that is to be predicted.

    Raises ArgumentError for a name of another kind, CorruptDataError for a file that holds no such data, OSError for
    one that cannot be read, ShapeError for samples and labels that do not belong together.
    """
    if data in known:
        train, test = known[data](one_hot=False)
        return Samples(Part(train.data, train.label), Part(test.data, test.label), train.source)
    path = Path(data)
    if path.suffix.lower() == ".npz":
        x, y, *held_out = archive.read(path)
        return Samples(_part(x, y), _part(*held_out) if held_out else None, path.name)
    if path.suffix.lower() == ".csv":
        return Samples(_part(*table.read(path, target)), None, path.name)
    raise ArgumentError("this names no data.", expected=HELP, received=repr(data))


def _part(x: NDArray[Any], y: NDArray[Any]) -> Part:
    if not x.ndim or not y.ndim or len(x) != len(y) or not x.size:
        raise ShapeError(
            "samples and labels do not belong together.",
            expected="one label per sample",
            received=f"samples {x.shape} and labels {y.shape}",
        )
    return Part(x, y)
