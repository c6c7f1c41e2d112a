"""Options: what every optimizer can do besides its rule, each off unless asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from fnmatch import fnmatchcase
from typing import Any, TypeAlias, TypedDict, Unpack

from cutedl import checks
from cutedl.arena import Arena
from cutedl.errors import ArgumentError, unknown_name
from cutedl.optimizers.clipping import clip_global_norm, clip_norm, clip_value

__all__ = ["Keywords", "Options"]

Clipper: TypeAlias = Callable[[Arena, float], None]

_CLIPPERS: dict[str, Clipper] = {"clip_value": clip_value, "clip_norm": clip_norm, "clip_global_norm": clip_global_norm}


class Keywords(TypedDict, total=False):
    """The keyword arguments that every optimizer takes; see Options."""

    weight_decay: float
    clip_value: float | None
    clip_norm: float | None
    clip_global_norm: float | None
    accumulate: int
    ema: float | None
    multipliers: Mapping[str, float]


class Options:
    """What every optimizer can do besides its rule.

    weight_decay: decoupled decay, w -= learning_rate weight_decay w before the rule, of the parameters with two or more
    axes (no biases, no norms, no tables); >= 0. As PyTorch's AdamW and Keras' weight_decay, which decay everything.
    clip_value, clip_norm, clip_global_norm: at most one, > 0: clip each number, each parameter's norm, or the norm of
    all; see cutedl.optimizers.clipping.
    accumulate: make a step on the mean gradient of so many batches of equally many samples, >= 1.
    ema: keep a running mean of the weights, ema mean + (1 - ema) w, that starts at the first step's weights, in [0, 1).
    As Keras' ema_momentum; see Optimizer.averaged. Tables are not averaged.
    multipliers: learning-rate factors >= 0 by parameter name, such as {"dense_0.*": 0.1}; 0 freezes. The first pattern
    that fits counts.

    Raises ArgumentError for a value out of range, UnknownNameError for an option that does not exist.

    >>> options = Options(multipliers={"dense_0.*": 0, "*.bias": 2})
    >>> options.multiplier("dense_0.bias"), options.multiplier("dense_1.bias"), options.multiplier("dense_1.kernel")
    (0.0, 2.0, 1.0)
    """

    def __init__(self, **given: Unpack[Keywords]):
        for name in given:
            if name not in Keywords.__annotations__:
                raise unknown_name("optimizer option", name, Keywords.__annotations__)
        self.given = given
        self.weight_decay = checks.number("weight_decay", given.get("weight_decay", 0.0), low=0)
        self.accumulate = checks.integer("accumulate", given.get("accumulate", 1))
        ema = given.get("ema")
        self.ema = None if ema is None else checks.number("ema", ema, low=0, high=1, below=True)
        self.multipliers = {
            pattern: checks.number(f"the multiplier of {pattern!r}", factor, low=0)
            for pattern, factor in given.get("multipliers", {}).items()
        }
        self.clip = self._clip(given)

    def __repr__(self) -> str:
        return f"Options({', '.join(f'{name}={value!r}' for name, value in self.given.items())})"

    def _clip(self, given: Mapping[str, Any]) -> tuple[Clipper, float] | None:
        """How gradients are clipped, and at what."""
        limits = {name: given[name] for name in _CLIPPERS if given.get(name) is not None}
        if len(limits) > 1:
            raise ArgumentError("gradients are clipped in one way at a time.", received=" and ".join(limits))
        for name, limit in limits.items():
            return _CLIPPERS[name], checks.number(name, limit, low=0, above=True)
        return None

    def multiplier(self, name: str) -> float:
        """The learning-rate factor of a parameter."""
        return next((factor for pattern, factor in self.multipliers.items() if fnmatchcase(name, pattern)), 1.0)

    def check_names(self, names: Iterable[str]) -> None:
        """Raise UnknownNameError for a pattern in multipliers that no parameter fits."""
        known = list(names)
        for pattern in self.multipliers:
            if not any(fnmatchcase(name, pattern) for name in known):
                raise unknown_name("parameter", pattern, known)
