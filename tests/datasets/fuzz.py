"""A program of its own: read so many damaged and forged IDX files, raw and gz, and say as JSON what happened.

    python -m tests.datasets.fuzz COUNT SEED FOLDER

A forged file is damaged before it is packed, so that its gzip checksum is right. Each file is asked for in one of two
ways: as a member of a data set, whose shape and SHA-256 are known, and as any IDX file, about which nothing is. Bombs
are for members: of any other file the header alone says how much memory its numbers take.
"""

import gzip
import hashlib
import json
import random
import sys
from pathlib import Path

import numpy as np

from cutedl.datasets import idx
from cutedl.datasets.resolver import DataFile, FileSet, resolve
from cutedl.errors import DatasetError
from tests import damage
from tests.datasets.shelf import idx_bytes

IMAGES = np.random.default_rng(0).integers(0, 256, (20, 12, 12)).astype(np.uint8)
OTHERS = [IMAGES.astype(kind)[:2] for kind in ("i1", "i2", "i4", "f4", "f8")]
ZEROS = gzip.compress(bytes(128 << 20))  # what a bomb adds: of a memory of 64 MB it would leave nothing


def resize(raw, rng):
    """Another size, number of dimensions or type."""
    raw[rng.randrange(2, 4 + 4 * raw[3])] = rng.choice([0, 1, 2, 8, 9, 12, 13, 255])


def spoiled(content, packing, rng):
    """Return the bytes of a file of that content: damaged raw, damaged as gz, or damaged and then packed."""
    raw = bytearray(content)
    if packing == "gz":
        raw = bytearray(gzip.compress(raw, rng.choice([0, 1, 9])))
    (rng.choice(damage.ANY_FILE) if packing == "gz" else rng.choice([*damage.ANY_FILE, resize, resize]))(raw, rng)
    if packing in ("forged", "bomb"):
        raw = bytearray(gzip.compress(raw))
    return raw + ZEROS * (packing == "bomb")


def read_member(path, content):
    wanted = FileSet("FUZZ", "fuzz", (DataFile(path.name, IMAGES.shape, hashlib.sha256(content).hexdigest()),), ())
    return "same" if np.array_equal(resolve(wanted, path.parent)[0], IMAGES) else "silent"


def read_any(path, content):
    """What comes of a file whose content nobody knows has to be what is in it, all of it."""
    array = idx.read(path)
    raw = path.read_bytes()
    inside = gzip.decompress(raw) if raw[:2] == b"\x1f\x8b" else raw
    if idx_bytes(array) != inside:
        return "silent"
    return "same" if inside == content else "other"


def attempt(path, read, content):
    """Read one file: "refused", "same", "other" (a forged or a raw file may hold anything), or what went wrong."""
    try:
        return read(path, content)
    except DatasetError as error:
        return "refused" if str(path) in str(error) else f"no path in: {error}"
    except Exception as error:
        return f"{type(error).__name__}: {error}"[:200]


def main(count, seed, folder):
    path, rng = Path(folder, "fuzzed-idx"), random.Random(seed)
    images, others = idx_bytes(IMAGES), [idx_bytes(array) for array in (IMAGES, *OTHERS)]

    def spoil(number):
        if number % 2:
            packing = rng.choice(["raw", "gz", "forged", "bomb"])
            return spoiled(images, packing, rng), (read_member, images)
        content = rng.choice(others)
        return spoiled(content, rng.choice(["raw", "gz", "forged"]), rng), (read_any, content)

    path.write_bytes(gzip.compress(images))
    assert read_member(path, images) == read_any(path, images) == "same"  # and loads what is loaded once: libraries
    result = damage.survey(path, count, spoil, lambda how: attempt(path, *how))
    print(json.dumps(result | {"size": 2 * len(images)}))


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3])
