"""What goes into a file comes out of it, as the bits it was, and other programs can read it."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from safetensors.numpy import load_file

from cutedl.checkpoint import read, write
from cutedl.encoding import DTYPES
from cutedl.errors import CheckpointError, CheckpointTooLargeError
from tests.saved.sessions import digest

NAMES = st.text(max_size=12).filter(lambda name: name not in ("", "$"))
SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20)
ARRAYS = st.sampled_from(sorted(DTYPES.values())).flatmap(
    lambda dtype: arrays.arrays(dtype, arrays.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=4))
)
LISTS = st.lists(st.floats(), max_size=40) | st.lists(st.integers(-(2**70), 2**70), max_size=40)
STATES = st.recursive(
    SCALARS | ARRAYS | LISTS,
    lambda part: st.lists(part, max_size=4) | st.dictionaries(NAMES, part, max_size=4),
    max_leaves=12,
)


@settings(max_examples=120, deadline=None, derandomize=True)
@given(st.dictionaries(NAMES, STATES, max_size=4))
def test_any_state_comes_back_as_the_bits_it_was(tmp_path_factory, state):
    path = tmp_path_factory.getbasetemp() / "any.safetensors"
    write(path, state)
    assert digest(read(path).state) == digest(state)


@pytest.mark.parametrize("layout", ["strided", "fortran", "reversed", "big-endian", "read-only", "broadcast"])
def test_an_array_of_any_layout_is_saved_as_its_plain_copy(tmp_path, layout):
    plain = np.arange(12, dtype="float32").reshape(3, 4)
    array = {
        "strided": np.repeat(plain, 2, axis=1)[:, ::2],
        "fortran": np.asfortranarray(plain),
        "reversed": plain[::-1, ::-1].copy()[::-1, ::-1],
        "big-endian": plain.astype(">f4"),
        "read-only": plain.copy(),
        "broadcast": np.broadcast_to(plain[:1], (3, 4)),
    }[layout]
    array.setflags(write=False)
    write(tmp_path / "a.safetensors", {"a": array})
    found = read(tmp_path / "a.safetensors").state["a"]
    assert found.dtype == np.float32
    assert found.tobytes() == array.astype("=f4").tobytes()
    assert found.flags.writeable
    assert found.flags.owndata or found.base is not None


def test_long_lists_of_numbers_stay_out_of_the_header(tmp_path):
    state = {"loss": [0.1 * i for i in range(100_000)] + [math.nan], "steps": list(range(100_000))}
    write(tmp_path / "a.safetensors", state)
    found = read(tmp_path / "a.safetensors").state
    assert digest(found) == digest(state)
    assert type(found["steps"][0]) is int
    assert (tmp_path / "a.safetensors").stat().st_size < 17 * 100_000


def test_another_program_reads_the_tensors_by_their_names(tmp_path):
    path = tmp_path / "a.safetensors"
    write(path, {"values": {"dense_0.kernel": np.eye(2), "a/b~c": np.ones(1)}, "epoch": 3})
    tensors = load_file(path)
    assert sorted(tensors) == ["values/a~1b~0c", "values/dense_0.kernel"]
    assert (tensors["values/dense_0.kernel"] == np.eye(2)).all()


def test_the_manifest_says_who_wrote_it(tmp_path):
    write(tmp_path / "a.safetensors", {}, {"cutedl": "0.1.0", "seed": 3})
    assert read(tmp_path / "a.safetensors").manifest == {"cutedl": "0.1.0", "seed": 3}


@pytest.mark.parametrize(
    ("state", "text"),
    [
        (
            {"a": {"b": {1, 2}}},
            "a/b cannot be saved. expected None, bool, int, float, str, list, dict or array, received",
        ),
        ({"a": (1, 2)}, "a cannot be saved.* received tuple"),
        ({"a": [1, object()]}, "a/1 cannot be saved.* received object"),
        ({"a": {3: 1}}, "a cannot be saved. expected names, received 3"),
        ({"$": 1}, r"the state cannot be saved. expected names, received '\$'"),
        ({"a": np.zeros(2, complex)}, "a cannot be saved.* received 1 axes of complex128"),
        ({"a": np.array(["x"])}, "a cannot be saved.* received 1 axes of <U1"),
        ({"a": np.zeros((1,) * 9)}, "a cannot be saved.* received 9 axes of float64"),
    ],
)
def test_what_no_state_may_hold_is_refused_before_anything_is_written(tmp_path, state, text):
    with pytest.raises(CheckpointError, match=text):
        write(tmp_path / "a.safetensors", state)
    assert not list(tmp_path.iterdir())


def test_what_could_not_be_read_is_not_written(tmp_path):
    with pytest.raises(CheckpointTooLargeError, match="header is too long"):
        write(tmp_path / "a.safetensors", {"text": "a" * 2_000_000})
    with pytest.raises(CheckpointTooLargeError, match="too many tensors"):
        write(tmp_path / "a.safetensors", {str(i): np.zeros(0, "uint8") for i in range(10_001)})
    assert not list(tmp_path.iterdir())
    write(tmp_path / "a.safetensors", {str(i): np.zeros(0, "uint8") for i in range(10_000)})
    assert len(read(tmp_path / "a.safetensors").state) == 10_000


def test_writing_over_the_file_that_was_read_is_safe(tmp_path):
    path = tmp_path / "a.safetensors"
    write(path, {"w": np.arange(1000.0)})
    state = read(path).state
    write(path, state)
    assert (state["w"] == np.arange(1000.0)).all()
    assert digest(read(path).state) == digest(state)
