"""Where a training step of cutedl goes: `python -m benchmarks.profile w2`.

The parts of a real Session.fit are timed where it calls them; epochs with and without the clocks alternate, and what
the parts do not explain is the rest of fit. Beside each part stands a floor: its matrix products as np.matmul does the
very shapes into `out`, over and over, plus the bytes of its elementwise work at the bandwidth that a copy of as many
bytes reaches. Set OPENBLAS_NUM_THREADS to choose the threads.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from itertools import pairwise
from statistics import median
from time import perf_counter
from typing import Any, NamedTuple

import numpy as np

from benchmarks.data import SETS
from benchmarks.peers.with_cutedl import session as session_of
from benchmarks.works import WORKS, Work
from cutedl.dataset import Dataset
from cutedl.session import Session

_REST = "rest of fit"
_NORM = "gradient norm"


class Floor(NamedTuple):
    """The least a part can take, in microseconds, and what that is."""

    us: float
    what: str


class Clocks:
    """Seconds spent in the parts of a session, by name; only while `on`."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self.on = False

    def around(self, name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        """Return the function, timed."""
        self.seconds[name] = 0.0

        def timed(*arguments: Any, **options: Any) -> Any:
            if not self.on:
                return function(*arguments, **options)
            started = perf_counter()
            result = function(*arguments, **options)
            self.seconds[name] += perf_counter() - started
            return result

        return timed

    def around_each(self, name: str, function: Callable[..., Iterator[Any]]) -> Callable[..., Iterator[Any]]:
        """Return the generator function, the making of each item timed."""
        self.seconds[name] = 0.0

        def timed(*arguments: Any, **options: Any) -> Iterator[Any]:
            items = iter(function(*arguments, **options))
            following = self.around(name, lambda: next(items, None))
            while (item := following()) is not None:
                yield item

        return timed

    def attach(self, session: Session, train: Dataset) -> None:
        """Time what a step calls: the parts as the loop finds them, in its order."""
        objective = session.objective
        train.batches = self.around_each("gather", train.batches)  # type: ignore[method-assign]
        for layer in objective.network.chain:
            layer.forward = self.around(f"{layer.name} forward", layer.forward)  # type: ignore[method-assign]
        objective.loss.value_and_gradient = self.around("loss", objective.loss.value_and_gradient)  # type: ignore[method-assign]
        for layer in reversed(objective.network.chain):
            layer.backward = self.around(f"{layer.name} backward", layer.backward)  # type: ignore[method-assign]
        session.optimizer.step = self.around("optimizer", session.optimizer.step)  # type: ignore[method-assign]


def measure(session: Session, train: Dataset, rounds: int) -> tuple[dict[str, float], float]:
    """Return the microseconds of each part, and of a whole step without clocks: medians over epochs."""
    clocks, steps = Clocks(), train.batch_count
    session.fit(train, 1, verbose=0)  # warm-up
    clocks.attach(session, train)
    parts: dict[str, list[float]] = {name: [] for name in clocks.seconds}
    whole = []
    for _ in range(rounds):
        for timed in (False, True):
            clocks.on = timed
            clocks.seconds.update(dict.fromkeys(parts, 0.0))
            started = perf_counter()
            session.fit(train, 1, verbose=0)
            if not timed:
                whole.append((perf_counter() - started) / steps * 1e6)
        for name, times in parts.items():
            times.append(clocks.seconds[name] / steps * 1e6)
    return {name: median(times) for name, times in parts.items()}, median(whole)


def per_call(function: Callable[[], object], seconds: float = 0.1) -> float:
    """Microseconds of one call: the median of ten runs of calls."""
    function()
    started = perf_counter()
    function()
    calls = max(1, int(seconds / 10 / max(perf_counter() - started, 1e-7)))
    runs = []
    for _ in range(10):
        started = perf_counter()
        for _ in range(calls):
            function()
        runs.append((perf_counter() - started) / calls * 1e6)
    return median(runs)


def product(m: int, k: int, n: int, transposed: str = "") -> float:
    """Microseconds of (m, k) @ (k, n) in float32, "a" or "b" being a transposed view, as in a backward."""
    generator = np.random.default_rng(0)
    a = generator.random((k, m), np.float32).T if transposed == "a" else generator.random((m, k), np.float32)
    b = generator.random((n, k), np.float32).T if transposed == "b" else generator.random((k, n), np.float32)
    out = np.empty((m, n), np.float32)
    return per_call(lambda: np.matmul(a, b, out=out))


def copying(count: float) -> float:
    """Microseconds in which a copy moves so many bytes, read and written together."""
    source = np.ones(max(1, int(count / 8)), np.float32)
    target = np.empty_like(source)
    return per_call(lambda: np.copyto(target, source))


def gathering(train: Dataset) -> Floor:
    """The rows of a batch, copied from where they lie in memory one after another."""
    batches = [train.data[start : start + train.batch_size] for start in range(0, len(train), train.batch_size)]
    target = np.empty_like(batches[0])
    whole = [batch for batch in batches if len(batch) == len(target)]
    started = perf_counter()
    for batch in whole:
        np.copyto(target, batch)
    us = (perf_counter() - started) / len(whole) * 1e6
    return Floor(us, f"{2 * target.nbytes / 1e3:.0f} kB, in order")


def floors(session: Session, work: Work, train: Dataset) -> dict[str, Floor]:
    """Return the floors of the parts that have one."""
    found = {"gather": gathering(train)}
    dense = [layer.name for layer in session.model.chain if layer.kind() == "dense"]
    relu = [layer.name for layer in session.model.chain if layer.kind() == "relu"]
    rows, number = work.batch, 4
    for i, ((width, units), name) in enumerate(zip(pairwise(work.sizes), dense, strict=True)):
        gflop = 2e-3 * rows * width * units  # GFLOP * 1e6: divided by us it is GFLOP/s
        forward, backward = product(rows, width, units), product(width, rows, units, "a")
        found[f"{name} forward"] = Floor(
            forward + copying(2 * rows * units * number), f"product at {gflop / forward:.0f} GFLOP/s, bias"
        )
        if i > 0:
            backward += product(rows, units, width, "b")
            gflop *= 2
        found[f"{name} backward"] = Floor(
            backward + copying(rows * units * number), f"products at {gflop / backward:.0f} GFLOP/s, sum"
        )
    for name, units in zip(relu, work.sizes[1:-1], strict=True):
        moved = rows * units * number
        found[f"{name} forward"] = Floor(copying(2 * moved), f"{2 * moved / 1e3:.0f} kB")
        found[f"{name} backward"] = Floor(copying(3 * moved), f"{3 * moved / 1e3:.0f} kB")
    moved = 2 * rows * work.sizes[-1] * number
    found["loss"] = Floor(copying(moved), f"{moved / 1e3:.1f} kB")
    count = session.model.arena.values.size
    vectors = 7 if work.optimizer == "adam" else 3  # w, g, m, v read and w, m, v written; w, g read and w written
    moved = vectors * count * number
    found["optimizer"] = Floor(copying(moved), f"{moved / 1e3:,.0f} kB, each number once")
    found[_NORM] = Floor(copying(count * number), f"{count * number / 1e3:,.0f} kB")
    return found


def table(work: Work, parts: dict[str, float], whole: float, least: dict[str, Floor]) -> str:
    """One row for each part, in the order of a step."""
    lines = [f"{work.name}  {work.title}: {work.shape}; one training step, medians over epochs"]
    lines.append(f"{'part':<24}{'us':>9}{'share':>8}{'floor us':>10}{'x floor':>9}  floor")
    for name, us in parts.items():
        line = f"{name:<24}{us:>9.1f}{us / whole:>8.1%}"
        if name in least:
            line += f"{least[name].us:>10.1f}{us / least[name].us:>9.2f}  {least[name].what}"
        lines.append(line)
    floor = sum(each.us for each in least.values())
    lines.append(f"{'step':<24}{whole:>9.1f}{1:>8.1%}{floor:>10.1f}{whole / floor:>9.2f}  sum of the floors")
    return "\n".join(lines)


def main() -> None:
    trained = [name for name, work in WORKS.items() if not work.predict]
    parser = argparse.ArgumentParser(prog="python -m benchmarks.profile", description=__doc__)
    parser.add_argument("work", choices=trained)
    parser.add_argument("--rounds", type=int, default=5, help="epochs with clocks, and as many without")
    parser.add_argument("--quick", action="store_true", help="a few batches: does it run?")
    options = parser.parse_args()
    work = WORKS[options.work].quick() if options.quick else WORKS[options.work]
    everything, _ = SETS[work.data]()
    rows = work.rows(len(everything.x))
    train = Dataset(everything.x[:rows], everything.y[:rows], batch_size=work.batch)
    session = session_of(work)
    parts, whole = measure(session, train, options.rounds)
    # A property, around which no clock can be put in the loop.
    parts[_NORM] = per_call(lambda: session.model.arena.gradient_norm)
    parts[_REST] = whole - sum(parts.values())
    print(table(work, parts, whole, floors(session, work, train)))


if __name__ == "__main__":
    main()
