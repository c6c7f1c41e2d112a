"""Answer: what a command found out, for people and for programs."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from typing import Any, NamedTuple

from cutedl.errors import CutedlError
from cutedl.history_files import plain

__all__ = ["Answer", "complaint", "count", "numbers", "remark"]


class Answer(NamedTuple):
    """The result of a command: text for people; data, for --json, holds the same and more.

    complete: False where the user broke the work off and the answer is about what was done until then.
    """

    text: str
    data: dict[str, Any]
    complete: bool = True

    def json(self) -> str:
        """Return data as one line of JSON.

        >>> Answer("loss nan", {"loss": float("nan"), "epochs": 3}).json()
        '{"loss": null, "epochs": 3}'
        """
        import json

        return json.dumps(plain(self.data), allow_nan=False, ensure_ascii=False)


def numbers(row: Mapping[str, float]) -> str:
    """Return named numbers as a line shows them.

    >>> numbers({"loss": 0.123456, "accuracy": 0.975})
    'loss 0.1235, accuracy 0.975'
    """
    return ", ".join(f"{name} {value:.4g}" for name, value in row.items())


def count(number: int, noun: str) -> str:
    """Return how many there are of something.

    >>> count(1, "epoch"), count(2000, "epoch")
    ('1 epoch', '2,000 epochs')
    """
    return f"{number:,} {noun}{'s' * (number != 1)}"


def complaint(error: Exception) -> str:
    """Return what went wrong in words; of the operating system's errors, the file and what it says.

    Python tells of too little memory by the name of the error alone, NumPy says how much it was to be.

    >>> complaint(FileNotFoundError(2, "No such file or directory", "a.csv"))
    'a.csv: no such file or directory'
    """
    if isinstance(error, MemoryError):
        return f"not enough memory. {error}".rstrip()
    if isinstance(error, CutedlError) or not isinstance(error, OSError) or error.strerror is None:
        return str(error)
    told = error.strerror[:1].lower() + error.strerror[1:]
    return told if error.filename is None else f"{os.fspath(error.filename)}: {told}"


def remark(text: str) -> None:
    """Say on stderr what was decided for the user."""
    print(f"cutedl: {text}", file=sys.stderr, flush=True)
