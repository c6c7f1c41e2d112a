"""The probability that a class is among n distinct ones, drawn one after another with unequal probabilities.

Let every class k ring at a random time, exponential with rate p_k: the n that ring first are such a sample. So class k
is in it if it rings while fewer than n of the others have rung:

    pi_k = integral over t > 0 of  p_k exp(-p_k t)  P(fewer than n others by t)  dt

By t, class j has rung with probability q_j = 1 - exp(-p_j t), independently of the others.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["inclusion_probabilities"]

# Distance of the nodes in log t: the integrand is analytic there, so that the plain sum is exact to some 1e-13.
_STEP = 0.1


def inclusion_probabilities(p: ArrayLike, count: int) -> NDArray[np.float64]:
    """Return the probability pi_k of each class to be among `count` distinct ones, exact to some 1e-13.

    p: (V,) > 0, the probability of each class in one draw, summing to 1; count: n, below V. The sum of all pi_k is n.
    The work grows as V² n: meant for up to a hundred classes.

    >>> print(inclusion_probabilities([0.5, 0.25, 0.25], 2).round(6))
    [0.833333 0.583333 0.583333]
    """
    p = np.asarray(p, np.float64)
    # exp(-40) of a first ring and exp(-750) of a missing one are both below what float64 can tell from 0
    t = np.exp(np.arange(-40.0, np.log(750.0 / p.min()), _STEP))
    rung = -np.expm1(-p[:, None] * t)
    result = np.empty_like(p)
    for k, rate in enumerate(p):
        # rows: the probabilities that 0, 1, ..., n - 1 others have rung, one more class j taken in at a time
        ranks = np.zeros((count, len(t)))
        ranks[0] = 1.0
        for q in np.delete(rung, k, axis=0):
            one_more = ranks[:-1] * q
            ranks *= 1.0 - q
            ranks[1:] += one_more
        result[k] = _STEP * np.sum(rate * t * np.exp(-rate * t) * ranks.sum(axis=0))
    return result
