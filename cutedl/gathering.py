"""Gathering: samples in a shuffled order, copied together into batches, by a helper where that is faster."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from functools import partial
from time import perf_counter
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from cutedl.aligned import aligned_zeros
from cutedl.helper import Helper, Job, one_thread_asked
from cutedl.sparse_rows import SparseRows
from cutedl.trial import Trial

__all__ = ["Gathering", "Source"]

Source: TypeAlias = tuple[NDArray[Any] | SparseRows, np.dtype[Any]]  # rows, and the type that batches have
Batch: TypeAlias = tuple[NDArray[Any], ...]

# Bytes that are gathered at a time: here, what the products then find in the nearest cache, for every call of take
# costs a microsecond; by the helper, enough that handing over and taking back, 11 microseconds, count for little.
_HERE, _AHEAD = 1 << 16, 2 << 20

_TRIES, _BAR, _AGAIN = 8, 0.95, 1 << 8


class Gathering:
    """Gathers the batches of a data set: while one part of them is trained on, a helper gathers the next.

    That hides what it takes to read samples from all over the memory, or from a disk. But the helper needs a processor,
    for which it may have to compete with the threads of the matrix products: so some parts are gathered in both ways,
    and only if the helper makes a whole step a twentieth faster does it go on; now and then that is tried again. The
    batches are the same.
    """

    def __init__(self) -> None:
        self._helper, self.trial = Helper(), Trial(_TRIES, _BAR, _AGAIN)

    def __repr__(self) -> str:
        return f"Gathering(helps={self.trial.helps})"

    def batches(self, sources: Sequence[Source], order: NDArray[np.intp], size: int) -> Iterator[Batch]:
        """Yield one array of each source for batch after batch, views of fixed buffers that the next may overwrite."""
        bytes_a_batch = size * sum(dtype.itemsize * math.prod(array.shape[1:]) for array, dtype in sources)
        here, part = (size * max(1, most // max(1, bytes_a_batch)) for most in (_HERE, _AHEAD))
        alone = _Buffers(sources, here)
        if len(order) <= part or one_thread_asked():
            yield from alone.batches(order, size)
            return
        pair: list[_Buffers] = []
        job: Job[list[NDArray[Any]]] | None = None
        for number, start in enumerate(range(0, len(order), part)):
            ready, job, started = job, None, perf_counter()
            rows, later = order[start : start + part], order[start + part : start + 2 * part]
            if self.trial.second and len(later):
                pair = pair or [_Buffers(sources, part), _Buffers(sources, part)]
                job = self._helper.start(partial(pair[number % 2].take, later))
            yield from alone.batches(rows, size) if ready is None else _cut(ready.result(), size)
            if ready is not None or job is None:
                self.trial.add(ready is not None, (perf_counter() - started) / len(rows))


class _Rows:
    """Rows of one array, cast to one dtype; gathered ones go into a fixed buffer of so many."""

    def __init__(self, array: NDArray[Any] | SparseRows, dtype: np.dtype[Any], count: int):
        self._array = array
        self._cast = aligned_zeros((min(count, len(array)), *array.shape[1:]), dtype)
        # take would copy the whole of an array that is strided or of foreign byte order, at every batch.
        direct = isinstance(array, np.ndarray) and array.flags.c_contiguous and array.dtype.isnative
        self._direct: Any = array if direct else None
        native = array.dtype.newbyteorder("=")
        self._raw = self._cast if native == dtype else np.empty_like(self._cast, native)

    def take(self, rows: NDArray[np.intp]) -> NDArray[Any]:
        """Return these rows, a view of the buffer."""
        cast, raw = self._cast, self._raw
        if len(rows) < len(cast):
            cast, raw = cast[: len(rows)], raw[: len(rows)]
        if self._direct is not None:
            self._direct.take(rows, 0, raw, "clip")
        elif isinstance(self._array, SparseRows):
            self._array.take(rows, raw)
        else:
            raw[...] = self._array[rows]
        if self._raw is not self._cast:
            cast[...] = raw
        return cast


class _Buffers:
    """Room for so many rows of each source."""

    def __init__(self, sources: Sequence[Source], count: int):
        self._count, self._sources = count, [_Rows(array, dtype, count) for array, dtype in sources]

    def take(self, rows: NDArray[np.intp]) -> list[NDArray[Any]]:
        return [source.take(rows) for source in self._sources]

    def batches(self, rows: NDArray[np.intp], size: int) -> Iterator[Batch]:
        for start in range(0, len(rows), self._count):
            gathered = self.take(rows[start : start + self._count])
            if self._count == size:
                yield tuple(gathered)
            else:
                yield from _cut(gathered, size)


def _cut(arrays: list[NDArray[Any]], size: int) -> Iterator[Batch]:
    for start in range(0, len(arrays[0]), size):
        yield tuple([array[start : start + size] for array in arrays])
