"""BatchStream: batches that the user's own code makes one after the other, for data that is no array."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import chain, islice
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from cutedl import checks
from cutedl.errors import ArgumentError, ShapeError
from cutedl.sparse_rows import numeric_rows

__all__ = ["BatchStream"]

Batch = tuple[NDArray[Any], NDArray[Any]]


class BatchStream:
    """Batches (x, y) to train on, in the order in which they come: nothing is shuffled, nothing is kept.

    batches: a function of the epoch's number, from 1, that returns an iterable of (x, y), such as a generator function;
    or an iterable that begins anew each time, such as a list or another library's loader; or a generator itself, which
    is good for one epoch. x and y may be all that a Dataset takes.
    batch_count: batches per epoch, needed where the stream has no end; None: until it ends.
    source: where the samples come from, in a few words; shown in the fit report.

    Only the first batch is checked before training, each other one as it comes. A fit that was cut short passes over
    the batches it has had: resuming is exact if an epoch gives the same ones again.
    Raises ArgumentError for what gives no batches, ShapeError for an epoch that has none, or fewer than batch_count.

    >>> stream = BatchStream(lambda epoch: ((np.ones((2, 3)), [0, i]) for i in range(epoch)))
    >>> [(x.shape, y.tolist()) for x, y in stream.epoch(2)]
    [((2, 3), [0, 0]), ((2, 3), [0, 1])]
    """

    def __init__(
        self,
        batches: Callable[[int], Iterable[Any]] | Iterable[Any],
        batch_count: int | None = None,
        source: str = "the user's batches",
    ):
        if not isinstance(batches, Iterable) and not callable(batches):
            raise ArgumentError(
                "batches cannot be used.", expected="a function of the epoch, or an iterable", received=repr(batches)
            )
        self._batches = batches
        self.batch_count = 0 if batch_count is None else checks.integer("batch_count", batch_count)  # 0: not known
        self.source = source
        self.used_up = False

    def __repr__(self) -> str:
        return f"BatchStream({self.batch_count or 'an unknown number of'} batches from {self.source})"

    @property
    def once(self) -> bool:
        """Whether the batches are good for one epoch only."""
        return isinstance(self._batches, Iterator)

    def first(self, epoch: int) -> Batch:
        """Return the first batch of an epoch without using it up."""
        made = self._make(epoch)
        for pair in made:
            if self.once:
                self._batches = chain([pair], made)
            return _arrays(pair, 0, None)
        raise _too_few(epoch, 0, 1)

    def epoch(self, epoch: int, skip: int = 0, dtype: DTypeLike | None = None) -> Iterator[Batch]:
        """Yield the batches of an epoch after the first so many, x (and floating y) in dtype."""
        made, number = self._make(epoch), skip
        self.used_up = self.once
        for pair in islice(made, skip, self.batch_count or None):
            yield _arrays(pair, number, dtype)
            number += 1
        if number < max(self.batch_count, 1):
            raise _too_few(epoch, number, max(self.batch_count, 1))

    def _make(self, epoch: int) -> Iterator[Any]:
        made = self._batches if isinstance(self._batches, Iterable) else self._batches(epoch)
        if not isinstance(made, Iterable):
            raise ArgumentError("batches() gave none.", expected="an iterable of (x, y)", received=repr(made))
        return iter(made)


def _arrays(pair: Any, number: int, dtype: DTypeLike | None) -> Batch:
    """Check one batch and cast it."""
    try:
        x, y = pair
    except (TypeError, ValueError):
        raise ArgumentError(f"batch {number} is no pair.", expected="(x, y)", received=type(pair).__name__) from None
    data = numeric_rows(f"x of batch {number}", x)[:]  # a view, or sparse rows made dense
    label = checks.numeric_array(f"y of batch {number}", y)
    if not data.size or len(data) != len(label):
        raise ShapeError(
            f"batch {number} does not fit together.",
            expected="samples, and a label for each",
            received=f"x {data.shape} and y {label.shape}",
        )
    for name, array, columns in (("x", data, checks.column_names(x)), ("y", label, checks.column_names(y))):
        checks.finite_rows(f"{name} of batch {number}", array, np.dtype(dtype) if dtype else None, columns)
    floating = dtype is not None and label.dtype.kind == "f"
    return data.astype(dtype or data.dtype, copy=False), label.astype(dtype if floating else label.dtype, copy=False)


def _too_few(epoch: int, received: int, expected: int) -> ShapeError:
    return ShapeError(
        f"the stream ended in epoch {epoch}.",
        expected=f"at least {expected} batches" if expected == 1 else f"{expected} batches",
        received=received,
        hint="a generator ends for good: pass the function that makes it.",
    )
