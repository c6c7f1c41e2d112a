"""Images as tiles: many small pictures in one pair of axes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from cutedl.report.look import INK, LINE
from cutedl.report.text import width

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["draw_tiles", "images", "side_of"]

Images = NDArray[Any]

_GAP = 4


def images(x: NDArray[Any]) -> Images | None:
    """Return samples as pictures, (B, H, W) or (B, H, W, 3), or None if they are none.

    >>> images(np.zeros((2, 784))).shape
    (2, 28, 28)
    """
    if x.ndim == 4 and x.shape[3] == 1:
        return x[..., 0]
    if x.ndim == 3 or (x.ndim == 4 and x.shape[3] == 3):
        return x
    side = side_of(x.shape[1:])
    return x.reshape(len(x), side, side) if side else None


def side_of(shape: tuple[int, ...]) -> int:
    """Return the side of the square picture that a flat sample may be, 0 if it is none.

    >>> side_of((784,)), side_of((10,))
    (28, 0)
    """
    size = math.prod(shape)
    side = math.isqrt(size)
    return side if len(shape) == 1 and side >= 2 and side * side == size else 0


def draw_tiles(
    ax: Axes,
    pictures: Images,
    columns: int,
    captions: Sequence[str] = (),
    limits: tuple[float, float] | None = None,
    cmap: str = "gray",
) -> None:
    """Draw pictures row by row, so many in a row; limits: of all colours, without them each picture has its own.

    Coordinates of the axes are points, so that captions of a fixed size have their room, also below narrow pictures.
    """
    scale = 72 / float(ax.figure.dpi)
    wide, high = ax.bbox.width * scale, ax.bbox.height * scale
    rows, caption = -(-len(pictures) // columns), LINE - 2 if captions else 0
    ratio = pictures.shape[1] / pictures.shape[2]
    size = max(1.0, min(wide / columns - _GAP, (high / rows - caption - _GAP) / ratio))
    pitch = max(size + _GAP, min(wide / columns, max(map(width, captions), default=0) + 3 * _GAP))
    for place, picture in enumerate(pictures):
        left = place % columns * pitch + (pitch - _GAP - size) / 2
        top = place // columns * (size * ratio + caption + _GAP)
        low, high_value = limits or (float(picture.min()), float(picture.max()))
        ax.imshow(
            picture if picture.ndim == 2 else _colours(picture, low, high_value),
            cmap=cmap, vmin=low, vmax=high_value if high_value > low else low + 1, interpolation="nearest",
            origin="upper", aspect="equal", extent=(left, left + size, top + size * ratio, top),
        )  # fmt: skip
        if captions:
            ax.text(left + size / 2, top + size * ratio + 10, captions[place], ha="center", va="baseline", color=INK)
    ax.set(xlim=(0, wide), ylim=(high, 0))
    ax.set_axis_off()


def _colours(picture: Images, low: float, high: float) -> Images:
    return np.clip((picture - low) / ((high - low) or 1.0), 0, 1)
