"""The weights of the first layer as pictures: what each unit looks for."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from cutedl.errors import ArgumentError
from cutedl.report.look import INK, lettering, stage
from cutedl.report.tiles import draw_tiles, side_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from cutedl.model import Model

__all__ = ["plot_weights"]

_MOST = 64  # units that a page has room for
_TALLEST = 4  # times its width: a higher picture is made narrower


def plot_weights(model: Model, *, ax: Axes | None = None) -> Figure:
    """Draw the weights of each unit of the first dense layer as an image, and return the figure.

    Mid-grey is 0, dark blue the most negative and yellow the most positive weight of all that are shown: the first 64
    units. One sample must be an image: shape (H, W), (H, W, 1), or flat and square.
    Raises ArgumentError for a model whose input is no image, NotBuiltError before assemble.

    >>> from cutedl import nn
    >>> from cutedl.model import Model
    >>> model = Model([nn.Dense(3, inshape=16)])
    >>> model.assemble(seed=0)
    >>> len(plot_weights(model).axes[0].images)
    3
    """
    inputs = math.prod(model.shapes[0]) if model.assembled else 0
    kernels = [p.value for p in model.parameters.values() if len(p.shape) == 2 and p.shape[0] == inputs]
    side = side_of(model.shapes[0])
    height, width = (side, side) if side else (*model.shapes[0], 0, 0)[:2]
    if not kernels or height * width != inputs:
        raise ArgumentError(
            "the first weights cannot be shown as images.",
            expected="a dense first layer on samples of shape (height, width) or (side * side,)",
            received=f"samples of shape {model.shapes[0]}",
        )
    units = kernels[0].shape[1]
    pictures = kernels[0].T[:_MOST].reshape(-1, height, width)
    columns = min(8, math.ceil(math.sqrt(len(pictures))))
    rows = -(-len(pictures) // columns)
    high = 64 * min(height / width, _TALLEST)
    ax = stage(ax, max(64 * columns, 300) + 32, high * rows + 48, (16, 8, 16, 32))
    limit = float(np.abs(pictures).max())
    shown = f"{len(pictures)} of {units} units" if len(pictures) < units else f"{units} units"
    ax.set_title(f"Weights of {shown}: dark −{limit:.2g} to bright {limit:.2g}", loc="left", color=INK)
    draw_tiles(ax, pictures, columns, limits=(-limit, limit), cmap="cividis")
    lettering(ax)
    return ax.figure.figure
