"""Several runs on one page: their curves, and a table of their best epochs."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from cutedl.errors import ArgumentError
from cutedl.report import curves, output
from cutedl.report.columns import paired
from cutedl.report.data import ReportData
from cutedl.report.look import INK, LINE, MUTED, STYLES, canvas, frame, lettering
from cutedl.report.table import formatted
from cutedl.report.text import fitted

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["compare_reports"]

_STYLES = [style for pair in STYLES for style in pair]  # as many runs as can be told apart in grey
_WIDTH, _MARGIN, _LEFT, _PANEL, _TOP, _GAP, _AXIS = 612, 20, 62, 150, 30, 28, 44
_TABS = (318, 400, 490, 592)  # right edges of the table's numbers


def compare_reports(
    histories: Sequence[Mapping[str, Any]], labels: Sequence[str], path: str | os.PathLike[str] | None = None
) -> Figure | None:
    """Draw validation loss and accuracy of up to six runs on one page, and write it to path: .png, .svg or .pdf.

    Training lies faintly behind; of a run without validation it is the curve. Below, the numbers of each run's best
    epoch: lowest val_loss, else highest val_accuracy, else the last.
    labels: one per history. Raises ArgumentError for no or more than six histories, for another number of labels and
    for a history without epochs; whatever else goes wrong is one ReportWarning, see fit_report.

    >>> runs = {"loss": [0.7, 0.4], "val_loss": [0.6, 0.5]}, {"loss": [0.7, 0.3], "val_loss": [0.6, 0.4]}
    >>> figure = compare_reports(runs, ["sgd", "adam"])
    >>> [text.get_text() for text in figure.axes[0].get_legend().get_texts()]
    ['sgd', 'adam']
    """
    if not 1 <= len(histories) <= len(_STYLES) or len(labels) != len(histories):
        raise ArgumentError(
            "these runs cannot be compared.",
            expected=f"1 to {len(_STYLES)} histories and one label for each",
            received=f"{len(histories)} histories and {len(labels)} labels",
        )
    for history in histories:
        paired(history)
    file, names = output.file_path(path), [str(label) for label in labels]
    return output.deliver(lambda: _page([ReportData.of(history) for history in histories], names), file)


def _page(runs: list[ReportData], labels: list[str]) -> Figure:
    """Lay out the panels above each other, and the table below them."""
    names = ["loss", *(["accuracy"] if any("accuracy" in run.pairs for run in runs) else [])]
    top = _TOP + LINE * -(-len(runs) // 3)
    foot = top + (_PANEL + _GAP) * len(names) - _GAP + _AXIS
    figure = canvas(_WIDTH, height := foot + LINE * (len(runs) + 2) + _MARGIN)
    for number, name in enumerate(names):
        base = 1 - (top + (_PANEL + _GAP) * number + _PANEL) / height
        ax = figure.add_axes((_LEFT / _WIDTH, base, (_WIDTH - _MARGIN - _LEFT) / _WIDTH, _PANEL / height))
        _draw(ax, name, runs, labels)
        ax.tick_params(labelbottom=name == names[-1])
    ax.set_xlabel("epoch", color=INK)
    curves.legend(figure.axes[0], LINE, columns=3)
    for line, row in enumerate(_table(runs, labels), start=1):
        y, ink = 1 - (foot + LINE * line) / height, INK if line > 1 else MUTED
        figure.text(_LEFT / _WIDTH, y, fitted(row[0], _TABS[0] - _LEFT - 90), color=ink)
        for text, right in zip(row[1:], _TABS, strict=False):
            figure.text(right / _WIDTH, y, text, ha="right", color=ink)
    lettering(figure)
    return figure


def _draw(ax: Axes, name: str, runs: list[ReportData], labels: list[str]) -> None:
    """Draw one curve per run, its training behind it."""
    drawn = []
    for run, label, style in zip(runs, labels, _STYLES, strict=False):
        if name not in run.pairs:
            continue
        training, validation = run.pairs[name]
        middle = np.arange(run.epochs) + 0.5
        drawn += [training, validation]
        if np.isfinite(validation).any():
            x, y = curves.thinned(middle, training)
            ax.plot(x, y, color=style["color"], ls=style["ls"], lw=0.6, marker="", alpha=0.6, label="_training")
            curves.plot(ax, middle + 0.5, validation, _named(label, 130), **style)
        else:
            curves.plot(ax, middle, training, f"{_named(label, 80)} (training)", **style)
    frame(ax)
    seen = np.concatenate(drawn)
    curves.scale(ax, seen, percent=name == "accuracy" and curves.bounded(seen))
    ax.set_xlim(0, max(run.epochs for run in runs))
    ax.text(0, curves.above(ax, 4), f"validation {name} (thin: training)", color=INK, transform=ax.transAxes)


def _named(label: str, room: float) -> str:
    """Return a label that fits; of a legend, matplotlib leaves out what is empty or begins with _."""
    text = fitted(label, room)
    return f" {text}" if text[:1] in ("", "_") else text


def _table(runs: list[ReportData], labels: list[str]) -> list[tuple[str, ...]]:
    rows: list[tuple[str, ...]] = [("run", "best epoch", "training loss", "validation loss", "validation accuracy")]
    for run, label in zip(runs, labels, strict=True):
        best = run.epochs - 1 if run.best is None else run.best
        accuracy = run.pairs["accuracy"][1][best] if "accuracy" in run.pairs else np.nan
        losses = (formatted("loss", column[best]) for column in run.pairs["loss"])
        rows.append((label, f"{best + 1:,} of {run.epochs:,}", *losses, formatted("accuracy", accuracy)))
    return rows
