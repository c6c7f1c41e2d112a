"""The edges of the format, exactly where they are: what mutation testing found that no other test looks at."""

import errno
import json
import struct

import numpy as np
import pytest

from cutedl import checkpoint, container
from cutedl.checkpoint import read, write
from cutedl.encoding import decode, encode, parse, short
from cutedl.errors import (
    CheckpointCorruptError,
    CheckpointTooLargeError,
    CheckpointTruncatedError,
    CheckpointVersionError,
    CheckpointWriteError,
)
from tests.saved.disk import Failing


def refusal(header, tensors=b"", kind=CheckpointCorruptError):
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    data = struct.pack("<Q", len(text)) + text + tensors
    with pytest.raises(kind) as caught:
        container._Header(data, len(data))
    return str(caught.value)


def one(**fields):
    return {"w": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]} | fields}


def test_digests_of_text_and_arrays_never_change():
    """Files of earlier versions are verified by them."""
    assert checkpoint._digest_of_text({"b": "2", "a": "ä\ud800"}) == (
        "b4f945b67c2237ed3b24d23975c3d159e7cc87f80085217a780ca8310e7d714d"
    )
    assert (
        checkpoint._digest_of_array(np.arange(6, dtype="float32").reshape(2, 3)) == "b0c30db7b6c872721a03fd8b34c6a7e6"
    )
    assert checkpoint._digest_of_array(np.array(True)) == "44e9f9c6bb6c84c02685762648f9bae5"


def test_a_file_of_the_wrong_length_says_both_lengths():
    for name in ("w" * length for length in range(1, 17)):
        entries = {name: one()["w"]}
        end = 16 + len(json.dumps(entries))
        short, long = f"expected {end} bytes, received {end - 1}.", f"expected {end} bytes, received {end + 2}."
        assert refusal(entries, bytes(7), CheckpointTruncatedError) == f"the file is cut short. {short}"
        assert refusal(entries, bytes(10)) == f"the file is too long. {long}"
    assert refusal(one(shape=[3]), bytes(8)) == "tensor w does not fill its place. expected 12 bytes, received 8."
    with pytest.raises(CheckpointTruncatedError, match=r"in its header\. expected 21 bytes, received 20\."):
        container._Header(struct.pack("<Q", 13) + b"{".ljust(12), 20)


def test_the_smallest_file_and_the_longest_header_are_read():
    assert container._Header(struct.pack("<Q", 2) + b"{}", 10).kinds == {}
    most = 3 << 19
    text = b"{}".ljust(most)
    assert container._Header(struct.pack("<Q", most) + text, 8 + most).kinds == {}
    assert "at most 1572864 bytes, received 1572865" in refusal(text + b" ", kind=CheckpointTooLargeError)


def test_axes_and_sizes_reach_as_far_as_they_may():
    header = container._Header(*sized(one(shape=[1] * 7 + [2]), bytes(8)))
    assert header.kinds == {"w": ("float32", (1,) * 7 + (2,))}
    assert "no shape or place" in refusal(one(shape=[0, 1 << 63], data_offsets=[0, 0]))
    assert container._Header(*sized(one(shape=[0, (1 << 63) - 1], data_offsets=[0, 0]))).kinds["w"][1][0] == 0
    assert "no shape or place" in refusal(one(data_offsets=[0, 8, 8]), bytes(8))
    assert "no shape or place" in refusal(one(shape=[-1, -2]), bytes(8))


def sized(header, tensors=b""):
    text = json.dumps(header).encode()
    data = struct.pack("<Q", len(text)) + text + tensors
    return data, len(data)


@pytest.mark.parametrize(
    ("number", "kind"),
    [("123456789", CheckpointVersionError), ("0", CheckpointVersionError), ("1234567890", CheckpointCorruptError)],
)
def test_a_format_has_at_most_nine_digits(number, kind):
    with pytest.raises(kind):
        checkpoint._check_format({"format": f"cutedl {number}"})


def test_a_word_before_the_format_is_not_passed_over():
    with pytest.raises(CheckpointCorruptError, match='expected format "cutedl 1"'):
        checkpoint._check_format({"format": "keras 1"})


# -- numbers -------------------------------------------------------------------------------------------------------


def kept(values):
    tensors = {}
    encoded = encode({"v": values}, "", tensors)
    assert decode(json.loads(json.dumps(encoded)), "", dict(tensors)) == {"v": values}
    return [array.dtype.name for array in tensors.values()]


def test_lists_become_tensors_from_sixteen_numbers_on_if_int64_holds_them():
    assert kept([1] * 15) == kept([0.5] * 15) == []
    assert kept([1] * 16) == kept([(1 << 63) - 1] * 16) == kept([-(1 << 63)] * 16) == ["int64"]
    assert kept([1 << 63] + [0] * 15) == kept([-(1 << 63) - 1] + [0] * 15) == []
    assert kept([0.5] * 16) == kept([1e300] * 16) == ["float64"]
    assert kept([0.5] * 15 + [1]) == kept([1] * 15 + [0.5]) == kept([1] * 15 + [True]) == []


@pytest.mark.parametrize(
    ("value", "array"),
    [
        ({"$": "floats"}, np.arange(3)),
        ({"$": "ints"}, np.arange(3.0)),
        ({"$": "ints"}, np.arange(3, dtype="int32")),
        ({"$": "floats"}, np.ones((1, 3))),
        ({"$": "floats"}, None),
        ({"$": "os"}, np.ones(3)),
        ({"$": ["tensor"]}, np.ones(3)),
        ({"$": "tensor", "x": 1}, np.ones(3)),
        ({"$": "nan", "x": 1}, None),
    ],
)
def test_what_encode_does_not_write_is_refused(value, array):
    with pytest.raises(CheckpointCorruptError, match="w/0 is no part of a state. received a dict"):
        decode({"w": [value]}, "", {} if array is None else {"w/0": array})


def test_messages_are_cut_to_a_hundred_characters_with_both_ends():
    assert short("a" * 100) == "a" * 100
    assert short("0123456789" * 10 + "x") == "0123456789" * 4 + "01234567" + "..." + "3456789" + "0123456789" * 4 + "x"
    assert (short({}), short([]), short(None)) == ("a dict", "a list", "None")


def test_json_at_the_edge_of_float64():
    assert parse("header", b'{"a": 1.7976931348623157e308}') == {"a": 1.7976931348623157e308}
    with pytest.raises(CheckpointCorruptError, match="the header is no JSON: Infinity is no number"):
        parse("header", "Infinity")


# -- what is said of a disk that fails ------------------------------------------------------------------------------


def test_a_failed_save_says_why_and_how_much_was_needed(tmp_path):
    with pytest.raises(CheckpointWriteError) as caught:
        write(tmp_path / "a.safetensors", {"w": np.ones(100)}, system=Failing(1, errno.ENOSPC))
    error = caught.value
    assert f"{tmp_path / 'a.safetensors'}: saving failed: No space left on device; the file" in str(error)
    assert error.errno == errno.ENOSPC
    assert error.needed > 800
    assert error.free > 0
    assert f"expected to write {error.needed:,} bytes, received free: {error.free:,} bytes." in str(error)


def test_how_much_is_free_may_be_unknown(tmp_path):
    error = checkpoint._not_written(tmp_path / "none" / "a", OSError("gone"), 1234)
    assert "saving failed: gone; the file that was there" in str(error)
    assert "expected to write 1,234 bytes, received free: unknown." in str(error)
    assert error.free is None


def test_a_manifest_and_a_state_are_kept_apart(tmp_path):
    path = tmp_path / "a.safetensors"
    write(path, {"a": 1})
    assert read(path) == ({"a": 1}, {})
