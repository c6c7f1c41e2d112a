"""What is asked of cutedl: peer's time / cutedl's time, at least; > 1 means that cutedl is faster."""

from __future__ import annotations

__all__ = ["BARS", "verdict"]

# A bar against a group holds for the fastest peer of it, that is for every one.
BARS: dict[str, dict[str, float]] = {
    "w0": {"torch": 8, "keras": 8, "scikit-learn": 3, "jax-step": 1.0, "jax-scan": 0.8, "numpy": 0.9},
    "w1": {"torch": 4, "keras": 8, "scikit-learn": 3, "jax-step": 1.5, "jax-scan": 1.0, "numpy": 0.9},
    "w2": {"torch": 2.5, "keras": 4, "scikit-learn": 3, "jax-step": 1.3, "jax-scan": 0.8, "numpy": 0.95},
    "w3": {"torch": 1.3, "keras": 1.4, "scikit-learn": 2, "jax-step": 1.0, "jax-scan": 0.9, "numpy": 0.95},
    "w4": {"torch": 1.0, "keras": 1.0, "scikit-learn": 1.2, "jax-step": 1.0, "jax-scan": 0.95, "numpy": 0.97},
    "predict-1": {"torch": 3, "keras": 50, "scikit-learn": 5, "jax-step": 2},
    "predict-10000": {"torch": 0.9, "keras": 3, "scikit-learn": 1.5, "jax-step": 1.0},
}


def verdict(work: str, group: str, ratio: float) -> dict[str, float | bool] | None:
    """Return the bar and whether this ratio meets it, or None where nothing is asked.

    >>> verdict("w2", "torch", 2.4)
    {'at_least': 2.5, 'met': False}
    """
    bar = BARS.get(work, {}).get(group)
    return None if bar is None else {"at_least": bar, "met": ratio >= bar}
