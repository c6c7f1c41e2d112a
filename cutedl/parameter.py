"""What an arena holds: Parameter, Statistic and Table."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from cutedl.errors import NotBuiltError
from cutedl.initializers import Initializer
from cutedl.streams import stream

if TYPE_CHECKING:
    from cutedl.nn.constraints import Constraint
    from cutedl.nn.regularizers import Regularizer

__all__ = ["Parameter", "Statistic", "Table"]


class Parameter:
    """One learned array and its gradient, views into the arena.

    Write into `.value` and `.gradient`; binding a new array to them raises AttributeError, because the arena would
    not see it.
    """

    __slots__ = ("_gradient", "_value", "constraint", "initializer", "name", "regularizer", "shape")

    def __init__(
        self,
        name: str,
        shape: tuple[int, ...],
        initializer: Initializer,
        regularizer: Regularizer | None = None,
        constraint: Constraint | None = None,
    ):
        self.name, self.shape, self.initializer = name, shape, initializer
        self.regularizer, self.constraint = regularizer, constraint
        self._value: NDArray[Any] | None = None
        self._gradient: NDArray[Any] | None = None

    def __repr__(self) -> str:
        return f"Parameter({self.name!r}, shape={self.shape})"

    @property
    def size(self) -> int:
        """How many numbers it holds."""
        return math.prod(self.shape)

    @property
    def value(self) -> NDArray[Any]:
        """The numbers, a view into arena.values."""
        if self._value is None:
            raise self._not_built()
        return self._value

    @property
    def gradient(self) -> NDArray[Any]:
        """d loss / d value, a view into arena.gradients: backward overwrites it, an optimizer step uses it up."""
        if self._gradient is None:
            raise self._not_built()
        return self._gradient

    def place(self, value: NDArray[Any], gradient: NDArray[Any]) -> None:
        """Take its places in the arena's two vectors; the arena calls this."""
        self._value, self._gradient = value.reshape(self.shape), gradient.reshape(self.shape)

    def _not_built(self) -> NotBuiltError:
        return NotBuiltError(f"{self.name} has no memory yet.", hint="call model.assemble() first.")


class Statistic:
    """One array that training keeps but does not learn, such as a moving mean: a view into arena.statistics."""

    __slots__ = ("_value", "name", "shape", "start")

    def __init__(self, name: str, shape: tuple[int, ...], start: float):
        self.name, self.shape, self.start = name, shape, start
        self._value: NDArray[Any] | None = None

    def __repr__(self) -> str:
        return f"Statistic({self.name!r}, shape={self.shape})"

    @property
    def size(self) -> int:
        """How many numbers it holds."""
        return math.prod(self.shape)

    @property
    def value(self) -> NDArray[Any]:
        """The numbers; binding a new array raises AttributeError, writing into them works."""
        if self._value is None:
            raise NotBuiltError(f"{self.name} has no memory yet.", hint="call model.assemble() first.")
        return self._value

    def place(self, value: NDArray[Any]) -> None:
        """Take its place in arena.statistics; the arena calls this."""
        self._value = value.reshape(self.shape)


class Table:
    """A matrix of which a step sees a few rows only: no gradient of its own size, state and steps by the row.

    values: (rows, columns). rows: the rows of the last backward, each once; row_gradients: (len(rows), columns).
    """

    __slots__ = ("initializer", "name", "row_gradients", "rows", "shape", "values")

    def __init__(self, name: str, shape: tuple[int, int], initializer: Initializer):
        self.name, self.shape, self.initializer = name, shape, initializer
        self.rows: NDArray[np.intp] = np.empty(0, np.intp)
        self.row_gradients: NDArray[Any] = np.empty((0, shape[1]))
        self.values: NDArray[Any] = np.empty((0, shape[1]))

    def __repr__(self) -> str:
        return f"Table({self.name!r}, shape={self.shape})"

    def allocate(self, seed: int, dtype: DTypeLike, initialize: bool = True) -> None:
        """Make the matrix and fill it from the stream of (seed, its name), or with 0."""
        self.values = np.zeros(self.shape, dtype)
        if initialize:
            self.initializer(self.values, stream(seed, "init", self.name))

    def collect(self, rows: NDArray[np.intp], gradients: NDArray[Any]) -> None:
        """Set the gradient from rows that may repeat; what falls on one row is summed.

        >>> from cutedl.initializers import zeros
        >>> table = Table("vectors", (5, 2), zeros)
        >>> table.collect(np.array([3, 1, 3]), np.array([[1.0, 2.0], [3.0, 4.0], [10.0, 20.0]]))
        >>> print(table.rows, table.row_gradients.tolist())
        [1 3] [[3.0, 4.0], [11.0, 22.0]]
        """
        order = np.argsort(rows, kind="stable")
        ordered = rows[order]
        starts = np.flatnonzero(np.diff(ordered, prepend=-1))
        self.rows, self.row_gradients = ordered[starts], np.add.reduceat(gradients[order], starts, axis=0)
