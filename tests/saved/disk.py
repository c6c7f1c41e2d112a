"""A disk that fails, kills, or loses power: systems to write with, and what a crash can leave of what they wrote."""

import itertools
import os
import signal
from pathlib import Path
from typing import NamedTuple

from cutedl.files import System

CALLS = ("make_folder", "create", "open_folder", "write", "flush", "close", "link", "replace", "remove")


class Counting(System):
    """Calls `before(number)` before every system call; writes at most `most` bytes at a time, as a disk may."""

    most = 1500

    def __init__(self):
        self.number = 0

    def before(self, number, name):
        """What happens at a call."""


def _counted(name):
    call = getattr(System, name)

    def counted(self, *arguments):
        self.number += 1
        self.before(self.number, name)
        if name == "write":
            number, data = arguments
            return call(self, number, data[: self.most])
        return call(self, *arguments)

    return counted


for _name in CALLS:
    setattr(Counting, _name, _counted(_name))


class Failing(Counting):
    """Fails once, at one call."""

    def __init__(self, at, error):
        super().__init__()
        self.at, self.error, self.failed = at, error, None

    def before(self, number, name):
        if number == self.at:
            self.failed = name
            raise OSError(self.error, os.strerror(self.error))


class Killing(Counting):
    """Kills its process at one call."""

    def __init__(self, at):
        super().__init__()
        self.at = at

    def before(self, number, name):
        if number == self.at:
            os.kill(os.getpid(), signal.SIGKILL)


class Entry(NamedTuple):
    """A change of the names in a folder, which a loss of power may take back until that folder is flushed."""

    folder: Path
    sets: dict  # name -> file
    removes: tuple


class File:
    def __init__(self, data=b"", flushed=True):
        self.data, self.flushed = bytearray(data), flushed


class Recording(System):
    """Writes to the real disk, and keeps the states in which a loss of power can leave it; skips one flush if asked."""

    def __init__(self, root, skip=None):
        self.root, self.skip, self.flushes = root, skip, 0
        self.names = {path: File(path.read_bytes()) for path in root.rglob("*") if path.is_file()}
        self.folders = {root, *(path for path in root.rglob("*") if path.is_dir())}
        self.durable, self.pending, self.open = dict(self.names), [], {}
        self.durable_folders = set(self.folders)
        self.states = []
        self.note()

    def note(self):
        """Keep every state that the disk can be in now, if power is lost."""
        states = []
        for kept in itertools.product((True, False), repeat=len(self.pending)):
            names, folders = dict(self.durable), set(self.durable_folders)
            for entry, keep in zip(self.pending, kept, strict=True):
                if keep:
                    folders |= {path for path, file in entry.sets.items() if file is None}
                    names |= {path: file for path, file in entry.sets.items() if file is not None}
                    names = {path: file for path, file in names.items() if path not in entry.removes}
            reachable = {p: f for p, f in names.items() if all(q in folders for q in p.parents if q > self.root)}
            torn = [path for path, file in reachable.items() if not file.flushed]
            for contents in itertools.product(*(self.torn(reachable[path].data) for path in torn)):
                left = dict(zip(torn, contents, strict=True))
                states.append({path: left.get(path, bytes(file.data)) for path, file in reachable.items()})
        self.states.append(states)

    @staticmethod
    def torn(data):
        """What can be left of bytes that were not flushed: a part, and after or before it nothing or zeros."""
        length = len(data)
        for end in {*range(0, length, 512), length // 2, length}:
            yield bytes(data[:end])
            yield bytes(data[:end]) + bytes(length - end)
            yield bytes(end) + bytes(data[end:])

    def make_folder(self, path):
        super().make_folder(path)
        self.pending.append(Entry(path.parent, {path: None}, ()))
        self.folders.add(path)
        self.note()

    def create(self, path, mode):
        number = super().create(path, mode)
        file = self.names[path] = self.open[number] = File(flushed=False)
        self.pending.append(Entry(path.parent, {path: file}, ()))
        self.note()
        return number

    def open_folder(self, path):
        number = super().open_folder(path)
        self.open[number] = path
        return number

    def write(self, number, data):
        count = super().write(number, data[:400])
        self.open[number].data += data[:count]
        self.open[number].flushed = False
        self.note()
        return count

    def flush(self, number):
        self.flushes += 1
        if self.flushes == self.skip:
            return
        super().flush(number)
        target = self.open[number]
        if isinstance(target, File):
            target.flushed = True
        else:
            for entry in [entry for entry in self.pending if entry.folder == target]:
                self.pending.remove(entry)
                for path, file in entry.sets.items():
                    if file is None:
                        self.durable_folders.add(path)
                    else:
                        self.durable[path] = file
                for path in entry.removes:
                    self.durable.pop(path, None)
        self.note()

    def link(self, source, target):
        super().link(source, target)
        self.rename(source, target, ())

    def replace(self, source, target):
        super().replace(source, target)
        self.rename(source, target, (source,))
        del self.names[source]

    def rename(self, source, target, removes):
        self.names[target] = self.names[source]
        self.pending.append(Entry(target.parent, {target: self.names[source]}, removes))
        self.note()

    def remove(self, path):
        super().remove(path)
        if self.names.pop(path, None) is not None:
            self.pending.append(Entry(path.parent, {}, (path,)))
            self.note()
