"""The side column of a page: tables as lines of text, each with its place and look."""

from __future__ import annotations

from itertools import zip_longest
from typing import Any

from cutedl.report.look import INK, MUTED
from cutedl.report.table import Rows
from cutedl.report.text import wrap

__all__ = ["lines"]

_TABS = {  # by the number of cells in a row: how far from the left edge, how it is aligned, how wide it may be
    1: ((0, "left", 190),),
    2: ((0, "left", 58), (61, "left", 129)),
    3: ((0, "left", 84), (136, "right", 48), (190, "right", 50)),
}


def lines(rows: Rows, left: float, page: float) -> list[list[dict[str, Any]]]:
    """Return tables line by line, each a list of keyword arguments for figure.text; left and page are points."""
    made: list[list[dict[str, Any]]] = []
    for row in rows:
        tabs = _TABS[len(row)]
        cells = [wrap(text, room, bold=len(row) == 1) for text, (_, _, room) in zip(row, tabs, strict=True)]
        looks = [{"x": (left + x) / page, "ha": side, "color": INK} for x, side, _ in tabs]
        if len(row) == 1:
            made += [[]] if made else []
            looks[0]["weight"] = "bold"
        for look in looks if row[0] == "" and len(row) == 3 else looks[: len(row) > 1]:
            look["color"] = MUTED
        for texts in zip_longest(*cells, fillvalue=""):
            made.append([look | {"s": text} for look, text in zip(looks, texts, strict=True)])
    return made
