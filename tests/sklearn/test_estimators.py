"""cutedl's estimators where people use them: in scikit-learn, beside scikit-learn's own."""

import io
import warnings

import joblib
import numpy as np
import pytest
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits, load_iris, load_wine
from sklearn.exceptions import ConvergenceWarning, NotFittedError
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.neural_network import MLPClassifier as TheirClassifier
from sklearn.neural_network import MLPRegressor as TheirRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from cutedl import listeners, losses, nn, optimizers
from cutedl.sklearn import MLPClassifier, MLPRegressor

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

X, Y = load_iris(return_X_y=True)
X = StandardScaler().fit_transform(X)
TWO = Y[:100]
LABELS = np.column_stack([Y == 0, Y != 1]).astype(int)
NAMES = np.array(["setosa", "versicolor", "virginica"])[Y]


def copied(estimator):
    file = io.BytesIO()
    joblib.dump(estimator, file)
    file.seek(0)
    return joblib.load(file)


def same_start(theirs, ours, x, y, classes=None):
    """Give scikit-learn's estimator our first weights, after the first step of both made all memory."""
    options = {} if classes is None else {"classes": classes}
    theirs.partial_fit(x, y, **options)
    ours.partial_fit(x, y, **options)
    for kernels in zip([*theirs.coefs_, *theirs.intercepts_], [*ours.coefs_, *ours.intercepts_], strict=True):
        kernels[0][...] = kernels[1]


# -- the same numbers as scikit-learn --------------------------------------------------------------------------------


@pytest.mark.parametrize("weight", [None, np.linspace(0.5, 3, 150)], ids=["plain", "weighted"])
@pytest.mark.parametrize("kind", ["three classes", "two classes", "numbers", "counts"])
@pytest.mark.parametrize("rate", ["constant", "invscaling"])
def test_the_same_steps_as_scikit_learn(kind, weight, rate):
    x, y, weight = (
        (X[:100], TWO, weight if weight is None else weight[:100]) if kind == "two classes" else (X, Y, weight)
    )
    theirs, ours = (TheirClassifier, MLPClassifier) if "classes" in kind else (TheirRegressor, MLPRegressor)
    plain = {"solver": "sgd", "learning_rate_init": 0.1, "momentum": 0, "batch_size": len(x), "alpha": 0.1}
    plain |= {"loss": "poisson"} if kind == "counts" else {}
    theirs = theirs(hidden_layer_sizes=(8,), learning_rate=rate, shuffle=False, **plain)
    unsmoothed = {"label_smoothing": 0} if "classes" in kind else {}
    ours = ours(hidden_layer_sizes=(8,), learning_rate=rate, shuffle=False, **plain, **unsmoothed)
    same_start(theirs, ours, x, y, np.unique(y) if "classes" in kind else None)
    for _ in range(10):
        theirs.partial_fit(x, y, sample_weight=weight)
        ours.partial_fit(x, y, sample_weight=weight)
    np.testing.assert_allclose(ours.coefs_[0], theirs.coefs_[0], rtol=1e-9)
    apart = np.subtract(ours.loss_curve_[1:], theirs.loss_curve_[1:])  # counts: by what depends on y alone
    np.testing.assert_allclose(apart, apart[0] if kind == "counts" else 0, atol=1e-9)
    np.testing.assert_allclose(ours.predict(x), theirs.predict(x), rtol=1e-8)
    assert ours.out_activation_ == theirs.out_activation_
    assert (ours.n_layers_, ours.n_outputs_, ours.t_) == (theirs.n_layers_, theirs.n_outputs_, theirs.t_)
    if "classes" in kind:
        np.testing.assert_allclose(ours.predict_proba(x), theirs.predict_proba(x), rtol=1e-7)


def test_lbfgs_finds_the_minimum_that_scikit_learn_finds():
    options = {"hidden_layer_sizes": (), "solver": "lbfgs", "alpha": 1.0, "max_iter": 500, "tol": 1e-8}
    theirs, ours = TheirClassifier(**options).fit(X, Y), MLPClassifier(label_smoothing=0, **options).fit(X, Y)
    assert ours.loss_ == pytest.approx(theirs.loss_, rel=1e-7)
    np.testing.assert_allclose(ours.predict_proba(X), theirs.predict_proba(X), atol=1e-3)
    assert len(ours.loss_curve_) == ours.n_iter_
    assert not hasattr(ours, "partial_fit")


@pytest.mark.parametrize("load", [load_breast_cancer, load_wine, load_diabetes])
def test_scores_no_lower_than_scikit_learns(load):
    """One standard error of five folds; all data sets and the times: python -m benchmarks.estimators."""
    x, y = load(return_X_y=True)
    regression = load is load_diabetes
    y = (y - y.mean()) / y.std() if regression else y
    kinds = (TheirRegressor, MLPRegressor) if regression else (TheirClassifier, MLPClassifier)
    theirs, ours = (
        cross_val_score(make_pipeline(StandardScaler(), kind(max_iter=100, random_state=0)), x, y, cv=5)
        for kind in kinds
    )
    assert ours.mean() > theirs.mean() - theirs.std(ddof=1) / np.sqrt(5)


# -- in scikit-learn's tools -----------------------------------------------------------------------------------------


def test_pipeline_grid_search_and_calibration_with_names():
    network = MLPClassifier((8,), max_iter=20, learning_rate_init=0.05, random_state=0)
    choices = {"mlpclassifier__alpha": [0.0, 0.1], "mlpclassifier__dropout": [0.0, 0.2]}
    grid = GridSearchCV(make_pipeline(StandardScaler(), network), choices, cv=2)
    assert grid.fit(X, NAMES).score(X, NAMES) > 0.8
    calibrated = CalibratedClassifierCV(grid.best_estimator_, cv=2, method="temperature").fit(X, NAMES)
    np.testing.assert_allclose(calibrated.predict_proba(X).sum(axis=1), 1, rtol=1e-6)
    assert set(calibrated.predict(X)) <= set(NAMES)


@pytest.mark.parametrize("estimator", [MLPClassifier((6,), dropout=0.2), MLPRegressor((6,), solver="adamw")])
def test_a_copy_predicts_the_same_and_learns_on_alike(estimator):
    estimator = clone(estimator).set_params(max_iter=5, random_state=3).fit(X, Y)
    twin = copied(estimator)
    np.testing.assert_array_equal(twin.predict(X), estimator.predict(X))
    assert twin.loss_curve_ == estimator.loss_curve_
    for each in (estimator, twin):
        each.partial_fit(X, Y)
        each.partial_fit(X, Y)
    np.testing.assert_array_equal(twin.coefs_[0], estimator.coefs_[0])
    twin.coefs_[0][...] = 0  # a copy is no view
    assert estimator.coefs_[0].any()
    with pytest.raises(NotFittedError):
        clone(estimator).predict(X)


def test_a_warm_start_goes_on_and_the_same_seed_gives_the_same_bits():
    first = MLPClassifier((6,), warm_start=True, max_iter=3, random_state=0).fit(X, NAMES)
    np.testing.assert_array_equal(clone(first).fit(X, NAMES).coefs_[0], first.coefs_[0])
    before = first.loss_
    first.fit(X, NAMES)
    assert len(first.loss_curve_) == 6
    assert first.loss_ < before
    state = np.random.RandomState(0)
    drawn = [MLPClassifier((6,), max_iter=1, random_state=state).fit(X, Y).coefs_[0] for _ in range(2)]
    assert (drawn[0] != drawn[1]).any()


def test_several_labels_and_parts_of_the_data():
    classifier = MLPClassifier((16,), learning_rate_init=0.05, random_state=0)
    for _ in range(60):
        classifier.partial_fit(X, LABELS, classes=[0, 1])
    assert classifier.score(X, LABELS) > 0.9
    assert classifier.predict(X).shape == classifier.predict_proba(X).shape == LABELS.shape
    parts = MLPClassifier((16,), learning_rate_init=0.05, random_state=0)
    with pytest.raises(ValueError, match="classes must be passed on the first call to partial_fit"):
        parts.partial_fit(X, NAMES)
    parts.partial_fit(X[:50], NAMES[:50], classes=np.unique(NAMES))
    with pytest.raises(ValueError, match="y holds a class that was not there before"):
        parts.partial_fit(X[:2], ["rosa", "setosa"])
    assert parts.predict_proba(X).shape == (150, 3)


# -- what scikit-learn's have not ------------------------------------------------------------------------------------


def test_validation_loss_listeners_and_the_history():
    seen = []
    heard = listeners.FitListener("epoch_end", callback=lambda history: seen.append(len(history["loss"])))
    classifier = MLPClassifier(
        (16,), early_stopping=True, n_iter_no_change=3, learning_rate_init=0.02, listeners=[heard]
    )
    classifier.fit(X, NAMES)
    assert seen == list(range(1, classifier.n_iter_ + 1))
    assert len(classifier.history_["val_loss"]) == len(classifier.validation_scores_) == classifier.n_iter_
    assert classifier.best_validation_score_ == max(classifier.validation_scores_)
    assert classifier.best_loss_ is None
    with pytest.raises(ValueError, match="partial_fit does not support early_stopping=True"):
        classifier.partial_fit(X, NAMES)


def test_class_weight_counts_as_sample_weight_does():
    share = {"setosa": 1.0, "versicolor": 3.0, "virginica": 0.5}
    options = {"hidden_layer_sizes": (6,), "max_iter": 5, "random_state": 0}
    by_class = MLPClassifier(class_weight=share, **options).fit(X, NAMES)
    by_sample = MLPClassifier(**options).fit(X, NAMES, sample_weight=[share[name] for name in NAMES])
    np.testing.assert_allclose(by_class.coefs_[0], by_sample.coefs_[0], rtol=1e-12)
    plain = MLPClassifier(**options).fit(X, NAMES)
    assert abs(plain.coefs_[0] - by_class.coefs_[0]).max() > 1e-4


@pytest.mark.parametrize(
    ("loss", "labels", "shape"),
    [
        (losses.CategoricalCrossentropy(label_smoothing=0.1), NAMES, (150, 3)),
        (losses.CategoricalFocalCrossentropy(), NAMES, (150, 3)),
        (losses.BinaryCrossentropy(), NAMES, (150, 3)),
        (losses.CategoricalCrossentropy(from_logits=False), NAMES == "setosa", (150, 2)),
        (losses.BinaryFocalCrossentropy(), NAMES == "setosa", (150, 2)),
    ],
    ids=lambda value: type(value).__name__,
)
def test_any_loss_and_any_optimizer(loss, labels, shape):
    solver = optimizers.RMSProp(0.02)
    classifier = MLPClassifier((16,), activation=nn.Tanh(), loss=loss, solver=solver, max_iter=60, random_state=0)
    probabilities = classifier.fit(X, labels).predict_proba(X)
    assert classifier.score(X, labels) > 0.85
    assert probabilities.shape == shape
    np.testing.assert_allclose(probabilities.sum(axis=1), 1)
    assert solver.steps == 0  # the object is a parameter: it stays as it is


def test_scores_without_probabilities():
    classifier = MLPClassifier((8,), loss=losses.Hinge(), max_iter=100, learning_rate_init=0.02).fit(
        X, NAMES == "setosa"
    )
    assert classifier.score(X, NAMES == "setosa") > 0.9
    assert not hasattr(classifier, "predict_proba")


def test_training_has_the_type_of_the_data():
    assert MLPClassifier((4,), max_iter=1).fit(X.astype("float32"), Y).coefs_[0].dtype == np.float32
    assert MLPClassifier((4,), max_iter=1).fit(X, Y).coefs_[0].dtype == np.float64


@pytest.mark.parametrize(("rate", "last"), [("constant", 0.1), ("adaptive", 0.1 / 5**8)])
def test_training_ends_where_scikit_learns_does(rate, last):
    options = {"solver": "sgd", "learning_rate_init": 0.1, "learning_rate": rate, "n_iter_no_change": 2}
    theirs, ours = (kind(hidden_layer_sizes=(4,), tol=10.0, **options) for kind in (TheirRegressor, MLPRegressor))
    with warnings.catch_warnings():
        warnings.simplefilter("error", ConvergenceWarning)
        ours.fit(X, Y)
    assert ours.n_iter_ == theirs.fit(X, Y).n_iter_
    assert ours.history_["learning_rate"][0] == 0.1
    assert ours.history_["learning_rate"][-1] == pytest.approx(last)


def test_early_stopping_ends_with_the_best_weights():
    states = []
    heard = listeners.LambdaListener(epoch_end=lambda session: states.append(session.model.arena.values.copy()))
    classifier = MLPClassifier((8,), early_stopping=True, learning_rate_init=0.05, listeners=[heard]).fit(X, NAMES)
    best = int(np.argmax(classifier.validation_scores_))
    np.testing.assert_array_equal(classifier.model_.arena.values, states[best])
    assert best + 1 < classifier.n_iter_


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"solver": "adma"}, "no solver is named 'adma'.*did you mean 'adamax'"),
        ({"activation": "rleu"}, "did you mean 'relu'"),
        ({"learning_rate": "fast"}, "no learning_rate is named 'fast'"),
        ({"loss": "hinge"}, "no loss is named 'hinge'"),
        ({"alpha": -1}, "alpha cannot be used"),
        ({"batch_size": 0}, "batch_size cannot be used"),
        ({"hidden_layer_sizes": (8, 0)}, "hidden_layer_sizes cannot be used"),
        ({"n_iter_no_change": 0}, "n_iter_no_change cannot be used"),
        ({"validation_fraction": 1.0}, "validation_fraction cannot be used"),
        ({"early_stopping": True, "validation_fraction": 0.001}, "the validation set is too small|should be greater"),
        ({"solver": "lbfgs", "dropout": 0.1}, 'solver="lbfgs" cannot have dropout'),
        ({"loss": losses.SampledSoftmax(3, 2)}, "expected a loss of the outputs"),
    ],
)
def test_what_cannot_be_used_is_a_value_error_at_fit(arguments, message):
    with pytest.raises(ValueError, match=message):
        MLPClassifier(**arguments).fit(X, Y)


def test_not_converged_is_said():
    with pytest.warns(ConvergenceWarning, match="max_iter=2 epochs were trained"):
        MLPClassifier((4,), max_iter=2).fit(X, Y)
    with pytest.warns(ConvergenceWarning, match="lbfgs"):
        MLPClassifier((4,), max_iter=2, solver="lbfgs").fit(X, Y)


def test_a_weight_of_0_is_as_if_the_sample_were_not_there():
    x, y = load_digits(return_X_y=True)
    weight = np.where(np.arange(len(y)) % 3, 2.0, 0.0)
    weighted = MLPClassifier((8,), max_iter=3, alpha=0, random_state=0).fit(x / 16, y, weight)
    fewer = MLPClassifier((8,), max_iter=3, alpha=0, random_state=0).fit(x[weight > 0] / 16, y[weight > 0])
    np.testing.assert_allclose(weighted.coefs_[0], fewer.coefs_[0], rtol=1e-9)
    with pytest.raises(ValueError, match="sample_weight is below zero or all zero"):
        fewer.fit(x, y, -weight)
    with pytest.raises(ValueError, match="sample_weight does not fit X"):
        fewer.fit(x, y, weight[:5])
