"""Text that fits: widths measured, lines broken where a reader would break them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from cutedl.report.look import FONT, SIZE

__all__ = ["drawable", "fitted", "width", "wrap"]

# Where a line may end, best first: after a space; after punctuation or before a hump of CamelCase; anywhere.
_BREAKS = (r"(?<= )", r"(?<=[(_/,=.-])|(?<=[a-z])(?=[A-Z])", r"(?<=.)")


def width(text: str, size: float = SIZE, bold: bool = False) -> float:
    """Return the width of one line of text in points."""
    from matplotlib.font_manager import FontProperties
    from matplotlib.textpath import text_to_path

    font = FontProperties(family=FONT, size=size, weight="bold" if bold else "normal")
    return float(text_to_path.get_text_width_height_descent(text, font, False)[0])


def wrap(text: str, room: float, size: float = SIZE, bold: bool = False, lines: int = 4) -> list[str]:
    """Break text into at most so many lines no wider than room, in points; □ stands for what the font cannot draw.

    >>> wrap("SparseCategoricalCrossentropy", 129)
    ['SparseCategorical', 'Crossentropy']
    """

    def fits(line: str) -> bool:
        return width(line.rstrip(), size, bold) <= room

    broken = [""]
    for piece in _pieces(drawable(text), fits, _BREAKS):
        if fits(broken[-1] + piece):
            broken[-1] += piece
        else:
            broken.append(piece)
    broken = [line.strip() for line in broken if line.strip()] or [""]
    if len(broken) > lines:
        last = broken[lines - 1]
        while last and not fits(f"{last}…"):
            last = last[:-1]
        broken[lines - 1 :] = [f"{last}…"]
    return broken


def fitted(text: str, room: float) -> str:
    """Return one line no wider than room."""
    return wrap(text, room, lines=1)[0]


def _pieces(text: str, fits: Callable[[str], bool], breaks: tuple[str, ...]) -> Iterator[str]:
    """Yield the pieces between breaks; only what is wider than a line is broken at the next worse kind."""
    for piece in re.split(breaks[0], text):
        if fits(piece) or len(breaks) == 1:
            yield piece
        else:
            yield from _pieces(piece, fits, breaks[1:])


def drawable(text: str) -> str:
    """Return text on one line, of its first 1,000 characters; □ stands for what the font cannot draw.

    >>> drawable("5 × 猫")
    '5 × □'
    """
    from matplotlib.font_manager import FontProperties, findfont, get_font

    text = " ".join(text.split())[:1000]
    if text.isascii() and text.isprintable():
        return text
    glyphs = get_font(findfont(FontProperties(family=FONT))).get_charmap()
    return "".join(c if ord(c) in glyphs else "□" for c in text)
