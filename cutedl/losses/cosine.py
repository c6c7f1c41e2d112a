"""Loss of directions."""

from __future__ import annotations

import numpy as np

from cutedl.losses.base import Array, Scale
from cutedl.losses.vector import VectorLoss

__all__ = ["CosineSimilarity"]


class CosineSimilarity(VectorLoss):
    """Minus the cosine of the angle between y_true and y_pred along an axis: -1 for one direction, 1 for opposite ones.

    With unit vectors a of y_pred and b of y_true the gradient is (cos a - b) / |y_pred|. A vector of zeros has no
    direction: value and gradient are 0. Equals keras.losses.CosineSimilarity.

    >>> print(f"{CosineSimilarity()([[1.0, 0.0]], [[3.0, 4.0]]):.1f}")
    -0.6
    """

    @np.errstate(over="ignore", invalid="ignore")
    def _kernel(self, y: Array, x: Array, scale: Scale, out: Array | None) -> Array:
        a, length = _units(x)
        b, _ = _units(y)
        cosines = np.einsum("ij,ij->i", a, b)
        if out is not None:
            # at zero length a is 0, and the division must not matter
            inverse = np.where(length > 0.0, scale / np.where(length > 0.0, length, 1.0), 0.0)
            np.multiply(cosines[:, None] * a - b, inverse[:, None], out=out, casting="same_kind")
        return np.asarray(-cosines)


def _units(rows: Array) -> tuple[Array, Array]:
    """Return (rows of length 1, or 0 where they were, as float64; the lengths)."""
    rows = rows.astype(np.float64)
    # Divided by the largest entry first: squares of the largest numbers overflow, of the smallest vanish.
    largest = np.abs(rows).max(axis=1, keepdims=True)
    rows /= np.where(largest > 0.0, largest, 1.0)
    length = np.sqrt(np.einsum("ij,ij->i", rows, rows))[:, None]
    rows /= np.where(length > 0.0, length, 1.0)
    return rows, (length * largest)[:, 0]
