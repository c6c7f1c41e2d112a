"""Arena: all memory of a model, two flat vectors.

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

from cutedl import checks, dlmath
from cutedl.aligned import aligned_zeros
from cutedl.buffer import Buffer
from cutedl.errors import ArgumentError, NotBuiltError
from cutedl.initializers import Initializer
from cutedl.noise import Noise
from cutedl.parameter import Parameter, Statistic, Table
from cutedl.streams import stream

if TYPE_CHECKING:
    from cutedl.nn.constraints import Constraint
    from cutedl.nn.regularizers import Regularizer

# Below this sum of squares, some of them may have vanished in float32.
_EXACT = 1e-24

__all__ = ["Arena", "Buffer", "Parameter", "Statistic", "Table"]


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
        self.noise = Noise()
        self._places: dict[str, slice] = {}
        self._values: NDArray[Any] | None = None
        self._gradients: NDArray[Any] | None = None
        self._statistic_values: NDArray[Any] | None = None

    def __repr__(self) -> str:
        state = "not allocated" if self._values is None else str(self._values.dtype)
        return f"Arena({len(self._parameters)} parameters, {len(self._tables)} tables, {self.size:,} numbers, {state})"

    @property
    def parameters(self) -> Mapping[str, Parameter]:
        """The parameters by name, in the order of their declaration."""
        return MappingProxyType(self._parameters)

    @property
    def tables(self) -> Mapping[str, Table]:
        """The matrices that learn by the row, which are not part of the two vectors."""
        return MappingProxyType(self._tables)

    @property
    def places(self) -> Mapping[str, slice]:
        """Where each parameter lies in the two vectors, in their order."""
        return MappingProxyType(self._places)

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
    def gradient_norm(self) -> float:
        """√Σ g² over the gradients of the last backward, those of tables included.

        Right also where g² overflows, of which NumPy warns unless told np.errstate(over="ignore"), as Session tells it.
        """
        g = self.gradients
        total = float(g.dot(g))
        if _EXACT < total < math.inf and not self._tables:
            return math.sqrt(total)
        return dlmath.norm([g, *(table.row_gradients.reshape(-1) for table in self._tables.values())])

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
        if not self._regularized:
            return 0.0
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
        """Declare a matrix that learns by the row; it gets its memory in allocate(), or now where that was before."""
        if name in self._tables or name in self._parameters:
            raise ArgumentError(f"two parameters are named {name!r}.", hint="give each layer a name of its own.")
        self._tables[name] = table = Table(name, shape, initializer)
        if self._values is not None:
            table.allocate(self.noise.seed, self._values.dtype)
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

    def buffer(self, shape: tuple[int, ...], fill: float = 0.0) -> Buffer:
        """Declare room of (B, *shape) for what a layer needs between forward and backward."""
        buffer = Buffer(shape, fill)
        if self._values is None:
            self._buffers.append(buffer)
        else:
            buffer.dtype = self._values.dtype
        return buffer

    def allocate(self, seed: int, dtype: DTypeLike, initialize: bool = True) -> None:
        """Make the two vectors and fill each parameter from the stream of (seed, its name); with 0 for restore()."""
        count = sum(parameter.size for parameter in self._parameters.values())
        self._values, self._gradients = aligned_zeros((count,), dtype), aligned_zeros((count,), dtype)
        self._statistic_values = np.zeros(sum(statistic.size for statistic in self._statistics.values()), dtype)
        for table in self._tables.values():
            table.allocate(seed, dtype, initialize)
        for buffer in self._buffers:
            buffer.dtype = dtype
        self.noise.seed = seed
        self.noise.reseed()
        self._lay_out()
        for statistic in self._statistics.values():
            statistic.value[...] = statistic.start
        if initialize:
            for parameter in self._parameters.values():
                parameter.initializer(parameter.value, stream(seed, "init", parameter.name))

    def _lay_out(self) -> None:
        """Give parameters and statistics their places in the vectors."""
        start = 0
        for statistic in self._statistics.values():
            statistic.place(self.statistics[start : start + statistic.size])
            start += statistic.size
        start = 0
        for parameter in sorted(self._parameters.values(), key=lambda p: len(p.shape) < 2):
            place = slice(start, start + parameter.size)
            self._places[parameter.name] = place
            parameter.place(self.values[place], self.gradients[place])
            start = place.stop

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Make a copy whole: what copy and pickle make of the views are numbers outside the vectors."""
        vars(self).update(state)
        if self._values is not None:
            self._lay_out()

    # -- saved state -------------------------------------------------------------------------------------------------

    @property
    def shapes(self) -> dict[str, dict[str, tuple[int, ...]]]:
        """The shapes of all that state() holds as arrays, by name."""
        return {
            "values": {name: parameter.shape for name, parameter in self._parameters.items()},
            "statistics": {name: statistic.shape for name, statistic in self._statistics.items()},
            "tables": {name: table.shape for name, table in self._tables.items()},
        }

    def state(self) -> dict[str, Any]:
        """Return copies of all that training changes: values, statistics and tables by name, and the noise's position.

        >>> from cutedl.initializers import ones
        >>> arena = Arena()
        >>> w = arena.parameter("w", (2,), ones)
        >>> arena.allocate(seed=0, dtype="float32")
        >>> best = arena.state()
        >>> w.value[:] = 7
        >>> arena.restore(best)
        >>> print(w.value)
        [1. 1.]
        """
        return {
            "values": {name: parameter.value.copy() for name, parameter in self._parameters.items()},
            "statistics": {name: statistic.value.copy() for name, statistic in self._statistics.items()},
            "tables": {name: table.values.copy() for name, table in self._tables.items()},
            "noise": self.noise.state(),
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Take back what state() returned.

        Raises CheckpointMismatchError, before anything is changed, unless every name, shape and dtype is this arena's.
        """
        for kind, shapes in self.shapes.items():
            checks.same_arrays(kind, state.get(kind), shapes, self.values.dtype)
        self.noise.check(state.get("noise"))
        for name, parameter in self._parameters.items():
            parameter.value[...] = state["values"][name]
        for name, statistic in self._statistics.items():
            statistic.value[...] = state["statistics"][name]
        for name, table in self._tables.items():
            table.values[...] = state["tables"][name]
        self.noise.restore(state["noise"])
