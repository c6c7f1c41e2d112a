"""Damage that any file may suffer, and what is watched while damaged files are loaded: for programs of their own."""

import resource
import sys
import time

FORBIDDEN = ("exec", "compile", "import", "socket", "subprocess", "os.", "ctypes", "pickle", "shutil", "marshal")


def flip(raw, rng):
    for _ in range(rng.choice([1, 1, 2, 8])):
        raw[rng.randrange(len(raw))] ^= 1 << rng.randrange(8)


def truncate(raw, rng):
    del raw[rng.randrange(len(raw)) :]


def append(raw, rng):
    raw += rng.randbytes(rng.choice([1, 8, 512]))


def overwrite(raw, rng):
    start, length = rng.randrange(len(raw)), rng.randrange(1, 65)
    raw[start : start + length] = rng.choice([bytes(length), b"\xff" * length, rng.randbytes(length)])[
        : len(raw) - start
    ]


def splice(raw, rng):
    start, source, length = rng.randrange(len(raw)), rng.randrange(len(raw)), rng.randrange(1, 513)
    raw[start : start + rng.choice([0, length])] = raw[source : source + length]


ANY_FILE = (flip, flip, flip, truncate, append, overwrite, splice)


class Watch:
    """Notes every event of the interpreter that a load must not cause, while it is on."""

    def __init__(self, path):
        self.on, self.events, self.path = False, set(), str(path)
        sys.addaudithook(self.hook)

    def hook(self, event, arguments):
        if not self.on:
            return
        if event == "open":
            if str(arguments[0]) != self.path or arguments[2] & 0o3:
                self.events.add(f"open {arguments}")
        elif event.startswith(FORBIDDEN) and event != "os.listdir":
            self.events.add(f"{event} {arguments}"[:200])


def survey(path, count, spoil, load):
    """Load so many spoiled files and say what came of it.

    spoil: gives for a number a file's bytes and what `load` is to know of them. load: says in a word what happened.
    """
    watch, outcomes, slowest = Watch(path), {}, 0.0
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for number in range(count):
        raw, kind = spoil(number)
        path.write_bytes(raw)
        started = time.perf_counter()
        watch.on = True
        outcome = load(kind)
        watch.on = False
        slowest = max(slowest, time.perf_counter() - started)
        outcomes[outcome] = outcomes.get(outcome, 0) + 1
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024
    return {"outcomes": outcomes, "events": sorted(watch.events), "grown": grown, "slowest": slowest}
