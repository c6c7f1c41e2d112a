"""The goals that are no contest, `python -m benchmarks.goals`: steady epochs, seconds to an accuracy, memory.

Seconds are those of training alone; accuracy is measured on the test images between epochs, outside the clock.
"""

from __future__ import annotations

import argparse
import tracemalloc
from collections.abc import Callable

from benchmarks.data import digits
from cutedl import losses, nn, optimizers
from cutedl.dataset import Dataset
from cutedl.model import Model
from cutedl.optimizers.schedules import CosineDecay
from cutedl.session import Session


def session(*widths: int, rate: float | Callable[[int], float] = 0.001) -> Session:
    """A session of a multilayer perceptron with rectifiers."""
    hidden = [nn.Dense(width, activation="relu") for width in widths]
    model = Model([*hidden, nn.Dense(10)])
    return Session(model, losses.SparseCategoricalCrossentropy(), optimizers.Adam(rate), ["accuracy"], seed=0)


def steady(train: Dataset, epochs: int) -> None:
    """Print how much slower the slowest epoch is than the first: subnormal numbers would show here."""
    trained = session(128)
    trained.fit(train, 1, verbose=0)  # warm-up
    seconds = trained.fit(train, epochs, verbose=0)["seconds"][1:]
    later = sorted(seconds[1:])
    print(
        f"{epochs} epochs of 784-128-10: first {seconds[0]:.3f} s, median of the others "
        f"{later[len(later) // 2]:.3f} s, slowest {later[-1]:.3f} s, {later[-1] / seconds[0]:.2f} of the first"
    )


def seconds_to(goal: float, train: Dataset, test: Dataset, trained: Session, epochs: int) -> None:
    """Print the seconds of training after which the test accuracy is first at least the goal."""
    spent, accuracy = 0.0, 0.0
    while accuracy < goal and trained.epoch < epochs:
        spent += trained.fit(train, 1, verbose=0)["seconds"][-1]
        accuracy = trained.evaluate(test)["accuracy"]
    print(f"{goal:.0%} on the test images: {accuracy:.2%} after {trained.epoch} epochs, {spent:.2f} s of training")


def memory(train: Dataset) -> None:
    """Print the peak of what a fit allocates besides the data, in units of the parameters."""
    trained = session(512, 512)
    tracemalloc.start()
    trained.fit(train, 1, verbose=0)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    size = trained.model.arena.values.nbytes
    samples = train.batch_size * (train.data[0].nbytes + sum(4 * 2 * width for width in (512, 512, 10)))
    order = 8 * len(train)
    print(
        f"memory of training 784-512-512-10: {peak / 1e6:.1f} MB besides the data, {peak / size:.2f} x parameters; "
        f"without buffers of a batch and the order of the samples {(peak - samples - order) / size:.2f} x"
    )


def main() -> None:
    """Measure all of them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--quick", action="store_true", help="2,000 samples, 2 epochs: to see that it runs")
    args = parser.parse_args()
    (x, y, x_test, y_test), source = digits()
    epochs = 2 if args.quick else args.epochs
    if args.quick:
        x, y, source = x[:2000], y[:2000], f"{source}, 2,000 samples: no figure means anything"
    print(source)
    train, test = Dataset(x, y, batch_size=64), Dataset(x_test, y_test)
    steady(train, epochs)
    seconds_to(0.92, train, test, session(128), epochs)
    rate = CosineDecay(0.002, 12 * train.batch_count)
    seconds_to(0.98, train, test, session(256, rate=rate), min(12, epochs))
    memory(Dataset(x, y, batch_size=128))


if __name__ == "__main__":
    main()
