"""IDX files: what is read comes out bit for bit, what is damaged is refused, and a bomb does not go off."""

import gzip
import hashlib
import tracemalloc
import zlib

import numpy as np
import pytest

from cutedl.datasets import idx
from cutedl.errors import CorruptDataError
from tests.datasets.shelf import idx_bytes
from tests.programs import program
from tests.saved.soak import times

DIGITS = np.arange(24, dtype=np.uint8).reshape(2, 3, 4)
VALUES = np.array([[-100, 0, 3], [7, -1, 127]])
each_packing = pytest.mark.parametrize("pack", [bytes, gzip.compress], ids=["raw", "gz"])


def written(tmp_path, content):
    path = tmp_path / "file-idx"
    path.write_bytes(content)
    return path


@each_packing
@pytest.mark.parametrize("dtype", ["i1", "i2", "i4", "f4", "f8"])
def test_numbers_come_back_in_the_byte_order_of_the_machine(tmp_path, dtype, pack):
    array = idx.read(written(tmp_path, pack(idx_bytes(VALUES.astype(dtype)))))
    assert array.dtype == np.dtype(dtype)
    assert array.dtype.isnative
    assert np.array_equal(array, VALUES)
    array[0, 0] = 1  # the caller's own


@each_packing
def test_bytes_come_back_with_shape_and_digest_confirmed(tmp_path, pack):
    content = idx_bytes(DIGITS)
    path = written(tmp_path, pack(content))
    digest = hashlib.sha256(content).hexdigest()
    assert np.array_equal(idx.read(path, (2, 3, 4), digest), DIGITS)
    with pytest.raises(CorruptDataError, match=f"SHA-256 {'0' * 64} uncompressed, received {digest}"):
        idx.read(path, (2, 3, 4), "0" * 64)
    with pytest.raises(CorruptDataError, match=r"expected shape \(2, 12\) uint8, received .* shape \(2, 3, 4\) uint8"):
        idx.read(path, (2, 12), digest)


def test_a_shape_is_one_of_uint8(tmp_path):
    with pytest.raises(CorruptDataError, match=r"uint8, received a header that says .* int8"):
        idx.read(written(tmp_path, idx_bytes(DIGITS.astype("i1"))), (2, 3, 4))


WHOLE = idx_bytes(DIGITS)
DAMAGED = {
    "empty": (b"", "received an empty file"),
    "three bytes": (WHOLE[:3], "begins with 00 00 08"),
    "not zero": (b"\1" + WHOLE[1:], "begins with 01 00 08 03"),
    "a web page": (b"<!DOCTYPE html><html>", "begins with 3c 21 44 4f"),
    "unknown type": (b"\0\0\x0a" + WHOLE[3:], "begins with 00 00 0a 03"),
    "no dimension": (b"\0\0\x08\0" + WHOLE[4:], "1 to 8 dimensions"),
    "nine dimensions": (b"\0\0\x08\x09" + WHOLE[4:] * 9, "1 to 8 dimensions"),
    "sizes cut short": (WHOLE[:13], "expected 3 sizes of 4 bytes each, received 9 bytes"),
    "a size of zero": (WHOLE[:7] + b"\0" + WHOLE[8:], r"sizes of at least 1, received shape \(0, 3, 4\)"),
    "no payload": (WHOLE[:16], "expected 24 bytes of shape"),
    "one byte short": (WHOLE[:-1], "after the header, received 23"),
    "one byte more": (WHOLE + b"\0", "after the header, received more"),
    "far too large": (WHOLE[:4] + b"\xff" * 12 + WHOLE[16:], "cannot hold more than"),
}


@each_packing
@pytest.mark.parametrize("name", DAMAGED)
def test_a_damaged_file_is_refused_by_name(tmp_path, name, pack):
    content, message = DAMAGED[name]
    path = written(tmp_path, pack(content))
    with pytest.raises(CorruptDataError, match=message) as caught:
        idx.read(path)
    assert str(path) in str(caught.value)
    assert caught.value.expected is not None
    assert caught.value.received is not None


def test_gzip_cut_anywhere_is_refused(tmp_path):
    content = gzip.compress(WHOLE)
    for length in range(len(content)):
        with pytest.raises(CorruptDataError):
            idx.read(written(tmp_path, content[:length]))


def test_gzip_with_any_bit_flipped_is_refused_or_harmless(tmp_path):
    content = gzip.compress(WHOLE)
    harmless = 0
    for bit in range(8 * len(content)):
        flipped = bytearray(content)
        flipped[bit // 8] ^= 1 << bit % 8
        try:
            array = idx.read(written(tmp_path, flipped))
        except CorruptDataError:
            continue
        assert np.array_equal(array, DIGITS)
        harmless += 1
    assert harmless <= 8 * 8  # time, flags and system in the gzip header, which say nothing about the content


@pytest.mark.parametrize("tail", [b"rubbish", gzip.compress(b"more")], ids=["rubbish", "a second member"])
def test_gzip_with_something_after_it_is_refused(tmp_path, tail):
    with pytest.raises(CorruptDataError):
        idx.read(written(tmp_path, gzip.compress(WHOLE) + tail))


def test_damaged_and_forged_files_are_refused(tmp_path):
    count = times(2000, 50_000)
    result = program("datasets.fuzz", count, 2026, tmp_path)
    assert set(result["outcomes"]) <= {"refused", "same", "other"}, result["outcomes"]
    assert result["outcomes"]["refused"] > count * 0.7
    assert result["events"] == []
    assert result["grown"] <= (64 << 20) + 4 * result["size"]
    assert result["slowest"] < 2  # a hundredth of it on a machine that does nothing else


def bomb(header, megabytes):
    """Gzip of a header and zeros."""
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    zeros = bytes(1 << 20)
    return b"".join([packer.compress(header), *(packer.compress(zeros) for _ in range(megabytes)), packer.flush()])


def peak_of_refusal(path, shape=None):
    tracemalloc.start()
    try:
        with pytest.raises(CorruptDataError):
            idx.read(path, shape)
        return tracemalloc.get_traced_memory()[1] / (1 << 20)
    finally:
        tracemalloc.stop()


def test_a_gzip_bomb_stops_at_the_size_in_its_header(tmp_path):
    path = written(tmp_path, bomb(WHOLE, 256))
    assert path.stat().st_size < 1 << 19
    assert peak_of_refusal(path) < 8


def test_a_gzip_bomb_with_an_honest_header_stops_at_the_shape_wanted(tmp_path):
    header = bytes([0, 0, 8, 1]) + (256 << 20).to_bytes(4, "big")
    assert peak_of_refusal(written(tmp_path, bomb(header, 256)), shape=(10_000,)) < 8


def test_a_header_that_promises_more_than_its_file_can_hold_allocates_nothing(tmp_path):
    header = bytes([0, 0, 8, 1]) + (2**32 - 1).to_bytes(4, "big")
    assert peak_of_refusal(written(tmp_path, gzip.compress(header + bytes(1000)))) < 8
    assert peak_of_refusal(written(tmp_path, header + bytes(1000))) < 8


def test_a_missing_file_is_an_os_error(tmp_path):
    with pytest.raises(FileNotFoundError):
        idx.read(tmp_path / "none")
