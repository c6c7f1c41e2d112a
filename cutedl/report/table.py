"""The tables beside the panels: the numbers of the best and the final epoch, the run, where it comes from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from cutedl.history import Event
from cutedl.report.columns import Pairs, numbers
from cutedl.version import __version__

__all__ = ["Rows", "formatted", "rows"]

Rows = list[tuple[str, ...]]  # (heading,) or (name, value) or (name, training, validation)

_LISTED_EVENTS = 6  # a rate that drops every epoch must not fill the page


def rows(history: Mapping[str, Any], pairs: Pairs, best: int | None, events: Sequence[Event]) -> Rows:
    """Return all tables, one below the other; best is the index of the best epoch."""
    return [
        *_numbers(pairs, best),
        *_run(history, len(pairs["loss"][0])),
        *_events(events),
        *_source(history),
    ]


def _numbers(pairs: Pairs, best: int | None) -> Rows:
    last, table = len(pairs["loss"][0]) - 1, []
    for epoch, which in {best: "Best", last: "Best and final" if best == last else "Final"}.items():
        if epoch is not None:
            table += [(f"{which} epoch: {epoch + 1:,}",), ("", "training", "validation")]
            table += [(name, *(formatted(name, column[epoch]) for column in pair)) for name, pair in pairs.items()]
    return table


def _run(history: Mapping[str, Any], epochs: int) -> Rows:
    info = getattr(history, "info", {})
    samples = info.get("samples", 0)
    steps, spent = numbers(history.get("steps")), numbers(history.get("seconds"))  # spent on validation, too
    rate = samples * len(spent) / spent.sum() if samples and spent.any() else 0.0
    total = float(history.get("cost_time", np.nansum(spent)))
    table = [
        ("epochs", f"{epochs:,}"),
        ("steps", f"{steps[-1]:,.0f}" if len(steps) and np.isfinite(steps[-1]) else ""),
        ("wall time", _duration(total)),
        ("samples/s", f"{rate:,.0f}" if rate > 0 else ""),
        ("seed", str(info.get("seed", ""))),
    ]
    return [("Run",), *(row for row in table if row[1])]


def _duration(seconds: float) -> str:
    if seconds >= 120:
        return f"{seconds / 60:,.1f} min"
    return f"{seconds:.1f} s" if seconds >= 1 else f"{seconds:.2g} s" if seconds else ""


def _events(events: Sequence[Event]) -> Rows:
    table = [(f"epoch {event.epoch:,.6g}", event.text) for event in events]
    if len(table) > _LISTED_EVENTS:
        table[_LISTED_EVENTS - 1 :] = [("", f"and {len(table) - _LISTED_EVENTS + 1} more")]
    return [("Events",), *table] if table else []


def _source(history: Mapping[str, Any]) -> Rows:
    info = {key.replace("_", " "): value for key, value in getattr(history, "info", {}).items() if key != "seed"}
    table = [(key, _said(value)) for key, value in info.items()]
    return [("Source",), *table, ("made with", f"cutedl {__version__}, NumPy {np.__version__}")]


def _said(value: object) -> str:
    if isinstance(value, list | tuple):
        return ", ".join(map(str, value))
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else str(value)


def formatted(name: str, value: float) -> str:
    """Return a value as the tables show it.

    >>> print(formatted("accuracy", 0.97852), formatted("loss", 0.069341), formatted("loss", 1e-5))
    97.85 % 0.0693 1e-05
    """
    if not np.isfinite(value):
        return "–"
    if "accuracy" in name and 0 <= value <= 1:
        return f"{100 * value:.2f} %"
    return f"{value:.4f}" if 0.01 <= abs(value) < 1000 else f"{value:.3g}"
