"""The IDX format of the MNIST files: a header that says what follows, then big-endian numbers.

    bytes 0-1   zero
    byte  2     type code: 08 uint8, 09 int8, 0B int16, 0C int32, 0D float32, 0E float64
    byte  3     number of dimensions n
    4n bytes    the sizes, uint32 each
    the rest    the numbers, last dimension fastest

Nothing that a file says about itself is believed before it is checked: a damaged or hostile file gives an error and
never a short array, and inflating stops one byte after the size that the header promised.
"""

from __future__ import annotations

import math
import os
import struct
import zlib
from pathlib import Path
from typing import Any, BinaryIO, cast

import numpy as np
from numpy.typing import NDArray

from cutedl.errors import CorruptDataError

__all__ = ["read"]

_TYPES = {0x08: "u1", 0x09: "i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}
_MOST_DIMENSIONS = 8
_GZIP_MAGIC = b"\x1f\x8b"
# Deflate writes at least one bit for 258 bytes and the format around it only adds: nothing inflates further than this.
_DEFLATE_LIMIT = 1032
_CHUNK = 1 << 18


def read(path: str | Path, shape: tuple[int, ...] | None = None, sha256: str | None = None) -> NDArray[Any]:
    """Return the array that an IDX file holds, raw or gzip-compressed, whatever its name ends in.

    shape: what the file has to hold; another header is refused before anything is inflated. Without it, a small gzip
    file may hold an array of up to 1032 times its size: give it for the files of strangers.
    sha256: hexadecimal digest of the uncompressed file, header included.

    Returns a writable array in the machine's byte order.
    Raises CorruptDataError, naming the file, if it is no IDX file, is damaged, is cut short, goes on after its last
    number, or does not match shape or sha256; OSError if it cannot be read.

    >>> from tempfile import NamedTemporaryFile
    >>> with NamedTemporaryFile(suffix="-labels-idx1-ubyte") as file:
    ...     _ = file.write(bytes([0, 0, 8, 1, 0, 0, 0, 3, 5, 0, 4]))
    ...     file.flush()
    ...     read(file.name)
    array([5, 0, 4], dtype=uint8)
    """
    import gzip

    path = Path(path)
    with open(path, "rb") as raw:
        compressed = raw.read(2) == _GZIP_MAGIC
        raw.seek(0)
        most = os.fstat(raw.fileno()).st_size * (_DEFLATE_LIMIT if compressed else 1)
        file = cast(BinaryIO, gzip.GzipFile(fileobj=raw)) if compressed else raw
        try:
            return _parse(path, file, most, shape, sha256)
        except (EOFError, gzip.BadGzipFile, zlib.error) as error:
            raise _damaged(path, "a complete gzip file", error) from error


def _parse(path: Path, file: BinaryIO, most: int, shape: tuple[int, ...] | None, sha256: str | None) -> NDArray[Any]:
    header, dtype, sizes = _read_header(path, file)
    if shape is not None and (sizes != shape or dtype.str != "|u1"):
        raise _damaged(path, f"shape {shape} uint8", f"a header that says shape {sizes} {dtype.newbyteorder('=')}")
    expected = math.prod(sizes) * dtype.itemsize
    if expected > most:
        raise _damaged(path, f"{expected} bytes of shape {sizes}", f"a file that cannot hold more than {most}")
    payload, digest = _read_payload(file, header, expected)
    if len(payload) != expected:
        received = f"{len(payload)}" if len(payload) < expected else "more"
        raise _damaged(path, f"{expected} bytes of shape {sizes} after the header", received)
    if sha256 is not None and digest != sha256:
        raise _damaged(path, f"SHA-256 {sha256} uncompressed", digest)
    array = np.frombuffer(payload, dtype).reshape(sizes)
    return array.astype(dtype.newbyteorder("="), copy=False)


def _read_header(path: Path, file: BinaryIO) -> tuple[bytes, np.dtype[Any], tuple[int, ...]]:
    magic = file.read(4)
    if len(magic) < 4 or magic[:2] != b"\0\0" or magic[2] not in _TYPES or not 1 <= magic[3] <= _MOST_DIMENSIONS:
        raise _damaged(
            path,
            "an IDX file: 00 00, a type code of 08 09 0B 0C 0D 0E, 1 to 8 dimensions",
            f"a file that begins with {magic.hex(' ')}" if magic else "an empty file",
        )
    dtype, dimensions = np.dtype(_TYPES[magic[2]]), magic[3]
    sizes = file.read(4 * dimensions)
    if len(sizes) < 4 * dimensions:
        raise _damaged(path, f"{dimensions} sizes of 4 bytes each", f"{len(sizes)} bytes")
    shape = struct.unpack(f">{dimensions}I", sizes)
    if 0 in shape:
        raise _damaged(path, "sizes of at least 1", f"shape {shape}")
    return magic + sizes, dtype, shape


def _read_payload(file: BinaryIO, header: bytes, expected: int) -> tuple[bytearray, str]:
    """Read at most expected + 1 bytes; in pieces, so that each is still in the processor's cache when it is hashed."""
    from hashlib import sha256

    digest = sha256(header)
    payload = bytearray()
    while len(payload) <= expected:
        chunk = file.read(min(_CHUNK, expected + 1 - len(payload)))
        if not chunk:
            break
        digest.update(chunk)
        payload += chunk
    return payload, digest.hexdigest()


def _damaged(path: Path, expected: str, received: object) -> CorruptDataError:
    return CorruptDataError(f"{path} cannot be used.", expected=expected, received=received)
