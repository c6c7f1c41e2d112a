"""MLPClassifier: a network that names a class, or says yes or no to several labels."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import ClassifierMixin
from sklearn.metrics import accuracy_score
from sklearn.utils import column_or_1d
from sklearn.utils.class_weight import compute_sample_weight
from sklearn.utils.metaestimators import available_if
from sklearn.utils.multiclass import check_classification_targets, type_of_target

from cutedl import dlmath, losses
from cutedl.errors import ArgumentError, LabelError, unknown_name
from cutedl.losses import Loss
from cutedl.sklearn.perceptron import Perceptron, takes_batches, validated
from cutedl.sklearn.samples import Samples, weighted

__all__ = ["MLPClassifier"]

_OUT = {"softmax": "softmax", "sigmoid": "logistic", None: "identity"}


def _has_probabilities(estimator: MLPClassifier) -> bool:
    if isinstance(estimator.loss, Loss) and estimator.loss.activation is None:
        raise AttributeError(f"{type(estimator.loss).__name__} gives scores, no probabilities.")
    return True


@dataclass(eq=False, repr=False)
class MLPClassifier(ClassifierMixin, Perceptron):
    """A multi-layer perceptron that classifies: scikit-learn's estimator of that name, trained by cutedl.

    It takes scikit-learn's arguments, with their meanings, and more. Two defaults differ, because small data is then
    classified better: label_smoothing=0.1 (with 0 probabilities are those of scikit-learn's loss) and
    learning_rate_init=0.01. All other defaults are scikit-learn's.

    activation: also any other name of cutedl.nn.activations, or a layer. solver: also "adamw", "rmsprop", ..., any
    class of cutedl.optimizers in small letters, at learning_rate_init, or an Optimizer, which is copied.
    learning_rate: also a Schedule or a function of the step, for any solver by name.
    loss: "log_loss", or a Loss; "log_loss" is the cross entropy, of softmax for three classes or more, of sigmoids for
    two and for multilabel y, averaged over the labels. A Loss is given logits.
    label_smoothing: share of a label that is spread over all classes, in [0, 1]; for loss="log_loss".
    dropout: the rate after every hidden layer. class_weight: {class: weight} or "balanced", times sample_weight.
    listeners: of cutedl, called in every fit. verbose: lines on stderr.

    X float32 is trained in float32, at twice the speed; anything else in float64, as in scikit-learn.
    Biases start at 0, a batch_size above n is n, n_iter_no_change and tol mean what they do in scikit-learn.

    After fit, beside scikit-learn's attributes: model_, a cutedl.Model without the last softmax or sigmoid; history_,
    with val_loss where early_stopping is on. Errors derive from ValueError.

    >>> x = np.array([[0.0], [1.0], [2.0], [3.0]])
    >>> classifier = MLPClassifier((), solver="lbfgs", alpha=0.01).fit(x, ["low", "low", "high", "high"])
    >>> print(classifier.predict([[0.2], [2.9]]), classifier.n_iter_ > 0)
    ['low' 'high'] True
    """

    learning_rate_init: float = 0.01
    loss: str | Loss = "log_loss"
    label_smoothing: float = 0.1
    class_weight: Mapping[Any, float] | str | None = None

    # -- classes -----------------------------------------------------------------------------------------------------

    def _read(self, X: Any, y: Any, sample_weight: Any, first: bool, classes: Any = None) -> Samples:
        X, y = validated(self, X, y, first, y_numeric=False)
        check_classification_targets(y)
        multilabel = type_of_target(y, input_name="y") == "multilabel-indicator"
        if multilabel:
            y = y.toarray() if hasattr(y, "toarray") else y
        else:
            y = column_or_1d(y, warn=True)
        if first:
            self._multilabel = multilabel
            given = np.arange(y.shape[1]) if multilabel else y
            self.classes_ = np.unique(given if classes is None else classes)
            single = not multilabel and len(self.classes_) == 2 and self._activation() != "softmax"
            self.n_outputs_ = 1 if single else len(self.classes_)
        factors = None if self.class_weight is None else compute_sample_weight(self.class_weight, y)
        return weighted(X, self._numbers(y), sample_weight, factors)

    def _numbers(self, y: NDArray[Any]) -> NDArray[Any]:
        """Return the place of each label in classes_, or rows of 0 and 1."""
        if y.ndim > 1 or self._multilabel:
            if y.ndim == 1 or y.shape[1] != len(self.classes_):
                raise LabelError("y is of another kind than before.", expected=f"{len(self.classes_)} labels")
            return np.asarray(y, np.intp)
        places = np.minimum(np.searchsorted(self.classes_, y), len(self.classes_) - 1)
        unknown = self.classes_[places] != y
        if unknown.any():
            raise LabelError(
                "y holds a class that was not there before.",
                expected=f"classes {self.classes_.tolist()}",
                received=repr(y[unknown][0]),
            )
        return places

    # -- the loss ----------------------------------------------------------------------------------------------------

    def _activation(self) -> str | None:
        """What makes probabilities of the outputs."""
        if isinstance(self.loss, Loss):
            return self.loss.activation
        return "sigmoid" if self._multilabel or len(self.classes_) == 2 else "softmax"

    def _loss(self) -> Loss:
        if isinstance(self.loss, Loss):
            return self.loss.on_logits()
        if self.loss != "log_loss":
            raise unknown_name("loss", self.loss, ["log_loss"])
        kind = losses.SparseCategoricalCrossentropy if self._activation() == "softmax" else losses.BinaryCrossentropy
        # Labels and logits are made here: they cannot be what they are not.
        return kind(label_smoothing=self.label_smoothing, check="never")

    def _labels(self, y: NDArray[Any]) -> NDArray[Any]:
        dtype = self.model_.dtype
        if self._multilabel or self.n_outputs_ == 1 < len(self.classes_):
            return y.reshape(len(y), -1).astype(dtype)
        if isinstance(self._session.loss, losses.SparseCategoricalCrossentropy):
            return y
        one_hot: NDArray[Any] = np.eye(self.n_outputs_, dtype=dtype)[y]
        return one_hot

    # -- training ----------------------------------------------------------------------------------------------------

    @available_if(takes_batches)
    def partial_fit(
        self, X: ArrayLike, y: ArrayLike, classes: ArrayLike | None = None, sample_weight: ArrayLike | None = None
    ) -> Self:
        """Train for one epoch. classes: all that there will be, needed the first time; for multilabel y 0, 1, ..."""
        if not hasattr(self, "model_"):
            if classes is None:
                raise ArgumentError("classes must be passed on the first call to partial_fit.")
        elif classes is not None and not np.array_equal(np.unique(classes), self.classes_):
            raise ArgumentError("classes are not those of the first call.", expected=self.classes_, received=classes)
        if self.class_weight == "balanced":
            raise ArgumentError('class_weight="balanced" needs all samples.', hint="give partial_fit the weights.")
        return self._fit_once(X, y, sample_weight, classes)

    def _score(self, samples: Samples, outputs: NDArray[Any]) -> float:
        return float(accuracy_score(samples.y, self._decisions(outputs), sample_weight=samples.weight))

    # -- use ---------------------------------------------------------------------------------------------------------

    @property
    def out_activation_(self) -> str:
        """What makes probabilities of the outputs of model_: "softmax", "logistic", or "identity" for none."""
        return _OUT[self._session.loss.activation]

    def _decisions(self, outputs: NDArray[Any]) -> NDArray[Any]:
        """Return places in classes_, or rows of 0 and 1."""
        if (not self._multilabel and outputs.shape[1] > 1) or len(self.classes_) == 1:
            return np.asarray(outputs.argmax(axis=1))
        threshold = self._session.loss.threshold
        yes = (outputs > (0.5 if threshold is None else threshold)).astype(np.intp)
        return yes if self._multilabel else yes[:, 0]

    def predict(self, X: ArrayLike) -> NDArray[Any]:
        """Return the class of each sample (n,), or rows of 0 and 1 (n, labels)."""
        decisions = self._decisions(self._outputs(X))
        return decisions if self._multilabel else np.asarray(self.classes_[decisions])

    @available_if(_has_probabilities)
    def predict_log_proba(self, X: ArrayLike) -> NDArray[Any]:
        """Return the logarithms of predict_proba, from the logits: right where a probability is too small for one."""
        outputs = self._outputs(X)
        if self.out_activation_ == "softmax":
            return dlmath.log_softmax(outputs)
        if self._multilabel:
            return dlmath.log_sigmoid(outputs)
        if self.n_outputs_ == 1:
            return np.hstack([dlmath.log_sigmoid(-outputs), dlmath.log_sigmoid(outputs)])
        logs = dlmath.log_sigmoid(outputs)
        return np.asarray(logs - dlmath.log_sum_exp(logs)[:, None])

    @available_if(_has_probabilities)
    def predict_proba(self, X: ArrayLike) -> NDArray[Any]:
        """Return the probability of each class (n, classes), in rows that sum to 1, or of each label (n, labels)."""
        return np.asarray(np.exp(self.predict_log_proba(X)))

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        return tags
