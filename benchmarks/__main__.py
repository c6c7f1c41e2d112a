"""cutedl against its peers, side by side in one run: `python -m benchmarks`, or `make bench` with all of them.

Every peer has a process of its own and sleeps while another is measured; the rounds alternate. Prints a table for each
work; with --json the whole record, with --picture one picture. A peer that is not installed is listed as absent.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from benchmarks.contest import contest
from benchmarks.peers import PEERS
from benchmarks.picture import draw
from benchmarks.process import environment
from benchmarks.table import machine_line, work_table
from benchmarks.works import WORKS

# This process stays small, without NumPy before the last peer is done: a child's peak memory starts at its parent's.


def names(known: dict[str, Any]) -> Any:
    """Return a type for argparse: names with commas between them."""

    def parse(text: str) -> list[str]:
        chosen = text.split(",")
        if unknown := [name for name in chosen if name not in known]:
            raise argparse.ArgumentTypeError(f"{', '.join(unknown)} is not one of {', '.join(known)}")
        return chosen

    return parse


def arguments(argv: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--works", type=names(WORKS), default=list(WORKS), help=f"of {','.join(WORKS)}")
    parser.add_argument("--peers", type=names(PEERS), default=list(PEERS), help=f"of {','.join(PEERS)}; cutedl always")
    parser.add_argument("--rounds", type=int, default=7, help="turns of each peer after one of warm-up")
    parser.add_argument("--threads", type=int, default=2, help="of every peer")
    parser.add_argument("--json", type=Path, help="write the record here")
    parser.add_argument("--picture", type=Path, help="write the picture here")
    parser.add_argument("--quick", action="store_true", help="a few batches, two rounds: does everything run?")
    options = parser.parse_args(argv)
    options.peers = ["cutedl", *(name for name in options.peers if name != "cutedl")]
    if options.quick:
        options.rounds = 2
    return options


def main(argv: list[str] | None = None) -> None:
    options = arguments(argv)
    record: dict[str, Any] = {
        "machine": json.loads(apart("benchmarks.machine", threads=options.threads)),
        "settings": {"rounds": options.rounds, "threads": options.threads, "quick": options.quick},
        "works": {},
    }
    print(machine_line(record["machine"], options.threads))
    if options.quick:
        print("--quick: these numbers mean nothing")
    with tempfile.TemporaryDirectory() as folder:
        works = [WORKS[name].quick() if options.quick else WORKS[name] for name in options.works]
        apart("benchmarks.data", folder, *{work.data for work in works}, threads=options.threads)
        for work in works:
            peers = [name for name in options.peers if PEERS[name].predicts or not work.predict]
            done = contest(work, peers, Path(folder), options.rounds, options.threads, say)
            record["works"][work.name] = done
            say("")
            print("\n" + work_table(work.name, done), flush=True)
            if options.json:
                options.json.write_text(json.dumps(record, indent=1) + "\n")
    if options.picture:
        draw(record, options.picture)


def apart(module: str, *arguments: str, threads: int) -> str:
    """Run a module in a process of its own and return what it prints."""
    command = [sys.executable, "-m", module, *arguments]
    done = subprocess.run(
        command,
        check=True,
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parent.parent,
        env=environment(threads),
    )
    return done.stdout


def say(text: str) -> None:
    """What is under way, on one line of a terminal."""
    if sys.stderr.isatty():
        print(f"\r{text:<60}", end="", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
