"""How everything looks: colours, sizes, fonts. Lengths are points (1/72 inch)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cutedl.errors import needed

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["ALERT", "FAINT", "FONT", "INK", "LINE", "MUTED", "SIZE", "STYLES", "canvas", "frame", "lettering", "stage"]

INK, MUTED, FAINT, ALERT = "#1A1A1A", "#595959", "#E3E3E3", "#F5C04E"
FONT, SIZE, LINE = "DejaVu Sans", 9, 14  # the font ships with matplotlib: same line breaks on every machine

# Training and validation in Okabe and Ito's colours, for colour-blind readers; in grey, dashes and markers differ.
STYLES: tuple[tuple[dict[str, Any], dict[str, Any]], ...] = (
    ({"color": "#0072B2", "ls": "-", "marker": "o"}, {"color": "#D55E00", "ls": "--", "marker": "s"}),
    ({"color": "#009E73", "ls": ":", "marker": "^"}, {"color": "#CC79A7", "ls": "-.", "marker": "D"}),
    ({"color": "#000000", "ls": (0, (8, 2)), "marker": "v"}, {"color": "#E69F00", "ls": (0, (2, 1)), "marker": "P"}),
)


def canvas(width: float, height: float) -> Figure:
    """Return an empty white figure that draws without a screen, and without pyplot knowing of it."""
    with needed("matplotlib", "drawing"):
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure

    figure = Figure(figsize=(width / 72, height / 72), dpi=150, facecolor="white")
    figure.set_layout_engine("none")
    FigureCanvasAgg(figure)
    return figure


def stage(ax: Axes | None, width: float, height: float, margins: tuple[float, float, float, float]) -> Axes:
    """Return ax, or axes alone on a new figure with these margins: left, bottom, right, top."""
    if ax is not None:
        return ax
    left, bottom, right, top = margins
    box = left / width, bottom / height, 1 - (left + right) / width, 1 - (bottom + top) / height
    return canvas(width, height).add_axes(box)


def frame(ax: Axes) -> None:
    """Give axes their two spines, quiet grid lines and legible ticks."""
    ax.set(facecolor="white")
    ax.tick_params(which="both", color=MUTED, labelcolor=INK, labelsize=SIZE, labelfontfamily=FONT)
    ax.grid(axis="y", color=FAINT, lw=0.6, ls="-")
    ax.set_axisbelow(True)
    ax.spines[["top", "right"]].set_visible(False)
    ax.spines[["left", "bottom"]].set_color(MUTED)


def lettering(artist: Figure | Axes) -> None:
    """Set every text within to the one font and size; a dollar sign is a dollar sign."""
    from matplotlib.text import Text

    for text in artist.findobj(Text):
        text.set(family=FONT, size=SIZE, parse_math=False)
