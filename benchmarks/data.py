"""The data of the works, written once and read by every peer: `python -m benchmarks.data FOLDER digits table`.

"digits": MNIST as float32 in [0, 1] if this machine has it, else noise of its shape, called synthetic. "table": 25,000
rows of 20 normal features with the answers of a small random network, a twentieth of them turned round.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

__all__ = ["SETS", "Data", "read", "write"]

_SEED = 20
_TABLE_ROWS, _TABLE_TEST_ROWS, _FEATURES = 20_000, 5_000, 20


class Data(NamedTuple):
    """Rows (N, features) float32; labels (N,) int64 class indices or (N, 1) float32 targets 0 and 1."""

    x: NDArray[Any]
    y: NDArray[Any]
    x_test: NDArray[Any]
    y_test: NDArray[Any]


def table() -> tuple[Data, str]:
    """A table that can be learnt, the same everywhere."""
    generator = np.random.default_rng(_SEED)
    x = generator.normal(size=(_TABLE_ROWS + _TABLE_TEST_ROWS, _FEATURES)).astype(np.float32)
    hidden = np.tanh(x @ generator.normal(size=(_FEATURES, 8)))
    y = (hidden @ generator.normal(size=(8, 1)) > 0) ^ (generator.random((len(x), 1)) < 0.05)
    y = y.astype(np.float32)
    cut = _TABLE_ROWS
    return Data(x[:cut], y[:cut], x[cut:], y[cut:]), "synthetic table"


def digits() -> tuple[Data, str]:
    """MNIST, or noise in its place."""
    from cutedl.datasets import mnist
    from cutedl.errors import DataNotFoundError

    os.environ.setdefault("CUTEDL_OFFLINE", "1")
    try:
        train, test = mnist.load(one_hot=False)
    except DataNotFoundError:
        generator = np.random.default_rng(_SEED)
        x, y = generator.random((70_000, 784), np.float32), generator.integers(0, 10, 70_000)
        return Data(x[:60_000], y[:60_000], x[60_000:], y[60_000:]), "synthetic noise"
    return Data(train.data, train.label, test.data, test.label), "MNIST"


SETS = {"table": table, "digits": digits}


def write(folder: Path, names: Iterable[str]) -> None:
    """Write these sets and, beside each, what it is."""
    for name in names:
        data, source = SETS[name]()
        (folder / f"{name}.txt").write_text(source)
        for field, array in data._asdict().items():
            np.save(folder / f"{name}-{field}.npy", array)


def read(folder: Path, name: str) -> Data:
    """Read a set into memory of this process."""
    return Data(*(np.load(folder / f"{name}-{field}.npy") for field in Data._fields))


if __name__ == "__main__":
    write(Path(sys.argv[1]), sys.argv[2:])
