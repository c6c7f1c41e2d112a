"""Parameter and Arena: all memory of a model, two flat vectors.

A layer declares in `build` what it will hold; `allocate` then makes two vectors, values and gradients, and every
parameter becomes a view into them. An optimizer step, weight decay, clipping, the gradient norm, best-weights restore
and a checkpoint are then one expression each over a whole vector.

    values     | dense_0.kernel | dense_1.kernel | dense_0.bias | dense_1.bias |
               |<----------- matrices ---------->|<--------- vectors --------->|
    gradients  |       ...  the same places, written by backward  ...          |
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from cutedl.errors import ArgumentError, NotBuiltError
from cutedl.initializers import Initializer
from cutedl.streams import stream

if TYPE_CHECKING:
    from cutedl.nn.constraints import Constraint
    from cutedl.nn.regularizers import Regularizer

__all__ = ["Arena", "Buffer", "Parameter", "Statistic", "Table"]


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
        """Take its places in the arena's two vectors; the arena calls this once."""
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
        """Take its place in arena.statistics, with the number that it starts from; the arena calls this once."""
        self._value = value.reshape(self.shape)
        self._value[...] = self.start


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

    def allocate(self, seed: int, dtype: DTypeLike) -> None:
        """Make the matrix and fill it from the stream of (seed, its name)."""
        self.values = np.zeros(self.shape, dtype)
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


class Buffer:
    """Room for one array per batch: grows when a larger batch comes, is sliced for a smaller one."""

    __slots__ = ("_memory", "_view", "dtype", "shape")

    def __init__(self, shape: tuple[int, ...]):
        self.shape = shape
        self.dtype: DTypeLike = np.float32
        self._memory = self._view = np.empty((0, *shape))

    def rows(self, count: int) -> NDArray[Any]:
        """Return the first rows; what they hold is what was last written there.

        >>> buffer = Buffer((3,))
        >>> buffer.rows(5).shape, buffer.rows(2).shape
        ((5, 3), (2, 3))
        """
        if len(self._view) != count:
            if len(self._memory) < count:
                self._memory = np.empty((count, *self.shape), self.dtype)
            self._view = self._memory[:count]
        return self._view


class Arena:
    """The memory of one model: declared by layers, allocated once, never moved.

    >>> from cutedl.initializers import ones, zeros
    >>> arena = Arena()
    >>> bias, kernel = arena.parameter("bias", (2,), zeros), arena.parameter("kernel", (3, 2), ones)
    >>> arena.allocate(seed=0, dtype="float32")
    >>> print(arena.values, arena.values[arena.matrices].size)
    [1. 1. 1. 1. 1. 1. 0. 0.] 6
    """

    def __init__(self) -> None:
        self._parameters: dict[str, Parameter] = {}
        self._regularized: list[tuple[Parameter, Regularizer]] = []
        self._constrained: list[tuple[Parameter, Constraint]] = []
        self._tables: dict[str, Table] = {}
        self._statistics: dict[str, Statistic] = {}
        self._buffers: list[Buffer] = []
        self._generators: dict[str, np.random.Generator] = {}
        self._seed = 0
        self._values: NDArray[Any] | None = None
        self._gradients: NDArray[Any] | None = None
        self._statistic_values: NDArray[Any] | None = None

    @property
    def parameters(self) -> Mapping[str, Parameter]:
        """The parameters by name, in the order of their declaration."""
        return MappingProxyType(self._parameters)

    @property
    def tables(self) -> Mapping[str, Table]:
        """The matrices that learn by the row, which are not part of the two vectors."""
        return MappingProxyType(self._tables)

    @property
    def values(self) -> NDArray[Any]:
        """Every learned number of the model, one vector."""
        if self._values is None:
            raise NotBuiltError("the arena has no memory yet.", hint="call model.assemble() first.")
        return self._values

    @property
    def gradients(self) -> NDArray[Any]:
        """The gradient of every learned number, in the same places."""
        if self._gradients is None:
            raise NotBuiltError("the arena has no memory yet.", hint="call model.assemble() first.")
        return self._gradients

    @property
    def statistics(self) -> NDArray[Any]:
        """Every number that is kept but not learned, one vector."""
        if self._statistic_values is None:
            raise NotBuiltError("the arena has no memory yet.", hint="call model.assemble() first.")
        return self._statistic_values

    @property
    def size(self) -> int:
        """How many numbers are learned, those of tables included."""
        tables = sum(math.prod(table.shape) for table in self._tables.values())
        return tables + sum(parameter.size for parameter in self._parameters.values())

    @property
    def matrices(self) -> slice:
        """Where the parameters with two or more axes lie: weight decay is one slice."""
        return slice(0, sum(p.size for p in self._parameters.values() if len(p.shape) > 1))

    def parameter(
        self,
        name: str,
        shape: tuple[int, ...],
        initializer: Initializer,
        regularizer: Regularizer | None = None,
        constraint: Constraint | None = None,
    ) -> Parameter:
        """Declare a parameter; it gets its memory in allocate()."""
        if name in self._parameters:
            raise ArgumentError(f"two parameters are named {name!r}.", hint="give each layer a name of its own.")
        self._parameters[name] = parameter = Parameter(name, shape, initializer, regularizer, constraint)
        if regularizer is not None:
            self._regularized.append((parameter, regularizer))
        if constraint is not None:
            self._constrained.append((parameter, constraint))
        return parameter

    @property
    def penalty(self) -> float:
        """The sum of what the regularizers add to the loss."""
        return sum(regularizer.penalty(parameter.value) for parameter, regularizer in self._regularized)

    def penalize(self) -> None:
        """Add the gradients of the penalties, after backward has written those of the loss."""
        for parameter, regularizer in self._regularized:
            regularizer.add_gradient(parameter.value, parameter.gradient)

    def constrain(self) -> None:
        """Restore what the constraints ask for, after a step."""
        for parameter, constraint in self._constrained:
            constraint.apply(parameter.value)

    def table(self, name: str, shape: tuple[int, int], initializer: Initializer) -> Table:
        """Declare a matrix that learns by the row; its memory comes from allocate() or Table.allocate."""
        if name in self._tables or name in self._parameters:
            raise ArgumentError(f"two parameters are named {name!r}.", hint="give each layer a name of its own.")
        self._tables[name] = table = Table(name, shape, initializer)
        return table

    def statistic(self, name: str, shape: tuple[int, ...], start: float) -> Statistic:
        """Declare an array that is kept but not learned, every number of which starts from start.

        >>> arena = Arena()
        >>> variance = arena.statistic("batch_normalization_0.moving_variance", (2,), 1.0)
        >>> arena.allocate(seed=0, dtype="float32")
        >>> print(variance.value, arena.statistics)
        [1. 1.] [1. 1.]
        """
        if name in self._statistics:
            raise ArgumentError(f"two statistics are named {name!r}.", hint="give each layer a name of its own.")
        self._statistics[name] = statistic = Statistic(name, shape, start)
        return statistic

    def buffer(self, shape: tuple[int, ...]) -> Buffer:
        """Declare room of (B, *shape) for what a layer needs between forward and backward."""
        buffer = Buffer(shape)
        if self._values is None:
            self._buffers.append(buffer)
        else:
            buffer.dtype = self._values.dtype
        return buffer

    def generator(self, name: str) -> np.random.Generator:
        """Declare a source of noise for training; what it gives depends on (seed, name) and the last reseed alone."""
        if name in self._generators:
            raise ArgumentError(f"two sources of noise are named {name!r}.", hint="give each layer a name of its own.")
        self._generators[name] = generator = stream(0, "noise", name)
        return generator

    def reseed(self, epoch: int = 0) -> None:
        """Set every source of noise to its start of an epoch: the same call, the same noise.

        >>> arena = Arena()
        >>> noise = arena.generator("dropout_0")
        >>> arena.reseed(epoch=1)
        >>> first = noise.random()
        >>> arena.reseed(epoch=1)
        >>> noise.random() == first
        True
        """
        for name, generator in self._generators.items():
            generator.bit_generator.state = stream(self._seed, "noise", name, epoch).bit_generator.state

    def allocate(self, seed: int, dtype: DTypeLike) -> None:
        """Make the two vectors and fill each parameter from the stream of (seed, its name)."""
        count = sum(parameter.size for parameter in self._parameters.values())
        self._values, self._gradients = np.zeros(count, dtype), np.zeros(count, dtype)
        for table in self._tables.values():
            table.allocate(seed, dtype)
        for buffer in self._buffers:
            buffer.dtype = dtype
        self._statistic_values = np.zeros(sum(statistic.size for statistic in self._statistics.values()), dtype)
        start = 0
        for statistic in self._statistics.values():
            statistic.place(self._statistic_values[start : start + statistic.size])
            start += statistic.size
        self._seed = seed
        self.reseed()
        start = 0
        for parameter in sorted(self._parameters.values(), key=lambda p: len(p.shape) < 2):
            place = slice(start, start + parameter.size)
            parameter.place(self._values[place], self._gradients[place])
            parameter.initializer(parameter.value, stream(seed, "init", parameter.name))
            start = place.stop
