"""The foot of a report: the confusion matrix, and the most confident mistakes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from cutedl.report.decisions import Decisions
from cutedl.report.look import INK, LINE
from cutedl.report.matrix import NAME, draw_confusion
from cutedl.report.mistakes import draw_mistakes, sureness
from cutedl.report.text import fitted, width
from cutedl.report.tiles import images

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["HEIGHT", "draw_predictions"]

HEIGHT = 352  # points that it takes below a page
_SIDE, _HEAD, _AXIS, _GAP, _COUNT, _COLUMNS = 270, 30, 30, 24, 16, 4


def draw_predictions(figure: Figure, decisions: Decisions, left: float, right: float) -> None:
    """Draw at the foot of a figure; left: edge of the matrix; right: edge of the mistakes, 240 points wide."""
    wide, high = (72 * size for size in figure.get_size_inches())
    share = float(np.mean(decisions.truth == decisions.decided))
    counted = f"Predictions: {100 * share:.2f} % of {len(decisions.truth):,} right"
    top = 1 - (high - HEIGHT + LINE) / high
    look: dict[str, Any] = {"color": INK, "weight": "bold"}
    figure.text(20 / wide, top, counted, **look)
    left = max(left, _AXIS + max(width(fitted(name, NAME)) for name in decisions.called))
    side = min(_SIDE, right - _GAP - left)
    box = left / wide, (HEIGHT - _HEAD - side) / high, side / wide, side / high
    draw_confusion(figure.add_axes(box), decisions)
    figure.text(right / wide, top, "Most confident mistakes (predicted not true)", **look)
    if decisions.x is not None and images(decisions.x[:1]) is not None:
        area = right / wide, 16 / high, 240 / wide, (HEIGHT - _HEAD - 16 - LINE) / high
        figure.text(right / wide, top - LINE / high, sureness(decisions, _COUNT).removeprefix(": "), color=INK)
        draw_mistakes(figure.add_axes(area), decisions, _COUNT, _COLUMNS)
        return
    for line, row in enumerate(decisions.mistakes[:_COUNT].tolist(), start=1):
        text = fitted(f"row {row:,}: {decisions.mistaken(row)}, {100 * decisions.confidence[row]:.1f} % sure", 240)
        figure.text(right / wide, top - LINE * line / high, text, color=INK)
