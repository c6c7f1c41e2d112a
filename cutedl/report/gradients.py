"""How far a step would move each parameter: the norm of its gradient against the norm of its values."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from cutedl.errors import ArgumentError
from cutedl.report.look import FAINT, INK, STYLES, frame, lettering, stage
from cutedl.report.text import fitted, width

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from cutedl.model import Model

__all__ = ["plot_gradients"]


def plot_gradients(model: Model, *, ax: Axes | None = None) -> Figure:
    """Draw |gradient| / |value| (Euclidean norms) of every parameter, from input to output, and return the figure.

    Call it after model.backward(...) and before an optimizer step, which uses the gradients up. Ratios that
    shrink towards the input say that gradients vanish, growing ones that they explode; a parameter of zeros, as biases
    are at the start, has no ratio and no point.
    Raises ArgumentError where every gradient is 0 or not finite, NotBuiltError before assemble.

    >>> from cutedl import nn
    >>> from cutedl.model import Model
    >>> model = Model([nn.Dense(3, inshape=4)])
    >>> model.assemble(seed=0)
    >>> _ = model.forward(np.ones((2, 4), "float32"))
    >>> model.backward(np.ones((2, 3), "float32"))
    >>> len(plot_gradients(model).axes[0].lines)
    1
    """
    parameters = list(model.parameters.values())
    norms = np.array([[np.linalg.norm(p.gradient), np.linalg.norm(p.value)] for p in parameters], np.float64)
    with np.errstate(divide="ignore", invalid="ignore"):
        ratios = norms[:, 0] / norms[:, 1]
    drawn = np.isfinite(ratios) & (ratios > 0)
    if not drawn.any():
        raise ArgumentError(
            "there are no gradients to show.",
            expected="a finite gradient other than 0",
            hint="call model.forward(x) and model.backward(dy) first.",
        )
    names = [fitted(p.name, 130) for p in parameters]
    ax = stage(ax, 460, 20 * len(parameters) + 72, (max(map(width, names)) + 30, 40, 48, 28))
    places = np.arange(len(parameters))
    frame(ax)
    ax.grid(axis="x", color=FAINT, lw=0.6, ls="-")
    ax.set_xscale("log")
    ax.plot(ratios[drawn], places[drawn], ls="", marker="o", ms=6, color=STYLES[0][0]["color"])
    for place in places.tolist():
        absent = "all values are 0" if norms[place, 1] == 0 else "the gradient is 0 or not finite"
        text, x = (f"{ratios[place]:.2g}", ratios[place]) if drawn[place] else (absent, ratios[drawn].min())
        ax.text(x, place, f"  {text}", va="center", color=INK)
    high = 3 * ratios[drawn].max()
    low = min(ratios[drawn].min() / 2, 10.0 ** np.floor(np.log10(high)))  # an axis has numbers at powers of ten
    ax.set(xlim=(low, high), ylim=(len(parameters) - 0.5, -0.5))
    ax.set_yticks(places, names)
    ax.xaxis.set_major_formatter("{x:g}")
    ax.xaxis.set_minor_formatter("")
    ax.set_xlabel("norm of gradient / norm of values", color=INK)
    ax.set_title("Gradients against values", loc="left", color=INK)
    lettering(ax)
    return ax.figure.figure
