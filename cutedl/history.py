"""History: the columns that fit records, a dict with a helpful answer to a misspelt key."""

from __future__ import annotations

import math
from typing import Any

from cutedl.errors import unknown_name

__all__ = ["History"]


class History(dict[str, Any]):
    """What happened in training, one list per column, one entry per epoch.

    loss, learning_rate (of the epoch's last step), steps, seconds are always there; val_loss where validation data was
    given (NaN in an epoch without validation); one column per metric and one `val_` column per metric. Two keys are
    no columns: cost_time, the seconds of all fits so far, and val_pred, the last validation's outputs, (rows, ...).
    `info` says where the numbers come from: seed, data, model, loss, optimizer, parameters.

    Raises UnknownNameError (a KeyError too) for a key that is not there.

    >>> history = History(loss=[0.7, 0.4], val_loss=[0.6, 0.5])
    >>> history["loss"][-1]
    0.4
    >>> history["los"]
    Traceback (most recent call last):
    ...
    cutedl.errors.UnknownNameError: no history key is named 'los'. expected one of: loss, val_loss. \
hint: did you mean 'loss'?
    """

    def __init__(self, *args: Any, **columns: Any) -> None:
        super().__init__(*args, **columns)
        self.info: dict[str, str | int | float] = {}

    def __missing__(self, key: str) -> Any:
        raise unknown_name("history key", key, self)

    @property
    def columns(self) -> dict[str, list[Any]]:
        """The entries that are lists, one value per epoch."""
        return {key: value for key, value in self.items() if isinstance(value, list)}

    def record(self, epoch: int, **values: float) -> None:
        """Write the values of an epoch, counted from 1; epochs that a column has missed become NaN.

        >>> history = History()
        >>> history.record(1, loss=0.7)
        >>> history.record(2, loss=0.5, val_loss=0.6)
        >>> print(dict(history))
        {'loss': [0.7, 0.5], 'val_loss': [nan, 0.6]}
        """
        for key, value in values.items():
            column = self.setdefault(key, [])
            column.extend([math.nan] * (epoch - 1 - len(column)))
            column.append(value)
