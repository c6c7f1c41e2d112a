"""Checkpoint: how a state gets into a file and out of it, verified; it knows nothing of models and sessions.

A state is a dict with str keys whose values are None, bool, int, float, str, lists, dicts and NumPy arrays. In the file
the arrays are tensors of the safetensors container, which PyTorch and others read, each named after its path in the
state; the rest is text in the container's metadata:

    format    "cutedl 1"
    state     the state as JSON
    manifest  who wrote it, as JSON: versions, seed, data
    digests   {tensor name: BLAKE2b of its type, shape and bytes}, as JSON
    digest    BLAKE2b of the four above
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from cutedl import container, encoding, files
from cutedl.errors import (
    CheckpointCorruptError,
    CheckpointError,
    CheckpointTooLargeError,
    CheckpointVersionError,
    CheckpointWriteError,
)

__all__ = ["Saved", "read", "reading", "write"]

_VERSION = 1
_KEYS = {"format", "state", "manifest", "digests"}


class Saved(NamedTuple):
    """What a file holds: the state as it was given to `write`, and the manifest."""

    state: dict[str, Any]
    manifest: dict[str, Any]


def write(
    path: str | os.PathLike[str],
    state: Mapping[str, Any],
    manifest: Mapping[str, Any] | None = None,
    keep: int = 0,
    system: files.System | None = None,
) -> None:
    """Write a state to this very path, whole or not at all; once this returns, a loss of power does not undo it.

    manifest: str, int, float, ... by name, of interest to who finds the file. keep: how many earlier files stay beside
    it, see files.generations. system: of tests.
    Raises CheckpointWriteError where the disk does not take it: what was there before is then untouched (or, if only
    the last flush of the folder failed, replaced as a whole). Raises CheckpointError for what no state may hold,
    CheckpointTooLargeError for more than `read` would take.

    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as directory:
    ...     write(Path(directory, "a.safetensors"), {"weights": {"w": np.ones(2, "float32")}, "epoch": 3})
    ...     print(read(Path(directory, "a.safetensors")).state)
    {'weights': {'w': array([1., 1.], dtype=float32)}, 'epoch': 3}
    """
    from json import dumps

    path = Path(path)
    with _about(path):
        tensors: dict[str, NDArray[Any]] = {}
        metadata = {
            "format": f"cutedl {_VERSION}",
            "state": dumps(encoding.encode(state, "", tensors), allow_nan=False, separators=(",", ":")),
            "manifest": dumps(dict(manifest or {}), allow_nan=False),
            "digests": dumps({name: _digest_of_array(array) for name, array in tensors.items()}),
        }
        data = container.pack(tensors, metadata | {"digest": _digest_of_text(metadata)})
    try:
        files.write_durably(path, [data], keep, system)
    except OSError as error:
        raise _not_written(path, error, len(data)) from error


def read(path: str | os.PathLike[str]) -> Saved:
    """Read a state and verify every digest; nothing in the file is run, imported or followed.

    Takes at most 64 MB and 4 times the file. Raises CheckpointError; cutedl.errors has its kinds.
    """
    path = Path(path)
    with _about(path):
        tensors, metadata = container.unpack(path)
        _check_format(metadata)
        digest = metadata.pop("digest", None)
        if metadata.keys() != _KEYS:
            raise CheckpointCorruptError("the metadata is not complete.", expected=sorted(_KEYS))
        if digest != _digest_of_text(metadata):
            raise CheckpointCorruptError("the metadata is damaged: its digest is another.")
        digests = encoding.parse("digests", metadata["digests"])
        if not isinstance(digests, dict) or digests.keys() != tensors.keys():
            raise CheckpointCorruptError("the digests are those of other tensors.")
        for name, array in tensors.items():
            if digests[name] != (found := _digest_of_array(array)):
                raise CheckpointCorruptError(
                    f"tensor {encoding.short(name)} is damaged.",
                    expected=f"digest {encoding.short(digests[name])}",
                    received=found,
                )
        state = encoding.decode(encoding.parse("state", metadata["state"]), "", tensors)
        manifest = encoding.parse("manifest", metadata["manifest"])
        if tensors or not isinstance(state, dict) or not isinstance(manifest, dict):
            raise CheckpointCorruptError("what it holds is no state.")
        return Saved(state, manifest)


@contextmanager
def reading(path: str | os.PathLike[str]) -> Iterator[None]:
    """Make whatever goes wrong while a state is put to use a CheckpointError that names the file.

    Digests tell damage, not intent: who forges a file computes them too, and can put anything into a state.
    """
    with _about(Path(path)):
        try:
            yield
        except CheckpointError:
            raise
        except (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError) as error:
            raise CheckpointCorruptError(f"its state cannot be used: {encoding.short(str(error))}") from error


@contextmanager
def _about(path: Path) -> Iterator[None]:
    """Name the file in the errors of the block; make a lack of memory, or of stack, one of them."""
    try:
        yield
    except CheckpointError as error:
        error.path = error.path or str(path)
        raise
    except MemoryError as error:
        raise CheckpointTooLargeError("there is not enough memory for it.", path=path) from error
    except RecursionError as error:
        raise CheckpointTooLargeError("its state is nested too deep.", path=path) from error


def _check_format(metadata: Mapping[str, str]) -> None:
    kind, _, number = metadata.get("format", "").partition(" ")
    if kind != "cutedl" or not (number.isascii() and number.isdecimal()) or len(number) > 9:
        raise CheckpointCorruptError("cutedl did not write this file.", expected=f'format "cutedl {_VERSION}"')
    if int(number) != _VERSION:
        raise CheckpointVersionError(
            "another version of cutedl wrote this file.",
            expected=f"format {_VERSION}",
            received=f"format {int(number)}",
            hint="upgrade cutedl.",
        )


def _not_written(path: Path, error: OSError, needed: int) -> CheckpointWriteError:
    from shutil import disk_usage

    try:
        free: int | None = disk_usage(path.parent).free
    except OSError:
        free = None
    result = CheckpointWriteError(
        f"saving failed: {error.strerror or error}; the file that was there is untouched, or replaced as a whole.",
        path=path,
        needed=needed,
        free=free,
        expected=f"to write {needed:,} bytes",
        received="free: " + ("unknown" if free is None else f"{free:,} bytes"),
    )
    result.errno = error.errno
    return result


def _digest_of_array(array: NDArray[Any]) -> str:
    from hashlib import blake2b

    digest = blake2b(f"{array.dtype.name} {array.shape} ".encode(), digest_size=16)
    digest.update(array.reshape(-1).view(np.uint8).data)
    return digest.hexdigest()


def _digest_of_text(metadata: Mapping[str, str]) -> str:
    from hashlib import blake2b

    digest = blake2b(digest_size=32)
    for name in sorted(metadata):
        for part in (name.encode(), metadata[name].encode("utf-8", "surrogatepass")):
            digest.update(len(part).to_bytes(8, "little") + part)
    return digest.hexdigest()
