"""Work w2 through Session.fit against the hand-written loop, in one process, alternating: `python -m benchmarks.step`.

Prints seconds per epoch (medians) and the ratio framework / hand-written, round by round paired.
"""

from __future__ import annotations

import argparse
import os
from statistics import median
from time import perf_counter

import numpy as np

from benchmarks.handwritten import HandWritten
from cutedl import datasets, losses, nn, optimizers
from cutedl.dataset import Dataset
from cutedl.errors import DataNotFoundError
from cutedl.model import Model
from cutedl.session import Session


def load() -> tuple[np.ndarray, np.ndarray, str]:
    """MNIST if this machine has it, else random numbers of its shape, called synthetic."""
    os.environ.setdefault("CUTEDL_OFFLINE", "1")
    try:
        train, _ = datasets.mnist.load(one_hot=False)
    except DataNotFoundError:
        generator = np.random.default_rng(0)
        return generator.random((60000, 784), np.float32), generator.integers(0, 10, 60000), "synthetic noise"
    return train.data, train.label, "MNIST"


def main() -> None:
    """Run both, alternating, and print medians and ratios."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=7)
    rounds = parser.parse_args().rounds
    data, label, source = load()
    train = Dataset(data, label, batch_size=64, drop_remainder=True)
    model = Model([nn.Dense(128, inshape=784, activation="relu"), nn.Dense(10)])
    session = Session(model, losses.SparseCategoricalCrossentropy(), optimizers.Adam(0.001), seed=0)
    hand = HandWritten()

    session.fit(train, 1, verbose=0)  # warm-up
    hand.epoch(data, label)
    framework, handwritten = [], []
    for _ in range(rounds):
        started = perf_counter()
        session.fit(train, 1, verbose=0)
        framework.append(perf_counter() - started)
        started = perf_counter()
        loss = hand.epoch(data, label)
        handwritten.append(perf_counter() - started)
    ratios = sorted(a / b for a, b in zip(framework, handwritten, strict=True))
    print(f"w2 784-128-10, batch 64, Adam, {source}, {rounds} rounds, seconds per epoch (median)")
    print(f"  Session.fit   {median(framework):.3f}   loss {session.history['loss'][-1]:.4f}")
    print(f"  hand-written  {median(handwritten):.3f}   loss {loss:.4f}")
    print(f"  ratio         {median(ratios):.3f}   ({ratios[0]:.3f} to {ratios[-1]:.3f})")


if __name__ == "__main__":
    main()
