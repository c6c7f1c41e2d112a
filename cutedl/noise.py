"""Noise: the generators that the layers of a model draw from in training, each named after its layer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from cutedl.errors import ArgumentError, CheckpointMismatchError
from cutedl.streams import stream

__all__ = ["Noise"]


class Noise:
    """The sources of noise of one model; what each gives depends on (seed, its name) and the last reseed alone.

    >>> noise = Noise()
    >>> source = noise.generator("dropout_0")
    >>> noise.reseed(epoch=1)
    >>> first = source.random()
    >>> noise.reseed(epoch=1)
    >>> source.random() == first
    True
    """

    def __init__(self) -> None:
        self.seed = 0
        self._generators: dict[str, np.random.Generator] = {}

    def __repr__(self) -> str:
        return f"Noise({', '.join(self._generators)})"

    def generator(self, name: str) -> np.random.Generator:
        """Declare a source; the generator stays the same object."""
        if name in self._generators:
            raise ArgumentError(f"two sources of noise are named {name!r}.", hint="give each layer a name of its own.")
        self._generators[name] = generator = stream(0, "noise", name)
        return generator

    def reseed(self, epoch: int = 0) -> None:
        """Set every source to its start of an epoch: the same call, the same noise."""
        for name, generator in self._generators.items():
            generator.bit_generator.state = stream(self.seed, "noise", name, epoch).bit_generator.state

    def jump(self, times: int) -> None:
        """Move every source ahead, so often times 2^127 draws: the ranks of a run draw what no other draws."""
        for generator in self._generators.values():
            generator.bit_generator.state = generator.bit_generator.jumped(times).state  # type: ignore[attr-defined]

    def state(self) -> dict[str, Any]:
        """Return the position of every source, by name."""
        return {name: generator.bit_generator.state for name, generator in self._generators.items()}

    def check(self, state: Any) -> None:
        """Raise CheckpointMismatchError unless restore can take these positions."""
        if not isinstance(state, Mapping) or state.keys() != self._generators.keys():
            raise CheckpointMismatchError(
                "the saved noise is another.", expected=list(self._generators), received=state
            )
        for name, position in state.items():
            try:
                np.random.PCG64DXSM().state = position
            except (KeyError, TypeError, ValueError, OverflowError) as error:
                raise CheckpointMismatchError(
                    f"the saved noise of {name} cannot be used.", expected="a position of PCG64DXSM", received=position
                ) from error

    def restore(self, state: Mapping[str, Any]) -> None:
        """Take back what state() returned and check() has let pass."""
        for name, generator in self._generators.items():
            generator.bit_generator.state = state[name]
