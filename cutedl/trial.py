"""Trial: which of two ways to do the same work is faster on this machine, today."""

from __future__ import annotations

import numpy as np

__all__ = ["Trial"]


class Trial:
    """Whether a second way is faster, found out by going both, and now and then again.

    tries: how often each way is gone in a trial. The first half of them does not count: a thread that has just come is
    given more of a contested processor than it will have later. bar: the second way has to take less than this share
    of the first one's time. again: after so many times on the way that was chosen, both are tried anew.

    helps: whether the second way was found to be faster; None while that is being tried.

    >>> trial = Trial(tries=4, bar=0.9, again=1000)
    >>> while trial.helps is None:
    ...     trial.add(trial.second, 0.7 if trial.second else 1.0)
    >>> trial.second
    True
    """

    def __init__(self, tries: int, bar: float, again: int):
        self._tries, self._bar, self._again = tries, bar, again
        self._begin()

    def __repr__(self) -> str:
        return f"Trial(bar={self._bar}, helps={self.helps})"

    def _begin(self) -> None:
        self.helps: bool | None = None
        self._settled = 0
        self._seconds: dict[bool, list[float]] = {False: [], True: []}

    @property
    def second(self) -> bool:
        """Whether to go the second way now."""
        return len(self._seconds[False]) >= self._tries if self.helps is None else self.helps

    def add(self, second: bool, seconds: float) -> None:
        """Say which way was gone, and how long it took."""
        if self.helps is not None:
            self._settled += 1
            if self._settled >= self._again:
                self._begin()
            return
        self._seconds[second].append(seconds)
        if len(self._seconds[True]) >= self._tries:
            first, other = (np.median(self._seconds[way][self._tries // 2 :]) for way in (False, True))
            self.helps = bool(other < self._bar * first)
