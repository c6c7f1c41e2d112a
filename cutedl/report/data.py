"""ReportData: everything a report says, taken out of a history once, before anything is drawn."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from cutedl.history import Event
from cutedl.report import table
from cutedl.report.columns import Column, Pairs, numbers, paired
from cutedl.report.reading import reading

__all__ = ["ReportData"]


@dataclass(frozen=True)
class ReportData:
    """What a report says; epochs are counted from 1 on every axis, from 0 as an index.

    source: where the samples come from. reading: one hedged sentence about the curves.
    pairs: loss and metrics by name, each (training, validation), one number per epoch, NaN where not measured.
    singles: "learning rate", "gradient norm", "samples per second": as recorded, one number per epoch.
    seconds: time since the start at the end of each epoch, empty where not recorded.
    best: index of the best epoch, or None without validation; judge: the name of what says so.
    events: see cutedl.history.Event. trace: (epochs as fractions, loss of each step), both empty where not recorded.
    rows: the tables: (heading,), (name, value) or (name, training, validation).

    >>> data = ReportData.of({"loss": [0.7, 0.4, 0.3], "val_loss": [0.5, 0.45, 0.47]})
    >>> data.epochs, data.best, data.judge, data.rows[0]
    (3, 1, 'loss', ('Best epoch: 2',))
    """

    source: str
    reading: str
    pairs: Pairs
    singles: dict[str, Column]
    seconds: Column
    best: int | None
    judge: str
    events: tuple[Event, ...]
    trace: tuple[Column, Column]
    rows: table.Rows

    @classmethod
    def of(cls, history: Mapping[str, Any]) -> ReportData:
        """Return what a report of this history says; a dict with a list `loss` will do.

        Raises ArgumentError for a history without epochs.
        """
        pairs = paired(history)
        best, judge = _best(pairs)
        events = tuple(getattr(history, "events", ()))
        return cls(
            source=str(getattr(history, "info", {}).get("data", "data source not recorded")),
            reading=reading(*pairs["loss"], restored=any(event.kind == "restore" for event in events)),
            pairs=pairs,
            singles=_singles(history, len(pairs["loss"][0])),
            seconds=_seconds(history, len(pairs["loss"][0])),
            best=best,
            judge=judge,
            events=events,
            trace=_trace(history, len(pairs["loss"][0])),
            rows=table.rows(history, pairs, best, events),
        )

    @property
    def epochs(self) -> int:
        """How many epochs were recorded."""
        return len(self.pairs["loss"][0])

    @property
    def title(self) -> str:
        """The heading of the page."""
        return f"Fit report: {self.source}"

    @property
    def synthetic(self) -> bool:
        """Whether the data say that they are a stand-in, which no reader must overlook."""
        return "synthetic" in self.source.lower()


def _best(pairs: Pairs) -> tuple[int | None, str]:
    for name, place in (("loss", np.nanargmin), ("accuracy", np.nanargmax)):
        if name in pairs and np.isfinite(pairs[name][1]).any():
            return int(place(pairs[name][1])), name
    return None, ""


def _singles(history: Mapping[str, Any], epochs: int) -> dict[str, Column]:
    columns = {key: numbers(history.get(key)) for key in ("learning_rate", "gradient_norm", "samples_per_second")}
    return {
        key.replace("_", " "): column
        for key, column in columns.items()
        if len(column) == epochs and np.isfinite(column).any()
    }


def _seconds(history: Mapping[str, Any], epochs: int) -> Column:
    spent = numbers(history.get("seconds"))
    known = len(spent) == epochs and bool(np.all(spent >= 0)) and bool(spent.any())
    return np.cumsum(spent) if known else np.zeros(0)


def _trace(history: Mapping[str, Any], epochs: int) -> tuple[Column, Column]:
    trace, ends = getattr(history, "trace", None), numbers(history.get("steps"))
    if trace is None or len(ends) != epochs or not np.all(np.diff(ends, prepend=0.0) > 0):
        return np.zeros(0), np.zeros(0)
    steps, losses = np.asarray(trace.steps, np.float64), numbers(np.asarray(trace.values, np.float64))
    # Step s fills the stretch from s - 1 to s, and epochs may differ in their steps: a fit was stopped, data changed.
    return np.interp(steps - 0.5, np.append(0.0, ends), np.arange(epochs + 1.0)), losses
