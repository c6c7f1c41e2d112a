"""Samples in an .npz archive: arrays x and y, or x_train, y_train, and perhaps x_test, y_test."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from cutedl.errors import CorruptDataError

__all__ = ["read"]

_LAYOUTS = (("x_train", "y_train", "x_test", "y_test"), ("x_train", "y_train"), ("x", "y"))


def read(path: Path) -> tuple[NDArray[Any], ...]:
    """Return (x, y) or (x, y, x_test, y_test). Nothing in the file is run: arrays of objects are refused.

    Raises CorruptDataError for another kind of file, OSError for one that cannot be read.
    """
    try:
        with open(path, "rb") as file:
            archive = np.load(file, allow_pickle=False)
            if isinstance(archive, np.ndarray):
                raise ValueError("a single array")
            for names in _LAYOUTS:
                if set(names) <= set(archive.files):
                    return tuple(archive[name] for name in names)
            found = ", ".join(archive.files)
    except (ValueError, BadZipFile, EOFError) as error:
        raise CorruptDataError(f"{path} cannot be used.", expected="an .npz archive", received=str(error)) from None
    raise CorruptDataError(
        f"{path} does not name its arrays as expected.",
        expected="x and y, or x_train and y_train, and perhaps x_test and y_test",
        received=found or "nothing",
    )
