"""Chart: curves over epochs as inline svg, readable without scripts, with what a script needs to follow the mouse.

Lengths are units of the svg; a page may show it in any size.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from html import escape
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from cutedl.report.columns import Column, Pairs
from cutedl.report.curves import CLOSE, LONG, smoothed, thinned, tick
from cutedl.report.look import INK, STYLES
from cutedl.report.table import formatted

if TYPE_CHECKING:
    from matplotlib.ticker import Locator

__all__ = ["Axis", "Chart", "Curve", "key"]

WIDTH, LEFT, RIGHT, TOP, BOTTOM = 640, 62, 616, 8, 24
_MARKED = 40  # epochs up to which each has a marker, with its value to hover over where scripts are off
# matplotlib's line styles at the width of 1.5 points.
_DASHES = {"-": "", "--": "5.6 2.4", ":": "1.5 2.5", "-.": "9.6 2.4 1.5 2.4"}


@dataclass(frozen=True)
class Curve:
    """One curve: name, one number per epoch, how far from the end of the epoch it stands, colour, dashes.

    tone: a class of the page's style sheet, which gives the colour another shade on dark ground. noisy: where there
    are many epochs, the running mean is what to look at.

    >>> curve = Curve.single("learning rate", np.array([0.1, 0.05]))
    >>> curve.color, curve.shift
    ('#1A1A1A', -0.5)
    """

    name: str
    y: Column
    shift: float
    color: str
    dash: str
    tone: str
    noisy: bool = True

    @classmethod
    def pair(cls, pairs: Pairs) -> list[Curve]:
        """Return training, at the middle of each epoch, and validation, at its end, of each that was measured."""
        curves = []
        for number, (name, pair) in enumerate(pairs.items()):
            for role, word in enumerate(("training", "validation")):
                if np.isfinite(pair[role]).any():
                    style, shift = STYLES[number][role], (role - 1) / 2
                    dash, tone = _dash(style["ls"]), f"tone{2 * number + role}"
                    curves.append(cls(f"{word} {name}", pair[role], shift, style["color"], dash, tone))
        return curves

    @classmethod
    def single(cls, name: str, y: Column) -> Curve:
        """Return a column that has no validation."""
        return cls(name, y, -0.5, INK, "", "ink", noisy=name != "learning rate")


@dataclass(frozen=True)
class Axis:
    """A vertical axis: the range it shows, whether it is logarithmic, and where its lower end lies.

    >>> axis = Axis.around(np.array([1.0, 10.0, 1000.0]), bottom=208, share=False)
    >>> axis.log, axis.ticks(), axis.place(np.array([1.0, 1000.0])).round(1)
    (True, [1.0, 10.0, 100.0, 1000.0], array([198.9,  17.1]))
    """

    low: float
    high: float
    log: bool
    bottom: float

    @classmethod
    def around(cls, y: NDArray[np.float64], bottom: float, share: bool) -> Axis:
        """Return the axis that shows y with some air: logarithmic where max > 100 min > 0, a share within [0, 1]."""
        seen = y[np.isfinite(y)]
        low, high = (float(seen.min()), float(seen.max())) if len(seen) else (0.0, 1.0)
        if 0 < 100 * low < high:
            air = (high / low) ** 0.05
            return cls(low / air, high * air, True, bottom)
        air = max(0.05 * (high - low), CLOSE / 2 * max(abs(low), abs(high)))
        if low == high:
            air = 0.05 * abs(high) or 0.5
        low, high = low - air, high + air
        return cls(max(low, 0.0), min(high, 1.0), False, bottom) if share else cls(low, high, False, bottom)

    def place(self, y: Column | float) -> Column:
        """Return where values lie; those outside the range lie on its edge."""
        y = np.clip(y, self.low, self.high)
        low, high = self.low, self.high
        if self.log:
            y, low, high = np.log(y), float(np.log(low)), float(np.log(high))
        return np.asarray(self.bottom - (y - low) / (high - low) * (self.bottom - TOP))

    def ticks(self) -> list[float]:
        """Return round values within the range."""
        from matplotlib.ticker import LogLocator, MaxNLocator

        locator = LogLocator(numticks=6) if self.log else MaxNLocator(5, steps=[1, 2, 5, 10])
        return _between(locator, self.low, self.high)


@dataclass(frozen=True)
class Chart:
    """Curves on one vertical axis, over the same epochs as every other chart of the page.

    share: values lie in [0, 1]. trace: (epochs as fractions, values), drawn faintly behind.

    >>> chart = Chart("learning rate", [Curve.single("learning rate", np.array([0.1, 0.05]))], height=130)
    >>> chart.svg(best=None, events={}).count("<circle")
    3
    """

    title: str
    curves: list[Curve]
    height: int
    share: bool = False
    trace: tuple[Column, Column] = field(default_factory=lambda: (np.zeros(0), np.zeros(0)))

    @property
    def epochs(self) -> int:
        """How many epochs the horizontal axis has."""
        return len(self.curves[0].y)

    @property
    def percent(self) -> bool:
        """Whether values are read as per cent."""
        return self.share and all("accuracy" in curve.name for curve in self.curves)

    @property
    def axis(self) -> Axis:
        """The vertical axis."""
        return Axis.around(np.stack([curve.y for curve in self.curves]), self.height - BOTTOM, self.share)

    def x(self, epochs: Column | float) -> Column:
        """Return where these times lie, in epochs since the start."""
        return LEFT + np.asarray(epochs) / self.epochs * (RIGHT - LEFT)

    def svg(self, best: int | None, events: dict[float, str]) -> str:
        """Return the svg element; best: index of the best epoch; events: what happened, by the time in epochs."""
        axis = self.axis
        parts = [*self._grid(axis), *self._marks(best, events)]
        if len(self.trace[0]):
            times, losses = thinned(*self.trace)
            parts.append(_path(self.x(times), axis.place(losses), self.curves[0], "faint"))
        for curve in self.curves:
            parts += self._drawn(curve, axis)
        parts += ['<rect class="band" hidden=""/>', *(_dot(curve) for curve in self.curves)]
        label = escape(f"{self.title} by epoch: {', '.join(curve.name for curve in self.curves)}")
        body = "\n".join(parts)
        return f'<svg viewBox="0 0 {WIDTH} {self.height}" role="img" aria-label="{label}">\n{body}\n</svg>'

    def scale(self) -> dict[str, Any]:
        """Return what a script needs to put a dot on a curve."""
        axis = self.axis
        return {
            "low": axis.low, "high": axis.high, "log": axis.log, "top": TOP, "bottom": axis.bottom,
            "percent": self.percent, "shifts": [curve.shift for curve in self.curves],
        }  # fmt: skip

    def _grid(self, axis: Axis) -> list[str]:
        from matplotlib.ticker import MaxNLocator

        parts = []
        for value in axis.ticks():
            y, text = float(axis.place(value)), f"{100 * value:.6g} %" if self.percent else tick(value)
            parts.append(f'<path class="grid" d="M{LEFT} {y:.1f}H{RIGHT}"/>')
            parts.append(f'<text x="{LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{text}</text>')
        parts.append(f'<path class="frame outline" d="M{LEFT} {TOP}V{axis.bottom:g}H{RIGHT}"/>')
        parts.append(f'<text x="0" y="{axis.bottom + 17:g}">epoch</text>')
        for epoch in _between(MaxNLocator(6, integer=True, steps=[1, 2, 5, 10]), 0, self.epochs):
            x = float(self.x(epoch))
            parts.append(f'<path class="frame" d="M{x:.1f} {axis.bottom:g}v4"/>')
            parts.append(f'<text x="{x:.1f}" y="{axis.bottom + 17:g}" text-anchor="middle">{epoch:,.0f}</text>')
        return parts

    def _marks(self, best: int | None, events: dict[float, str]) -> list[str]:
        marks = [] if best is None else [("best", best + 1.0, f"best epoch: {best + 1:,}")]
        marks += [("event", epoch, text) for epoch, text in events.items()]
        lines = [(kind, float(self.x(epoch)), escape(text)) for kind, epoch, text in marks]
        height = f"{TOP}V{self.height - BOTTOM}"
        return [f'<path class="{kind}" d="M{x:.1f} {height}"><title>{text}</title></path>' for kind, x, text in lines]

    def _drawn(self, curve: Curve, axis: Axis) -> list[str]:
        """Draw a curve; of a long one faintly, with its running mean."""
        x, y, parts = self.x(np.arange(1.0, self.epochs + 1) + curve.shift), curve.y, []
        if len(y) > LONG and curve.noisy:
            parts.append(_path(x, axis.place(y), curve, "faint"))
            y = smoothed(y)
        parts.append(_path(x, axis.place(y), curve, "curve"))
        seen = np.pad(np.isfinite(y), 1)
        alone = seen[1:-1] & ~seen[:-2] & ~seen[2:]
        for epoch in np.flatnonzero(seen[1:-1] if len(y) <= _MARKED else alone).tolist():
            title = f"epoch {epoch + 1:,}: {curve.name} {formatted(curve.name, float(y[epoch]))}"
            parts.append(_marker(float(x[epoch]), float(axis.place(y[epoch])), curve, title))
        return parts


def key(curve: Curve) -> str:
    """Return a short piece of the curve, for a legend."""
    line = f'<path class="curve {curve.tone}" stroke="{curve.color}" stroke-dasharray="{curve.dash}" d="M1 5H29"/>'
    return f'<svg class="key" viewBox="0 0 30 10" aria-hidden="true">{line}</svg>'


def _marker(x: float, y: float, curve: Curve, title: str) -> str:
    """Return a marker, open for validation, that says its value."""
    look, radius = ("hollow", 2.6) if curve.shift == 0 else ("filled", 1.6)
    return (
        f'<circle class="{look} {curve.tone}" stroke="{curve.color}" cx="{x:.1f}" cy="{y:.1f}" r="{radius}">'
        f"<title>{escape(title)}</title></circle>"
    )


def _path(x: Column, y: Column, curve: Curve, kind: str) -> str:
    """Return a line through at most 2,000 points, broken where nothing was measured."""
    x, y = thinned(x, y)
    pen, parts = "M", []
    for across, down in zip(x.tolist(), y.tolist(), strict=True):
        if down != down:  # NaN
            pen = "M"
            continue
        parts.append(f"{pen}{across:.1f} {down:.1f}")
        pen = "L"
    dash = f' stroke-dasharray="{curve.dash}"' if kind == "curve" and curve.dash else ""
    return f'<path class="{kind} {curve.tone}" stroke="{curve.color}"{dash} d="{"".join(parts)}"/>'


def _dot(curve: Curve) -> str:
    return f'<circle class="dot {curve.tone}" stroke="{curve.color}" r="4" hidden=""/>'


def _dash(style: str | tuple[int, tuple[float, ...]]) -> str:
    if isinstance(style, str):
        return _DASHES[style]
    return " ".join(f"{1.5 * length:g}" for length in style[1])


def _between(locator: Locator, low: float, high: float) -> list[float]:
    return [float(value) for value in locator.tick_values(low, high) if low <= value <= high]
