"""Container: the safetensors file around a state, checked by its header before anything of its size is allocated.

    8 bytes: length of the header | header: JSON, {name: {dtype, shape, data_offsets}} and text metadata | tensors

The library reads and writes the tensors; what it does not promise (bounds, and that two readers read the same) is
checked here.
"""

from __future__ import annotations

import errno
import math
import os
import stat
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cutedl.encoding import AXES, DTYPES, parse, short
from cutedl.errors import (
    CheckpointCorruptError,
    CheckpointReadError,
    CheckpointTooLargeError,
    CheckpointTruncatedError,
    needed,
)

__all__ = ["pack", "unpack"]

# A header is parsed into objects of up to forty times its size: this bound keeps reading a file within 64 MB and 4
# times its size.
_HEADER_BYTES = 3 << 19
_TENSORS = 10_000

Tensors = dict[str, NDArray[Any]]


def pack(tensors: Tensors, metadata: dict[str, str]) -> bytes:
    """Return the bytes of a file; raises CheckpointTooLargeError for more than `unpack` would take."""
    with needed("safetensors", "saving"):
        from safetensors.numpy import save

    data = save(tensors, metadata)
    _Header(data, len(data))
    return data


def unpack(path: Path) -> tuple[Tensors, dict[str, str]]:
    """Return the tensors of a file, in memory of their own, and its metadata.

    Raises CheckpointReadError, CheckpointCorruptError, CheckpointTruncatedError or CheckpointTooLargeError.
    """
    data, header = _read(path)
    return _load(data, header), header.metadata


class _Header:
    """What the first bytes of a file of that size say; they must be what fills it exactly."""

    def __init__(self, start: bytes, size: int):
        length = _header_length(start[:9], size)
        entries = parse("header", start[8 : 8 + length])
        if not isinstance(entries, dict):
            raise CheckpointCorruptError("the header is no object.", received=short(entries))
        self.metadata = entries.pop("__metadata__", {})
        if not isinstance(self.metadata, dict) or not all(isinstance(text, str) for text in self.metadata.values()):
            raise CheckpointCorruptError("the metadata is no text by name.")
        if len(entries) > _TENSORS:
            raise CheckpointTooLargeError("too many tensors.", expected=f"at most {_TENSORS}", received=len(entries))
        self.kinds: dict[str, tuple[str, tuple[int, ...]]] = {}
        places = []
        for name, entry in entries.items():
            dtype, shape, place = _tensor(name, entry)
            self.kinds[name] = dtype, shape
            places.append((*place, name))
        end = 0
        for begin, stop, name in sorted(places):
            if begin != end:
                raise CheckpointCorruptError(f"tensor {short(name)} is misplaced.", expected=end, received=begin)
            end = stop
        if 8 + length + end > size:
            raise CheckpointTruncatedError(
                "the file is cut short.", expected=f"{8 + length + end} bytes", received=f"{size}"
            )
        if 8 + length + end < size:
            raise CheckpointCorruptError(
                "the file is too long.", expected=f"{8 + length + end} bytes", received=f"{size}"
            )


def _header_length(start: bytes, size: int) -> int:
    if size < 10:
        raise CheckpointTruncatedError("this is no safetensors file.", expected="10 bytes or more", received=size)
    length = int.from_bytes(start[:8], "little")
    if length > size - 8 and start[8:] != b"{":
        expected = "a header in braces after 8 bytes"
        raise CheckpointCorruptError("this is no safetensors file.", expected=expected, received=repr(start))
    if length > size - 8:
        raise CheckpointTruncatedError("the file ends in its header.", expected=f"{8 + length} bytes", received=size)
    if length > _HEADER_BYTES:
        raise CheckpointTooLargeError(
            "the header is too long.", expected=f"at most {_HEADER_BYTES} bytes", received=length
        )
    return length


def _tensor(name: str, entry: Any) -> tuple[str, tuple[int, ...], tuple[int, int]]:
    """Return (dtype, shape, place) of a header's entry."""
    if not isinstance(entry, dict) or entry.keys() != {"dtype", "shape", "data_offsets"}:
        raise CheckpointCorruptError(f"tensor {short(name)} is not described.", received=short(entry))
    dtype, shape, place = entry["dtype"], entry["shape"], entry["data_offsets"]
    if not isinstance(dtype, str) or dtype not in DTYPES:
        raise CheckpointCorruptError(
            f"tensor {short(name)} is of no known type.", expected="one of " + ", ".join(DTYPES), received=short(dtype)
        )
    if not _are_counts(shape) or len(shape) > AXES or not _are_counts(place) or len(place) != 2:
        raise CheckpointCorruptError(f"tensor {short(name)} has no shape or place.")
    needed = math.prod(shape) * np.dtype(DTYPES[dtype]).itemsize
    if place[1] - place[0] != needed:
        raise CheckpointCorruptError(
            f"tensor {short(name)} does not fill its place.",
            expected=f"{needed} bytes",
            received=f"{place[1] - place[0]}",
        )
    return DTYPES[dtype], tuple(shape), (place[0], place[1])


def _are_counts(values: Any) -> bool:
    return isinstance(values, list) and all(type(value) is int and 0 <= value < 1 << 63 for value in values)


def _read(path: Path) -> tuple[bytes, _Header]:
    """The whole file, after a look at its header: its tensors have to fill it."""
    try:
        with open(path, "rb", opener=_open_plain) as file:
            size = os.fstat(file.fileno()).st_size
            start = file.read(9)
            start += file.read(_header_length(start, size) - 1)
            header = _Header(start, size)
            file.seek(0)
            data = file.read(size)
    except OSError as error:
        raise CheckpointReadError(f"this file cannot be read: {error.strerror}.") from error
    if len(data) != size or not data.startswith(start):
        raise CheckpointTruncatedError("the file changed while it was read.", expected=size, received=len(data))
    return data, header


def _open_plain(path: str, flags: int) -> int:
    """Open what is a plain file: a pipe or a device could keep the reader waiting, or never end."""
    number = os.open(path, flags | getattr(os, "O_NONBLOCK", 0))
    if not stat.S_ISREG(os.fstat(number).st_mode):
        os.close(number)
        raise OSError(errno.EINVAL, "it is no plain file", path)
    return number


def _load(data: bytes, header: _Header) -> Tensors:
    """The tensors as the library reads them, after a look whether it read the same as we did."""
    with needed("safetensors", "loading"):
        from safetensors import SafetensorError
        from safetensors.numpy import load

    try:
        tensors: Tensors = load(data)
    except (SafetensorError, KeyError, TypeError, ValueError) as error:
        raise CheckpointCorruptError(f"safetensors cannot read it: {short(str(error))}.") from error
    if {name: (array.dtype.name, array.shape) for name, array in tensors.items()} != header.kinds:
        raise CheckpointCorruptError("two readers understand its header in different ways.")
    return tensors
