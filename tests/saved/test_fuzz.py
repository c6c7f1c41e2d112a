"""Damaged and forged files: refused with the one family of errors, without running, opening or allocating anything."""

import json
import os
import struct
import subprocess
import sys
import tracemalloc

import numpy as np
import pytest

from cutedl import checkpoint, nn
from cutedl.checkpoint import read, write
from cutedl.errors import (
    CheckpointCorruptError,
    CheckpointError,
    CheckpointMismatchError,
    CheckpointReadError,
    CheckpointTooLargeError,
    CheckpointTruncatedError,
    CheckpointVersionError,
)
from cutedl.model import Model
from cutedl.session import Session
from tests.programs import program
from tests.saved.sessions import trained
from tests.saved.soak import times


def test_damaged_and_forged_files_are_refused(tmp_path):
    result = program("saved.fuzz", times(5000, 100_000), 2026, tmp_path)
    assert set(result["outcomes"]) <= {"refused", "same", "other"}, result["outcomes"]
    assert result["outcomes"]["refused"] > times(5000, 100_000) * 0.8
    assert result["events"] == []
    assert result["grown"] <= (64 << 20) + 4 * result["size"]
    assert result["slowest"] < 2  # a tenth of it on a machine that does nothing else


# -- named files ---------------------------------------------------------------------------------------------------


def file(header, tensors=b"", length=None):
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(text) if length is None else length) + text + tensors


def one(dtype="F32", shape=(2,), offsets=(0, 8)):
    return {"w": {"dtype": dtype, "shape": list(shape), "data_offsets": list(offsets)}}


def of_state(text):
    metadata = {"format": "cutedl 1", "state": text, "manifest": "{}", "digests": "{}"}
    return file({"__metadata__": metadata | {"digest": checkpoint._digest_of_text(metadata)}})


EIGHT = bytes(8)
DEEP = b"[" * 100_000 + b"]" * 100_000
NAMED = {
    "empty": (b"", CheckpointTruncatedError, "10 bytes or more, received 0"),
    "short": (b"1234567", CheckpointTruncatedError, "received 7"),
    "a zip": (b"PK\3\4" + bytes(100), CheckpointCorruptError, "this is no safetensors file"),
    "a pickle": (b"\x80\x04\x95" + bytes(200), CheckpointCorruptError, "this is no safetensors file"),
    "a table": (b"epoch,loss\n1,0.5\n", CheckpointCorruptError, r"received b'epoch,los'"),
    "length 2^63": (file({}, length=2**63), CheckpointTruncatedError, "ends in its header"),
    "length 2^64 - 1": (file({}, length=2**64 - 1), CheckpointTruncatedError, "ends in its header"),
    "header of 2 MB": (file(b" " * 2**21), CheckpointTooLargeError, "at most 1572864 bytes, received 2097152"),
    "no JSON": (file(b"no JSON at all"), CheckpointCorruptError, "header is no JSON"),
    "no UTF-8": (file(b'{"\xff\xfe": 1}'), CheckpointCorruptError, "header is no JSON"),
    "a list": (file([1, 2, 3, 4]), CheckpointCorruptError, "header is no object"),
    "deep": (file(DEEP), CheckpointCorruptError, "header is no JSON: maximum recursion"),
    "twice": (file(b'{"w": 1, "w": 2}'), CheckpointCorruptError, "a key occurs twice"),
    "NaN": (file(b'{"w": NaN}'), CheckpointCorruptError, "NaN is no number"),
    "1e999": (file(b'{"w": 1e999}'), CheckpointCorruptError, "a number is too large"),
    "5000 digits": (file(b'{"w": ' + b"9" * 5000 + b"}"), CheckpointCorruptError, "header is no JSON"),
    "no entry": (file({"w": [1]}), CheckpointCorruptError, "w is not described"),
    "extra key": (file({"w": one()["w"] | {"x": 1}}, EIGHT), CheckpointCorruptError, "w is not described"),
    "unknown dtype": (file(one("F8_E4M3"), EIGHT), CheckpointCorruptError, "w is of no known type"),
    "dtype text": (file(one("(100000000,)f4"), EIGHT), CheckpointCorruptError, "w is of no known type"),
    "dtype list": (file(one(["F32"]), EIGHT), CheckpointCorruptError, "w is of no known type"),
    "9 axes": (file(one(shape=[1] * 8 + [2]), EIGHT), CheckpointCorruptError, "no shape or place"),
    "shape -2": (file(one(shape=[-2]), EIGHT), CheckpointCorruptError, "no shape or place"),
    "shape true": (file(one(shape=[True, 2]), EIGHT), CheckpointCorruptError, "no shape or place"),
    "shape 2.0": (file(one(shape=[2.0]), EIGHT), CheckpointCorruptError, "no shape or place"),
    "shape 2^64": (file(one(shape=[2**64]), EIGHT), CheckpointCorruptError, "no shape or place"),
    "product 2^64": (file(one(shape=[2**32, 2**32]), EIGHT), CheckpointCorruptError, "does not fill its place"),
    "4 GiB": (file(one(shape=[2**30], offsets=(0, 2**32)), EIGHT), CheckpointTruncatedError, "cut short"),
    "a gap": (file(one(offsets=(8, 16)), EIGHT * 2), CheckpointCorruptError, "w is misplaced"),
    "overlap": (
        file({"v": one()["w"], "w": one()["w"]}, EIGHT * 2),
        CheckpointCorruptError,
        "w is misplaced. expected 8, received 0",
    ),
    "too long": (file(one(), EIGHT + b"!"), CheckpointCorruptError, "too long"),
    "cut": (file(one(), EIGHT[:7]), CheckpointTruncatedError, "cut short"),
    "metadata list": (file(one() | {"__metadata__": []}, EIGHT), CheckpointCorruptError, "metadata is no text"),
    "metadata number": (file(one() | {"__metadata__": {"a": 1}}, EIGHT), CheckpointCorruptError, "metadata is no text"),
    "of others": (file(one(), EIGHT), CheckpointCorruptError, "cutedl did not write this file"),
    "format 2": (
        file(one() | {"__metadata__": {"format": "cutedl 2"}}, EIGHT),
        CheckpointVersionError,
        "expected format 1, received format 2. hint: upgrade",
    ),
    "format ²": (
        file(one() | {"__metadata__": {"format": "cutedl ²"}}, EIGHT),
        CheckpointCorruptError,
        "cutedl did not write",
    ),
    "format two": (
        file(one() | {"__metadata__": {"format": "cutedl two"}}, EIGHT),
        CheckpointCorruptError,
        "cutedl did not write",
    ),
    "half of it": (
        file(one() | {"__metadata__": {"format": "cutedl 1"}}, EIGHT),
        CheckpointCorruptError,
        "metadata is not complete",
    ),
    "two readers": (
        file(b'{"\\ud800": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}}', EIGHT),
        CheckpointCorruptError,
        "safetensors cannot read it",
    ),
    "state in a list": (of_state("[{}]"), CheckpointCorruptError, "what it holds is no state"),
    "state without its tensor": (of_state('{"w": {"$": "tensor"}}'), CheckpointCorruptError, "w is no part of a state"),
    "state of unknown kind": (of_state('{"w": {"$": "os"}}'), CheckpointCorruptError, "w is no part of a state"),
    "deep state": (of_state('{"a":' * 600 + "{}" + "}" * 600), CheckpointTooLargeError, "nested too deep"),
    "deeper state": (
        of_state("[" * 10_000 + "]" * 10_000),
        CheckpointCorruptError,
        "state is no JSON: maximum recursion",
    ),
    "10,001 tensors": (
        file({f"{i}": {"dtype": "U8", "shape": [0], "data_offsets": [0, 0]} for i in range(10_001)}),
        CheckpointTooLargeError,
        "at most 10000, received 10001",
    ),
}


@pytest.mark.parametrize("name", NAMED)
def test_a_named_file_has_its_own_answer(tmp_path, name):
    raw, kind, text = NAMED[name]
    path = tmp_path / "file.safetensors"
    path.write_bytes(raw)
    with pytest.raises(CheckpointError) as caught:
        read(path)
    assert type(caught.value) is kind
    assert text in str(caught.value)
    assert str(caught.value).startswith(f"{path}: ")


@pytest.mark.parametrize(
    ("error", "kind", "text"),
    [
        (MemoryError(), CheckpointTooLargeError, "not enough memory"),
        (RecursionError(), CheckpointCorruptError, "cannot be used"),
        (KeyError("epoch"), CheckpointCorruptError, "cannot be used: 'epoch'"),
    ],
)
def test_what_goes_wrong_while_a_state_is_put_to_use_names_the_file(error, kind, text):
    with pytest.raises(CheckpointError, match=text) as caught, checkpoint.reading("run.safetensors"):
        raise error
    assert type(caught.value) is kind
    assert caught.value.path == "run.safetensors"
    assert caught.value.__cause__ is error


def test_what_is_no_plain_file_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    for path, text in (
        (tmp_path / "pipe", "no plain file"),
        (tmp_path, "no plain file"),
        (tmp_path / "none", "No such file"),
        ("/dev/zero", "no plain file"),
    ):
        with pytest.raises(CheckpointReadError, match=text) as caught:
            read(path)
        assert isinstance(caught.value, OSError)


# -- forged states -------------------------------------------------------------------------------------------------


def forged(path, change):
    """A session's file whose state was changed, with digests that fit."""
    trained().save(path)
    state = read(path).state
    change(state)
    write(path, state)
    return path


def peak(call, *arguments):
    tracemalloc.start()
    try:
        with pytest.raises(CheckpointError) as caught:
            call(*arguments)
        return caught.value, tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


BOMBS = {
    "units": lambda state: state["model"]["layers"][0]["arguments"].update(units=2**31),
    "inshape": lambda state: state["model"].update(inshape=[2**31]),
    "both": lambda state: (
        state["model"]["layers"][0]["arguments"].update(units=2**33, inshape=None),
        state["model"].update(inshape=[2**33]),
    ),
    "embedding": lambda state: state["model"]["layers"].insert(
        0, {"class": "nn.Embedding", "arguments": {"input_dim": 2**24, "output_dim": 2**20}}
    ),
    "sampler": lambda state: state["loss"].update(
        made={
            "class": "losses.NCE",
            "arguments": {
                "num_classes": 2**38,
                "num_sampled": 2,
                "sampler": {"class": "losses.LearnedUnigramSampler", "arguments": {"num_classes": 2**38}},
            },
        }
    ),
    "confusion": lambda state: state["metrics"].append(
        {"class": "metrics.ConfusionMatrix", "arguments": {"num_classes": 2**20}}
    ),
    "bins": lambda state: state["metrics"].append({"class": "metrics.CalibrationError", "arguments": {"bins": 2**27}}),
    "many metrics": lambda state: state.update(
        metrics=[
            {"class": "metrics.CalibrationError", "arguments": {"bins": 10_000, "name": str(i)}} for i in range(5000)
        ]
    ),
    "deep": lambda state: state["model"].update(layers=nested(100)),
}


def nested(depth):
    layers = [{"class": "nn.Relu", "arguments": {}}]
    for _ in range(depth):
        layers = [{"class": "nn.Sequential", "arguments": {"layers": layers}}]
    return layers


@pytest.mark.parametrize("name", BOMBS)
def test_a_state_that_asks_for_more_than_the_file_holds_gets_nothing(tmp_path, name):
    path = forged(tmp_path / "run.safetensors", BOMBS[name])
    error, memory = peak(Session.load, path)
    assert str(path) in str(error)
    assert memory < (64 << 20) + 4 * path.stat().st_size


FORGED = {
    "class": lambda state: state["model"]["layers"][0].update({"class": "os.system"}),
    "class by path": lambda state: state["model"]["layers"][0].update({"class": "cutedl.nn.Dense"}),
    "abstract class": lambda state: state["model"]["layers"][0].update({"class": "nn.Layer"}),
    "function for a class": lambda state: state["model"]["layers"][0].update({"class": "initializers.zeros"}),
    "class for a function": lambda state: state["model"]["layers"][0]["arguments"].update(
        kernel_initializer={"function": "nn.Dense"}
    ),
    "loss for a layer": lambda state: state["model"]["layers"].append(state["loss"]["made"]),
    "argument": lambda state: state["model"]["layers"][0]["arguments"].update(file="x"),
    "no layers": lambda state: state["model"].update(layers=[]),
    "dtype": lambda state: state["model"].update(dtype="(100000000,)f4"),
    "weights": lambda state: state["values"].pop("dense_0.bias"),
    "shape": lambda state: state["values"].update({"dense_0.bias": np.zeros(7, "float32")}),
    "type": lambda state: state["values"].update({"dense_0.bias": np.zeros(6, "float64")}),
    "optimizer": lambda state: state["optimizer"]["made"].update({"class": "optimizers.AMSGrad"}),
    "vectors": lambda state: state["optimizer"]["state"].update(vectors=np.zeros((2, 3), "float32")),
    "steps": lambda state: state["optimizer"]["state"].update(steps=-1),
    "noise": lambda state: state.update(noise={"dropout_0": {"state": 1}}),
    "history": lambda state: state["history"].update(columns=[]),
    "epoch": lambda state: state["session"].update(epoch="7"),
    "kind": lambda state: state.update(kind="model"),
    "nothing": lambda state: state.clear(),
}


@pytest.mark.parametrize("name", FORGED)
def test_a_state_that_cannot_be_used_is_refused(tmp_path, name):
    path = forged(tmp_path / "run.safetensors", FORGED[name])
    with pytest.raises(CheckpointError) as caught:
        Session.load(path)
    assert str(path) in str(caught.value)


def test_memory_stays_within_the_promise_for_a_large_file(tmp_path):
    """A child of its own, whose peak is that of one load: 40 MB of weights in one matrix."""
    path = tmp_path / "large.safetensors"
    model = Model([nn.Dense(2000, inshape=5000, use_bias=False)])
    model.assemble(seed=0)
    model.save(path)
    code = (
        "import resource, sys\nfrom cutedl.model import Model\nfrom cutedl import nn\n"
        "import json, hashlib, safetensors.numpy\n"
        "peak = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "before = peak()\nModel.load(sys.argv[1])\nprint((peak() - before) * 1024)"
    )
    environment = os.environ | {"PYTHONPATH": os.getcwd()}
    run = subprocess.run(
        [sys.executable, "-c", code, path], capture_output=True, text=True, env=environment, check=True
    )
    assert int(run.stdout) < (64 << 20) + 4 * path.stat().st_size


def test_a_wide_header_stays_within_the_promise(tmp_path):
    """The dearest JSON for its length, as long as a header may be."""
    path = tmp_path / "wide.safetensors"
    path.write_bytes(file(b"[" + b"[[]]," * 314_000 + b"0]"))
    _, memory = peak(read, path)
    assert memory < (64 << 20) + 4 * path.stat().st_size


def test_a_mismatch_names_what_differs(tmp_path):
    model, other = Model([nn.Dense(3, inshape=2)]), Model([nn.Dense(4, inshape=2), nn.Dense(3)])
    model.assemble(seed=0)
    other.assemble(seed=0)
    model.save(tmp_path / "m.safetensors")
    before = other.arena.state()["values"]
    with pytest.raises(CheckpointMismatchError) as caught:
        other.load_weights(tmp_path / "m.safetensors")
    assert str(caught.value) == (
        f"{tmp_path / 'm.safetensors'}: the saved values are others. expected dense_0.kernel (2, 4) float32, "
        "dense_0.bias (4,) float32, dense_1.kernel (4, 3) float32, dense_1.bias (3,) float32, received dense_0.kernel "
        "(2, 3) float32, dense_0.bias (3,) float32, no dense_1.kernel, no dense_1.bias."
    )
    after = other.arena.state()["values"]
    assert all((before[name] == after[name]).all() for name in before)


def test_no_digest_is_skipped(tmp_path, monkeypatch):
    """The test of the tester: without the digests a flipped bit of a weight would go unnoticed."""
    path = tmp_path / "a.safetensors"
    write(path, {"w": np.ones(4, "float32")})
    raw = bytearray(path.read_bytes())
    raw[-1] ^= 4
    path.write_bytes(raw)
    with pytest.raises(CheckpointCorruptError, match="tensor w is damaged. expected digest"):
        read(path)
    monkeypatch.setattr(checkpoint, "_digest_of_array", lambda array: json.loads(digests(raw))["w"])
    assert read(path).state["w"][-1] != 1


def digests(raw):
    return json.loads(raw[8 : 8 + int.from_bytes(raw[:8], "little")])["__metadata__"]["digests"]
