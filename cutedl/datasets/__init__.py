"""Data sets: `mnist`, the real one, found or downloaded, and `digits`, the stand-in that needs neither."""

from cutedl.datasets import digits, mnist

__all__ = ["digits", "mnist"]
