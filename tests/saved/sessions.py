"""Sessions to save, and what makes two of them the same."""

import hashlib

import numpy as np

from cutedl import losses, nn, optimizers
from cutedl.checkpoint import read
from cutedl.dataset import Dataset
from cutedl.model import Model
from cutedl.session import Session


def data(samples=44, batch_size=8):
    """44 samples in batches of 8: the last batch is smaller."""
    generator = np.random.default_rng(3)
    x = generator.standard_normal((samples, 5)).astype("float32")
    return Dataset(x, generator.integers(0, 3, samples), batch_size=batch_size)


def session(optimizer=None, layers=(), seed=5):
    made = Model([nn.Dense(6, inshape=5, activation="relu"), *layers, nn.Dense(3)])
    return Session(
        made,
        losses.SparseCategoricalCrossentropy(),
        optimizer or optimizers.Adam(0.01),
        metrics=["accuracy"],
        seed=seed,
    )


def trained(epochs=2, **options):
    result = session(**options)
    result.fit(data(), epochs, verbose=0)
    return result


def digest(state):
    """The digest of a nested state, of all its bits."""
    sha = hashlib.sha256()

    def add(part):
        if isinstance(part, dict):
            for key in sorted(part):
                sha.update(f"{key}:".encode())
                add(part[key])
        elif isinstance(part, list):
            for item in part:
                add(item)
        elif isinstance(part, np.ndarray):
            sha.update(f"{part.dtype} {part.shape}".encode() + np.ascontiguousarray(part).tobytes())
        else:
            sha.update(f"{type(part).__name__} {part!r};".encode())

    add(state)
    return sha.hexdigest()


# What the clock says is no part of what a resumed run has to repeat.
CLOCK = {"seconds", "samples_per_second", "cost_time"}


def without_clock(state):
    if not isinstance(state, dict):
        return state
    return {key: without_clock(part) for key, part in state.items() if key not in CLOCK}


def digest_of_file(path):
    return digest(without_clock(read(path).state))
