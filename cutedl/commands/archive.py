"""Samples in an .npz archive: arrays x and y, or x_train, y_train, and perhaps x_test, y_test."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cutedl.errors import CorruptDataError

__all__ = ["read"]

_LAYOUTS = (("x_train", "y_train", "x_test", "y_test"), ("x_train", "y_train"), ("x", "y"))


def read(path: Path) -> tuple[NDArray[Any], ...]:
    """Return (x, y) or (x, y, x_test, y_test). Nothing in the file is run: arrays of objects are refused.

    Raises CorruptDataError for another kind of file, OSError for one that cannot be read.
    """
    with open(path, "rb") as file:
        try:
            archive = np.load(file, allow_pickle=False)
            if isinstance(archive, np.ndarray):
                raise ValueError("a single array")
            # A header that lies about its length ends the reading before the checksum.
            if damaged := archive.zip.testzip():
                raise ValueError(f"{damaged} with a wrong checksum")
            for names in _LAYOUTS:
                if set(names) <= set(archive.files):
                    return tuple(archive[name] for name in names)
            found = ", ".join(archive.files)
        except MemoryError:
            raise
        except Exception as error:  # a damaged zip file raises a dozen kinds of error, and all mean the same
            raise CorruptDataError(f"{path} cannot be used.", expected="an .npz archive", received=str(error)) from None
    raise CorruptDataError(
        f"{path} does not name its arrays as expected.",
        expected="x and y, or x_train and y_train, and perhaps x_test and y_test",
        received=found or "nothing",
    )
