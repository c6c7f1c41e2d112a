"""Optimizer: what all rules share, the walk over the arena's two flat vectors in blocks that stay in cache."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from threading import get_ident
from typing import Any, Unpack

import numpy as np
from numpy.typing import NDArray

from cutedl import checks
from cutedl.aligned import aligned_rows, aligned_zeros
from cutedl.arena import Arena, Table
from cutedl.errors import ArgumentError, NotBuiltError
from cutedl.optimizers.accumulation import Accumulation
from cutedl.optimizers.average import Average
from cutedl.optimizers.blocks import Block, cut
from cutedl.optimizers.options import Keywords, Options
from cutedl.optimizers.schedules import Rate, shown
from cutedl.optimizers.second_thread import SecondThread, worth_trying

__all__ = ["Factors", "Optimizer"]

Factors = tuple[NDArray[Any], ...]

# State that no gradient feeds fades into subnormal numbers, which make arithmetic many times slower. Whatever is
# nearer than this factor to the smallest normal number is set to 0, often enough that nothing can cross the gap.
_GAP = 1e13
_FLUSH_EVERY = 64


class Optimizer(ABC):
    """A rule that turns gradients into steps.

    A rule is written once, for 1-D slices, in place: see `update`. The gradient is its scratch: after a step the
    gradients are used up.

    slots: how many state vectors the rule keeps, rows of one (slots, N) array, `state_vectors`.
    learning_rate: step size, > 0, or a callable step -> learning_rate (>= 0), such as a Schedule.
    steps: how many steps were made. last_learning_rate: that of the last one, NaN before it.
    learning_rate_scale: a factor on the number or schedule, for listeners that lower it; 1 after every assignment.
    Keyword arguments that every rule takes besides its own: see Options.
    """

    slots: int = 0

    def __init__(self, learning_rate: Rate, **options: Unpack[Keywords]):
        self.learning_rate = learning_rate
        self.options = Options(**options)
        self.steps = 0
        self.last_learning_rate = math.nan
        self.state_vectors: NDArray[Any] = np.empty((self.slots, 0))
        self._scratch: dict[int, NDArray[Any]] = {}
        self._arena: Arena | None = None

    def __repr__(self) -> str:
        arguments = (f"{name}={shown(value)}" for name, value in self.arguments().items())
        return f"{type(self).__name__}({', '.join(arguments)})"

    def arguments(self) -> dict[str, Any]:
        """Return what it takes to make the same optimizer again; a learning rate set since then is in it."""
        running = ("slots", "steps", "last_learning_rate", "learning_rate_scale", "state_vectors", "options")
        own = {name: value for name, value in vars(self).items() if name[0] != "_" and name not in running}
        return {"learning_rate": self._rate, **own, **self.options.given}

    @property
    def learning_rate(self) -> float:
        """Step size of the next step; assign a number, or a callable step -> learning_rate, to change it."""
        if callable(self._rate):
            return checks.number("learning_rate", self._rate(self.steps + 1), low=0) * self.learning_rate_scale
        return self._rate * self.learning_rate_scale

    @learning_rate.setter
    def learning_rate(self, value: Rate) -> None:
        self._rate = value if callable(value) else checks.number("learning_rate", value, low=0, above=True)
        self.learning_rate_scale = 1.0

    @property
    def rate(self) -> Rate:
        """The learning rate as it was given: a number, or a callable step -> learning_rate."""
        return self._rate

    # -- what a rule says --------------------------------------------------------------------------------------------

    @property
    def decays(self) -> tuple[float, ...]:
        """The factors by which state fades in a step without gradient."""
        return ()

    @property
    def initial_state(self) -> tuple[float, ...]:
        """What the numbers of each state vector start from."""
        return (0.0,) * self.slots

    def factors(self, step: int, rate: float) -> tuple[float, ...]:
        """The numbers of a step, counted from 1, at this learning rate: the same for all blocks."""
        return (rate,)

    @abstractmethod
    def update(self, w: NDArray[Any], g: NDArray[Any], state: tuple[NDArray[Any], ...], factors: Factors) -> None:
        """Apply the rule to one block: parameters w, gradients g and state, 1-D slices, all in place.

        factors: what `factors` returned, as arrays without axes of w's dtype. Of a large model two threads may work on
        a block each at the same time: what a rule needs beside its state comes from `scratch`.
        """

    def scratch(self, g: NDArray[Any]) -> NDArray[Any]:
        """Return a vector like g to work in, for a rule that still needs the gradient; one for each thread."""
        mine = self._scratch.get(get_ident())
        if mine is None or mine.size < g.size or mine.dtype != g.dtype:
            mine = self._scratch[get_ident()] = aligned_zeros(g.shape, g.dtype)
        return mine[: g.size]

    # -- a step ------------------------------------------------------------------------------------------------------

    def step(self, arena: Arena) -> None:
        """Make one step on all parameters of a model; with accumulate=k, on every k-th call."""
        if arena is not self._arena:
            self._bind(arena)
        if self._accumulation is not None and not self._accumulation.add():
            return
        if self.options.clip is not None:
            clip, limit = self.options.clip
            clip(arena, limit)
        rate = self.last_learning_rate = self.learning_rate
        self.steps += 1
        factors = {multiplier: self._scalars(multiplier, rate * multiplier) for multiplier in self._multipliers}
        if self._second is None:
            self._visit(self._blocks, rate, factors)
        else:
            self._second.walk(self._blocks, lambda blocks: self._visit(blocks, rate, factors))
        for table in arena.tables.values():
            multiplier = self.options.multiplier(table.name)
            if multiplier:
                self._step_rows(table, factors[multiplier])
        if self.steps % self._flush_every == 0 and self.decays:
            self._flush()
        if self._average is not None:
            self._average.add(self._blocks, self.steps)

    def _scalars(self, multiplier: float, rate: float) -> Factors:
        """The numbers of this step as arrays without axes: of Python's numbers NumPy makes such at every use."""
        factors = self.factors(self.steps, rate)
        if multiplier not in self._numbers:
            numbers = np.empty(len(factors), self.state_vectors.dtype)
            self._numbers[multiplier] = numbers, tuple(numbers[i, ...] for i in range(len(factors)))
        numbers, scalars = self._numbers[multiplier]
        numbers[:] = factors
        return scalars

    def _visit(self, blocks: Iterable[Block], rate: float, factors: Mapping[float, Factors]) -> None:
        for _, w, g, state, multiplier, weight_decay in blocks:
            if weight_decay:
                w *= 1 - rate * multiplier * weight_decay
            self.update(w, g, state, factors[multiplier])

    def _bind(self, arena: Arena) -> None:
        w = arena.values
        self.options.check_names([*arena.parameters, *arena.tables])
        self._arena, self.steps = arena, 0
        self.state_vectors = aligned_rows(self.slots, w.size, w.dtype)
        self.state_vectors[...] = np.reshape(self.initial_state, (-1, 1))
        self._blocks = cut(arena, self.state_vectors, self.options)
        self._second = SecondThread() if worth_trying(self._blocks) else None
        names = (*arena.parameters, *arena.tables)
        self._numbers: dict[float, tuple[NDArray[Any], Factors]] = {}
        self._multipliers = {self.options.multiplier(name) for name in names} - {0.0}
        self._table_state: dict[str, NDArray[Any]] = {}
        self._flush_every = min([_FLUSH_EVERY, *(_steps_to_fade(decay) for decay in self.decays)])
        self._accumulation = Accumulation(arena, self.options.accumulate) if self.options.accumulate > 1 else None
        self._average = Average(arena, self.options.ema) if self.options.ema is not None else None

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Make a copy whole: what copy and pickle make of views are numbers outside the vectors."""
        vars(self).update(state)
        if self._arena is not None:
            self._blocks = cut(self._arena, self.state_vectors, self.options)
            self._numbers = {}
        self._scratch = {}

    def _step_rows(self, table: Table, factors: Factors) -> None:
        """Apply the rule to the rows of the last backward alone; the state of the others does not fade meanwhile."""
        if table.name not in self._table_state:
            slots = np.empty((self.slots, *table.shape), table.values.dtype)
            slots[...] = np.reshape(self.initial_state, (-1, 1, 1))
            self._table_state[table.name] = slots
        rows, slots = table.rows, self._table_state[table.name]
        w, state = table.values[rows], [slot[rows] for slot in slots]
        flat = tuple(part.reshape(-1) for part in state)
        self.update(w.reshape(-1), table.row_gradients.reshape(-1), flat, factors)
        table.values[rows] = w
        for slot, part in zip(slots, state, strict=True):
            slot[rows] = part

    def _flush(self) -> None:
        threshold = float(np.finfo(self.state_vectors.dtype).tiny) * _GAP
        for block in self._blocks:
            for slot in block.state:
                np.abs(slot, out=block.g)
                np.greater_equal(block.g, threshold, out=block.g)
                slot *= block.g

    # -- saved state -------------------------------------------------------------------------------------------------

    def state(self) -> dict[str, Any]:
        """Return copies of all that steps change; with no step made, `vectors` is None.

        >>> from cutedl.initializers import ones
        >>> from cutedl.optimizers import Momentum
        >>> arena, optimizer, twin = Arena(), Momentum(0.1), Momentum(0.1)
        >>> w = arena.parameter("w", (1,), ones)
        >>> arena.allocate(seed=0, dtype="float64")
        >>> optimizer.step(arena)
        >>> twin.restore(optimizer.state(), arena)
        >>> print(twin.steps, twin.last_learning_rate)
        1 0.1
        """
        bound = self._arena is not None
        return {
            "steps": self.steps,
            "last_learning_rate": self.last_learning_rate,
            "learning_rate_scale": self.learning_rate_scale,
            "vectors": self.state_vectors.copy() if bound else None,
            "tables": {name: slots.copy() for name, slots in self._table_state.items()} if bound else {},
            "accumulation": self._accumulation.state() if bound and self._accumulation is not None else None,
            "average": self._average.mean.copy() if bound and self._average is not None else None,
        }

    def restore(self, state: Mapping[str, Any], arena: Arena) -> None:
        """Take back what state() returned, for the steps on this arena.

        Raises CheckpointMismatchError or ArgumentError, before anything is changed, unless it fits this optimizer.
        """
        steps = checks.integer("steps", state.get("steps"), low=0)
        scale = checks.number("learning_rate_scale", state.get("learning_rate_scale"), low=0)
        last = float(state["last_learning_rate"])
        if state.get("vectors") is not None:
            self._check_vectors(state, arena)
            self._bind(arena)
            self.state_vectors[...] = state["vectors"]
            self._table_state = {name: np.array(slots) for name, slots in state["tables"].items()}
            if self._accumulation is not None:
                self._accumulation.restore(state["accumulation"])
            if self._average is not None:
                self._average.mean[...] = state["average"]
        else:
            self._arena = None
        self.steps, self.last_learning_rate, self.learning_rate_scale = steps, last, scale

    def _check_vectors(self, state: Mapping[str, Any], arena: Arena) -> None:
        tables, dtype = state.get("tables"), arena.values.dtype
        shapes: dict[str, tuple[int, ...]] = {"vectors": (self.slots, arena.values.size)}
        if self.options.ema is not None:
            shapes["average"] = arena.values.shape
        given = {name: state[name] for name in ("vectors", "average") if state.get(name) is not None}
        checks.same_arrays("optimizer vectors", given, shapes, dtype)
        known = tables if isinstance(tables, Mapping) else {}
        shapes = {name: (self.slots, *table.shape) for name, table in arena.tables.items() if name in known}
        checks.same_arrays("optimizer vectors of tables", tables, shapes, dtype)
        if self.options.accumulate > 1:
            Accumulation(arena, self.options.accumulate).restore(state.get("accumulation"))

    # -- the running mean of the weights -----------------------------------------------------------------------------

    @contextmanager
    def averaged(self, arena: Arena) -> Iterator[None]:
        """Put the running mean of the weights in their place, and the weights back afterwards.

        Raises ArgumentError without ema=, NotBuiltError before the first step on this arena.

        >>> from cutedl.initializers import zeros
        >>> from cutedl.optimizers import SGD
        >>> arena, sgd = Arena(), SGD(1.0, ema=0.5)
        >>> w = arena.parameter("w", (1,), zeros)
        >>> arena.allocate(seed=0, dtype="float64")
        >>> for _ in range(3):
        ...     w.gradient[:] = -1.0
        ...     sgd.step(arena)
        >>> with sgd.averaged(arena):
        ...     print(w.value)
        [2.25]
        >>> print(w.value)
        [3.]
        """
        if self.options.ema is None:
            raise ArgumentError("this optimizer keeps no mean of the weights.", hint="make it with ema=0.99.")
        if arena is not self._arena or self._average is None or self.steps == 0:
            raise NotBuiltError("no step was made on this model yet: there is no mean of its weights.")
        with self._average.in_place():
            yield


def _steps_to_fade(decay: float) -> int:
    """Steps in which state just above the gap stays normal."""
    return max(1, int(math.log(_GAP) / -math.log(decay))) if 0 < decay < 1 else _FLUSH_EVERY
