"""Solvers: scikit-learn's names for optimizers, and L-BFGS, which SciPy runs over the model's two flat vectors."""

from __future__ import annotations

import copy
import warnings
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from cutedl import optimizers
from cutedl.dataset import Dataset
from cutedl.errors import unknown_name
from cutedl.optimizers import Optimizer

if TYPE_CHECKING:
    from scipy.optimize import OptimizeResult

    from cutedl.session import Session
    from cutedl.sklearn.perceptron import Perceptron

__all__ = ["minimize_whole", "optimizer_for"]

_BY_NAME = {
    kind.__name__.lower(): kind
    for kind in (getattr(optimizers, name) for name in optimizers.__all__)
    if isinstance(kind, type) and issubclass(kind, Optimizer) and kind is not Optimizer
}


def optimizer_for(estimator: Perceptron) -> Optimizer:
    """Return the optimizer that an estimator asks for, by scikit-learn's arguments or as a copy of an object.

    >>> from cutedl.sklearn import MLPClassifier
    >>> optimizer_for(MLPClassifier(solver="sgd", learning_rate_init=0.1))
    SGD(learning_rate=0.1, momentum=0.9, nesterov=True)
    """
    solver, rate = estimator.solver, estimator.learning_rate
    if isinstance(solver, Optimizer):
        return copy.deepcopy(solver)
    if solver != "lbfgs" and solver not in _BY_NAME:
        raise unknown_name("solver", solver, ["lbfgs", *_BY_NAME])
    options: dict[str, Any] = {"learning_rate": rate if callable(rate) else estimator.learning_rate_init}
    if solver in ("sgd", "momentum"):
        options["momentum"] = estimator.momentum
        options["nesterov"] = estimator.nesterovs_momentum and estimator.momentum > 0
    elif solver == "adam":
        options |= {"beta1": estimator.beta_1, "beta2": estimator.beta_2, "epsilon": estimator.epsilon}
    return _BY_NAME.get(solver, optimizers.SGD)(**options)


def minimize_whole(session: Session, data: Dataset, max_iter: int, max_fun: int, tol: float) -> OptimizeResult:
    """Minimise the loss of all samples at once by L-BFGS-B; records the loss of every iteration in the history.

    Stops after max_iter iterations, max_fun evaluations, or where no derivative exceeds tol; SciPy's result is returned
    and its weights are the model's.
    """
    from scipy.optimize import minimize

    arena = session.model.arena
    ((x, y, *weights),) = data.batches(dtype=session.model.dtype)
    weight = weights[0] if weights else None

    def value_and_gradient(w: NDArray[Any]) -> tuple[float, NDArray[Any]]:
        arena.values[...] = w
        out = session.model.output_gradient(len(x))
        loss, dy = session.loss.value_and_gradient(y, session.model.forward(x), weight, out=out)
        penalty = arena.penalty
        session.model.backward(dy)
        arena.penalize()
        return loss + penalty, arena.gradients.copy()

    def record(intermediate_result: OptimizeResult) -> None:
        session.epoch += 1
        session.history.record(session.epoch, epoch=session.epoch, loss=float(intermediate_result.fun))

    options = {"maxiter": max_iter, "maxfun": max_fun, "gtol": tol}
    start = np.array(arena.values)
    found = minimize(value_and_gradient, start, method="L-BFGS-B", jac=True, options=options, callback=record)
    arena.values[...] = found.x
    if not found.success:
        from sklearn.exceptions import ConvergenceWarning

        warnings.warn(f"lbfgs: {found.message} after {found.nit} iterations.", ConvergenceWarning, stacklevel=4)
    return found
