"""Displays: where a line that changes is shown, a terminal or a notebook."""

from __future__ import annotations

import os
import sys
from abc import ABC, abstractmethod
from typing import Any

from cutedl.errors import needed
from cutedl.listeners.fields import Fields

__all__ = ["Display", "Notebook", "Terminal", "in_notebook"]

_COLUMNS = 80  # of a terminal that does not tell, and of a notebook
_BAR = 10  # columns
_SHORTEST_BAR = 4


class Display(ABC):
    """One line that changes."""

    @abstractmethod
    def show(self, done: int, fields: Fields) -> None:
        """Show how many batches are done, and the most important fields that fit."""

    @abstractmethod
    def close(self) -> None:
        """Leave the line as it is."""


class Terminal(Display):
    """The live line of tqdm on stderr. It has no colours, so that there is nothing for NO_COLOR to turn off."""

    def __init__(self, total: int):
        with needed("tqdm", "a live line"):
            from tqdm import tqdm

        self._tqdm: Any = tqdm
        self._bar: Any = None
        self._total = total

    def show(self, done: int, fields: Fields) -> None:
        """Draw the line, with a bar if there is room for one."""
        columns = _columns()
        room = columns - 1  # a full line would wrap on some terminals
        line = fields.line(room)
        bar = min(_BAR, room - len(line) - len(" ||"))
        drawn = line.replace("{", "{{").replace("}", "}}")
        if bar >= _SHORTEST_BAR:
            drawn += f" |{{bar:{bar}}}|"
        if self._bar is None:
            self._bar = self._tqdm(
                total=self._total, initial=done, bar_format=drawn, ncols=columns, nrows=24, file=sys.stderr
            )
        else:
            self._bar.n, self._bar.bar_format, self._bar.ncols = done, drawn, columns
            self._bar.refresh()

    def close(self) -> None:
        """Go to the next line."""
        if self._bar is not None:
            self._bar.close()


class Notebook(Display):
    """One display of a notebook, whose text is replaced."""

    def __init__(self) -> None:
        self._handle: Any = None

    def show(self, done: int, fields: Fields) -> None:
        """Replace the text."""
        from IPython.display import display

        text = {"text/plain": fields.line(2 * _COLUMNS)}
        if self._handle is None:
            self._handle = display(text, raw=True, display_id=True)
        else:
            self._handle.update(text, raw=True)

    def close(self) -> None:
        """The text stands as it is."""


def in_notebook() -> bool:
    """Whether the program runs in a notebook; IPython is not imported to find out."""
    ipython = sys.modules.get("IPython")
    shell = None if ipython is None else ipython.get_ipython()
    return getattr(shell, "kernel", None) is not None


def _columns() -> int:
    try:
        return os.get_terminal_size(sys.stderr.fileno()).columns or _COLUMNS
    except (OSError, ValueError):
        return _COLUMNS
