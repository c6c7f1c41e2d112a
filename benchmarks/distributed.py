"""What several ranks gain: `python -m benchmarks.distributed`, with the extra [mpi].

Measures a step of Session.batch_train and the Allreduce in it, with one BLAS thread per rank, on this machine. Then
predicts 8 to 512 ranks, each on a machine of its own, from the measured step S of one rank and a network:

    T(p) = S + copies + 2 (p - 1) / p n / B + 2 log2(p) α

for n bytes of gradients, B bytes per second and α seconds per message: the reduce-scatter and allgather that MPI takes
for long vectors, whose volume is that of a ring and whose messages are fewer. efficiency = S / T(p).
"""

from __future__ import annotations

import argparse
import json
import math
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

import numpy as np

from benchmarks.profile import per_call
from cutedl import Model, Session, distributed, losses, nn, optimizers
from cutedl.ranks import Alone

MODELS = {"784-128-10": (784, 128, 10), "784-1024-1024-10": (784, 1024, 1024, 10)}
BATCHES = (64, 256, 1024)
NETWORKS = {"10 Gbit/s": (1.25e9, 25e-6), "100 Gbit/s": (12.5e9, 3e-6)}  # bytes per second; seconds, TCP and RDMA
RANKS = (2, 8, 32, 128, 512)


def session(sizes: tuple[int, ...], comm: Alone) -> Session:
    """Softmax cross entropy and Adam, in float32."""
    hidden = [nn.Dense(units, activation="relu") for units in sizes[1:-1]]
    model = Model([*hidden, nn.Dense(sizes[-1])])
    model.assemble(seed=0, inshape=sizes[0])
    return Session(model, losses.SparseCategoricalCrossentropy(), optimizers.Adam(), seed=0, comm=comm)


def timed(action: Callable[[], object], calls: int, comm: Alone) -> float:
    """Microseconds per call, the median of five runs; as many calls on every rank, for they wait for each other."""
    runs = []
    for _ in range(5):
        comm.share(None)
        started = perf_counter()
        for _ in range(calls):
            action()
        runs.append((perf_counter() - started) / calls * 1e6)
    return float(comm.share(median(runs)))


def measure(seconds: float, quick: bool) -> list[dict[str, Any]]:
    """Microseconds of step and average for every model and batch."""
    comm, rows = distributed.world(), []
    generator = np.random.default_rng(comm.rank)
    for name, sizes in list(MODELS.items())[: 1 if quick else None]:
        each = session(sizes, comm)
        for batch in BATCHES[: 2 if quick else None]:
            x = generator.random((batch, sizes[0]), np.float32)
            y = generator.integers(0, sizes[-1], batch)
            each.batch_train(x, y)
            arena, loss = each.model.arena, each.objective.loss
            train = partial(each.batch_train, x, y)
            calls = max(2, int(seconds / 5 * 1e6 / timed(train, 1, comm)))
            step = timed(train, calls, comm)
            average = timed(partial(comm.average, arena, loss, 0), calls, comm) if comm.size > 1 else 0.0
            rows.append({"model": name, "batch": batch, "step": step, "average": average, "size": arena.size})
    return rows


def start(ranks: int, *options: str) -> list[dict[str, Any]]:
    """Measure on so many ranks, in processes of their own."""
    beside = str(Path(sys.executable).parent)
    mpiexec = shutil.which("mpiexec", path=os.pathsep.join([beside, os.environ["PATH"]]))
    if mpiexec is None:
        sys.exit("there is no mpiexec: pip install cutedl[mpi]")
    command = [mpiexec, "-n", str(ranks), sys.executable, "-m", "mpi4py", "-m", "benchmarks.distributed"]
    done = subprocess.run(
        [*command, "--child", *options],
        stdout=subprocess.PIPE,
        text=True,
        check=True,
        env={**os.environ, "OPENBLAS_NUM_THREADS": "1"},
    )
    rows: list[dict[str, Any]] = json.loads(done.stdout)
    return rows


def predicted(step: float, copies: float, size: int, ranks: int, network: str) -> float:
    """Microseconds of a step on so many ranks."""
    bandwidth, latency = NETWORKS[network]
    wire = 2 * (ranks - 1) / ranks * 4 * size / bandwidth + 2 * math.log2(ranks) * latency
    return step + copies + 1e6 * wire


def copies(size: int) -> float:
    """Microseconds of the two passes over the gradients that put them into the message and back."""
    g, vector = np.ones(size, np.float32), np.empty(size, np.float32)
    return per_call(lambda: (np.multiply(g, 64.0, out=vector), np.multiply(vector, 1 / 64, out=g)), 0.2)


def show_measured(results: dict[int, list[dict[str, Any]]]) -> None:
    print("| model | batch per rank | ranks | step, us | of which average, us | samples/s | efficiency |")
    print("|---|---|---|---|---|---|---|")
    for i, alone in enumerate(results[1]):
        for ranks, rows in results.items():
            row = rows[i]
            rate, efficiency = ranks * row["batch"] / row["step"] * 1e6, alone["step"] / row["step"]
            numbers = f"{row['step']:,.0f} | {row['average']:,.0f} | {rate:,.0f} | {efficiency:.0%}"
            print(f"| {row['model']} | {row['batch']} | {ranks} | {numbers} |")


def show_predicted(rows: list[dict[str, Any]]) -> None:
    print(
        "\n| model | batch per rank | network |",
        " | ".join(f"{ranks} ranks" for ranks in RANKS),
        "| half in the network at batch |",
    )
    print("|---|---|---|" + "---|" * (len(RANKS) + 1))
    for row in rows:
        extra = copies(row["size"])
        for network in NETWORKS:
            times = [predicted(row["step"], extra, row["size"], ranks, network) for ranks in RANKS]
            efficiencies = " | ".join(f"{row['step'] / time:.0%}" for time in times)
            # Half of the time in the network: S(b) = T - S, S growing with b.
            half = row["batch"] * (times[-1] - row["step"]) / row["step"]
            print(f"| {row['model']} | {row['batch']} | {network} | {efficiencies} | {half:,.0f} |")


def show_shared(rows: list[dict[str, Any]], batch: int = 4096) -> None:
    """One batch of a fixed size, shared by ever more ranks: where more ranks make it slower."""
    print(f"\nA global batch of {batch}, speed against one rank:\n")
    print("| model | network |", " | ".join(f"{ranks} ranks" for ranks in RANKS), "|")
    print("|---|---|" + "---|" * len(RANKS))
    for name in dict.fromkeys(row["model"] for row in rows):
        own = [row for row in rows if row["model"] == name]
        size = own[0]["size"]
        # S(b) = fixed + b each, through the smallest and the largest batch measured
        slope = (own[-1]["step"] - own[0]["step"]) / (own[-1]["batch"] - own[0]["batch"])
        fixed = max(0.0, own[0]["step"] - slope * own[0]["batch"])
        for network in NETWORKS:
            speeds = [
                (fixed + slope * batch) / predicted(fixed + slope * batch / ranks, copies(size), size, ranks, network)
                for ranks in RANKS
            ]
            print(f"| {name} | {network} |", " | ".join(f"{speed:.1f}" for speed in speeds), "|")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--ranks", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--seconds", type=float, default=1.0, help="per number")
    parser.add_argument("--quick", action="store_true", help="the small model and batches alone")
    parser.add_argument("--child", action="store_true", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.child:
        rows = measure(args.seconds, args.quick)
        if distributed.world().rank == 0:
            print(json.dumps(rows))
        return
    options = ["--seconds", str(args.seconds), *["--quick"] * args.quick]
    results = {ranks: start(ranks, *options) for ranks in sorted({1, *args.ranks})}
    show_measured(results)
    show_predicted(results[1])
    show_shared(results[1])


if __name__ == "__main__":
    main()
