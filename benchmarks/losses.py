"""Sparse softmax cross entropy, value and gradient, against the plainest textbook NumPy: `python -m benchmarks.losses`.

Both in one process, alternating, float32; the class is called as Session calls it, with its buffer. Prints medians in
microseconds and the ratio class / textbook.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from statistics import median
from time import perf_counter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cutedl.losses import SparseCategoricalCrossentropy

SHAPES = ((64, 10), (128, 10), (1024, 10), (1024, 1000))


def textbook(labels: NDArray[Any], logits: NDArray[Any]) -> tuple[float, NDArray[Any]]:
    """As in every introduction: softmax, the mean of -log p of the labels, p - y over the number of rows."""
    e = np.exp(logits - logits.max(axis=1, keepdims=True))
    p = e / e.sum(axis=1, keepdims=True)
    rows = np.arange(len(labels))
    loss = float(-np.log(p[rows, labels]).mean())
    gradient = p.copy()
    gradient[rows, labels] -= 1
    gradient /= len(labels)
    return loss, gradient


def timed(function: Callable[[], object], calls: int) -> float:
    """Microseconds per call."""
    started = perf_counter()
    for _ in range(calls):
        function()
    return (perf_counter() - started) / calls * 1e6


def main() -> None:
    """Print a row for each shape."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=21)
    rounds = parser.parse_args().rounds
    generator = np.random.default_rng(0)
    print(f"sparse softmax cross entropy, value and gradient, float32, {rounds} rounds")
    print(f"{'shape':>14}{'textbook us':>14}{'class us':>12}{'ratio':>9}")
    for shape in SHAPES:
        logits = generator.normal(0, 3, shape).astype(np.float32)
        labels, out = generator.integers(0, shape[1], shape[0]), np.empty_like(logits)
        loss = SparseCategoricalCrossentropy()
        plain: Callable[[], object] = lambda y=labels, x=logits: textbook(y, x)  # noqa: E731
        ours: Callable[[], object] = lambda y=labels, x=logits, o=out: loss.value_and_gradient(y, x, out=o)  # noqa: B023, E731
        calls = max(5, 2_000_000 // logits.size // 20)
        pairs = [(timed(plain, calls), timed(ours, calls)) for _ in range(rounds)]
        ratio = median(b / a for a, b in pairs)
        print(f"{shape!s:>14}{median(a for a, _ in pairs):>14.1f}{median(b for _, b in pairs):>12.1f}{ratio:>9.2f}")


if __name__ == "__main__":
    main()
