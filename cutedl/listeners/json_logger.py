"""JSONLogger: the history as JSON lines that grow while training runs."""

from __future__ import annotations

import math
from typing import Any

from cutedl.listeners.epoch_log import EpochLog

__all__ = ["JSONLogger"]


class JSONLogger(EpochLog):
    """Writes an object per epoch, on a line of its own, with all columns of the history; what is not finite is null.

    path, append: see EpochLog.

    >>> JSONLogger("run.jsonl")
    JSONLogger(path='run.jsonl', append=False)
    """

    def write(self, row: dict[str, Any]) -> None:
        """Write the object of an epoch."""
        import json

        plain = {key: None if isinstance(x, float) and not math.isfinite(x) else x for key, x in row.items()}
        self.add(json.dumps(plain, allow_nan=False) + "\n")
