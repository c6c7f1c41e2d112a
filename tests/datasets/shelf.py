"""A data set of two small files, for tests of where files come from."""

import gzip
import hashlib

import numpy as np

from cutedl.datasets.resolver import DataFile, FileSet

CODES = {"u1": 0x08, "i1": 0x09, "i2": 0x0B, "i4": 0x0C, "f4": 0x0D, "f8": 0x0E}


def idx_bytes(array):
    header = bytes([0, 0, CODES[array.dtype.str[1:]], array.ndim]) + np.array(array.shape, ">u4").tobytes()
    return header + array.astype(array.dtype.newbyteorder(">")).tobytes()


class Shelf:
    """The two files, to be laid into folders, whole or damaged."""

    arrays = (np.arange(5 * 28 * 28).reshape(5, 28, 28).astype(np.uint8), np.array([3, 1, 4, 1, 5], np.uint8))
    contents = tuple(map(idx_bytes, arrays))
    names = ("tiny-images", "tiny-labels")

    def wanted(self, *mirrors):
        files = [
            DataFile(name, array.shape, hashlib.sha256(content).hexdigest())
            for name, array, content in zip(self.names, self.arrays, self.contents, strict=True)
        ]
        return FileSet("TINY", "tiny", tuple(files), mirrors)

    def lay(self, folder, only=names, suffix=".gz", damaged=False):
        folder.mkdir(parents=True, exist_ok=True)
        for name, content in zip(self.names, self.contents, strict=True):
            if name in only:
                content = content[:-1] + b"\xff" if damaged else content
                (folder / f"{name}{suffix}").write_bytes(gzip.compress(content) if suffix else content)
        return folder

    def came_as(self, arrays):
        return all(np.array_equal(a, b) for a, b in zip(arrays, self.arrays, strict=True))
