"""The fit report: one page that says how a training run went and where its numbers come from.

From the top: title, one sentence, panels of curves with the tables beside them, and what predictions show.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from cutedl.report import curves, marks, output, side
from cutedl.report.columns import Pairs, paired
from cutedl.report.data import ReportData
from cutedl.report.decisions import Decisions
from cutedl.report.look import ALERT, FONT, INK, LINE, STYLES, canvas, lettering
from cutedl.report.predictions import HEIGHT, draw_predictions
from cutedl.report.text import wrap

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["fit_report"]

_WIDTH, _MARGIN, _LEFT, _RIGHT, _SIDE = 612, 20, 58, 376, 402
_GAP, _AXIS, _UNIT = 10, 34, 44  # between panels; below the last one; height of the smallest panel


class Panel(NamedTuple):
    """One picture in the stack: points above it for words, its height in units, how it is drawn."""

    head: float
    units: float
    draw: Callable[[Axes], None]


def fit_report(
    history: Mapping[str, Any],
    path: str | os.PathLike[str] | None = None,
    *,
    predictions: tuple[Any, Any] | None = None,
) -> Figure | None:
    """Draw what fit recorded on one page, and write it to path if one is given: .png, .svg, .pdf or .html.

    Training loss is a mean over an epoch and stands at its middle (x = epoch - 1/2); validation is measured with the
    weights of the epoch's end and stands there; the loss of single steps lies faintly behind. An axis is logarithmic
    where max > 100 min > 0. The best epoch has the lowest val_loss, or without one the highest val_accuracy. The same
    history gives the same bytes. Missing folders are made; a file is replaced whole or not at all.

    history: what Session.fit returned, or a dict with a list `loss`, one number per epoch; other lists that do not fit
    the epochs are left out.
    predictions: (dataset, y_pred) or ((x, y_true), y_pred) adds a confusion matrix and the most confident mistakes;
    y_true: class indices (B,) or one-hot rows; y_pred: scores (B, classes), probabilities, logits or class indices.
    Classes are called by `history.info["classes"]`, a list of names, where there is one.

    Raises ArgumentError for a history without epochs and for predictions that are no classes. Whatever else goes
    wrong is one ReportWarning: a path that cannot be written, another suffix (.png is appended), no matplotlib (None
    is returned). A trained model is not lost by its picture.

    >>> figure = fit_report({"loss": [0.7, 0.4, 0.3], "val_loss": [0.5, 0.45, 0.47]})
    >>> print(figure.axes[0].lines[0].get_xdata())
    [0.5 1.5 2.5]
    """
    paired(history)  # wrong arguments are errors; from here on, whatever goes wrong is a warning
    info = getattr(history, "info", None)
    named = info.get("classes") if isinstance(info, dict) else None
    names = [str(name) for name in named] if isinstance(named, list | tuple) else []
    file, decisions = output.file_path(path), None if predictions is None else Decisions.of(predictions, names)

    def html(figure: Figure) -> str:
        from cutedl.report.html import html_page

        return html_page(ReportData.of(history), figure)

    return output.deliver(lambda: _page(ReportData.of(history), decisions), file, html)


def _page(data: ReportData, decisions: Decisions | None) -> Figure:
    """Lay out the page; its height is what the side column and the panels need."""
    title = wrap(data.title, _WIDTH - 2 * _MARGIN, size=13, bold=True)
    said = wrap(data.reading, _WIDTH - 2 * _MARGIN)
    band = 22 + 16 * len(title)
    top = band + LINE * len(said) + 4
    lines, panels = side.lines(data.rows, _SIDE, _WIDTH), _panels(data)
    heads = sum(panel.head + _GAP for panel in panels) + _AXIS
    units = sum(panel.units for panel in panels)
    body = max(LINE * len(lines) + _MARGIN, heads + _UNIT * units)
    below = HEIGHT if decisions else 0
    figure = canvas(_WIDTH, height := top + body + below)
    for number, line in enumerate(lines, start=1):
        for look in line:
            figure.text(y=1 - (top + 4 + LINE * number - 8) / height, **look)
    _stack(figure, data, panels, top, (body - heads) / units, height)
    for number, text in enumerate(said, start=1):
        figure.text(_MARGIN / _WIDTH, 1 - (band + LINE * number - 6) / height, text, color=INK)
    if decisions:
        draw_predictions(figure, decisions, _LEFT, _WIDTH - _MARGIN - 240)
    lettering(figure)
    _heading(figure, title, band / height, data.synthetic)
    return figure


def _panels(data: ReportData) -> list[Panel]:
    """Return the panels from the top: loss, shares in [0, 1], other metrics, learning rate, and gradient or speed."""
    shares = {name: pair for name, pair in data.pairs.items() if name != "loss" and curves.bounded(pair)}
    others = {name: pair for name, pair in data.pairs.items() if name != "loss" and name not in shares}
    panels = [_loss(data)]
    for group in (shares, others):
        if group:
            panels.append(_metrics(data, dict([*group.items()][: len(STYLES)])))
    speed = "gradient norm" if "gradient norm" in data.singles else "samples per second"
    for name in ("learning rate", speed):
        if name in data.singles:
            panels.append(_single(data, name))
    return panels


def _loss(data: ReportData) -> Panel:
    timed, eventful = 17 * bool(len(data.seconds)), LINE * bool(data.events)
    judged = LINE * (data.best is not None)

    def draw(ax: Axes) -> None:
        pairs = {"loss": data.pairs["loss"]}
        curves.draw_pairs(ax, pairs, head=timed + eventful + judged)
        curves.draw_trace(ax, data.trace)
        marks.mark_best(ax, pairs, data.best, data.judge, timed + eventful + 4)
        marks.label_events(ax, data.events, timed + 4)
        if timed:
            marks.time_axis(ax, data.seconds)

    return Panel(LINE + timed + eventful + judged, 3, draw)


def _metrics(data: ReportData, pairs: Pairs) -> Panel:
    judged = LINE * (data.best is not None)

    def draw(ax: Axes) -> None:
        curves.draw_pairs(ax, pairs, head=judged)
        marks.mark_best(ax, pairs, data.best, data.judge, 4)

    return Panel(LINE * len(pairs) + judged, 2, draw)


def _single(data: ReportData, name: str) -> Panel:
    return Panel(LINE, 1, lambda ax: curves.draw_single(ax, name, data.singles[name]))


def _stack(figure: Figure, data: ReportData, panels: list[Panel], top: float, unit: float, height: float) -> None:
    """Draw panels below each other on one axis of epochs."""
    for panel in panels:
        top += panel.head + unit * panel.units + _GAP
        box = _LEFT / _WIDTH, 1 - (top - _GAP) / height, (_RIGHT - _LEFT) / _WIDTH, unit * panel.units / height
        ax = figure.add_axes(box)
        panel.draw(ax)
        marks.mark_events(ax, data.events)
        ax.tick_params(labelbottom=panel is panels[-1])
    ax.set_xlabel("epoch", color=INK)


def _heading(figure: Figure, title: list[str], band: float, synthetic: bool) -> None:
    from matplotlib.patches import Rectangle

    if synthetic:
        figure.add_artist(Rectangle((0, 1 - band), 1, band, color=ALERT, zorder=-1))
    above = 12 / 72 / figure.get_figheight()
    heading = figure.suptitle("\n".join(title), x=_MARGIN / _WIDTH, y=1 - above, ha="left", va="top", color=INK)
    heading.set(family=FONT, size=13, weight="bold", parse_math=False)
