"""Every optimizer's step on flat float32 vectors: `python -m benchmarks.optimizers`.

All in one process, taking turns; medians in microseconds per step, and per element-pass (a pass is one ufunc over the
vectors; how many a rule makes is stated in its docstring) relative to Adam's ten.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from statistics import median
from time import perf_counter

import numpy as np

from cutedl import optimizers
from cutedl.arena import Arena
from cutedl.initializers import zeros

SIZES = (101_770, 669_706)  # the weights of 784-128-10 and of 784-512-512-10

# name: passes over the vectors, the optimizer
RULES: dict[str, tuple[int, Callable[[], optimizers.Optimizer]]] = {
    "Adam": (10, optimizers.Adam),
    "SGD": (2, optimizers.SGD),
    "Momentum": (4, optimizers.Momentum),
    "Momentum, nesterov": (5, lambda: optimizers.Momentum(nesterov=True)),
    "Adagrad": (7, optimizers.Adagrad),
    "RMSProp": (8, optimizers.RMSProp),
    "RMSProp, momentum": (10, lambda: optimizers.RMSProp(momentum=0.9)),
    "RMSProp, centered": (14, lambda: optimizers.RMSProp(centered=True)),
    "Adadelta": (13, optimizers.Adadelta),
    "AMSGrad": (11, optimizers.AMSGrad),
    "AdamW": (11, optimizers.AdamW),
    "Nadam": (12, optimizers.Nadam),
    "Adamax": (9, optimizers.Adamax),
    "Lion": (7, optimizers.Lion),
}


def prepared(size: int) -> tuple[Arena, np.ndarray]:
    """One matrix of this size, and gradients as they come from a network."""
    arena = Arena()
    arena.parameter("kernel", (size, 1), zeros)
    arena.allocate(seed=0, dtype="float32")
    return arena, np.random.default_rng(0).normal(0, 0.01, size).astype(np.float32)


def timed(optimizer: optimizers.Optimizer, arena: Arena, gradient: np.ndarray, steps: int) -> float:
    """Microseconds per step; restoring the gradients, which a step uses up, is not counted."""
    spent = 0.0
    for _ in range(steps):
        arena.gradients[...] = gradient
        started = perf_counter()
        optimizer.step(arena)
        spent += perf_counter() - started
    return spent / steps * 1e6


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=15)
    rounds = parser.parse_args().rounds
    for size in SIZES:
        arena, gradient = prepared(size)
        rules = {name: (passes, make()) for name, (passes, make) in RULES.items()}
        spent: dict[str, list[float]] = {name: [] for name in rules}
        for _ in range(rounds):
            for name, (_, optimizer) in rules.items():
                spent[name].append(timed(optimizer, arena, gradient, steps=10))
        print(f"{size:,} float32 parameters, {rounds} rounds")
        print(f"{'rule':<20}{'passes':>8}{'us/step':>12}{'per pass, Adam = 1':>22}")
        for name, (passes, _) in rules.items():
            ratio = median(a / b for a, b in zip(spent[name], spent["Adam"], strict=True)) * 10 / passes
            print(f"{name:<20}{passes:>8}{median(spent[name]):>12.1f}{ratio:>22.2f}")


if __name__ == "__main__":
    main()
