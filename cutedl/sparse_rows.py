"""SparseRows: a SciPy sparse matrix that is read like an array, its rows made dense as they are asked for."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from cutedl import checks
from cutedl.errors import NonFiniteError, ShapeError

__all__ = ["SparseRows", "numeric_rows"]


class SparseRows:
    """The rows of a sparse matrix, kept in compressed form (CSR); layers only ever see dense ones.

    matrix: any two-dimensional matrix or array of scipy.sparse; one that is CSR already is not copied.
    A batch of B rows of I columns with K stored values costs B I writes of zero and K of values.
    Raises ShapeError for one of another number of dimensions, DataTypeError if it does not hold real numbers.

    >>> from scipy.sparse import coo_array
    >>> rows = SparseRows("data", coo_array(([5.0, 7.0], ([0, 2], [1, 0])), shape=(3, 2)))
    >>> print(rows, rows[1:].tolist())
    SparseRows(3 rows (2,) float64, 2 stored) [[0.0, 0.0], [7.0, 0.0]]
    """

    ndim = 2

    def __init__(self, name: str, matrix: Any):
        if len(matrix.shape) != self.ndim:
            raise ShapeError(f"{name} has to be a table.", expected="(samples, features)", received=str(matrix.shape))
        self.matrix = matrix.tocsr()
        self.shape: tuple[int, ...] = tuple(self.matrix.shape)
        checks.numeric_array(name, self.matrix.data)

    def __repr__(self) -> str:
        return f"SparseRows({len(self)} rows {self.shape[1:]} {self.dtype}, {self.matrix.nnz} stored)"

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, rows: slice | NDArray[Any]) -> NDArray[Any]:
        dense: NDArray[Any] = self.matrix[rows].toarray()
        return dense

    @property
    def dtype(self) -> np.dtype[Any]:
        """The type of the stored values."""
        dtype: np.dtype[Any] = self.matrix.dtype
        return dtype

    @property
    def size(self) -> int:
        """Values, those that are not stored included."""
        return self.shape[0] * self.shape[1]

    def take(self, rows: NDArray[np.intp], out: NDArray[Any]) -> None:
        """Write these rows into out, (len(rows), columns) of the same dtype."""
        self.matrix[rows].toarray(out=out)

    def check_finite(self, name: str, dtype: DTypeLike) -> None:
        """Raise NonFiniteError naming the first stored value that is not finite once cast to dtype."""
        try:
            checks.finite_rows(name, self.matrix.data, np.dtype(dtype))
        except NonFiniteError as error:
            with np.errstate(over="ignore"):
                at = int(np.flatnonzero(~np.isfinite(self.matrix.data.astype(dtype)))[0])
            row = int(np.searchsorted(self.matrix.indptr, at, side="right")) - 1
            error.received = f"{self.matrix.data[at]:g} at index {(row, int(self.matrix.indices[at]))}"
            raise


def numeric_rows(name: str, values: Any) -> NDArray[Any] | SparseRows:
    """Return values as an array of real numbers, or as SparseRows if they are sparse; raises DataTypeError."""
    if not isinstance(values, np.ndarray) and hasattr(values, "tocsr"):
        return SparseRows(name, values)
    return checks.numeric_array(name, values)
