"""Perceptron: what MLPClassifier and MLPRegressor have in common."""

from __future__ import annotations

import copy
import warnings
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils.validation import check_is_fitted, validate_data

from cutedl import nn, registry, saved_model
from cutedl.dataset import Dataset
from cutedl.errors import ArgumentError
from cutedl.history import History
from cutedl.listeners import Listener
from cutedl.losses import Loss
from cutedl.model import Model
from cutedl.nn.regularizers import L2
from cutedl.optimizers import Optimizer
from cutedl.session import Session
from cutedl.sklearn.arguments import check_arguments, seed_of, widths
from cutedl.sklearn.convergence import Convergence
from cutedl.sklearn.samples import InOrder, Samples
from cutedl.sklearn.solvers import minimize_whole, optimizer_for

__all__ = ["Perceptron", "takes_batches", "validated"]

_ACTIVATIONS = {"identity": "linear", "logistic": "sigmoid"}  # scikit-learn's names for ours
_AUTO_BATCH = 200
_INPUT = {"dtype": (np.float64, np.float32), "accept_sparse": "csr"}


@dataclass(eq=False, repr=False)
class Perceptron(BaseEstimator, ABC):
    """Base of the estimators: scikit-learn's arguments with its meanings and defaults, and some more."""

    hidden_layer_sizes: int | Sequence[int] = (100,)
    activation: str | nn.Layer = "relu"
    solver: str | Optimizer = "adam"
    alpha: float = 0.0001
    batch_size: int | str = "auto"
    learning_rate: str | Callable[[int], float] = "constant"
    learning_rate_init: float = 0.001
    power_t: float = 0.5
    max_iter: int = 200
    shuffle: bool = True
    random_state: int | np.random.RandomState | None = None
    tol: float = 1e-4
    verbose: bool | int = False
    warm_start: bool = False
    momentum: float = 0.9
    nesterovs_momentum: bool = True
    early_stopping: bool = False
    validation_fraction: float = 0.1
    beta_1: float = 0.9
    beta_2: float = 0.999
    epsilon: float = 1e-8
    n_iter_no_change: float = 10
    max_fun: int = 15000
    loss: str | Loss = "squared_error"
    dropout: float = 0.0
    listeners: Sequence[Listener] = ()

    # -- what a kind of estimator says -------------------------------------------------------------------------------

    @abstractmethod
    def _read(self, X: Any, y: Any, sample_weight: Any, first: bool, classes: Any = None) -> Samples:
        """Check the data; the first time, learn from it what there is to predict."""

    @abstractmethod
    def _loss(self) -> Loss:
        """Return the loss of the model's outputs."""

    @abstractmethod
    def _labels(self, y: NDArray[Any]) -> NDArray[Any]:
        """Return targets in the form that the loss takes."""

    @abstractmethod
    def _score(self, samples: Samples, outputs: NDArray[Any]) -> float:
        """Return what score() would, for outputs of the model."""

    # -- training ----------------------------------------------------------------------------------------------------

    def fit(self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None) -> Self:
        """Train on X (n, features): an array, a table, a sparse matrix.

        sample_weight: (n,), any scale; a weight of 2 is as if the sample were there twice, one of 0 as if not at all.
        """
        check_arguments(self)
        first = not (self.warm_start and hasattr(self, "model_"))
        samples, seed = self._read(X, y, sample_weight, first), seed_of(self.random_state)
        if first:
            self._assemble(samples, seed)
        self._open(seed)
        if self.solver == "lbfgs":
            self._minimize(samples)
        else:
            self._train(samples, seed)
        return self

    def _fit_once(self, X: Any, y: Any, sample_weight: Any, classes: Any = None) -> Self:
        """Train for one epoch, and go on where the last one ended."""
        check_arguments(self)
        if self.early_stopping:
            raise ArgumentError("partial_fit does not support early_stopping=True.", hint="watch score() yourself.")
        first = not hasattr(self, "model_")
        samples, seed = self._read(X, y, sample_weight, first, classes), seed_of(self.random_state)
        if first:
            self._assemble(samples, seed)
            self._open(seed)
        rate = Convergence(self.tol, np.inf, None, self._rate_rule(), self.power_t)
        self._run(samples, 1, None, [*self.listeners, rate])
        return self

    def _assemble(self, samples: Samples, seed: int) -> None:
        """Make the network, in the type of X."""
        activation = self.activation
        layers: list[nn.Layer] = []
        for units in widths(self.hidden_layer_sizes):
            own = _ACTIVATIONS.get(activation, activation) if isinstance(activation, str) else copy.deepcopy(activation)
            layers.append(nn.Dense(units, activation=own, kernel_regularizer=L2(0.0)))
            if self.dropout:
                layers.append(nn.Dropout(self.dropout))
        layers.append(nn.Dense(self.n_outputs_, kernel_regularizer=L2(0.0)))
        self.model_ = Model(layers)
        dtype = "float64" if self.solver == "lbfgs" else samples.x.dtype
        self.model_.assemble(seed, dtype, inshape=samples.x.shape[1])
        self.history_, self.t_ = History(), 0

    def _open(self, seed: int) -> None:
        """Begin a session that adds to the history."""
        self._session = Session(self.model_, self._loss(), optimizer_for(self), seed=seed)
        self._session.history = self.history_
        self._session.epoch = len(self.loss_curve_)

    def _train(self, samples: Samples, seed: int) -> None:
        held_out = None
        if self.early_stopping:
            stratify = hasattr(self, "classes_") and samples.y.ndim == 1
            samples, held_out = samples.split(self.validation_fraction, seed, stratify)
        score = None if held_out is None else lambda outputs: self._score(held_out, outputs)
        patience = float(self.n_iter_no_change)
        end = Convergence(self.tol, patience, score, self._rate_rule(), self.power_t)
        self._run(samples, self.max_iter, held_out, [*self.listeners, end])
        self.validation_scores_ = end.scores if self.early_stopping else None
        self.best_validation_score_ = max(end.scores) if self.early_stopping else None
        if self._session.stop_reason is None:
            warnings.warn(
                f"max_iter={self.max_iter} epochs were trained, and the loss was still falling.",
                ConvergenceWarning,
                stacklevel=3,
            )

    def _run(self, samples: Samples, epochs: int, held_out: Samples | None, listeners: Sequence[Listener]) -> None:
        session, before = self._session, self._session.epoch
        train = self._dataset(samples, _AUTO_BATCH if self.batch_size == "auto" else int(self.batch_size))
        validation = None if held_out is None else self._dataset(held_out, train.batch_size)
        self._set_penalty(train.batch_size * samples.scale)
        verbose = min(2, int(self.verbose))
        session.fit(train, epochs, val_data=validation, listeners=listeners, verbose=verbose)
        self.n_iter_ = session.epoch - before
        self.t_ += self.n_iter_ * len(train)

    def _minimize(self, samples: Samples) -> None:
        data = self._dataset(samples, len(samples.y))
        self._set_penalty(len(data) * samples.scale)
        found = minimize_whole(self._session, data, self.max_iter, self.max_fun, self.tol)
        self.n_iter_ = int(found.nit)

    def _dataset(self, samples: Samples, batch_size: int) -> Dataset:
        rows = min(batch_size, len(samples.y))
        kind = Dataset if self.shuffle and rows < len(samples.y) else InOrder  # one batch has no order to shuffle
        return kind(samples.x, self._labels(samples.y), rows, sample_weight=samples.weight)

    def _set_penalty(self, weight: float) -> None:
        """Let every kernel W add alpha Σ W² / (2 weight of a batch) to the loss, as scikit-learn's do."""
        for layer in self.model_.layers:
            if isinstance(layer, nn.Dense) and isinstance(layer.kernel_regularizer, L2):
                layer.kernel_regularizer.l2 = self.alpha / (2 * weight)

    def _rate_rule(self) -> str:
        """How the learning rate changes by the epoch: it does for "sgd" alone, as in scikit-learn."""
        return self.learning_rate if self.solver == "sgd" and isinstance(self.learning_rate, str) else "constant"

    # -- use ---------------------------------------------------------------------------------------------------------

    def _outputs(self, X: Any) -> NDArray[Any]:
        """Return the model's outputs (n, n_outputs_)."""
        check_is_fitted(self, "model_")
        return self.model_.predict(validate_data(self, X, reset=False, **_INPUT))

    @property
    def coefs_(self) -> list[NDArray[Any]]:
        """The kernel (in, out) of every layer: views, to be read and written."""
        return [parameter.value for name, parameter in self.model_.parameters.items() if name.endswith(".kernel")]

    @property
    def intercepts_(self) -> list[NDArray[Any]]:
        """The bias (out,) of every layer: views, to be read and written."""
        return [parameter.value for name, parameter in self.model_.parameters.items() if name.endswith(".bias")]

    @property
    def n_layers_(self) -> int:
        """Layers, that of the inputs included."""
        return len(self.coefs_) + 1

    @property
    def loss_curve_(self) -> list[float]:
        """The mean loss, with the penalty, of every epoch."""
        return list(self.history_.get("loss", ()))

    @property
    def loss_(self) -> float:
        """The loss of the last epoch."""
        return self.loss_curve_[-1]

    @property
    def best_loss_(self) -> float | None:
        """The smallest loss of an epoch; None where the validation score decided."""
        return None if self.early_stopping else min(self.loss_curve_)

    # -- scikit-learn's protocols ------------------------------------------------------------------------------------

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags

    def __getstate__(self) -> dict[str, Any]:
        """What copy, pickle and joblib take: layers are described, for their arrays are views of one vector."""
        state = dict(super().__getstate__())
        if "_session" not in state:
            return state
        model, session = state.pop("model_"), state.pop("_session")
        optimizer = session.optimizer
        state["_saved"] = {
            "arena": {"model": saved_model.model_state(model), **model.arena.state()},
            "custom": [type(layer) for layer in model.chain],
            "loss": session.loss,
            "optimizer": type(optimizer)(**optimizer.arguments()),
            "optimizer_state": optimizer.state(),
            "seed": session.seed,
        }
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        saved = state.pop("_saved", None)
        super().__setstate__(state)
        if saved is None:
            return
        layers = registry.build(saved["arena"]["model"]["layers"], saved["custom"])
        self.model_ = saved_model.rebuild(Model(layers), saved["arena"])
        self._session = Session(self.model_, saved["loss"], saved["optimizer"], seed=saved["seed"])
        self._session.optimizer.restore(saved["optimizer_state"], self.model_.arena)
        self._session.history = self.history_
        self._session.epoch = len(self.loss_curve_)


def takes_batches(estimator: Perceptron) -> bool:
    """Whether partial_fit is there; AttributeError if not."""
    if estimator.solver == "lbfgs":
        raise AttributeError("partial_fit needs a solver that takes batches; lbfgs takes all samples at once.")
    return True


def validated(estimator: Perceptron, X: Any, y: Any, first: bool, y_numeric: bool) -> tuple[Any, Any]:
    """Return X and y as scikit-learn's conventions have them."""
    X, y = validate_data(estimator, X, y, reset=first, multi_output=True, y_numeric=y_numeric, **_INPUT)
    return X, y
