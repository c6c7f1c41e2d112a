"""Arguments: what scikit-learn's arguments may be; looked at when fit is called, as its conventions ask."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np

from cutedl import checks
from cutedl.errors import ArgumentError, unknown_name
from cutedl.losses import Loss
from cutedl.streams import fresh_seed

if TYPE_CHECKING:
    from cutedl.sklearn.perceptron import Perceptron

__all__ = ["check_arguments", "seed_of", "widths"]

_RATES = ("constant", "invscaling", "adaptive")


def check_arguments(estimator: Perceptron) -> None:
    """Raise ArgumentError or UnknownNameError for an argument that no layer, optimizer or data set will check.

    >>> from cutedl.sklearn import MLPClassifier
    >>> check_arguments(MLPClassifier(tol=-1))
    Traceback (most recent call last):
    ...
    cutedl.errors.ArgumentError: tol cannot be used. expected a number in [0, inf), received -1 (int).
    """
    checks.integer("max_iter", estimator.max_iter)
    checks.integer("max_fun", estimator.max_fun)
    for name in ("alpha", "tol", "power_t"):
        checks.number(name, getattr(estimator, name), low=0)
    checks.number("validation_fraction", estimator.validation_fraction, low=0, high=1, above=True, below=True)
    if estimator.n_iter_no_change != np.inf:
        checks.integer("n_iter_no_change", estimator.n_iter_no_change)
    if estimator.batch_size != "auto":
        checks.integer("batch_size", estimator.batch_size)
    if not callable(estimator.learning_rate) and estimator.learning_rate not in _RATES:
        raise unknown_name("learning_rate", estimator.learning_rate, _RATES)
    if isinstance(estimator.loss, Loss) and estimator.loss.takes_hidden:
        raise ArgumentError("loss cannot be used.", expected="a loss of the outputs", received=repr(estimator.loss))
    if estimator.solver == "lbfgs":
        for name in ("dropout", "listeners"):
            if value := getattr(estimator, name):
                raise ArgumentError(
                    f'solver="lbfgs" cannot have {name}.',
                    received=repr(value),
                    hint='it has no epochs and needs a loss without noise: take solver="adam".',
                )


def widths(hidden_layer_sizes: object) -> list[int]:
    """Return the units of the hidden layers.

    >>> widths(5), widths((4, 3)), widths(())
    ([5], [4, 3], [])
    """
    sizes = hidden_layer_sizes if isinstance(hidden_layer_sizes, Iterable) else [hidden_layer_sizes]
    return [checks.integer("hidden_layer_sizes", size) for size in sizes]


def seed_of(random_state: int | np.random.RandomState | None) -> int:
    """Return the seed: the int itself, one drawn from a RandomState, or for None one that nobody knows.

    >>> seed_of(3)
    3
    """
    if isinstance(random_state, np.random.RandomState):
        return int(random_state.randint(2**31 - 1))
    return fresh_seed() if random_state is None else checks.integer("random_state", random_state, low=0)
