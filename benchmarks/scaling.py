"""How the cost of a training step grows: `python -m benchmarks.scaling`.

Microseconds of Session.batch_train against width, depth, batch and classes, and of a step with sampled softmax against
the number of classes; each with its slope on log-log axes over the upper half of the sizes, where a 1 means
proportional and a 0 independent. Then an epoch over a file that is read through np.memmap: --megabytes larger than the
memory of the machine shows what is done for data that does not fit.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from time import perf_counter

import numpy as np

from benchmarks.profile import per_call
from cutedl import losses, nn, optimizers
from cutedl.dataset import Dataset
from cutedl.model import Model
from cutedl.session import Session

_FEATURES, _CLASSES = 784, 10


def network(sizes: Sequence[int], loss: losses.Loss | None = None) -> Session:
    """A session on dense layers with relu between them; softmax cross entropy and Adam unless told otherwise."""
    hidden = [nn.Dense(units, activation="relu") for units in sizes[1:-1]]
    model = Model([*hidden, nn.Dense(sizes[-1])])
    model.assemble(seed=0, inshape=sizes[0])
    rule = optimizers.Adam() if loss is None else optimizers.SGD()
    return Session(model, loss or losses.SparseCategoricalCrossentropy(), rule, seed=0)


def step(session: Session, batch: int, classes: int, seconds: float) -> float:
    """Microseconds of a training step on random samples."""
    generator = np.random.default_rng(0)
    x = generator.normal(size=(batch, *session.model.shapes[0])).astype(np.float32)
    y = generator.integers(0, classes, batch)
    return per_call(lambda: session.batch_train(x, y), seconds)


def by_width(width: int, seconds: float) -> float:
    return step(network((256, width, width, 10)), 64, 10, seconds)


def by_depth(depth: int, seconds: float) -> float:
    return step(network((128,) * (depth + 1)), 64, 128, seconds)


def by_batch(batch: int, seconds: float) -> float:
    return step(network((784, 128, 10)), batch, 10, seconds)


def by_classes(classes: int, seconds: float) -> float:
    return step(network((64, 64, classes)), 64, classes, seconds)


def by_sampled_classes(classes: int, seconds: float) -> float:
    """The head holds one row of weights per class; a step touches 64 sampled ones and the labels'."""
    return step(network((64, 64), losses.SampledSoftmax(classes, num_sampled=64)), 64, classes, seconds)


# what grows: its cost, the sizes
AXES: dict[str, tuple[Callable[[int, float], float], tuple[int, ...]]] = {
    "width (256-w-w-10)": (by_width, (32, 64, 128, 256, 512, 1024, 2048)),
    "depth (layers of 128)": (by_depth, (1, 2, 4, 8, 16, 32)),
    "batch (784-128-10)": (by_batch, (8, 32, 128, 512, 2048, 8192)),
    "classes, softmax (64-64-C)": (by_classes, (10, 100, 1_000, 10_000, 50_000)),
    "classes, sampled softmax": (by_sampled_classes, (1_000, 10_000, 100_000, 1_000_000)),
}


def slope(sizes: Sequence[int], costs: Sequence[float]) -> float:
    """The exponent p of cost = a size^p over the upper half of the sizes.

    >>> round(slope([1, 2, 4, 8], [9.0, 9.5, 20.0, 40.0]), 3)
    1.0
    """
    half = len(sizes) // 2
    return float(np.polyfit(np.log(sizes[half:]), np.log(costs[half:]), 1)[0])


def written(path: Path, rows: int) -> np.ndarray:
    """A file of random rows, written piece by piece, seen through np.memmap."""
    generator, piece = np.random.default_rng(0), 8192
    with path.open("wb") as file:
        for start in range(0, rows, piece):
            file.write(generator.random((min(piece, rows - start), _FEATURES), np.float32).tobytes())
    return np.memmap(path, np.float32, mode="r", shape=(rows, _FEATURES))


def own_megabytes() -> float:
    """Memory of this process without the pages of files, which the system may take back; NaN where it is not told."""
    status = Path("/proc/self/status")
    lines = status.read_text().splitlines() if status.exists() else []
    return next((int(line.split()[1]) / 1e3 for line in lines if line.startswith("RssAnon:")), float("nan"))


def from_disk(megabytes: float) -> Iterator[str]:
    """One epoch of 784-128-10 over a quarter of the size and over all of it, against the same steps from memory."""
    yield f"{'MB':>10}{'read in order':>16}{'epoch':>12}{'the steps alone':>18}{'memory grew by':>17}"
    for size in (megabytes / 4, megabytes):
        rows = max(64, int(size * 1e6 / (4 * _FEATURES)) // 64 * 64)
        labels = np.random.default_rng(1).integers(0, _CLASSES, rows)
        with tempfile.TemporaryDirectory() as folder:
            data = written(Path(folder) / "data.f32", rows)
            session = network((_FEATURES, 128, _CLASSES))
            alone = step(session, 64, _CLASSES, 0.1) * rows / 64 * 1e-6
            started = perf_counter()
            for start in range(0, rows, 8192):
                data[start : start + 8192].sum()
            reading = perf_counter() - started
            before, started = own_megabytes(), perf_counter()
            session.fit(Dataset(data, labels, batch_size=64), 1, verbose=0)
            taken = perf_counter() - started
            del data
        grown = own_megabytes() - before
        yield f"{size:>10,.0f}{reading:>14.3f} s{taken:>10.3f} s{alone:>16.3f} s{grown:>14.1f} MB"


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.scaling", description=__doc__)
    parser.add_argument("--megabytes", type=float, default=400, help="of the file that is read through np.memmap")
    parser.add_argument("--quick", action="store_true", help="the small sizes: does it run?")
    options = parser.parse_args()
    seconds = 0.01 if options.quick else 0.3
    print("microseconds per training step")
    for name, (cost, sizes) in AXES.items():
        sizes = sizes[:3] if options.quick else sizes
        costs = [cost(size, seconds) for size in sizes]
        print(f"\n{name}: slope {slope(sizes, costs):.2f}")
        print("  ".join(f"{size:>9,}" for size in sizes))
        print("  ".join(f"{us:>9,.0f}" for us in costs), flush=True)
    print("\nan epoch from a file through np.memmap, 784-128-10, batch 64")
    for line in from_disk(4 if options.quick else options.megabytes):
        print(line, flush=True)


if __name__ == "__main__":
    main()
