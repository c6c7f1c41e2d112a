"""Curves over epochs: which points are drawn, how an axis is scaled."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from cutedl.report.columns import Column, Pair, Pairs
from cutedl.report.look import FONT, INK, MUTED, SIZE, STYLES, frame
from cutedl.report.text import fitted, width

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = [
    "CLOSE",
    "LONG",
    "above",
    "bounded",
    "draw_pairs",
    "draw_single",
    "draw_trace",
    "legend",
    "plot",
    "scale",
    "smoothed",
    "thinned",
    "tick",
]

LONG = 400  # epochs from which single ones are noise and their running mean is the curve
CLOSE = 1e-3  # of its values: an axis shows no less, or five digits would be the same on several ticks
_POINTS = 2000  # more than a page has dots across
_DOTS = 400
_ROOM = 48.8  # points for the number at a tick


def draw_pairs(ax: Axes, pairs: Pairs, head: float) -> None:
    """Draw training at the middle of each epoch, where its mean belongs, and validation at the end.

    head: points between the axes and their legend.
    """
    for role, word in enumerate(("training", "validation")):
        for (name, pair), styles in zip(pairs.items(), STYLES, strict=False):
            x = np.arange(len(pair[role])) + (role + 1) / 2
            plot(ax, x, pair[role], f"{word} {fitted(name, 76)}", mfc="white" if role else None, **styles[role])
    columns = np.concatenate(list(pairs.values()))
    frame(ax)
    shares = "loss" not in pairs and all(map(bounded, pairs.values()))
    scale(ax, columns, percent=shares and all("accuracy" in name for name in pairs))
    if shares:
        ax.set_ylim(max(0, ax.get_ylim()[0]), min(1, ax.get_ylim()[1]))
    if ax.lines:
        legend(ax, head)
    else:
        ax.text(0.5, 0.5, "no finite value", ha="center", color=MUTED, transform=ax.transAxes)


def draw_single(ax: Axes, name: str, column: Column) -> None:
    """Draw one column that has no validation, its name above it."""
    plot(ax, np.arange(len(column)) + 0.5, column, name, color=INK, ls="-", marker="o", drawstyle="steps-mid")
    frame(ax)
    scale(ax, column)
    ax.margins(y=0.15)
    ax.text(0, above(ax, 4), name, color=INK, transform=ax.transAxes)


def draw_trace(ax: Axes, trace: tuple[Column, Column]) -> None:
    """Draw the loss of every step faintly behind the curves, and leave the axes as the curves want them."""
    if not len(trace[0]):
        return
    # More points than there are dots across would be a smear: each is the mean of as many steps as share a dot.
    starts = np.arange(0, len(trace[0]), -(-len(trace[0]) // _DOTS))
    x, y = (np.add.reduceat(column, starts) / np.diff(starts, append=len(column)) for column in trace)
    limits = ax.get_ylim()
    ax.plot(x, y, color=STYLES[0][0]["color"], ls="-", marker="", lw=0.5, alpha=0.4, zorder=1.5, label="_steps")
    ax.set_ylim(limits)


def plot(ax: Axes, x: Column, y: Column, label: str, *, mfc: str | None = None, **style: Any) -> None:
    """Draw one curve; it breaks where nothing was measured, and of a long one the running mean stands out."""
    if not np.isfinite(y).any():
        return
    if len(y) > LONG:
        ax.plot(*thinned(x, y), color=style["color"], lw=0.5, ls="-", marker="", alpha=0.4, label="_epochs")
        y = smoothed(y)
    x, y = thinned(x, y)
    line = ax.plot(x, y, lw=1.5, mew=1.1, clip_on=False, label=label, mec=style["color"], **style)[0]
    marked = _markers(np.isfinite(y))
    line.set(markevery=marked, mfc=mfc or style["color"], ms=4.5 if len(marked) < 100 else 2.5)


def legend(ax: Axes, head: float, columns: int = 2) -> None:
    """Name the curves in so many columns, so many points above axes."""
    ax.legend(
        handles=[line for line in ax.lines if not str(line.get_label()).startswith("_")],
        loc="lower left",
        bbox_to_anchor=(0, above(ax, head)),
        ncols=columns,
        frameon=False,
        labelcolor=INK,
        prop={"family": FONT, "size": SIZE},
        labelspacing=0.35,
        handlelength=3.2,
        borderaxespad=0,
        borderpad=0.2,
    )


def scale(ax: Axes, columns: Column, percent: bool = False) -> None:
    """Set limits, scale and numbers of both axes; logarithmic where the largest value exceeds 100 times the least."""
    low, high = float(np.fmin.reduce(columns, axis=None)), float(np.fmax.reduce(columns, axis=None))
    if 0 < 100 * low < high:
        ax.set_yscale("log")
    if percent:
        ax.yaxis.set_major_formatter(lambda y, _: f"{100 * y:.6g} %")
    elif -1e5 < low < high < 1e5 and high - low > 1e-3 and ax.get_yscale() == "linear":
        ax.ticklabel_format(useOffset=False)
    elif ax.get_yscale() == "linear":
        ax.yaxis.set_major_formatter(lambda y, _: tick(y))
    else:
        ax.yaxis.set_major_formatter("{x:g}")
    if low == high:
        ax.set_yticks([low])
    elif high - low < (least := CLOSE * max(abs(low), abs(high))):
        ax.set_ylim((low + high - least) / 2, (low + high + least) / 2)
    ax.yaxis.set_minor_formatter("")
    ax.locator_params(axis="x", nbins=6, integer=True, steps=[1, 2, 5, 10])
    ax.xaxis.set_major_formatter("{x:,.0f}")
    ax.set(xlim=(0, columns.shape[-1]))


def tick(value: float) -> str:
    """Return a number in as many digits as there is room for beside an axis.

    >>> tick(0.693147), tick(0.004514341), tick(-0.00023839)
    ('0.693147', '0.0045143', '−2.384e-4')
    """
    short = [re.sub(r"e\+?(-?)0*(?=\d)", r"e\1", f"{value:.{n}e}") for n in (4, 3, 2)]
    texts = [re.sub("^-", "−", text) for text in (f"{value:.6g}", f"{value:.5g}", *short)]
    return next((text for text in texts if width(text) <= _ROOM), texts[-1])


def bounded(values: Column | Pair) -> bool:
    """Whether all values lie in [0, 1], as shares do."""
    return bool(np.fmin.reduce(values, axis=None) >= 0 and np.fmax.reduce(values, axis=None) <= 1)


def above(ax: Axes, points: float) -> float:
    """Return the height of so many points above axes, in their own units."""
    return 1 + points / 72 * float(ax.figure.dpi) / ax.bbox.height


def thinned(x: Column, y: Column) -> tuple[Column, Column]:
    """Return fewer than 2,000 points: of each stretch of a longer curve its lowest and highest, so that peaks stay.

    A stretch without a finite value leaves one NaN, so that a gap stays a gap.

    >>> x, y = thinned(np.arange(10_000.0), np.arange(10_000.0) % 7)
    >>> print(len(x), y.min(), y.max())
    1819 0.0 6.0
    """
    if len(y) < _POINTS:
        return x, y
    stretch = -(-2 * len(y) // (_POINTS - 2))
    kept: list[int] = []
    for start in range(0, len(y), stretch):
        piece = y[start : start + stretch]
        finite = np.isfinite(piece)
        ends = {int(np.nanargmin(piece)), int(np.nanargmax(piece))} if finite.any() else {0}
        kept += sorted(start + place for place in ends)
    return x[kept], y[kept]


def smoothed(y: Column) -> Column:
    """Return the mean of the hundredth of the curve around each point; NaN stays NaN.

    >>> print(smoothed(np.tile([0.0, 1.0], 500)).round(1)[5:9])
    [0.5 0.5 0.5 0.5]
    """
    half = len(y) // 200
    seen = np.isfinite(y)
    sums, counts = (np.cumsum(np.pad(part, (1, 0))) for part in (np.where(seen, y, 0.0), seen.astype(np.float64)))
    first, last = np.maximum(np.arange(len(y)) - half, 0), np.minimum(np.arange(len(y)) + half + 1, len(y))
    count = np.where(seen, counts[last] - counts[first], 1.0)
    return np.where(seen, (sums[last] - sums[first]) / count, np.nan)


def _markers(seen: NDArray[np.bool_]) -> list[int]:
    """Return which points of a curve carry a marker: all of a short one, else a dozen and each that stands alone."""
    marked = seen & ~np.append(False, seen[:-1]) & ~np.append(seen[1:], False)
    marked[np.flatnonzero(seen)[:: 1 if len(seen) <= 40 else len(seen) // 12]] = True
    return np.flatnonzero(marked).tolist()
