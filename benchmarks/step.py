"""Work w2 through Session.fit against the hand-written loop, in one process, alternating: `python -m benchmarks.step`.

Prints seconds per epoch (medians) and the ratio framework / hand-written, round by round paired.
"""

from __future__ import annotations

import argparse
from statistics import median
from time import perf_counter

from benchmarks.data import SETS
from benchmarks.handwritten import HandWritten
from benchmarks.peers.with_cutedl import session as session_of
from benchmarks.works import WORKS
from cutedl.dataset import Dataset


def main() -> None:
    """Run both, alternating, and print medians and ratios."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=7)
    rounds = parser.parse_args().rounds
    everything, source = SETS["digits"]()
    data, label = everything.x, everything.y
    train = Dataset(data, label, batch_size=64, drop_remainder=True)
    session, hand = session_of(WORKS["w2"]), HandWritten()

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
