"""A contest: the peers of one work take turns, round after round, all in one run."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack, closing
from pathlib import Path
from statistics import median, quantiles
from typing import Any

from benchmarks.bars import verdict
from benchmarks.peers import PEERS
from benchmarks.process import Process
from benchmarks.works import Work

__all__ = ["contest"]

# After a turn the threads of most libraries spin for some milliseconds; the next peer shall not share with them.
_SETTLE = 0.2


def contest(
    work: Work, peers: Sequence[str], folder: Path, rounds: int, threads: int, say: Callable[[str], None]
) -> dict[str, Any]:
    """Return the record of one work: seconds of each peer and round, ratios peer / cutedl, what was learnt, memory."""
    record = {"title": work.title, "shape": work.shape, "unit": work.unit}
    record["data"] = (folder / f"{work.data}.txt").read_text()
    with ExitStack() as stack:
        processes = []
        for name in peers:
            say(f"{work.name}: {name} warms up")
            processes.append(stack.enter_context(closing(Process(name, work, folder, threads))))
        seconds = _rounds(work, processes, rounds, say)
        ends = {process.name: process.finish() for process in processes if process.absent is None}
        results = {process.name: _result(process, seconds[process.name], ends) for process in processes}
    _compare(work.name, results)
    return {**record, "peers": results}


def _rounds(
    work: Work, processes: Sequence[Process], rounds: int, say: Callable[[str], None]
) -> dict[str, list[float]]:
    """Every second round goes backwards, so that no peer always follows the same one."""
    seconds: dict[str, list[float]] = {process.name: [] for process in processes}
    for i in range(rounds):
        say(f"{work.name}: round {i + 1} of {rounds}")
        for process in processes if i % 2 == 0 else reversed(processes):
            if process.absent is None:
                time.sleep(_SETTLE)
                taken = process.turn()
                if taken is not None:
                    seconds[process.name].append(taken)
    return seconds


def _result(process: Process, seconds: list[float], ends: dict[str, dict[str, Any]]) -> dict[str, Any]:
    if process.absent is not None:
        return {"absent": process.absent}
    return {"seconds": seconds, "median": median(seconds), "facts": process.facts, **ends[process.name]}


def _compare(work: str, results: dict[str, dict[str, Any]]) -> None:
    """Add to every peer its ratios to cutedl, round by round, and whether the bar is met."""
    ours = results.get("cutedl", {}).get("seconds")
    for name, result in results.items():
        if ours is None or name == "cutedl" or "absent" in result:
            continue
        ratios = [theirs / mine for theirs, mine in zip(result["seconds"], ours, strict=True)]
        low, _, high = quantiles(ratios, n=4, method="inclusive") if len(ratios) > 1 else ratios * 3
        result["ratio"] = {
            "median": median(ratios), "lower_quartile": low, "upper_quartile": high,
            "low": min(ratios), "high": max(ratios),
        }  # fmt: skip
        result["bar"] = verdict(work, PEERS[name].group, median(ratios))
