"""A program of its own: kill a process that saves again and again, and say as JSON what was left.

python -m tests.saved.kills COUNT SEED FOLDER
"""

import json
import os
import random
import signal
import sys
import time
from pathlib import Path

import numpy as np

from cutedl.checkpoint import read, write
from cutedl.errors import CheckpointError


def state(number):
    return {"number": number, "arrays": {str(i): np.full((40, 50 + i), number, "float32") for i in range(5)}}


def number_of(path):
    """Which state a file holds; None for a mixture."""
    saved = read(path).state
    numbers = {saved["number"], *(float(v) for array in saved["arrays"].values() for v in np.unique(array))}
    return numbers.pop() if len(numbers) == 1 else None


def save_for_ever(path, number, pipe):
    while True:
        write(path, state(number), keep=1)
        os.write(pipe, number.to_bytes(8, "little"))
        number += 1


def one_kill(path, number, wait):
    """Return the number of the last save that was acknowledged before the kill."""
    reader, writer = os.pipe()
    child = os.fork()
    if not child:
        os.close(reader)
        save_for_ever(path, number, writer)
    os.close(writer)
    time.sleep(wait)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    with open(reader, "rb") as file:
        acknowledged = file.read()
    return int.from_bytes(acknowledged[-8:], "little") if acknowledged else number - 1


def main(count, seed, folder):
    path, rng = Path(folder, "killed.safetensors"), random.Random(seed)
    started = time.perf_counter()
    write(path, state(0))
    mean = max(0.002, time.perf_counter() - started)
    lost = torn = missing = between = 0
    number = 0
    for _ in range(count):
        acknowledged = one_kill(path, number + 1, rng.uniform(0.002, 4 * mean))
        try:
            found = number_of(path)
        except CheckpointError:
            lost += 1
            write(path, state(number))
            continue
        torn += found is None
        missing += found is not None and found < acknowledged
        between += len(list(path.parent.iterdir())) > 2
        number = max(acknowledged, int(found or 0))
    write(path, state(number), keep=1)
    left = sorted(file.name for file in path.parent.iterdir())
    print(
        json.dumps({"lost": lost, "torn": torn, "missing": missing, "between": between, "saves": number, "left": left})
    )


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3])
