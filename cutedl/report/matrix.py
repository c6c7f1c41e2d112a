"""The confusion matrix: which class was taken for which."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from cutedl.errors import ArgumentError
from cutedl.report.decisions import Decisions
from cutedl.report.look import FONT, INK, MUTED, SIZE, lettering, stage
from cutedl.report.text import fitted, width

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["NAME", "draw_confusion", "plot_confusion_matrix"]

NAME = 70  # points for the name of a class
_TICKS = 20  # names along an axis that can be read


def plot_confusion_matrix(
    y_true: ArrayLike, y_pred: ArrayLike, *, class_names: Sequence[str] | None = None, ax: Axes | None = None
) -> Figure:
    """Draw how often each class (rows) was taken for each (columns), and return the figure.

    The numbers are counts; the colour is the share of the row, its square root, so that rare mistakes can be seen.
    y_true: class indices (B,) or one-hot rows. y_pred: scores (B, classes) or class indices.
    Raises ArgumentError for what are no classes and for another number of names than classes.

    >>> figure = plot_confusion_matrix([0, 1, 1], [0, 1, 0])
    >>> [text.get_text() for text in figure.axes[0].texts]
    ['1', '1', '1']
    """
    decisions = Decisions.between(y_true, y_pred)
    names = [str(n) for n in (range(decisions.classes) if class_names is None else class_names)]
    if len(names) != decisions.classes:
        raise ArgumentError("class_names does not fit.", expected=f"{decisions.classes} names", received=len(names))
    ax = stage(ax, 400, 400, (90, 90, 16, 16) if class_names else (44, 40, 16, 16))
    draw_confusion(ax, replace(decisions, names=names))
    lettering(ax)
    return ax.figure.figure


def draw_confusion(ax: Axes, decisions: Decisions) -> None:
    """Draw the matrix; counts only where they fit into the cells."""
    from matplotlib.ticker import FixedLocator

    counts, names = decisions.confusion, decisions.called
    shares = np.sqrt(counts / np.maximum(counts.sum(axis=1, keepdims=True), 1))
    ax.imshow(shares, cmap="Blues", vmin=0, vmax=1, interpolation="nearest", aspect="equal", origin="upper")
    cell = min(ax.bbox.width, ax.bbox.height) * 72 / float(ax.figure.dpi) / len(counts)
    if cell >= SIZE + 2 and all(width(str(count)) + 2 <= cell for count in (counts.min(), counts.max())):
        for row, column in np.argwhere(counts > 0).tolist():
            ink = "white" if shares[row, column] > 0.6 else INK
            ax.text(column, row, str(counts[row, column]), ha="center", va="center", color=ink)
    every = -(-len(names) // _TICKS)
    shown = list(range(0, len(names), every))
    labels = [fitted(names[place], NAME) for place in shown]
    upright = max(map(width, labels)) > cell * every
    ax.xaxis.set_major_locator(FixedLocator(shown))
    ax.yaxis.set_major_locator(FixedLocator(shown))
    ax.set_xticklabels(labels, rotation=90 if upright else 0)
    ax.set_yticklabels(labels)
    ax.tick_params(length=0, labelcolor=INK, labelsize=SIZE, labelfontfamily=FONT)
    ax.set_xlabel("predicted class", color=MUTED)
    ax.set_ylabel("true class", color=MUTED)
    ax.grid(False)
    ax.spines[:].set(color=MUTED, visible=True)
