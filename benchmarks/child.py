"""The process of one peer: waits for a line on standard input, does one turn, answers with one line of JSON.

Between turns it sleeps in a read; how much processor time it used nevertheless (threads that spin) is reported.
"""

from __future__ import annotations

import json
import os
import resource
import sys
from pathlib import Path
from time import perf_counter, process_time
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks import data
from benchmarks.peers import PEERS
from benchmarks.works import Work

__all__ = ["Turns", "test_scores"]

_SECONDS_A_TURN, _MOST_CALLS = 0.3, 20_000


class Turns:
    """A peer and what it is asked to do turn after turn: the epochs of the work, or enough calls to be measured."""

    def __init__(self, name: str, work: Work, folder: Path, threads: int) -> None:
        everything = data.read(folder, work.data)
        rows = work.rows(len(everything.x))
        self.work = work
        self.data = everything._replace(x=everything.x[:rows], y=everything.y[:rows])
        self.rows = np.resize(self.data.x_test, (work.predict, work.sizes[0])) if work.predict else None
        self.megabytes_before = peak_megabytes()
        self.peer = PEERS[name].make(work, self.data, threads)
        self.calls = self._calls()
        self.turn()  # compiles, fills caches

    def _calls(self) -> int:
        """Epochs of one turn, or calls: as many as take about a third of a second."""
        if self.rows is None:
            return self.work.epochs
        self.peer.predict(self.rows)
        started = perf_counter()
        self.peer.predict(self.rows)
        seconds = perf_counter() - started
        enough = 0.01 if self.work.batches else _SECONDS_A_TURN
        return max(3, min(_MOST_CALLS, int(enough / seconds)))

    def turn(self) -> float:
        """Return the seconds of one epoch, or of one call."""
        started = perf_counter()
        for _ in range(self.calls):
            if self.rows is None:
                self.peer.epoch()
            else:
                self.peer.predict(self.rows)
        return (perf_counter() - started) / self.calls

    def finish(self) -> dict[str, Any]:
        """Return what the peer has learnt, and its memory."""
        peak = peak_megabytes()  # before the test, which is no part of the work
        learnt = {} if self.work.predict else test_scores(self.peer.logits(self.data.x_test), self.data.y_test)
        return {**learnt, "peak_mb": peak, "before_mb": self.megabytes_before}


def test_scores(logits: NDArray[Any], y: NDArray[Any]) -> dict[str, float]:
    """Return accuracy and mean cross entropy, in float64, of class indices (N,) or targets (N, 1)."""
    z = np.asarray(logits, np.float64)
    if y.ndim == 2:
        z, y = np.hstack([np.zeros_like(z), z]), y[:, 0].astype(np.int64)
    highest = z.max(axis=1)
    losses = highest + np.log(np.exp(z - highest[:, None]).sum(axis=1)) - z[np.arange(len(y)), y]
    return {"accuracy": float((z.argmax(axis=1) == y).mean()), "loss": float(losses.mean())}


def peak_megabytes() -> float:
    """The most memory this process has had so far."""
    kilobytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return kilobytes / (1e6 if sys.platform == "darwin" else 1e3)


def keep_to(threads: int) -> None:
    """Leave this process as many processors as it shall have threads, for libraries that cannot be told."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:threads])


def serve(name: str, work: Work, folder: Path, threads: int) -> None:
    """Answer every line until "finish"; any error of a library means that its peer is absent."""
    channel = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)  # what a library prints must not be taken for an answer
    try:
        keep_to(threads)
        turns = Turns(name, work, folder, threads)
        print(json.dumps({"ready": turns.peer.facts()}), file=channel)
        idle, rested = 0.0, process_time()
        for line in sys.stdin:
            idle += process_time() - rested
            if line.strip() == "finish":
                print(json.dumps({**turns.finish(), "idle_cpu_seconds": idle}), file=channel)
                return
            print(json.dumps({"seconds": turns.turn()}), file=channel)
            rested = process_time()
    except Exception as error:
        reason = str(error).strip().splitlines() or [""]
        print(json.dumps({"absent": f"{type(error).__name__}: {reason[0]}"}), file=channel)


if __name__ == "__main__":
    fields = json.loads(sys.argv[2])
    serve(sys.argv[1], Work(**{**fields, "sizes": tuple(fields["sizes"])}), Path(sys.argv[3]), int(sys.argv[4]))
