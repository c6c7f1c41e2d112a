"""cutedl beside PyTorch, Keras and its own textbook formulas: `python -m cutedl.losses.conformance`.

Prints where they agree, loss by loss and option by option, and where the others are wrong. What is not installed is
left out. Exits with 0 if cutedl is right in every row, with 1 otherwise, whatever the others say.
"""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Callable, Iterable, Sequence
from importlib import import_module
from typing import Any, NamedTuple

import numpy as np

from cutedl.dlmath import prob_distribution, sigmoid
from cutedl.errors import CutedlError
from cutedl.losses.conformance_cases import CASES, Array, Call, Case
from cutedl.losses.conformance_defects import DEFECTS, Defect

__all__ = ["Agreement", "Answer", "Library", "agreement", "answer", "compare", "keras", "main", "torch"]

FORMULA, DIFFERENCES = 1e-12, 1e-9
"""How far a value may be from its textbook formula, and a gradient from differences of that formula."""


class Library(NamedTuple):
    """Another library: run(call, y, x) -> (value, gradient), or None where it is absent; within: how far it may be."""

    name: str
    version: str
    run: Callable[[Call, Array, Array], tuple[Array, Array]] | None
    within: float

    def __str__(self) -> str:
        return f"{self.name} {self.version}"


class Agreement(NamedTuple):
    """The largest relative difference of values and of gradients, and whether both are small enough."""

    value: float
    gradient: float
    holds: bool

    def __str__(self) -> str:
        return f"{_mark(self.holds)} {self.value:5.0e} {self.gradient:5.0e}"


class Answer(NamedTuple):
    """A number, or the name of the error that refused the input, and whether that is right."""

    given: float | str
    holds: bool

    def __str__(self) -> str:
        return f"{_mark(self.holds)} {self.given if isinstance(self.given, str) else f'{self.given + 0.0:.5g}'}"


# -- the others --------------------------------------------------------------------------------------------------------


def torch() -> Library:
    """Return PyTorch, which computes in the type that it is given."""
    module = _module("torch")
    if module is None:
        return Library("torch", "absent", None, 1e-12)
    functional = module.nn.functional
    return Library("torch", module.__version__, lambda call, y, x: _by_torch(call, functional, y, x), 1e-12)


def keras() -> Library:
    """Return Keras on the backend that KERAS_BACKEND names, PyTorch or JAX; it rounds most means to float32."""
    os.environ.setdefault("KERAS_BACKEND", "torch" if _module("torch") else "jax")
    module = _module("keras")
    backend = {"torch": _by_torch, "jax": _by_jax}.get("" if module is None else module.config.backend())
    if module is None or backend is None:
        return Library("keras", "absent", None, 1e-6)

    def run(call: Call, y: Array, x: Array) -> tuple[Array, Array]:
        before = module.config.floatx()
        module.config.set_floatx(x.dtype.name)
        try:
            return backend(call, module, y, x)
        finally:
            module.config.set_floatx(before)

    return Library("keras", f"{module.__version__} on {module.config.backend()}", run, 1e-6)


def _module(name: str) -> Any:
    try:
        return import_module(name)
    except ImportError:
        return None


def _by_torch(call: Call, library: Any, y: Array, x: Array) -> tuple[Array, Array]:
    module = import_module("torch")
    leaf = module.tensor(x, requires_grad=True)
    value = call(library, module.tensor(y), leaf)
    value.sum().backward()
    return value.detach().numpy(), leaf.grad.numpy()


def _by_jax(call: Call, library: Any, y: Array, x: Array) -> tuple[Array, Array]:
    module = import_module("jax")
    module.config.update("jax_enable_x64", True)

    def total(x: Any) -> tuple[Any, Any]:
        value = call(library, y, x)
        return value.sum(), value

    gradient, value = module.grad(total, has_aux=True)(module.numpy.asarray(x))
    return np.asarray(value), np.asarray(gradient)


# -- where they agree --------------------------------------------------------------------------------------------------


def agreement(case: Case, library: Library | None = None) -> Agreement | None:
    """Compare cutedl with a library, or with the textbook formula and its differences; None if it lacks the option.

    >>> agreement(CASES[0]).holds
    True
    """
    value, gradient = case.loss.value_and_gradient(case.y, case.x, case.sample_weight)
    if library is None:
        theirs = np.asarray(case.textbook(case.y, case.x)), _differences(case)
        limits = FORMULA, DIFFERENCES
    else:
        call = getattr(case, library.name)
        if call is None or library.run is None:
            return None
        theirs, limits = library.run(call, case.y, case.x), (library.within, library.within)
    if case.simplex:
        gradient, theirs = _along(gradient), (theirs[0], _along(theirs[1]))
    off = _difference(value, theirs[0]), _difference(gradient, theirs[1])
    return Agreement(*off, off[0] <= limits[0] and off[1] <= limits[1])


def _differences(case: Case, h: float = 1e-4) -> Array:
    """Return the gradient of the textbook formula: (8 (f(h) - f(-h)) - (f(2h) - f(-2h))) / 12h, entry by entry."""
    result = np.empty_like(case.x)
    for i in np.ndindex(case.x.shape):
        f = {}
        for step in (-2, -1, 1, 2):
            x = case.x.copy()
            x[i] += step * h
            f[step] = np.sum(case.textbook(case.y, x))
        result[i] = (8 * (f[1] - f[-1]) - (f[2] - f[-2])) / (12 * h)
    return result


def _difference(a: Any, b: Any) -> float:
    return float(np.max(np.abs(a - b)) / np.max(np.abs(b)))


def _along(gradient: Array) -> Array:
    """Return the part of a gradient along which rows keep their sum."""
    return np.asarray(gradient - gradient.mean(axis=-1, keepdims=True))


# -- where others are wrong --------------------------------------------------------------------------------------------


def answer(defect: Defect, library: Library | None = None) -> Answer | None:
    """Ask a library, or cutedl, for the number that a defect is about; None if it cannot be asked."""
    try:
        if library is None:
            value, gradient = _by_cutedl(defect)
        else:
            call = getattr(defect, library.name)
            if call is None or library.run is None:
                return None
            value, gradient = library.run(call, defect.y, defect.x)
    except Exception as error:
        on_purpose = library is not None or isinstance(error, CutedlError)
        return Answer(type(error).__name__, defect.exact is None and on_purpose)
    given = float(np.sum(value) if defect.entry is None else gradient[defect.entry])
    # a few units in the last place of the type that was given
    slack = 8 * float(np.finfo(defect.x.dtype).eps)
    return Answer(given, defect.exact is not None and abs(given - defect.exact) <= slack * abs(defect.exact))


def _by_cutedl(defect: Defect) -> tuple[Any, Array]:
    x = defect.x
    if defect.activation == "softmax":
        p = prob_distribution(x)
        value, g = defect.loss.value_and_gradient(defect.y, p, defect.sample_weight)
        return value, p * (g - (p * g).sum(axis=-1, keepdims=True))
    if defect.activation == "sigmoid":
        p = sigmoid(x)
        value, g = defect.loss.value_and_gradient(defect.y, p, defect.sample_weight)
        return value, g * p * (1 - p)
    return defect.loss.value_and_gradient(defect.y, x, defect.sample_weight)


# -- the tables --------------------------------------------------------------------------------------------------------


def compare(cases: Sequence[Case], defects: Sequence[Defect], libraries: Sequence[Library]) -> bool:
    """Print both tables and their sums; return whether cutedl is right in every row."""
    columns = (None, *libraries)
    print("Where they agree: the largest relative difference of value and gradient, in float64.")
    print(f"textbook: value within {FORMULA:g} of the formula, gradient within {DIFFERENCES:g} of its differences")
    print("\n".join(f"{library.name}: both within {library.within:g} of cutedl" for library in libraries) + "\n")
    _print_row("", ["textbook", *libraries])
    agreements = [[agreement(case, library) for library in columns] for case in cases]
    for case, agreed in zip(cases, agreements, strict=True):
        _print_row(case.name, agreed)

    print("\nWhere others are wrong: the exact answer, and what each one says; to refuse is to raise any error.\n")
    _print_row("", ["exact", "cutedl", *libraries])
    answers = [[answer(defect, library) for library in columns] for defect in defects]
    for defect, given in zip(defects, answers, strict=True):
        _print_row(defect.name, ["  refused" if defect.exact is None else f"  {defect.exact:.5g}", *given])
    print()
    for k, name in enumerate(["cutedl", *libraries]):
        print(f"{name}: {_count(row[k] for row in agreements)} agree, {_count(row[k] for row in answers)} are right")
    ours: list[Agreement | Answer | None] = [*(row[0] for row in agreements), *(row[0] for row in answers)]
    return all(cell is not None and cell.holds for cell in ours)


def _count(cells: Iterable[Agreement | Answer | None]) -> str:
    asked = [cell.holds for cell in cells if cell is not None]
    return f"{sum(asked)} of {len(asked)}"


def _print_row(name: str, cells: Sequence[object]) -> None:
    print("  ".join([f"{name:46}", *(f"{'' if cell is None else str(cell):22}" for cell in cells)]).rstrip())


def _mark(holds: bool) -> str:
    return "✓" if holds else "✗"


def main() -> int:
    """Print the tables for what is installed; return the exit code."""
    with warnings.catch_warnings():
        # The inputs are odd on purpose.
        warnings.simplefilter("ignore")
        return 0 if compare(CASES, DEFECTS, (torch(), keras())) else 1


if __name__ == "__main__":
    sys.exit(main())
