"""The curve of a learning-rate finder: loss against learning rate."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from cutedl.report.curves import thinned
from cutedl.report.look import INK, MUTED, STYLES, frame, lettering, stage

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from cutedl.lr_find import LearningRateCurve

__all__ = ["plot_lr_find"]


def plot_lr_find(curve: LearningRateCurve, *, ax: Axes | None = None) -> Figure:
    """Draw the loss at growing learning rates with the suggested one marked, and return the figure.

    curve: what session.lr_find(...) returned, or anything with learning_rates, losses and suggestion, NaN for none.

    >>> from types import SimpleNamespace
    >>> rates = np.geomspace(1e-5, 1, 50)
    >>> curve = SimpleNamespace(learning_rates=rates, losses=(np.log10(rates) + 2) ** 2, suggestion=1e-3)
    >>> plot_lr_find(curve).axes[0].get_xscale()
    'log'
    """
    ax = stage(ax, 440, 280, (56, 40, 20, 32))
    rates, losses = np.asarray(curve.learning_rates, np.float64), np.asarray(curve.losses, np.float64)
    x, y = thinned(rates, losses)
    ax.plot(x, y, color=STYLES[0][0]["color"], ls="-", lw=1.5, marker="")
    frame(ax)
    ax.set_xscale("log")
    ax.xaxis.set_major_formatter("{x:g}")
    ax.xaxis.set_minor_formatter("")
    ax.set_xlabel("learning rate", color=INK)
    ax.set_ylabel("loss", color=INK)
    title = "No learning rate to suggest: the loss fell nowhere"
    if np.isfinite(curve.suggestion):
        title = f"Suggested learning rate: {curve.suggestion:.2g}"
        ax.axvline(curve.suggestion, color=MUTED, lw=0.8, ls="-", zorder=1.9)
        at = float(np.interp(np.log(curve.suggestion), np.log(rates), losses))
        ax.plot([curve.suggestion], [at], ls="", marker="o", ms=10, mfc="none", mec=INK, mew=1.2, label="_suggestion")
    ax.set_title(title, loc="left", color=INK)
    lettering(ax)
    return ax.figure.figure
