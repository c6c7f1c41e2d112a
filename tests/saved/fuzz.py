"""A program of its own: load so many damaged and forged files, and say as JSON what happened.

    python -m tests.saved.fuzz COUNT SEED FOLDER

Damage is what disks and networks do: any change of bytes. A forged file has its digests computed again, so that it
gets as far as the code that puts a state to use.
"""

import copy
import difflib  # noqa: F401  which the answer to a misspelt name loads
import json
import random
import sys
from pathlib import Path

from cutedl import nn, optimizers
from cutedl.checkpoint import _digest_of_array, _digest_of_text, read
from cutedl.encoding import DTYPES
from cutedl.errors import CheckpointError
from cutedl.session import Session
from tests import damage
from tests.saved.sessions import digest, trained

HOSTILE = [
    0, -1, 1, 2, 2**31, 2**63, 2**64 - 1, 10**30, 1e300, 0.5, -0.5, "", "nan", "../../etc/passwd", "os.system",
    "nn.Residual", "losses.NCE", "metrics.ConfusionMatrix", "optimizers.Nadam", "schedules.Warmup", None, True, False,
    [], {}, [[]], [0], [2**40], [1] * 9, {"$": "tensor"}, {"$": "nan"}, {"$": "floats"}, {"$": 1},
    {"class": "nn.Dense", "arguments": {"units": 2**40}}, {"class": "builtins.eval", "arguments": {"source": "1"}},
    {"function": "initializers.zeros"}, {"mapping": {"a": {"mapping": {}}}},
    {"class": "losses.LearnedUnigramSampler", "arguments": {"num_classes": 2**38}},
    {"class": "metrics.ConfusionMatrix", "arguments": {"num_classes": 2**20}},
    "F64", "F8_E4M3", "(100000000,)f4", "U8", "BOOL",
]  # fmt: skip
LENGTHS = [0, 1, 2, 100, 2**20, 2**31, 2**32, 2**63, 2**64 - 1]


def relength(raw, rng):
    raw[:8] = rng.choice([*LENGTHS, len(raw), len(raw) - 8, rng.randrange(len(raw))]).to_bytes(8, "little")


def overlay(raw, rng):
    """Header and tensors are valid JSON and numbers each, but of places that were exchanged."""
    length = int.from_bytes(raw[:8], "little")
    header = json.loads(raw[8 : 8 + length])
    one, other = rng.sample([name for name in header if name != "__metadata__"], 2)
    header[one], header[other] = header[other], header[one]
    put(raw, header, raw[8 + length :])


DAMAGE = (*damage.ANY_FILE, relength, overlay)


def put(raw, header, tensors):
    text = json.dumps(header).encode()
    raw[:] = len(text).to_bytes(8, "little") + text + tensors


def places(tree, path=()):
    """The paths of all parts of a tree of JSON."""
    yield path
    for key, part in tree.items() if isinstance(tree, dict) else enumerate(tree) if isinstance(tree, list) else ():
        yield from places(part, (*path, key))


def edit(tree, rng):
    """Change one part of a tree: another value, gone, twice, under another name."""
    *path, key = rng.choice([path for path in places(tree) if path])
    for step in path:
        tree = tree[step]
    what = rng.randrange(8)
    if what == 0:
        del tree[key]
    elif what == 1 and isinstance(tree, dict):
        tree[rng.choice(["", "x", "$", "class", "values", "a/b"])] = tree.pop(key)
    elif what == 2 and isinstance(tree, dict) and len(tree) > 1:
        tree[key] = copy.deepcopy(tree[rng.choice(list(tree))])
    elif what == 3:
        for _ in range(rng.choice([2, 50])):
            tree[key] = [tree[key]]
    else:
        tree[key] = copy.deepcopy(rng.choice(HOSTILE))


def forge(raw, rng):
    """Edit header, state, manifest or digests, and compute the digests that were not edited again."""
    length = int.from_bytes(raw[:8], "little")
    header, tensors = json.loads(raw[8 : 8 + length]), bytearray(raw[8 + length :])
    metadata = header["__metadata__"]
    part = rng.choice(["state", "state", "state", "state", "manifest", "digests", "header", "tensors", "text"])
    if part in ("state", "manifest", "digests"):
        tree = json.loads(metadata[part])
        for _ in range(rng.choice([1, 1, 3])):
            edit(tree, rng)
        metadata[part] = json.dumps(tree)
    elif part == "header":
        edit(header, rng)
    elif part == "tensors":
        tensors[rng.randrange(len(tensors))] ^= 1 << rng.randrange(8)
    else:
        overwritten = bytearray(metadata["state"].encode())
        damage.overwrite(overwritten, rng)
        metadata["state"] = overwritten.decode(errors="replace")
    metadata = header.get("__metadata__")
    if isinstance(metadata, dict) and all(isinstance(text, str) for text in metadata.values()):
        if part in ("tensors", "header"):
            metadata["digests"] = digests(header, tensors)
        metadata.pop("digest", None)
        metadata["digest"] = _digest_of_text(metadata)
    put(raw, header, tensors)


def digests(header, tensors):
    import numpy as np

    found = {}
    for name, entry in header.items():
        if name != "__metadata__":
            try:
                begin, end = entry["data_offsets"]
                array = np.frombuffer(bytes(tensors[begin:end]), DTYPES[entry["dtype"]]).reshape(entry["shape"])
                found[name] = _digest_of_array(array)
            except (AttributeError, KeyError, LookupError, OverflowError, TypeError, ValueError):
                found[name] = ""
    return json.dumps(found)


def attempt(path, original, forged):
    """Load one file: "refused", "same", "other" (of a forged file, which may hold anything), or what went wrong."""
    try:
        saved = read(path)
        if not forged:
            return "same" if digest(saved.state) == original else "silent"
        Session.load(path)
    except CheckpointError as error:
        return "refused" if str(path) in str(error) and error.path == str(path) else f"no path in: {error}"
    except Exception as error:
        return f"{type(error).__name__}: {error}"[:200]
    return "other"


def main(count, seed, folder):
    path, rng = Path(folder, "fuzzed.safetensors"), random.Random(seed)
    optimizer = optimizers.Adam(optimizers.schedules.CosineDecay(0.01, 100), accumulate=2, ema=0.9)
    trained(optimizer=optimizer, layers=[nn.BatchNormalization(), nn.Dropout(0.3)]).save(path)
    whole = path.read_bytes()
    original = digest(read(path).state)
    Session.load(path)  # loads what is loaded once: libraries

    def spoil(number):
        raw, forged = bytearray(whole), number % 3 == 0
        (forge if forged else rng.choice(DAMAGE))(raw, rng)
        return raw, forged

    result = damage.survey(path, count, spoil, lambda forged: attempt(path, original, forged))
    print(json.dumps(result | {"size": len(whole)}))


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3])
