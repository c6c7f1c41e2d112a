"""Dataset: arrays of samples and labels, handed out in shuffled batches without allocating."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from cutedl import checks, streams
from cutedl.errors import ArgumentError, ShapeError
from cutedl.gathering import Gathering, Source
from cutedl.sparse_rows import SparseRows, numeric_rows

__all__ = ["Dataset"]


class Dataset:
    """Samples and their labels, cut into batches.

    data: (N, ...) numbers: float, integer, bool; a list, an array, a memmap, which stays on disk, a table of pandas or
    Polars, a tensor on the CPU. A SciPy sparse matrix stays sparse: each batch is made dense on its own.
    label: (N, ...) in the form that the loss expects: one-hot rows, class indices or targets.
    batch_size: samples per batch, >= 1; the last batch is shorter when it does not divide N,
    and left out with drop_remainder=True.
    source: where the samples come from, in a few words; shown in the fit report.
    sample_weight: None, or (N, ...) numbers >= 0, not all 0: the loss of each sample counts so many times, in training,
    in validation and in evaluate. Metrics count every sample once.

    Raises ShapeError if data and label are empty or differ in length, DataTypeError if they are not numbers,
    ArgumentError for a batch_size below 1 or one that drops every sample.

    >>> dataset = Dataset(np.eye(5), np.arange(5), batch_size=2)
    >>> dataset.batch_count
    3
    >>> [len(x) for x, y in dataset.batches()]
    [2, 2, 1]
    """

    def __init__(
        self,
        data: ArrayLike,
        label: ArrayLike,
        batch_size: int = 64,
        drop_remainder: bool = False,
        source: str = "the user's arrays",
        sample_weight: ArrayLike | None = None,
    ):
        self.data: Any = numeric_rows("data", data)  # an array, or SparseRows, which are read like one
        self.columns = checks.column_names(data)
        self.label = checks.numeric_array("label", label)
        self.batch_size = checks.integer("batch_size", batch_size)
        self.drop_remainder = checks.flag("drop_remainder", drop_remainder)
        self.source = checks.text("source", source)
        self._gathering = Gathering()
        self._finite_in: set[np.dtype[Any]] = set()
        for name, array in (("data", self.data), ("label", self.label)):
            if array.ndim == 0 or array.size == 0:
                raise ShapeError(f"{name} is empty.", expected="at least one row", received=f"shape {array.shape}")
        if len(self.data) != len(self.label):
            raise ShapeError(
                "data and label do not belong together.",
                expected="one label per sample",
                received=f"{len(self.data)} samples and {len(self.label)} labels",
            )
        if self.batch_count == 0:
            raise ShapeError(
                "drop_remainder leaves no batch.",
                expected=f"batch_size <= {len(self)}",
                received=f"batch_size {self.batch_size}",
            )
        self.sample_weight = None if sample_weight is None else _weights(sample_weight, len(self))

    def __len__(self) -> int:
        return len(self.data)

    def __repr__(self) -> str:
        return f"Dataset({len(self)} samples {self.data.shape[1:]} {self.data.dtype}, batch_size={self.batch_size})"

    @property
    def sample_shape(self) -> tuple[int, ...]:
        """The shape of one sample."""
        return tuple(self.data.shape[1:])

    @property
    def batch_count(self) -> int:
        """Batches per epoch."""
        return self.steps(self.batch_size)

    def steps(self, samples: int) -> int:
        """Return how many steps an epoch has that takes so many samples at a time.

        >>> dataset = Dataset(np.eye(7), np.arange(7), batch_size=2, drop_remainder=True)
        >>> dataset.steps(2), dataset.steps(7), dataset.steps(8)
        (3, 1, 0)
        """
        whole, rest = divmod(len(self), samples)
        return whole + (rest > 0 and not self.drop_remainder)

    def check_finite(self, dtype: DTypeLike) -> None:
        """Raise NonFiniteError naming the first sample or label that is not a finite number in dtype.

        Looks at the whole once; what was found to be in order is not read again.
        """
        if np.dtype(dtype) not in self._finite_in:
            if isinstance(self.data, SparseRows):
                self.data.check_finite("data", dtype)
            else:
                checks.finite_rows("data", self.data, np.dtype(dtype), self.columns)
            checks.finite_rows("label", self.label, np.dtype(dtype))
            self._finite_in.add(np.dtype(dtype))

    def order(self, seed: int, epoch: int) -> NDArray[np.intp]:
        """Return the order of the samples in an epoch, a pure function of (seed, epoch).

        >>> Dataset(np.eye(5), np.arange(5)).order(seed=0, epoch=1)
        array([...])
        """
        return streams.stream(seed, "shuffle", epoch).permutation(len(self))

    def batches(
        self, order: NDArray[np.intp] | None = None, dtype: DTypeLike | None = None
    ) -> Iterator[tuple[NDArray[Any], ...]]:
        """Yield (x, y) batch after batch, the samples taken in the given order, x (and floating y) in dtype.

        Of a data set with weights it yields (x, y, sample_weight). With an order, they are views of fixed buffers that
        later batches overwrite; without one they may be views of the data itself, to be read only. The next batches may
        have been gathered already: what is changed in the data meanwhile may or may not be seen.

        >>> dataset = Dataset(np.arange(6).reshape(3, 2), [0, 1, 0], batch_size=2)
        >>> for x, y in dataset.batches(order=np.array([2, 0, 1]), dtype="float32"):
        ...     print(x.tolist(), y.tolist())
        [[4.0, 5.0], [0.0, 1.0]] [0, 0]
        [[2.0, 3.0]] [1]
        """
        # Class indices keep their integer type; targets and one-hot rows are compared with the model's output.
        label_dtype = np.dtype(dtype) if dtype is not None and self.label.dtype.kind == "f" else self.label.dtype
        sources: list[Source] = [(self.data, np.dtype(dtype or self.data.dtype)), (self.label, label_dtype)]
        if self.sample_weight is not None:
            sources.append((self.sample_weight, self.sample_weight.dtype))
        count = len(self) if order is None else len(order)
        if self.drop_remainder:
            count -= count % self.batch_size
        if order is None:
            return _in_order(sources, count, self.batch_size)
        return self._gathering.batches(sources, order[:count], self.batch_size)


def _in_order(sources: Sequence[Source], count: int, size: int) -> Iterator[tuple[NDArray[Any], ...]]:
    for start in range(0, count, size):
        yield tuple([np.ascontiguousarray(array[start : start + size], dtype) for array, dtype in sources])


def _weights(sample_weight: ArrayLike, count: int) -> NDArray[Any]:
    weights = checks.numeric_array("sample_weight", sample_weight)
    if weights.shape[:1] != (count,):
        raise ShapeError(
            "sample_weight and data do not belong together.",
            expected=f"one weight for each of {count} samples",
            received=f"shape {weights.shape}",
        )
    checks.finite_rows("sample_weight", weights)
    if weights.min() < 0 or not weights.any():
        raise ArgumentError(
            "sample_weight cannot be used.",
            expected="numbers >= 0, one of them above 0",
            received=f"numbers in [{weights.min():g}, {weights.max():g}]",
        )
    return weights
