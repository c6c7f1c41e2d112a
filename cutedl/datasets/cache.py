"""The user's cache folder."""

from __future__ import annotations

import os
import sys
from pathlib import Path

__all__ = ["folder"]


def folder() -> Path:
    """Return the folder, which need not exist: $XDG_CACHE_HOME/cutedl, else ~/.cache/cutedl.

    On Windows it is %LOCALAPPDATA%/cutedl. A relative $XDG_CACHE_HOME is ignored, as its specification asks.

    >>> folder().name
    'cutedl'
    """
    base = os.environ.get("LOCALAPPDATA" if sys.platform == "win32" else "XDG_CACHE_HOME", "")
    return (Path(base) if os.path.isabs(base) else Path.home() / ".cache") / "cutedl"
