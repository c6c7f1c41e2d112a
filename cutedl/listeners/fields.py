"""Fields: the texts of a line, of which a narrow line shows the most important ones."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

__all__ = ["Field", "Fields", "duration"]

_GAP = "  "


class Field(NamedTuple):
    """A text, and its rank: the lower, the longer it stays when room gets scarce."""

    rank: int
    text: str


class Fields:
    """The texts of one line, in the order in which they stand there.

    >>> fields = Fields()
    >>> for rank, text in ((0, "epoch 3/10"), (2, "accuracy 0.91"), (1, "loss 0.25")):
    ...     fields.add(rank, text)
    >>> print(fields.line(40))
    epoch 3/10  accuracy 0.91  loss 0.25
    >>> print(fields.line(30))
    epoch 3/10  loss 0.25
    """

    def __init__(self) -> None:
        self._fields: list[Field] = []

    def __repr__(self) -> str:
        return f"Fields({_GAP.join(field.text for field in self._fields)!r})"

    def add(self, rank: int, text: str) -> None:
        """Add a text at the end, its control characters made visible."""
        self._fields.append(Field(rank, "".join(c if c.isprintable() else "?" for c in text)))

    def line(self, room: int, size: Callable[[str], int] = len) -> str:
        """Return the line, at most `room` in size: whole texts, the most important ones first to be let in."""
        shown: set[int] = set()
        left = room + len(_GAP)
        for place in sorted(range(len(self._fields)), key=lambda i: self._fields[i].rank):
            need = size(self._fields[place].text) + len(_GAP)
            if need <= left:
                shown.add(place)
                left -= need
        return _GAP.join(self._fields[place].text for place in sorted(shown))


def duration(seconds: float) -> str:
    """Return a time as minutes and seconds, with hours where there are some.

    >>> duration(75), duration(3675)
    ('01:15', '1:01:15')
    """
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes:02d}:{rest:02d}"
