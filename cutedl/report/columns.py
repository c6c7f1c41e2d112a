"""The columns of a history as arrays: one number per epoch, NaN where nothing was measured."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cutedl.errors import ArgumentError

__all__ = ["Column", "Pair", "Pairs", "numbers", "paired"]

Column = NDArray[np.floating[Any]]  # one number per epoch
Pair = tuple[Column, Column]  # training and validation
Pairs = dict[str, Pair]  # by the name of what was measured, loss first

# Columns that are neither loss nor metric.
_OTHERS = {"steps", "seconds", "epoch", "learning rate", "gradient norm", "samples per second", "pred"}


def paired(history: Mapping[str, Any]) -> Pairs:
    """Return loss and metrics of a history, training and validation side by side, by name.

    Lists that do not fit the epochs are left out. Raises ArgumentError for a history without epochs.

    >>> paired({"loss": [0.7, 0.4], "val_loss": [0.5, 0.45]})
    {'loss': (array([0.7, 0.4]), array([0.5 , 0.45]))}
    """
    lists = {str(key): numbers(values) for key, values in history.items()} if isinstance(history, Mapping) else {}
    epochs = len(lists.get("loss", ()))
    if not epochs:
        raise ArgumentError(
            "there is no fit to report: nothing recorded yet.",
            expected="a history with a list 'loss', one number per epoch",
            received=type(history).__name__,
            hint="pass what session.fit(...) returned.",
        )
    validated = lists.get("val_loss", np.zeros(0))[:epochs]
    measured = np.flatnonzero(np.isfinite(validated))
    # Validation may be rarer than epochs: fit leaves out the NaNs after the last, a val_end callback leaves out all.
    places = {len(measured): measured, len(validated): np.arange(len(validated)), epochs: np.arange(epochs)}
    pairs: Pairs = {"loss": (np.full(epochs, np.nan), np.full(epochs, np.nan))}
    for key, column in lists.items():
        validation, name = key.startswith("val_"), key.removeprefix("val_").replace("_", " ")
        fits = len(column) == epochs or (validation and 0 < len(column) in places)
        if fits and name not in _OTHERS:
            pair = pairs.setdefault(name, (np.full(epochs, np.nan), np.full(epochs, np.nan)))
            pair[validation][places[len(column)]] = column
    return pairs


def numbers(values: object) -> Column:
    """Return a list of numbers as floats, NaN for what no axis can show; nothing for anything else.

    >>> print(numbers([1, 2.5, float("inf")]), numbers("abc"))
    [1.  2.5 nan] []
    """
    if isinstance(values, np.ndarray) and values.ndim == 1:  # never val_pred: a list of it would fill the memory
        values = values.tolist()
    if not isinstance(values, list) or not all(isinstance(v, int | float | np.floating | np.integer) for v in values):
        return np.zeros(0)
    column = np.array(values, np.float64)
    return np.where(np.abs(column) < 1e100, column, np.nan)
