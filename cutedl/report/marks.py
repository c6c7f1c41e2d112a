"""Marks on the curves: the best epoch, what happened during the run, the time it took."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from cutedl.report.columns import Column, Pairs
from cutedl.report.curves import above
from cutedl.report.look import FONT, INK, MUTED, SIZE
from cutedl.report.table import formatted
from cutedl.report.text import fitted, width

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from cutedl.history import Event

__all__ = ["label_events", "mark_best", "mark_events", "time_axis"]

_LABELS = {"stop": "stopped", "interrupt": "interrupted", "restore": "best restored", "rate": "rate drop"}


def mark_best(ax: Axes, pairs: Pairs, best: int | None, judge: str, height: float) -> None:
    """Rule a hairline at the best epoch, ring the validation there and say its value so many points above."""
    if best is None:
        return
    name = judge if judge in pairs else next(iter(pairs))
    x, y, epochs = best + 1, float(pairs[name][1][best]), len(pairs[name][1])
    ax.axvline(x, color=MUTED, lw=0.8, ls="-", zorder=1.9, clip_on=False)
    if np.isfinite(y):
        ax.plot([x], [y], ls="", marker="o", ms=10, mfc="none", mec=INK, mew=1.2, clip_on=False, label="_best")
        which = {"loss": "lowest ", "accuracy": "highest "}[judge] if name == judge else ""
        text = f"{which}validation {fitted(name, 76)}: {formatted(name, y)}, epoch {x:,}"
        side = "left" if x < epochs / 3 else "right" if x > epochs * 2 / 3 else "center"
        ax.text(x, above(ax, height), text, transform=ax.get_xaxis_transform(), ha=side, color=INK)


def mark_events(ax: Axes, events: Sequence[Event]) -> None:
    """Rule a dotted line wherever something happened."""
    for epoch in {event.epoch: None for event in events}:
        ax.axvline(epoch, color=INK, lw=1, ls=(0, (1, 2.5)), zorder=1.8, clip_on=False, label="_event")


def label_events(ax: Axes, events: Sequence[Event], height: float) -> None:
    """Name events in one row above axes: an end before a rate drop, and none that would run into another."""
    words: dict[float, list[str]] = {}
    for kind, word in _LABELS.items():
        for event in events:
            said = words.setdefault(event.epoch, []) if event.kind == kind else [word]
            if word not in said and not (kind == "rate" and said):  # at the end of a run, its rate is no news
                said.append(word)
    ends, points = ax.get_xlim()[1], _points(ax)
    taken: list[tuple[float, float]] = []
    for epoch, labels in words.items():
        text = ", ".join(labels)
        room = width(text)
        left = min(max(epoch / ends * points - room / 2, 0), points - room)
        if all(left + room + 6 < start or stop + 6 < left for start, stop in taken):
            taken.append((left, left + room))
            ax.text(left / points, above(ax, height), text, transform=ax.transAxes, color=INK)


def time_axis(ax: Axes, seconds: Column) -> None:
    """Say along the top of axes how much time had passed; seconds: since the start, at the end of each epoch."""
    from matplotlib.ticker import MaxNLocator

    total = float(seconds[-1])
    size, unit = next(((n, unit) for n, unit in ((3600.0, "h"), (60.0, "min")) if total >= 2 * n), (1.0, "s"))
    times = np.asarray(MaxNLocator(5, steps=[1, 2, 5, 10]).tick_values(0, total / size))
    times = times[(times > 0) & (times <= total / size)]
    places = np.interp(times * size, np.append(0.0, seconds), np.arange(len(seconds) + 1.0))
    labels = [f"{time:g} {unit}" for time in times]
    room = (max(map(width, labels), default=0) + 8) * len(seconds) / _points(ax)
    shown: list[int] = []
    for tick, place in enumerate(places):  # where epochs differ in length, labels would run into each other
        if not shown or place - places[shown[-1]] >= room:
            shown.append(tick)
    axis = ax.secondary_xaxis("top")
    axis.set_xticks(places[shown], [labels[tick] for tick in shown])
    axis.spines["top"].set_visible(False)
    axis.tick_params(color=MUTED, labelcolor=MUTED, labelsize=SIZE, labelfontfamily=FONT, pad=2)


def _points(ax: Axes) -> float:
    """Return how wide axes are."""
    return float(ax.bbox.width * 72 / ax.figure.dpi)
