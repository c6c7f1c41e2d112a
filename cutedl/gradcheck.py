"""Gradient check: analytic gradients against finite differences, for users' own layers and losses too."""

from __future__ import annotations

import copy
import math
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cutedl import streams
from cutedl.errors import GradientError
from cutedl.losses import Loss
from cutedl.model import Model

__all__ = ["check_gradients"]

# Four directions make it practically impossible that an error hides at a right angle to all of them.
_DIRECTIONS = 4
# A kink (relu at 0) inside one step spoils its difference; a smaller step most likely misses it.
_STEPS = (1e-3, 1e-4, 1e-5)
# A gradient smaller than this share of the largest one is compared on that scale: it may be 0 but for rounding.
_SMALL = 1e-4


def check_gradients(
    model: Model, loss: Loss, x: ArrayLike, y: ArrayLike, seed: int = 0, tolerance: float = 1e-6
) -> float:
    """Return the worst normwise relative error ‖analytic - numeric‖ / ‖analytic‖ over all parameters and the input.

    For random directions v of ±1 the slope ⟨gradient, v⟩ is compared with the 4-point difference
    (8 (f(h) - f(-h)) - (f(2h) - f(-2h))) / 12h of the loss along v; the mean square of the difference is the squared
    norm of the gradient's error. Worked in float64 on a copy: the model, the loss and the arrays stay as they are.

    model: assembled. x: (B, *inshape); indices have no gradient and are left as they are. y: labels as the loss expects
    them. seed: of the directions.
    tolerance: largest error allowed; correct float64 code stays below 1e-8.

    Raises GradientError with the name of the parameter (or "the input") at fault.

    >>> from cutedl import losses, nn
    >>> model = Model([nn.Dense(4, inshape=3, activation="tanh"), nn.Dense(2)])
    >>> model.assemble(seed=0)
    >>> check_gradients(model, losses.MeanSquaredError(), np.eye(3), np.ones((3, 2))) < 1e-8
    True
    """
    x, y, loss = np.array(x, np.float64), np.asarray(y), copy.copy(loss)
    twin = _twin(model)
    gradients = _analytic(twin, loss, x, y)
    values = _values(twin, x)
    largest = max(float(np.linalg.norm(gradient)) for gradient in gradients.values())
    generator = streams.stream(seed, "gradcheck")
    worst = 0.0
    for name, value in values.items():
        scale = max(float(np.linalg.norm(gradients[name])), _SMALL * largest, 1e-10)
        errors = []
        for direction in _directions(value, generator):
            slope = float(np.vdot(gradients[name], direction))
            errors.append(_error(twin, loss, x, y, value, direction, slope, scale))
        error = math.sqrt(sum(error * error for error in errors) / _DIRECTIONS)
        if not error <= tolerance:
            raise GradientError(
                f"the gradient of {name} is not what differences of the loss give.",
                expected=f"a normwise relative error <= {tolerance:g}",
                received=f"{error:.2e}",
                hint="compare backward with forward; near a kink, try another seed or other x.",
            )
        worst = max(worst, error)
    return worst


def _twin(model: Model) -> Model:
    twin = copy.deepcopy(model)
    twin.assemble(model.seed, "float64", model.shapes[0])
    twin.arena.values[...] = model.arena.values
    for name, table in twin.arena.tables.items():
        table.values[...] = model.arena.tables[name].values
    return twin


def _values(model: Model, x: NDArray[Any]) -> dict[str, NDArray[Any]]:
    """What the loss is a function of, by name."""
    values = {name: parameter.value for name, parameter in model.parameters.items()}
    values |= {name: table.values for name, table in model.arena.tables.items()}
    return values if model.chain[0].takes_indices else values | {"the input": x}


def _analytic(model: Model, loss: Loss, x: NDArray[Any], y: NDArray[Any]) -> dict[str, NDArray[Any]]:
    model.arena.noise.reseed()
    y_pred = model.forward(x, training=True)
    _, dy = loss.value_and_gradient(y, y_pred, out=model.output_gradient(len(x)))
    dx = np.empty_like(x)
    model.backward(dy, out=dx)
    model.arena.penalize()
    gradients = {name: parameter.gradient.copy() for name, parameter in model.parameters.items()} | {"the input": dx}
    for name, table in model.arena.tables.items():
        gradients[name] = np.zeros_like(table.values)
        gradients[name][table.rows] = table.row_gradients
    return gradients


def _directions(value: NDArray[Any], generator: np.random.Generator) -> Iterator[NDArray[Any]]:
    for _ in range(_DIRECTIONS):
        yield generator.choice([-1.0, 1.0], value.shape)


def _error(
    model: Model,
    loss: Loss,
    x: NDArray[Any],
    y: NDArray[Any],
    value: NDArray[Any],
    direction: NDArray[Any],
    slope: float,
    scale: float,
) -> float:
    start = value.copy()

    def f(distance: float) -> float:
        value[...] = start + distance * direction
        model.arena.noise.reseed()  # a layer that draws noise draws the same again
        data_loss = loss.reduce(*loss.total_and_count(y, model.forward(x, training=True)))
        return data_loss + model.arena.penalty

    errors = []
    for step in _STEPS:
        h = step / math.sqrt(value.size)  # a step of this length in all, not in each coordinate
        numeric = (8 * (f(h) - f(-h)) - (f(2 * h) - f(-2 * h))) / (12 * h)
        errors.append(abs(slope - numeric) / scale)
    value[...] = start
    return min(errors)
