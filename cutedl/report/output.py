"""How a picture gets into its file, and what happens when it cannot: a warning, never a lost model."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING

from cutedl.errors import ArgumentError, CutedlError, ReportWarning, needed
from cutedl.files import publish

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["deliver", "file_path"]

# The formats, each with the metadata that would make its bytes depend on the day or on matplotlib's version.
_FORMATS = {"png": ["Software"], "svg": ["Date", "Creator"], "pdf": ["CreationDate", "Creator", "Producer"]}
_SALTING = Lock()  # svg ids are random unless rcParams holds a salt: two threads must not restore each other's

Html = Callable[["Figure"], str]  # the html page around a figure


def file_path(path: str | os.PathLike[str] | None) -> Path | None:
    """Return path as a Path, or raise ArgumentError for what can be none."""
    try:
        return None if path is None else Path(path)
    except TypeError:
        raise ArgumentError("path cannot be used.", expected="a str or a Path", received=repr(path)) from None


def deliver(draw: Callable[[], Figure], path: Path | None, html: Html | None = None) -> Figure | None:
    """Draw, write to path if one is given, and return the figure: None if it could not be drawn.

    html: makes the page for .html; without it, that is no format. A path of another suffix gets .png appended.
    Whatever goes wrong becomes one ReportWarning. After hours of training no picture may end the program and lose
    the model: this is why every exception is caught here.
    """
    try:
        with needed("matplotlib", "drawing"):
            figure = draw()
    except Exception as error:
        _warn("the report could not be drawn; nothing was written.", received=_named(error))
        return None
    if path is not None:
        try:
            written = _write(figure, path, html)
        except Exception as error:
            _warn(f"the report could not be written to {str(path)!r}.", received=_named(error))
        else:
            if written != path:
                known = ", ".join(f".{suffix}" for suffix in _known(html))
                _warn(
                    f"the report has no such format: it was written to {str(written)!r}.",
                    expected=f"a path that ends in {known}",
                    received=repr(str(path)),
                )
    return figure


def _known(html: Html | None) -> list[str]:
    return [*_FORMATS, "html"] if html else [*_FORMATS]


def _write(figure: Figure, path: Path, html: Html | None) -> Path:
    """Draw in memory, write beside the old file, then take its place; return where it went."""
    suffix = path.suffix.lower().removeprefix(".")
    if suffix not in _known(html):
        path, suffix = Path(f"{path}.png"), "png"
    drawn = html(figure).encode() if html and suffix == "html" else _bytes(figure, suffix)
    with publish(path) as temporary:
        temporary.write_bytes(drawn)
    return path


def _bytes(figure: Figure, suffix: str) -> bytes:
    """Return the same bytes for the same figure, today and tomorrow."""
    import matplotlib

    drawn = BytesIO()
    with _SALTING, matplotlib.rc_context({"svg.hashsalt": "cutedl"}):
        figure.savefig(drawn, format=suffix, dpi=150, facecolor="white", metadata=dict.fromkeys(_FORMATS[suffix]))
    return drawn.getvalue()


def _named(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"


def _warn(what: str, **details: str) -> None:
    # Level 4 is the caller of fit_report.
    warnings.warn(str(CutedlError(what, **details)), ReportWarning, stacklevel=4)
