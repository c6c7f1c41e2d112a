"""MLPRegressor: a network that gives numbers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import RegressorMixin
from sklearn.metrics import r2_score
from sklearn.utils import column_or_1d
from sklearn.utils.metaestimators import available_if

from cutedl import losses
from cutedl.errors import ShapeError, unknown_name
from cutedl.losses import Loss
from cutedl.losses.base import Array
from cutedl.losses.elementwise import ElementLoss
from cutedl.sklearn.perceptron import Perceptron, takes_batches, validated
from cutedl.sklearn.samples import Samples, weighted

__all__ = ["MLPRegressor"]


class HalfSquaredError(ElementLoss):
    """Mean of e^2 / 2, scikit-learn's squared error: gradient e / n.

    >>> HalfSquaredError()([[1.0, 2.0]], [[1.0, 4.0]])
    1.0
    """

    def _elements(self, y: Array, x: Array, out: Array | None) -> Array:
        error = np.subtract(x, y, out=out)
        return np.asarray(0.5 * np.square(error, dtype=np.float64))


@dataclass(eq=False, repr=False)
class MLPRegressor(RegressorMixin, Perceptron):
    """A multi-layer perceptron for numbers: scikit-learn's estimator of that name, trained by cutedl.

    Arguments and attributes are MLPClassifier's, but for class_weight and:

    loss: "squared_error", (y - prediction)^2 / 2 averaged over samples and outputs; "poisson", for counts, with
    exp(output) as the prediction; or a Loss of targets and outputs, both (n, outputs).
    y: (n,) or (n, outputs).

    >>> x = np.linspace(-1, 1, 20).reshape(-1, 1)
    >>> regressor = MLPRegressor((), solver="lbfgs", alpha=0, random_state=0).fit(x, 3 * x[:, 0] + 1)
    >>> print(regressor.predict([[2.0]]).round(2))
    [7.]
    """

    def _read(self, X: Any, y: Any, sample_weight: Any, first: bool, classes: Any = None) -> Samples:
        X, y = validated(self, X, y, first, y_numeric=True)
        y = column_or_1d(y, warn=True) if y.ndim == 2 and y.shape[1] == 1 else y
        outputs = 1 if y.ndim == 1 else y.shape[1]
        if first:
            self.n_outputs_ = outputs
        elif outputs != self.n_outputs_:
            raise ShapeError("y has another number of outputs.", expected=self.n_outputs_, received=outputs)
        return weighted(X, y, sample_weight)

    def _loss(self) -> Loss:
        if isinstance(self.loss, Loss):
            return self.loss.on_logits()
        if self.loss == "squared_error":
            return HalfSquaredError()
        if self.loss == "poisson":
            return losses.Poisson(log_input=True)
        raise unknown_name("loss", self.loss, ["poisson", "squared_error"])

    def _labels(self, y: NDArray[Any]) -> NDArray[Any]:
        return y.reshape(len(y), -1).astype(self.model_.dtype)

    @available_if(takes_batches)
    def partial_fit(self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None) -> Self:
        """Train for one epoch, and go on where the last one ended."""
        return self._fit_once(X, y, sample_weight)

    @property
    def out_activation_(self) -> str:
        """What makes predictions of the outputs of model_: "exp" for the loss "poisson", else "identity"."""
        return "exp" if self.loss == "poisson" else "identity"

    def _predictions(self, outputs: NDArray[Any]) -> NDArray[Any]:
        numbers = np.exp(outputs) if self.out_activation_ == "exp" else outputs
        return numbers[:, 0] if self.n_outputs_ == 1 else numbers

    def _score(self, samples: Samples, outputs: NDArray[Any]) -> float:
        return float(r2_score(samples.y, self._predictions(outputs), sample_weight=samples.weight))

    def predict(self, X: ArrayLike) -> NDArray[Any]:
        """Return the prediction of each sample, (n,) or (n, outputs)."""
        return self._predictions(self._outputs(X))

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags
