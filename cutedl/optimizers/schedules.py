"""Schedules: the learning rate as a function of the step.

A schedule is a callable step -> learning_rate; steps count from 1. So `lambda step: 0.1 / step` is one as well.
Keras and PyTorch count from 0: their value at t is the one here at step t + 1.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import TypeAlias

from cutedl import checks

__all__ = [
    "Constant",
    "CosineDecay",
    "CosineRestarts",
    "ExponentialDecay",
    "OneCycle",
    "PolynomialDecay",
    "Rate",
    "Schedule",
    "StepDecay",
    "Warmup",
]

Rate: TypeAlias = float | Callable[[int], float]


class Schedule(ABC):
    """A learning rate that depends on the step."""

    @abstractmethod
    def __call__(self, step: int) -> float:
        """Return the learning rate of a step, counted from 1."""

    def __repr__(self) -> str:
        arguments = (f"{name}={shown(value)}" for name, value in vars(self).items())
        return f"{type(self).__name__}({', '.join(arguments)})"


class Constant(Schedule):
    """The same rate in every step; a number given to an optimizer means this.

    learning_rate: > 0.

    >>> Constant(0.1)(1000)
    0.1
    """

    def __init__(self, learning_rate: float):
        self.learning_rate = _positive("learning_rate", learning_rate)

    def __call__(self, step: int) -> float:
        return self.learning_rate


class StepDecay(Schedule):
    """Stairs: learning_rate decay_rate^⌊(step - 1) / decay_steps⌋.

    learning_rate: > 0. decay_steps: steps per stair, >= 1. decay_rate: in (0, 1]. Equal to PyTorch's StepLR.

    >>> stairs = StepDecay(0.5, decay_steps=10)
    >>> print(f"{stairs(10):g} {stairs(11):g} {stairs(21):g}")
    0.5 0.05 0.005
    """

    def __init__(self, learning_rate: float, decay_steps: int, decay_rate: float = 0.1):
        self.learning_rate = _positive("learning_rate", learning_rate)
        self.decay_steps = checks.integer("decay_steps", decay_steps)
        self.decay_rate = checks.number("decay_rate", decay_rate, low=0, high=1, above=True)

    def __call__(self, step: int) -> float:
        return self.learning_rate * self.decay_rate ** ((step - 1) // self.decay_steps)


class ExponentialDecay(Schedule):
    """A smooth slope: learning_rate decay_rate^((step - 1) / decay_steps).

    learning_rate: > 0. decay_steps: steps in which the rate falls by decay_rate, >= 1. decay_rate: in (0, 1].
    Equal to Keras' ExponentialDecay, and with decay_steps=1 to PyTorch's ExponentialLR.

    >>> ExponentialDecay(0.5, decay_steps=10, decay_rate=0.25)(6)
    0.25
    """

    def __init__(self, learning_rate: float, decay_steps: int, decay_rate: float):
        self.learning_rate = _positive("learning_rate", learning_rate)
        self.decay_steps = checks.integer("decay_steps", decay_steps)
        self.decay_rate = checks.number("decay_rate", decay_rate, low=0, high=1, above=True)

    def __call__(self, step: int) -> float:
        exponent = (step - 1) / self.decay_steps
        return self.learning_rate * float(self.decay_rate**exponent)


class PolynomialDecay(Schedule):
    """From one rate to another: end + (learning_rate - end) (1 - p)^power, p = min(1, (step - 1) / decay_steps).

    learning_rate: > 0. decay_steps: >= 1; the rate stays at the end from then on. end_learning_rate: >= 0.
    power: > 0; 1 is a straight line. Equal to Keras' PolynomialDecay (whose end is 1e-4 by default).

    >>> PolynomialDecay(0.4, decay_steps=10, end_learning_rate=0.2)(6)
    0.3...
    """

    def __init__(self, learning_rate: float, decay_steps: int, end_learning_rate: float = 0.0, power: float = 1.0):
        self.learning_rate = _positive("learning_rate", learning_rate)
        self.decay_steps = checks.integer("decay_steps", decay_steps)
        self.end_learning_rate = checks.number("end_learning_rate", end_learning_rate, low=0)
        self.power = _positive("power", power)

    def __call__(self, step: int) -> float:
        left = float((1 - _progress(step, self.decay_steps)) ** self.power)
        return self.end_learning_rate + (self.learning_rate - self.end_learning_rate) * left


class CosineDecay(Schedule):
    """Half a cosine: end + (learning_rate - end) (1 + cos(π p)) / 2, p = min(1, (step - 1) / decay_steps).

    learning_rate: > 0. decay_steps: >= 1; the rate stays at the end from then on. end_learning_rate: >= 0.
    Equal to PyTorch's CosineAnnealingLR up to its T_max, and to Keras' CosineDecay with alpha = end / learning_rate.
    Source: Loshchilov and Hutter, 2017.

    >>> CosineDecay(0.5, decay_steps=10)(6)
    0.25
    """

    def __init__(self, learning_rate: float, decay_steps: int, end_learning_rate: float = 0.0):
        self.learning_rate = _positive("learning_rate", learning_rate)
        self.decay_steps = checks.integer("decay_steps", decay_steps)
        self.end_learning_rate = checks.number("end_learning_rate", end_learning_rate, low=0)

    def __call__(self, step: int) -> float:
        return _cosine(self.learning_rate, self.end_learning_rate, _progress(step, self.decay_steps))


class CosineRestarts(Schedule):
    """Half a cosine again and again, each t_mul times as long as the one before and starting m_mul times as high.

    learning_rate: > 0. decay_steps: steps of the first, >= 1. t_mul: >= 1. m_mul: in (0, 1]. end_learning_rate: >= 0.
    Equal to Keras' CosineDecayRestarts (alpha = 0) and, with m_mul = 1, to PyTorch's CosineAnnealingWarmRestarts.
    Source: Loshchilov and Hutter, 2017 (SGDR).

    >>> waves = CosineRestarts(0.5, decay_steps=10)
    >>> print(waves(1), waves(6), waves(11), waves(21), waves(31))
    0.5 0.25 0.5 0.25 0.5
    """

    def __init__(
        self,
        learning_rate: float,
        decay_steps: int,
        t_mul: float = 2.0,
        m_mul: float = 1.0,
        end_learning_rate: float = 0.0,
    ):
        self.learning_rate = _positive("learning_rate", learning_rate)
        self.decay_steps = checks.integer("decay_steps", decay_steps)
        self.t_mul = checks.number("t_mul", t_mul, low=1)
        self.m_mul = checks.number("m_mul", m_mul, low=0, high=1, above=True)
        self.end_learning_rate = checks.number("end_learning_rate", end_learning_rate, low=0)

    def __call__(self, step: int) -> float:
        done, length, restarts = float(step - 1), float(self.decay_steps), 0
        if self.t_mul == 1:
            restarts = int(done // length)
            done -= restarts * length
        while done >= length:
            done -= length
            length *= self.t_mul
            restarts += 1
        return _cosine(self.learning_rate * self.m_mul**restarts, self.end_learning_rate, done / length)


class OneCycle(Schedule):
    """Up and down once: half a cosine from learning_rate / 25 up to learning_rate, another down to almost nothing.

    learning_rate: the highest, > 0. total_steps: of the whole training, >= 2; the rate stays at its end from then on.
    warmup_fraction: part of the steps that goes up, in (0, 1). start_factor, end_factor: the first and the last rate as
    a part of the highest, in (0, 1].
    Equal to PyTorch's OneCycleLR, whose div_factor is 1 / start_factor and final_div_factor start_factor / end_factor.
    Source: Smith and Topin, 2018.

    >>> cycle = OneCycle(0.5, total_steps=100)
    >>> print(f"{cycle(1):.2g} {cycle(30):.2g} {cycle(100):.2g}")
    0.02 0.5 2e-06
    """

    def __init__(
        self,
        learning_rate: float,
        total_steps: int,
        warmup_fraction: float = 0.3,
        start_factor: float = 0.04,
        end_factor: float = 4e-6,
    ):
        self.learning_rate = _positive("learning_rate", learning_rate)
        self.total_steps = checks.integer("total_steps", total_steps, low=2)
        self.warmup_fraction = checks.number("warmup_fraction", warmup_fraction, low=0, high=1, above=True, below=True)
        self.start_factor = checks.number("start_factor", start_factor, low=0, high=1, above=True)
        self.end_factor = checks.number("end_factor", end_factor, low=0, high=1, above=True)

    def __call__(self, step: int) -> float:
        top, highest, last = self.learning_rate, self.warmup_fraction * self.total_steps, self.total_steps
        if step < highest:
            return _cosine(self.start_factor * top, top, (step - 1) / (highest - 1))
        return _cosine(top, self.end_factor * top, min(1.0, (step - highest) / (last - highest)))


class Warmup(Schedule):
    """A straight line from 0 up to where another schedule starts, and then that one.

    schedule: a schedule, any callable step -> learning_rate, or a number. steps: >= 1; step number `steps` is the first
    at full height, the schedule's own step 1.

    >>> warm = Warmup(CosineDecay(0.4, decay_steps=100), steps=4)
    >>> print(*(f"{warm(step):g}" for step in (1, 2, 4, 54)))
    0.1 0.2 0.4 0.2
    """

    def __init__(self, schedule: Rate, steps: int):
        self.schedule = schedule if callable(schedule) else Constant(schedule)
        self.steps = checks.integer("steps", steps)

    def __call__(self, step: int) -> float:
        return self.schedule(max(1, step - self.steps + 1)) * min(1.0, step / self.steps)


def shown(value: object) -> str:
    """How an argument reads in a repr.

    >>> print(shown(1e-8), shown(True))
    1e-08 True
    """
    return f"{value:g}" if isinstance(value, float) else repr(value)


def _progress(step: int, steps: int) -> float:
    return min(1.0, (step - 1) / steps)


def _cosine(start: float, end: float, progress: float) -> float:
    return end + (start - end) * (1 + math.cos(math.pi * progress)) / 2


def _positive(name: str, value: float) -> float:
    return checks.number(name, value, low=0, above=True)
