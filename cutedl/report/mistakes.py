"""The most confident mistakes: where to look first for mislabelled data and for what the model cannot see."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from numpy.typing import ArrayLike

from cutedl import checks
from cutedl.errors import ArgumentError
from cutedl.report.decisions import Decisions
from cutedl.report.look import INK, lettering, stage
from cutedl.report.text import fitted
from cutedl.report.tiles import draw_tiles, images

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["draw_mistakes", "plot_mistakes", "sureness"]

_CAPTION = 56  # points that are there below a picture
_TITLE = 280  # points that the heading takes


def plot_mistakes(
    x: ArrayLike, y_true: ArrayLike, y_pred: ArrayLike, *, count: int = 16, ax: Axes | None = None
) -> Figure:
    """Draw the samples decided wrongly with the greatest confidence, and return the figure.

    "9 not 4": decided 9, the label says 4. Confidence is the probability of the class decided for, the softmax of
    scores that are no probabilities.
    x: images (B, H, W), (B, H, W, 1), (B, H, W, 3), or flat square ones (B, H * H). count: at most so many.
    Raises ArgumentError for what are no images or no classes.

    >>> figure = plot_mistakes([[0, 1, 1, 0], [1, 0, 0, 1]], [0, 1], [[0.9, 0.1], [0.8, 0.2]])
    >>> [text.get_text() for text in figure.axes[0].texts]
    ['0 not 1']
    """
    decisions = Decisions.between(y_true, y_pred, x)
    count = checks.integer("count", count)
    if decisions.x is None or images(decisions.x[:1]) is None:
        raise ArgumentError(
            "these samples cannot be shown as images.",
            expected="x of shape (batch, height, width), (batch, height, width, 3) or (batch, side * side)",
            received=f"shape {() if decisions.x is None else decisions.x.shape}",
        )
    columns = math.ceil(math.sqrt(count))
    ax = stage(ax, max(76 * columns, _TITLE) + 32, 88 * -(-count // columns) + 48, (16, 16, 16, 32))
    ax.set_title(f"Most confident mistakes{sureness(decisions, count)}", loc="left", color=INK)
    draw_mistakes(ax, decisions, count, columns)
    lettering(ax)
    return ax.figure.figure


def draw_mistakes(ax: Axes, decisions: Decisions, count: int, columns: int) -> None:
    """Draw up to count of the mistakes, which must be images."""
    rows = decisions.mistakes[:count]
    pictures = None if decisions.x is None else images(decisions.x[rows])
    if pictures is None or not len(rows):
        ax.set_axis_off()
        ax.text(0, 1, "none", va="top", color=INK, transform=ax.transAxes)
        return
    captions = [decisions.mistaken(row) for row in rows]
    if [fitted(caption, _CAPTION) for caption in captions] != captions:
        captions = [fitted(f"{decisions.decided[row]} not {decisions.truth[row]}", _CAPTION) for row in rows]
    draw_tiles(ax, pictures, columns, captions)


def sureness(decisions: Decisions, count: int) -> str:
    """Return how sure the first so many mistakes were, as the end of a heading."""
    sure = decisions.confidence[decisions.mistakes[:count]]
    return f": {100 * sure[0]:.1f} % to {100 * sure[-1]:.1f} % sure" if len(sure) else ""
