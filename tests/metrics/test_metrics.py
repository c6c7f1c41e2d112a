"""What single metrics promise beyond the contract, and what they refuse."""

import math

import numpy as np
import pytest
from sklearn import metrics as sk

from cutedl import Dataset, Model, Session, losses, metrics, nn, optimizers
from cutedl.errors import ArgumentError, DataTypeError, LabelError, ProbabilityError, ShapeError, UnknownNameError

BINARY, SPARSE = losses.BinaryCrossentropy(), losses.SparseCategoricalCrossentropy()


def seen(metric, y_true, y_pred):
    metric.update(np.asarray(y_true), np.asarray(y_pred))
    return metric


# -- names --


@pytest.mark.parametrize(
    ("name", "made"),
    [
        ("accuracy", metrics.Accuracy),
        ("top_3_accuracy", metrics.TopKAccuracy),
        ("precision", metrics.Precision),
        ("recall", metrics.Recall),
        ("f1", metrics.F1),
        ("confusion_matrix", metrics.ConfusionMatrix),
        ("roc_auc", metrics.RocAuc),
        ("log_loss", metrics.LogLoss),
        ("calibration_error", metrics.CalibrationError),
        ("mae", metrics.MeanAbsoluteError),
        ("rmse", metrics.RootMeanSquaredError),
        ("r2", metrics.R2),
    ],
)
def test_each_name_makes_its_metric(name, made):
    metric = metrics.get(name)
    assert type(metric) is made
    assert metric.name == name
    assert metric.names == (() if name == "confusion_matrix" else (name,))


def test_functions_and_objects_are_taken_as_they_are():
    accuracy = metrics.Accuracy()
    assert metrics.get(accuracy, SPARSE) is accuracy
    assert metrics.get(sk.accuracy_score).name == "accuracy_score"
    assert metrics.get(lambda y, x: 0.0).name == "lambda"
    assert metrics.R2(name="fit").names == ("fit",)


def test_a_metric_of_ones_own():
    """As its docstring says: reset, update, result, and the names of what is gathered."""

    class Largest(metrics.Metric):
        name, gathered = "largest", ("value",)

        def reset(self):
            self.value = -math.inf

        def update(self, y_true, y_pred):
            self.value = max(self.value, float(y_pred.max()))

        def result(self):
            return self.value

    metric, again = seen(Largest(), [0], [3.0]), Largest()
    again.restore(metric.state())
    assert again.results() == {"largest": 3.0}


# -- decisions --


@pytest.mark.parametrize(("from_logits", "right"), [(True, 1.0), (False, 0.75)])
def test_the_threshold_comes_from_the_loss(from_logits, right):
    """0.5 on logits is the classical mistake: 0.3 is a yes."""
    accuracy = metrics.get("accuracy", losses.BinaryCrossentropy(from_logits=from_logits))
    assert seen(accuracy, [[1], [1], [0], [0]], [[0.3], [2.0], [-1.0], [-2.0]]).result() == right


def test_the_share_of_exclusive_classes_is_their_micro_precision():
    rng = np.random.default_rng(0)
    y, x = rng.integers(0, 4, 100), rng.normal(size=(100, 4))
    micro = [seen(made("micro"), y, x).result() for made in (metrics.Precision, metrics.Recall, metrics.F1)]
    assert micro == [seen(metrics.Accuracy(), y, x).result()] * 3
    assert seen(metrics.ConfusionMatrix(), y, x).result() == micro[0]


def test_ratios_per_class_are_columns():
    rng = np.random.default_rng(0)
    y, x = rng.integers(0, 4, 100), rng.normal(size=(100, 4))
    for made, score in (
        (metrics.Precision, sk.precision_score),
        (metrics.Recall, sk.recall_score),
        (metrics.F1, sk.f1_score),
    ):
        metric = seen(made(average=None, classes=4), y, x)
        np.testing.assert_allclose(metric.per_class, score(y, x.argmax(1), average=None), rtol=1e-12)
        assert metric.names == tuple(f"{metric.name}_{c}" for c in range(4)) == tuple(metric.results())
        assert list(metric.results().values()) == metric.per_class.tolist()
        assert metric.result() == seen(made(), y, x).result()


def test_a_ratio_by_nothing_is_zero():
    """Nothing was decided for class 1, and there is no label 2: as scikit-learn with zero_division=0."""
    y, x = [0, 1, 1, 0], np.eye(4)[[0, 0, 2, 0]]
    metric = seen(metrics.Precision(), y, x)
    np.testing.assert_array_equal(metric.per_class, [2 / 3, 0, 0, 0])
    assert metric.result() == pytest.approx(2 / 9, rel=1e-15)  # class 3, which never occurs, is left out
    assert seen(metrics.Recall(threshold=0.5), [0, 0], [0.1, 0.2]).result() == 0.0
    tags = seen(metrics.F1(threshold=0.5), [[1, 0], [1, 0]], [[0.9, 0.1], [0.9, 0.1]])
    assert tags.result() == 0.5  # of answers every column counts


@pytest.mark.parametrize("name", ["accuracy", "precision", "recall", "f1", "roc_auc", "log_loss", "calibration_error"])
def test_where_every_label_is_ignored_nothing_was_seen(name):
    answers, classes = losses.BinaryCrossentropy(ignore_class=-1), losses.SparseCategoricalCrossentropy(ignore_class=-1)
    assert math.isnan(seen(metrics.get(name, answers), np.full((4, 1), -1), np.ones((4, 1))).result())
    assert math.isnan(seen(metrics.get(name, classes), np.full(4, -1), np.ones((4, 3))).result())


def test_the_confusion_matrix_equals_scikit_learn():
    rng = np.random.default_rng(0)
    y, x = rng.integers(0, 4, 100), rng.normal(size=(100, 5))
    confusion = seen(metrics.ConfusionMatrix(), y, x)
    np.testing.assert_array_equal(confusion.matrix, sk.confusion_matrix(y, x.argmax(1), labels=range(5)))
    confusion.matrix[...] = 0
    assert confusion.matrix.sum() == 100
    answers = seen(metrics.get("confusion_matrix", BINARY), y[:, None] > 1, x[:, :1])
    np.testing.assert_array_equal(answers.matrix, sk.confusion_matrix(y > 1, x[:, 0] > 0))


def test_equal_scores_and_nan_in_the_best_k():
    top = seen(metrics.TopKAccuracy(1), [0, 1], [[1.0, 1.0], [1.0, 1.0]])
    assert top.result() == 0.5  # the higher index is taken
    assert seen(metrics.TopKAccuracy(1), [0, 1], [[np.nan, 1.0], [np.nan, 1.0]]).result() == 0.0


# -- scores and probabilities --


def test_an_area_needs_both_sides():
    assert math.isnan(seen(metrics.RocAuc(), [1, 1], [0.1, 0.9]).result())
    assert math.isnan(seen(metrics.RocAuc(), [0, 1], [np.nan, 0.9]).result())
    assert math.isnan(seen(metrics.RocAuc(), [0, 1, 1], np.eye(3)[[0, 1, 2]]).result())  # no class 2


def test_an_area_of_logits_does_not_saturate():
    """As probabilities, 40 and 50 are both 1."""
    y, x = [0, 0, 1, 1], np.array([[0.0, 40.0], [0.0, 39.0], [0.0, 50.0], [0.0, 60.0]])
    assert seen(metrics.RocAuc(), y, x).result() == 1.0
    p = 1 / (1 + np.exp(-x[:, 1]))
    assert seen(metrics.RocAuc(from_logits=False), y, np.stack([1 - p, p], axis=1)).result() < 1.0


def test_log_loss_of_extremes():
    assert seen(metrics.LogLoss(), [1], [[1000.0, 0.0]]).result() == 1000.0
    assert seen(metrics.LogLoss(), [0], [[0.0, -np.inf]]).result() == 0.0
    assert seen(metrics.LogLoss(), [[1.0, 0.0]], [[0.0, -np.inf]]).result() == 0.0
    assert seen(metrics.LogLoss(), [1], [[0.0, -np.inf]]).result() == math.inf
    assert seen(metrics.LogLoss(), [1, 0], [np.inf, -np.inf]).result() == 0.0
    clipped = seen(metrics.LogLoss(from_logits=False), [1], [[1.0, 0.0]]).result()
    assert clipped == -math.log(np.finfo(float).eps) == pytest.approx(sk.log_loss([1], [[1.0, 0.0]], labels=[0, 1]))


def test_log_loss_is_the_plain_cross_entropy():
    rng = np.random.default_rng(0)
    y, x = rng.integers(0, 4, 50), rng.normal(size=(50, 4))
    assert seen(metrics.LogLoss(), y, x).result() == pytest.approx(SPARSE(y, x), rel=1e-15)
    z, soft = rng.normal(size=(50, 2)), rng.random((50, 2))
    assert seen(metrics.get("log_loss", BINARY), soft, z).result() == pytest.approx(BINARY(soft, z), rel=1e-15)


def test_what_cannot_be_measured_is_nan():
    assert math.isnan(seen(metrics.CalibrationError(), [0, 1], [[np.nan, 0.0], [0.0, 1.0]]).result())
    assert math.isnan(seen(metrics.LogLoss(), [0, 1], [[np.nan, 0.0], [0.0, 1.0]]).result())


@pytest.mark.parametrize("name", ["accuracy", "f1", "top_1_accuracy", "roc_auc", "log_loss", "calibration_error"])
def test_a_model_that_has_diverged_is_measured_without_a_warning(name):
    logits = np.array([[np.inf, np.inf], [np.nan, 0.0], [-np.inf, 3e38], [0.0, -np.inf]], np.float32)
    metric = seen(metrics.get(name, SPARSE), [0, 1, 1, 0], logits)
    assert metric.result() <= 1.0 or math.isnan(metric.result())


# -- numbers --


def test_r2_of_constants_and_of_one_row():
    constant = np.full(5, 0.1)
    assert seen(metrics.R2(), constant, constant).result() == 1.0
    assert seen(metrics.R2(), constant, constant + 1).result() == 0.0
    assert math.isnan(seen(metrics.R2(), [1.0], [2.0]).result())
    assert math.isnan(seen(metrics.R2(), [1.0, np.inf], [2.0, 2.0]).result())


def test_r2_keeps_its_digits_far_from_zero():
    """sum y^2 - (sum y)^2 / n in floating arithmetic has none left here."""
    y = np.array([1.0, 2.0, 3.0, 4.0])
    x = y + np.array([0.5, -0.5, 0.5, -0.5])
    assert seen(metrics.R2(), y + 2.0**40, x + 2.0**40).result() == seen(metrics.R2(), y, x).result() == 0.8


def test_errors_beyond_the_largest_float_are_infinite():
    assert seen(metrics.MeanAbsoluteError(), [1e308], [-1e308]).result() == math.inf
    assert math.isnan(seen(metrics.RootMeanSquaredError(), [1.0, 1.0], [np.inf, np.nan]).result())
    assert seen(metrics.RootMeanSquaredError(), [1e200, 0.0], [0.0, 0.0]).result() == math.inf
    assert seen(metrics.MeanAbsoluteError(), [1e308, 1e308], [0.0, 0.0]).result() == 1e308


# -- refusals --


@pytest.mark.parametrize(
    ("metric", "y_true", "y_pred", "error", "text"),
    [
        ("accuracy", np.zeros((4, 2), int), np.zeros((4, 3)), ShapeError, r"expected class indices of shape \(4,\)"),
        ("accuracy", np.zeros((4, 1)), np.zeros((4, 1)), ShapeError, "no classes to choose from.*need a threshold"),
        ("accuracy", [0, 3], np.zeros((2, 3)), LabelError, "class indices 0 to 2, received 3 at row 1"),
        ("accuracy", [0, 0.5], np.zeros((2, 3)), LabelError, "a label is no class index"),
        ("accuracy", ["a"], np.zeros((1, 3)), DataTypeError, "y_true cannot be used as numbers"),
        ("precision", [0, 1, 2], np.zeros((2, 3)), ShapeError, "the labels do not fit y_pred"),
        (metrics.Accuracy(0.5), np.zeros(4), np.zeros((4, 1)), ShapeError, r"expected y_pred's shape \(4, 1\)"),
        (metrics.F1(classes=4), [0, 1], np.zeros((2, 3)), ShapeError, "expected 4 classes, received 3"),
        (
            metrics.ConfusionMatrix(0.5),
            np.zeros((4, 2)),
            np.zeros((4, 2)),
            ShapeError,
            "several answers per row have no common confusion matrix",
        ),
        ("top_4_accuracy", [0, 1], np.zeros((2, 3)), ShapeError, "top_4_accuracy needs 4 classes. received 3"),
        ("roc_auc", [0, 1, 2], np.zeros(2), ShapeError, "y_true does not fit y_pred"),
        (metrics.LogLoss(False), [0, 1], [[2.0, -1.0]] * 2, ProbabilityError, "no probability.*received 2"),
        (metrics.CalibrationError(False), [0, 1], [2.0, -1.0], ProbabilityError, "no probability.*received 2"),
        ("mae", np.zeros(4), np.zeros((4, 1)), ShapeError, r"reshape one: y_true.reshape\(4, 1\)"),
        (metrics.FunctionMetric(sk.r2_score), [1, 2], [1.0], ShapeError, "expected as many rows as y_pred"),
    ],
)
def test_batches_that_do_not_fit(metric, y_true, y_pred, error, text):
    with pytest.raises(error, match=text):
        metrics.get(metric).update(y_true, np.asarray(y_pred))


@pytest.mark.parametrize(
    "metric", [metrics.F1(), metrics.ConfusionMatrix(), metrics.RocAuc(), metrics.FunctionMetric(abs)]
)
def test_batches_that_do_not_fit_each_other(metric):
    metric.update([0, 1], np.zeros((2, 3)))
    with pytest.raises(ShapeError):
        metric.update([0, 1], np.zeros((2, 4)))


def test_rows_that_cannot_be_kept_together_are_told_apart():
    metric = seen(metrics.FunctionMetric(sk.r2_score), [0.0, 1.0], [0.0, 1.0])
    with pytest.raises(ShapeError, match=r"expected rows of shape \(\), received rows of shape \(1,\)"):
        metric.update(np.zeros((2, 1)), np.zeros((2, 1)))


def test_columns_of_numbers_that_do_not_fit_each_other():
    metric = seen(metrics.R2(), np.zeros((2, 3)), np.zeros((2, 3)))
    with pytest.raises(ShapeError, match="the number of columns changed"):
        metric.update(np.zeros((2, 2)), np.zeros((2, 2)))


@pytest.mark.parametrize(
    ("make", "error", "text"),
    [
        (lambda: metrics.get("acuracy"), UnknownNameError, "no metric is named 'acuracy'.*did you mean 'accuracy'"),
        (lambda: metrics.get("top_0_accuracy"), UnknownNameError, "did you mean 'top_5_accuracy'"),
        (lambda: metrics.get(3), UnknownNameError, "no metric is named 3"),
        (lambda: metrics.get(metrics.F1), ArgumentError, r"F1 is a class. expected an object. hint: F1\(\)"),
        (lambda: metrics.get("top_2_accuracy", BINARY), ArgumentError, "BinaryCrossentropy of yes-or-no answers"),
        (
            lambda: metrics.get("log_loss", losses.Hinge()),
            ArgumentError,
            "log_loss needs probabilities.*received Hinge",
        ),
        (lambda: metrics.get("calibration_error", losses.MeanSquaredError()), ArgumentError, "needs probabilities"),
        (lambda: metrics.get("mae", SPARSE), ArgumentError, "mae is of numbers, and SparseCategoricalCrossentropy of"),
        (
            lambda: metrics.get("mae", losses.BinaryCrossentropy(ignore_class=-1)),
            ArgumentError,
            "mae cannot leave out the label -1",
        ),
        (lambda: metrics.Precision("weighted"), ArgumentError, '"macro", "micro" or None, received \'weighted\''),
        (lambda: metrics.Recall(None), ArgumentError, r"needs the number of classes. hint: Recall\(average=None"),
        (lambda: metrics.CalibrationError(bins=0), ArgumentError, "bins cannot be used"),
        (lambda: metrics.TopKAccuracy(0), ArgumentError, "k cannot be used"),
    ],
)
def test_metrics_that_cannot_be(make, error, text):
    with pytest.raises(error, match=text):
        make()


def test_a_function_must_return_a_metric():
    metric = seen(metrics.FunctionMetric(lambda y, x: x), [[1.0], [2.0]], [[1.0], [2.0]])
    with pytest.raises(ShapeError, match=r"a number, or one number for each of the 2 rows, received shape \(2, 1\)"):
        metric.result()
    metric = seen(metrics.FunctionMetric(lambda y, x: "good"), [1.0], [1.0])
    with pytest.raises(DataTypeError):
        metric.result()


# -- in a session --


def test_a_session_measures_by_name_object_and_function():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(150, 4)).astype(np.float32)
    y = (x[:, 0] > 0).astype(int) + (x[:, 1] > 0)
    asked = ["accuracy", "top_2_accuracy", "roc_auc", "log_loss", "confusion_matrix", metrics.F1("micro"), row_loss]
    session = Session(Model([nn.Dense(3)]), SPARSE, optimizers.Adam(0.05), metrics=asked, seed=0)
    history = session.fit(Dataset(x[:100], y[:100], 32), 3, val_data=Dataset(x[100:], y[100:]), verbose=0)
    columns = {"accuracy", "top_2_accuracy", "roc_auc", "log_loss", "f1", "row_loss"}
    assert columns | {f"val_{column}" for column in columns} <= set(history)
    logits = session.predict(x[100:])
    p = np.exp(logits.astype(float))
    p /= p.sum(axis=1, keepdims=True)
    last = {key: values[-1] for key, values in history.columns.items()}
    assert last["val_roc_auc"] == pytest.approx(sk.roc_auc_score(y[100:], p, multi_class="ovr"), abs=1e-12)
    assert last["val_log_loss"] == pytest.approx(sk.log_loss(y[100:], p), abs=1e-12)
    assert last["val_f1"] == last["val_accuracy"] == (logits.argmax(axis=1) == y[100:]).mean()
    assert last["val_row_loss"] == pytest.approx(last["val_log_loss"], rel=1e-6)
    assert session.metrics[4].matrix.sum() == 50


def row_loss(y_true, y_pred):
    return SPARSE.per_example(y_true, y_pred)
