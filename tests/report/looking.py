"""Looking at figures: their curves, words and places."""

from itertools import combinations

import numpy as np
from matplotlib.colors import to_rgb
from matplotlib.text import Text


def curves(ax):
    return {line.get_label(): line for line in ax.lines if not line.get_label().startswith("_")}


def words(figure):
    return [text.get_text() for text in figure.findobj(Text) if text.get_text()]


def side_column(figure):
    """The texts beside the panels, line by line from the top."""
    lines = {}
    for text in figure.texts:
        if text.get_text() and text.get_position()[0] > 0.6:
            lines.setdefault(round(text.get_position()[1], 6), []).append((text.get_position()[0], text.get_text()))
    return [tuple(word for _, word in sorted(lines[y])) for y in sorted(lines, reverse=True)]


def drawn_texts(figure):
    """All texts that show: axes keep tick labels beyond their ends, undrawn."""
    hidden = set()
    for ax in figure.axes:
        for axis, place in ((ax.xaxis, 0), (ax.yaxis, 1)):
            low, high = axis.get_view_interval()
            labels = axis.get_ticklabels(which="both")
            hidden |= {label for label in labels if not low <= label.get_position()[place] <= high}
            hidden.add(axis.get_offset_text())
            if not ax.axison:
                hidden.update(axis.findobj(Text))
    texts = figure.findobj(Text)
    return [text for text in texts if text.get_text().strip() and text.get_visible() and text not in hidden]


def luminance(colour):
    return float(np.dot(to_rgb(colour), (0.299, 0.587, 0.114)))


def assert_texts_are_free(figure):
    """No text below 9 points, cut by the edge, or running into another."""
    figure.canvas.draw()
    left, bottom, right, top = figure.bbox.padded(-2).extents
    boxes = {text: text.get_window_extent() for text in drawn_texts(figure)}
    for text, box in boxes.items():
        assert text.get_fontsize() >= 9
        assert left <= box.x0 < box.x1 <= right, text
        assert bottom <= box.y0 < box.y1 <= top, text
    for (one, a), (other, b) in combinations(boxes.items(), 2):
        # Half a pixel of shared border is rounding.
        overlap = min(a.x1, b.x1) - max(a.x0, b.x0) > 0.5 and min(a.y1, b.y1) - max(a.y0, b.y0) > 0.5
        assert not overlap, (one.get_text(), other.get_text())
