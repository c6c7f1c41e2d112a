"""The digits 0 to 9 in the fonts that ship with matplotlib, as one array of pictures."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from cutedl.errors import needed

if TYPE_CHECKING:
    from matplotlib.ft2font import FT2Font

__all__ = ["FONTS", "OVERSAMPLING", "SIDE", "atlas"]

# Text fonts with lining figures; the others hold symbols or old-style figures.
FONTS = (
    "DejaVuSans",
    "DejaVuSans-Bold",
    "DejaVuSans-Oblique",
    "DejaVuSans-BoldOblique",
    "DejaVuSansMono",
    "DejaVuSansMono-Bold",
    "DejaVuSansMono-Oblique",
    "DejaVuSansMono-BoldOblique",
    "DejaVuSerif",
    "DejaVuSerif-Bold",
    "DejaVuSerif-Italic",
    "DejaVuSerif-BoldItalic",
    "STIXGeneral",
    "STIXGeneralBol",
    "STIXGeneralItalic",
    "STIXGeneralBolIta",
    "cmr10",
    "cmb10",
    "cmss10",
    "cmtt10",
)
OVERSAMPLING = 4  # pixels of a glyph per pixel of a sample
SIDE = 32 * OVERSAMPLING  # a margin, since a centre of mass is not the middle: a 7 hangs low
_INK = 20 * OVERSAMPLING  # as MNIST: the longer side of a digit fills 20 of the 28 pixels
_RENDERED = 100.0  # font size at which a glyph is measured first


def atlas(softness: float) -> NDArray[np.uint8]:
    """Return the glyphs, shape (10, fonts, SIDE, SIDE), ink 255 on 0, centre of mass in the middle.

    softness: standard deviation of the Gaussian blur, in pixels of a sample. It makes the edges slopes: the place where
    a slope is cut decides how thick the stroke becomes.

    >>> atlas(softness=0.5).shape
    (10, 20, 128, 128)
    """
    with needed("matplotlib", "rendering digits"):
        import matplotlib
        from matplotlib.ft2font import FT2Font

    fonts = [FT2Font(str(Path(matplotlib.get_data_path(), "fonts", "ttf", f"{name}.ttf"))) for name in FONTS]
    blur = _gaussian(softness * OVERSAMPLING)
    pictures = np.stack([[_centred(_picture(font, digit)) for font in fonts] for digit in "0123456789"])
    return np.rint(blur @ pictures @ blur).astype(np.uint8)


def _picture(font: FT2Font, digit: str) -> NDArray[np.uint8]:
    """Render a digit so that its longer side has _INK pixels."""
    size = _RENDERED
    for _ in range(2):  # to measure, then to draw
        font.set_size(size, 72)
        font.set_text(digit)
        font.draw_glyphs_to_bitmap(antialiased=True)
        picture = np.array(font.get_image())
        size *= _INK / max(picture.shape)
    return picture


def _centred(picture: NDArray[np.uint8]) -> NDArray[np.float32]:
    rows, columns = picture.shape
    ink = picture.astype(np.float32)
    top, left = (
        round((SIDE - 1) / 2 - float((np.arange(length) * ink.sum(axis=axis)).sum() / ink.sum()))
        for length, axis in ((rows, 1), (columns, 0))
    )
    canvas = np.zeros((SIDE, SIDE), np.float32)
    canvas[top : top + rows, left : left + columns] = ink
    return canvas


def _gaussian(deviation: float) -> NDArray[np.float32]:
    """Return the (SIDE, SIDE) matrix that blurs a picture from both sides; symmetric, ink that leaves is lost."""
    distance = np.arange(SIDE)[:, None] - np.arange(SIDE)
    weights: NDArray[np.float64] = np.exp(-0.5 * (distance / deviation) ** 2) / (deviation * np.sqrt(2 * np.pi))
    return weights.astype(np.float32)
