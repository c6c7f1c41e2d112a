"""Random distortion: samples of 28 x 28 pixels from pictures of digits, no two alike."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from cutedl.datasets.glyphs import OVERSAMPLING, SIDE

__all__ = ["Distortion", "coordinates", "cut", "look_up"]

_SIZE = 28
_KNOTS = 5


class Distortion(NamedTuple):
    """How far a sample strays from its glyph: standard deviations, unless said otherwise.

    >>> Distortion(rotation=0.0).rotation
    0.0
    """

    rotation: float = 0.15  # radians
    shear: float = 0.16  # pixels down per pixel to the right
    stretch: float = 0.10  # logarithm of the scale of each axis
    shift: float = 0.7  # pixels
    elastic: float = 1.0  # pixels, of a field that changes over a quarter of the picture
    softness: float = 0.6  # pixels, blur of the glyph: it makes slopes of the edges, to be cut at some level
    thinnest: float = 0.4  # level at which ink begins: uniform between these two
    boldest: float = 0.1
    contrast: float = 1.8  # ink per level above that


def coordinates(count: int, distortion: Distortion, rng: np.random.Generator) -> NDArray[np.float32]:
    """Return where in its glyph each pixel of a sample looks: rows and columns, shape (count, 2, 784).

    >>> where = coordinates(3, Distortion(), np.random.default_rng(0))
    >>> where.shape
    (3, 2, 784)
    """

    def normal(deviation: float, *shape: int) -> NDArray[np.float32]:
        return rng.standard_normal(shape, dtype=np.float32) * deviation

    # M = rotation(angle) shear(k) diag(scale), then where = M grid + smooth field + shift
    angle, k = normal(distortion.rotation, count), normal(distortion.shear, count)
    cos, sin = np.cos(angle), np.sin(angle)
    matrix = np.array([[cos, cos * k - sin], [sin, sin * k + cos]]).transpose(2, 0, 1)
    matrix = matrix * np.exp(normal(distortion.stretch, count, 1, 2))
    where = matrix @ _grid()
    basis = _basis()
    where += (basis @ normal(distortion.elastic, count, 2, _KNOTS, _KNOTS) @ basis.T).reshape(count, 2, -1)
    where += normal(distortion.shift, count, 2, 1)
    where *= OVERSAMPLING
    where += (SIDE - 1) / 2
    return where


def look_up(glyphs: NDArray[np.uint8], which: NDArray[np.intp], where: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return glyphs[which] at the places where, in between by bilinear interpolation: (count, 784), 0 to 255.

    >>> glyphs = np.full((1, SIDE, SIDE), 200, np.uint8)
    >>> look_up(glyphs, np.array([0]), np.full((1, 2, 3), 60.5, np.float32))
    array([[200., 200., 200.]], dtype=float32)
    """
    where = np.clip(where, 0, SIDE - 1.001)
    corner = where.astype(np.intp)
    row, column = (where - corner).astype(np.float32).transpose(1, 0, 2)
    index = (which[:, None] * SIDE + corner[:, 0]) * SIDE + corner[:, 1]
    pixels = glyphs.ravel()
    upper = (1 - column) * pixels[index] + column * pixels[index + 1]
    lower = (1 - column) * pixels[index + SIDE] + column * pixels[index + SIDE + 1]
    between: NDArray[np.float32] = (1 - row) * upper + row * lower
    return between


def cut(slopes: NDArray[np.float32], distortion: Distortion, rng: np.random.Generator) -> NDArray[np.uint8]:
    """Return the ink, 0 to 255: contrast (slope - level), the level random, so that some strokes are thin, some bold.

    >>> sharp = Distortion(thinnest=0.5, boldest=0.5, contrast=2.0)
    >>> cut(np.array([[0.0, 127.5, 191.25, 255.0]]), sharp, np.random.default_rng(0))
    array([[  0,   0, 128, 255]], dtype=uint8)
    """
    level = 255 * rng.uniform(distortion.boldest, distortion.thinnest, size=(len(slopes), 1)).astype(np.float32)
    ink: NDArray[np.float32] = np.rint((slopes - level) * distortion.contrast)
    return np.clip(ink, 0, 255).astype(np.uint8)


def _grid() -> NDArray[np.float32]:
    axis = np.arange(_SIZE, dtype=np.float32) - (_SIZE - 1) / 2
    return np.stack(np.meshgrid(axis, axis, indexing="ij")).reshape(2, -1)


def _basis() -> NDArray[np.float32]:
    """Return bumps around the knots, (28, knots), rows of length 1: a field of unit normals keeps unit variance."""
    knots = np.linspace(0, _SIZE - 1, _KNOTS)
    distance = (np.arange(_SIZE)[:, None] - knots) / (knots[1] * 0.75)
    bumps: NDArray[np.float64] = np.exp(-0.5 * distance**2)
    bumps /= np.linalg.norm(bumps, axis=1, keepdims=True)
    return bumps.astype(np.float32)
