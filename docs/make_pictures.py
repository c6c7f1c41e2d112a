"""Draw the pictures of the guides: `python docs/make_pictures.py` writes docs/images/cross-entropy-error.png.

How far float32 is from the true loss and gradient, by how sure the model is: textbook formula against cutedl.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from numpy.typing import NDArray

from cutedl.files import publish
from cutedl.losses import SparseCategoricalCrossentropy

Array = NDArray[Any]

PICTURE = Path(__file__).parent / "images" / "cross-entropy-error.png"
MARGINS = np.linspace(0.0, 40.0, 161)
ROWS, CLASSES = 400, 10  # rows per margin, of which the worst is drawn
HALF_UNIT = 2.0**-24  # half of float32's step just above 1: a correctly rounded number is at most this far off

# Okabe and Ito's colours, for colour-blind readers; in grey, the dashes differ.
TEXTBOOK: dict[str, Any] = {"color": "#D55E00", "ls": (0, (4, 1.5)), "lw": 1.8}
CUTEDL: dict[str, Any] = {"color": "#0072B2", "ls": "-", "lw": 1.8}
INK, MUTED, FAINT = "#1A1A1A", "#595959", "#E3E3E3"


def logits(margin: float, generator: np.random.Generator) -> Array:
    """Return rows (R, C) of float32 logits whose class 0 leads: one rival by the margin, the others by up to 8 more."""
    lead = margin + generator.uniform(0.0, 8.0, (ROWS, CLASSES))
    lead[:, :2] = 0.0, margin
    return (generator.uniform(0.0, 10.0, (ROWS, 1)) - lead).astype(np.float32)


def exact(x: Array) -> Array:
    """Return loss and dL/dx_0 of each row, (2, R): the closed forms in float64."""
    x = x.astype(np.float64)
    s = np.exp(x[:, 1:] - x[:, :1]).sum(axis=1)
    return np.array([np.log1p(s), -s / (1.0 + s)])


def textbook(x: Array) -> Array:
    """Return loss and dL/dx_0 of each row, (2, R), in x's own precision: -log p_y and p_y - 1."""
    e = np.exp(x - x.max(axis=1, keepdims=True))
    p = e[:, 0] / e.sum(axis=1)
    return np.array([-np.log(p), p - 1.0])


def cutedl(x: Array) -> Array:
    """Return loss and dL/dx_0 of each row, (2, R), as the library computes them from float32 logits."""
    losses, gradient = SparseCategoricalCrossentropy(reduction="none").value_and_gradient(np.zeros(len(x)), x)
    return np.array([losses, gradient[:, 0]])


def worst_errors() -> tuple[Array, Array]:
    """Return the largest relative errors of textbook and cutedl, (2, margins) each: of the loss, of the gradient."""
    generator = np.random.default_rng(0)
    found = []
    for margin in MARGINS:
        x = logits(margin, generator)
        found.append([np.abs(form(x) / exact(x) - 1.0).max(axis=1) for form in (textbook, cutedl)])
    first, second = np.moveaxis(np.array(found), 0, -1)
    return first, second


def draw() -> Figure:
    """Return the picture: two panels, the loss and its gradient, with one scale of errors."""
    figure = Figure(figsize=(7.2, 3.75), dpi=150, layout=ConstrainedLayoutEngine(wspace=0.06))
    panels = figure.subplots(1, 2, sharey=True)
    of_textbook, of_cutedl = worst_errors()
    titles = "Loss  L = −log p$_y$", "Gradient by the right class’ logit  ∂L/∂x$_y$ = p$_y$ − 1"
    ends = "exactly 0: taken for perfect", "exactly 0: pushed no more"
    for axes, title, end, dashed, solid in zip(panels, titles, ends, of_textbook, of_cutedl, strict=True):
        axes.plot(MARGINS, dashed, **TEXTBOOK)
        axes.plot(MARGINS, solid, **CUTEDL)
        axes.set_title(title, loc="left", color=INK)
        frame(axes)
        label(axes, end)
    panels[0].set_ylabel("relative error, worst of 400 rows", color=INK)
    figure.supxlabel("margin: how far the right class’ logit lies above the next one", fontsize=9, color=INK)
    return figure


def frame(axes: Axes) -> None:
    """Set the axes that both panels share."""
    axes.set_yscale("log")
    axes.set(xlim=(0, 40), ylim=(1e-9, 10), xticks=range(0, 41, 10), yticks=[1e-8, 1e-6, 1e-4, 1e-2, 1])
    axes.set_yticklabels(["10⁻⁸", "10⁻⁶", "10⁻⁴", "10⁻²", "1"])
    axes.minorticks_off()
    axes.grid(color=FAINT, lw=0.8)
    axes.axhline(HALF_UNIT, color=MUTED, lw=0.9, ls=":")
    axes.set_axisbelow(True)
    axes.tick_params(color=FAINT, labelcolor=INK)
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set_color(MUTED)


def label(axes: Axes, end: str) -> None:
    """Name the lines where they are: no legend to look up."""
    axes.text(40, 1.7, end, ha="right", color=TEXTBOOK["color"])
    axes.text(13.5, 2e-2, "textbook formula", color=TEXTBOOK["color"])
    axes.text(13.5, 5e-7, "cutedl", color=CUTEDL["color"])
    axes.text(40, 1.8e-8, "half a unit in float32’s last place", ha="right", color=MUTED)


def main() -> None:
    """Write the picture, with the same bytes each time."""
    with matplotlib.rc_context({"font.family": "DejaVu Sans", "font.size": 9, "axes.titlesize": 9}):
        figure = draw()
        with publish(PICTURE) as temporary:
            figure.savefig(temporary, format="png", facecolor="white", metadata={"Software": None})


if __name__ == "__main__":
    main()
