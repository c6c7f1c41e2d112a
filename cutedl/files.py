"""Files: how one gets to its place, whole or not at all."""

from __future__ import annotations

import os
import re
import stat
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from itertools import pairwise
from pathlib import Path
from zlib import crc32

__all__ = ["System", "generations", "publish", "write_durably"]

# The temporary file of a writer that this machine does not know is left alone for a day.
_STRANGERS_SECONDS = 86_400


@contextmanager
def publish(path: Path) -> Iterator[Path]:
    """Yield a temporary file beside path; it becomes path if the block ends well and is removed if it raises.

    Each call has a temporary name of its own and renaming is atomic, so that several processes may publish the same
    file at once and none ever reads half of one. Makes the folder, and removes temporary files of writers that died.
    Raises OSError if it cannot be written.
    What a loss of power must not take away is written by `write_durably`.

    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as directory:
    ...     with publish(Path(directory, "new", "five.txt")) as temporary:
    ...         _ = temporary.write_text("5")
    ...     print([file.name for file in Path(directory, "new").iterdir()])
    ['five.txt']
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    _sweep(path, System())
    temporary = _temporary(path)
    # The user's umask decides who may read it, as for any file.
    os.close(os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666))
    try:
        yield temporary
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


class System:
    """The system calls of a durable write, one method each: a test records them, or lets any one of them fail."""

    def make_folder(self, path: Path) -> None:
        """Make a folder whose parent is there."""
        with suppress(FileExistsError):
            os.mkdir(path)

    def create(self, path: Path, mode: int | None) -> int:
        """Open a new file; mode: its permissions, None for what the user's umask gives."""
        number = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666 if mode is None else 0o600)
        if mode is not None:
            os.chmod(path, mode)
        return number

    def open_folder(self, path: Path) -> int:
        """Open a folder, to be flushed."""
        return os.open(path, os.O_RDONLY)

    def write(self, number: int, data: memoryview) -> int:
        """Write some of the data and return how much."""
        return os.write(number, data)

    def flush(self, number: int) -> None:
        """Wait until a file, or the names in a folder, are on the disk."""
        os.fsync(number)

    def close(self, number: int) -> None:
        """Close an open file or folder."""
        os.close(number)

    def link(self, source: Path, target: Path) -> None:
        """Give a file a second name."""
        os.link(source, target)

    def replace(self, source: Path, target: Path) -> None:
        """Rename a file, over another one if it is there."""
        os.replace(source, target)

    def remove(self, path: Path) -> None:
        """Remove a file, if it is there."""
        path.unlink(missing_ok=True)


def write_durably(path: Path, pieces: Iterable[bytes], keep: int = 0, system: System | None = None) -> None:
    """Write a file that is there whole when this returns, whatever happens then; until then, what was there before is.

    The pieces go to a temporary file in the same folder, which is flushed to the disk and renamed, and the folder is
    flushed. keep: how many earlier files stay, as `generations` names them. A symbolic link goes on pointing where it
    did, to the new file; permissions stay those of the old file. Temporary files of writers that died are removed.
    Raises OSError, and then path is as it was (or, if flushing the folder failed, the new file, whole).

    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as directory:
    ...     for text in (b"1", b"2"):
    ...         write_durably(Path(directory, "count.txt"), [text], keep=1)
    ...     print({file.name: file.read_text() for file in sorted(Path(directory).iterdir())})
    {'count.1.txt': '1', 'count.txt': '2'}
    """
    system, path = system or System(), Path(os.path.realpath(path))
    _make_folders(path.parent, system)
    _sweep(path, system)
    temporary = _temporary(path)
    try:
        _fill(temporary, pieces, _mode(path), system)
        _pass_on(path, keep, system)
        system.replace(temporary, path)
    except BaseException:
        with suppress(OSError):  # the first error says more than one about its remains
            system.remove(temporary)
        raise
    _flush_folder(path.parent, system)


def generations(path: Path, keep: int) -> list[Path]:
    """Return the names of the files before path, the youngest first.

    >>> [earlier.name for earlier in generations(Path("run.safetensors"), 2)]
    ['run.1.safetensors', 'run.2.safetensors']
    """
    return [path.with_name(f"{path.stem}.{age}{path.suffix}") for age in range(1, keep + 1)]


def _fill(temporary: Path, pieces: Iterable[bytes], mode: int | None, system: System) -> None:
    number = system.create(temporary, mode)
    try:
        for piece in pieces:
            rest = memoryview(piece)
            while rest:
                rest = rest[system.write(number, rest) :]
        system.flush(number)
    finally:
        system.close(number)


def _pass_on(path: Path, keep: int, system: System) -> None:
    """Make every generation the next older one; path itself is never without a file."""
    names = generations(path, keep)
    for older, younger in pairwise(reversed(names)):
        if younger.exists():
            system.replace(younger, older)
    if names and path.exists():
        system.remove(names[0])  # renaming does nothing between two names of one file, which a crash can leave
        system.link(path, names[0])


def _mode(path: Path) -> int | None:
    try:
        return stat.S_IMODE(path.stat().st_mode)
    except FileNotFoundError:
        return None


def _make_folders(folder: Path, system: System) -> None:
    if not folder.is_dir():
        _make_folders(folder.parent, system)
        system.make_folder(folder)
        _flush_folder(folder.parent, system)


def _flush_folder(folder: Path, system: System) -> None:
    if os.name == "nt":  # where a folder cannot be opened
        return
    number = system.open_folder(folder)
    try:
        system.flush(number)
    finally:
        system.close(number)


# -- temporary files -----------------------------------------------------------------------------------------------


def _temporary(path: Path) -> Path:
    """A name that nobody else uses and that says whose it is: which start of which machine, which process."""
    return path.with_name(f"{path.name}.{_boot()}-{os.getpid()}-{os.urandom(6).hex()}.part")


def _sweep(path: Path, system: System) -> None:
    """Remove the temporary files of path whose writers are dead."""
    ours = re.compile(re.escape(path.name) + r"\.([0-9a-f]{8})-(\d{1,9})-[0-9a-f]{12}\.part")
    for name in os.listdir(path.parent):
        if (found := ours.fullmatch(name)) and _is_stale(path.with_name(name), found[1], int(found[2])):
            system.remove(path.with_name(name))


def _is_stale(temporary: Path, boot: str, process: int) -> bool:
    if boot == _boot() and os.name != "nt":
        try:
            os.kill(process, 0)  # sends nothing: asks whether the process is there
        except ProcessLookupError:
            return True
        except PermissionError:
            return False
        return False
    try:
        return time.time() - temporary.stat().st_mtime > _STRANGERS_SECONDS
    except FileNotFoundError:
        return False


def _boot() -> str:
    """Eight digits for this start of this machine; where the system has no name for it, for the machine."""
    try:
        return f"{crc32(Path('/proc/sys/kernel/random/boot_id').read_bytes()):08x}"
    except OSError:
        from platform import node

        return f"{crc32(node().encode()):08x}"
