"""The table of metrics: a new one is tested by adding its rows; `expected` is scikit-learn, or the formula, slowly."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from sklearn import calibration
from sklearn import metrics as sk

from cutedl import losses, metrics

C, N_TAGS = 5, 3


class Row(NamedTuple):
    """make: the metric, as the session has it; data: rng, rows -> y_true, y_pred; expected: of these -> a number."""

    make: Callable[[], metrics.Metric]
    data: Callable
    expected: Callable


def attached(metric, loss):
    return lambda: metrics.get(metric if isinstance(metric, str) else metric(), loss)


# -- data; scores lie on a grid, so that many are equal --


def classes(rng, rows):
    return rng.integers(0, C, rows), rng.integers(-8, 9, (rows, C)) / 4


def fine_classes(rng, rows):
    return rng.integers(0, C, rows), rng.normal(size=(rows, C))


def many_classes(rng, rows):
    return rng.integers(0, 130, rows), rng.normal(size=(rows, 130)).astype(np.float32)


def one_hot(rng, rows):
    y, x = classes(rng, rows)
    return np.eye(C, dtype=np.float32)[y], x.astype(np.float32)


def columns(rng, rows):
    y, x = classes(rng, rows)
    return y[:, None], x


def shares(rng, rows):
    return rng.dirichlet(np.ones(C), rows), classes(rng, rows)[1]


def shares_first(rng, rows):
    return rng.dirichlet(np.ones(C), (rows, 4)).swapaxes(1, 2), rng.normal(size=(rows, C, 4))


def probabilities(rng, rows):
    y, x = classes(rng, rows)
    return y, softmax(x)


def sequences(rng, rows):
    return rng.integers(0, C, (rows, 4)), rng.integers(-8, 9, (rows, 4, C)) / 4


def channels_first(rng, rows):
    y, x = sequences(rng, rows)
    return y, np.moveaxis(x, -1, 1)


def missing(rng, rows):
    y, x = classes(rng, rows)
    return np.where(rng.random(rows) < 0.3, -1, y), x


def answers(rng, rows):
    return rng.integers(0, 2, (rows, 1)), rng.integers(-8, 9, (rows, 1)) / 4


def chances(rng, rows):
    y, x = answers(rng, rows)
    return y[:, 0], sigmoid(x[:, 0])


def tags(rng, rows):
    return rng.integers(0, 2, (rows, N_TAGS)).astype(np.float32), rng.normal(size=(rows, N_TAGS)).astype(np.float32)


def missing_tags(rng, rows):
    y, x = tags(rng, rows)
    return np.where(rng.random(y.shape) < 0.3, -1, y), x


def sides(rng, rows):
    y, x = answers(rng, rows)
    return 2 * y - 1, x


def numbers(rng, rows):
    scale = np.exp(rng.normal(size=(rows, 1)) * 4)
    return rng.normal(size=(rows, 2)) * scale + 1e3, rng.normal(size=(rows, 2)) * scale + 1e3


def single_numbers(rng, rows):
    y, x = numbers(rng, rows)
    return y[:, 0].astype(np.float32), x[:, 0].astype(np.float32)


def rates(rng, rows):
    return rng.poisson(3.0, (rows, 1)), rng.normal(1.0, 0.3, (rows, 1))


# -- what scikit-learn makes of them --


def softmax(x):
    e = np.exp(x.astype(np.float64))
    return e / e.sum(axis=-1, keepdims=True)


def sigmoid(x):
    return 1 / (1 + np.exp(-x.astype(np.float64)))


def label(y, x):
    return y.argmax(axis=-1) if y.shape == x.shape else y.reshape(x.shape[:-1])


def of_decisions(score, **options):
    return lambda y, x: score(label(y, x).reshape(-1), x.argmax(axis=-1).reshape(-1), **options)


def of_yes(score, threshold=0, **options):
    return lambda y, x: score((y > 0.5).squeeze(), (x > threshold).squeeze(), **options)


def top(k):
    return lambda y, x: sk.top_k_accuracy_score(label(y, x), x, k=k, labels=range(C))


def without_missing(expected):
    return lambda y, x: expected(y[y >= 0], x[y >= 0])


def by_tag(expected):
    return lambda y, x: np.mean([expected(y[y[:, i] >= 0, i], x[y[:, i] >= 0, i]) for i in range(N_TAGS)])


def soft_cross_entropy(y, x):
    return -math.fsum((y * np.log(softmax(x))).reshape(-1)) / len(y)


def calibration_error(right, p, bins):
    """Sum over bins of the share of rows in it, times the gap between what came true and the confidence."""
    true, said = calibration.calibration_curve(right, p, n_bins=bins)
    edges = np.linspace(0, 1, bins + 1)
    inside = np.bincount(np.searchsorted(edges[1:-1], p), minlength=bins)
    return (inside[inside > 0] / len(p) * np.abs(true - said)).sum()


def of_classes(bins):
    return lambda y, x: calibration_error(x.argmax(-1) == y, softmax(x).max(-1), bins)


SPARSE, SPARSE_P = losses.SparseCategoricalCrossentropy(), losses.SparseCategoricalCrossentropy(from_logits=False)
DENSE, BINARY = losses.CategoricalCrossentropy(), losses.BinaryCrossentropy()
BINARY_P, SQUARED = losses.BinaryCrossentropy(from_logits=False), losses.MeanSquaredError()
IGNORING = losses.SparseCategoricalCrossentropy(ignore_class=-1)
RATIOS = {"precision": sk.precision_score, "recall": sk.recall_score, "f1": sk.f1_score}
CLASSES = {"precision": metrics.Precision, "recall": metrics.Recall, "f1": metrics.F1}

METRICS = {
    "accuracy": Row(attached("accuracy", SPARSE), classes, of_decisions(sk.accuracy_score)),
    "accuracy, one-hot": Row(attached("accuracy", DENSE), one_hot, of_decisions(sk.accuracy_score)),
    "accuracy, columns": Row(attached("accuracy", SPARSE), columns, of_decisions(sk.accuracy_score)),
    "accuracy, alone": Row(metrics.Accuracy, classes, of_decisions(sk.accuracy_score)),
    "accuracy, sequences": Row(attached("accuracy", SPARSE), sequences, of_decisions(sk.accuracy_score)),
    "accuracy, channels first": Row(
        attached("accuracy", losses.SparseCategoricalCrossentropy(axis=1)),
        channels_first,
        lambda y, x: (x.argmax(axis=1) == y).mean(),
    ),
    "accuracy, missing": Row(attached("accuracy", IGNORING), missing, without_missing(of_decisions(sk.accuracy_score))),
    "accuracy, answers": Row(attached("accuracy", BINARY), answers, of_yes(sk.accuracy_score)),
    "accuracy, chances": Row(attached("accuracy", BINARY_P), chances, of_yes(sk.accuracy_score, 0.5)),
    "accuracy, own threshold": Row(
        attached(lambda: metrics.Accuracy(0.7), BINARY_P), chances, of_yes(sk.accuracy_score, 0.7)
    ),
    "accuracy, sides": Row(attached("accuracy", losses.Hinge()), sides, of_yes(sk.accuracy_score)),
    "accuracy, tags": Row(
        attached("accuracy", BINARY), tags, lambda y, x: sk.accuracy_score(y.reshape(-1) > 0.5, x.reshape(-1) > 0)
    ),
    "accuracy, missing tags": Row(
        attached("accuracy", losses.BinaryCrossentropy(ignore_class=-1)),
        missing_tags,
        lambda y, x: sk.accuracy_score(y[y >= 0] > 0.5, x[y >= 0] > 0),
    ),
    **{f"top {k}": Row(attached(f"top_{k}_accuracy", SPARSE), classes, top(k)) for k in range(1, C)},
    "top 2, one-hot": Row(attached("top_2_accuracy", DENSE), one_hot, top(2)),
    **{
        f"{name} {average}": Row(
            attached(lambda make=make, average=average: make(average), SPARSE),
            classes,
            of_decisions(RATIOS[name], average=average, zero_division=0),
        )
        for name, make in CLASSES.items()
        for average in ("micro", "macro")
    },
    **{
        f"{name}, tags {average}": Row(
            attached(lambda make=make, average=average: make(average), BINARY),
            tags,
            of_yes(RATIOS[name], average=average, zero_division=0),
        )
        for name, make in CLASSES.items()
        for average in ("micro", "macro")
    },
    **{
        f"{name}, answers": Row(attached(name, BINARY), answers, of_yes(RATIOS[name], zero_division=0))
        for name in CLASSES
    },
    **{
        f"{name}, missing tags": Row(
            attached(name, losses.BinaryCrossentropy(ignore_class=-1)),
            missing_tags,
            by_tag(lambda y, x, score=score: score(y > 0.5, x > 0, zero_division=0)),
        )
        for name, score in RATIOS.items()
    },
    "confusion matrix": Row(attached("confusion_matrix", SPARSE), classes, of_decisions(sk.accuracy_score)),
    "confusion matrix, answers": Row(attached("confusion_matrix", BINARY), answers, of_yes(sk.accuracy_score)),
    "roc auc": Row(
        attached("roc_auc", SPARSE), fine_classes, lambda y, x: sk.roc_auc_score(y, softmax(x), multi_class="ovr")
    ),
    "roc auc, probabilities": Row(
        attached("roc_auc", SPARSE_P), probabilities, lambda y, x: sk.roc_auc_score(y, x, multi_class="ovr")
    ),
    "roc auc, scores": Row(attached("roc_auc", SQUARED), one_hot, lambda y, x: sk.roc_auc_score(y, x)),
    "roc auc, answers": Row(attached("roc_auc", BINARY), answers, lambda y, x: sk.roc_auc_score(y[:, 0], x[:, 0])),
    "roc auc, alone": Row(metrics.RocAuc, chances, sk.roc_auc_score),
    "roc auc, tags": Row(attached("roc_auc", BINARY), tags, sk.roc_auc_score),
    "roc auc, missing tags": Row(
        attached("roc_auc", losses.BinaryCrossentropy(ignore_class=-1)),
        missing_tags,
        by_tag(sk.roc_auc_score),
    ),
    "log loss": Row(
        attached("log_loss", SPARSE), classes, lambda y, x: sk.log_loss(y, softmax(x), labels=list(range(C)))
    ),
    "log loss, many classes": Row(
        attached("log_loss", SPARSE), many_classes, lambda y, x: sk.log_loss(y, softmax(x), labels=list(range(130)))
    ),
    "log loss, one-hot": Row(
        attached("log_loss", DENSE),
        one_hot,
        lambda y, x: sk.log_loss(y.argmax(1), softmax(x), labels=list(range(C))),
    ),
    "log loss, shares": Row(attached("log_loss", DENSE), shares, soft_cross_entropy),
    "log loss, probabilities": Row(
        attached("log_loss", SPARSE_P), probabilities, lambda y, x: sk.log_loss(y, x, labels=list(range(C)))
    ),
    "log loss, missing": Row(
        attached("log_loss", IGNORING),
        missing,
        without_missing(lambda y, x: sk.log_loss(y, softmax(x), labels=list(range(C)))),
    ),
    "log loss, answers": Row(
        attached("log_loss", BINARY), answers, lambda y, x: sk.log_loss(y[:, 0], sigmoid(x[:, 0]))
    ),
    "log loss, alone": Row(lambda: metrics.LogLoss(from_logits=False), chances, sk.log_loss),
    "log loss, tags": Row(
        attached("log_loss", BINARY), tags, lambda y, x: sk.log_loss(y.reshape(-1), sigmoid(x).reshape(-1))
    ),
    "calibration error": Row(attached("calibration_error", SPARSE), classes, of_classes(15)),
    "calibration error, many classes": Row(attached("calibration_error", SPARSE), many_classes, of_classes(15)),
    "calibration error, 4 bins": Row(
        attached(lambda: metrics.CalibrationError(bins=4), SPARSE), classes, of_classes(4)
    ),
    "calibration error, answers": Row(
        attached("calibration_error", BINARY), answers, lambda y, x: calibration_error(y[:, 0], sigmoid(x[:, 0]), 15)
    ),
    "calibration error, alone": Row(
        lambda: metrics.CalibrationError(from_logits=False), chances, lambda y, p: calibration_error(y, p, 15)
    ),
    "mae": Row(attached("mae", SQUARED), numbers, sk.mean_absolute_error),
    "mae, single": Row(
        metrics.MeanAbsoluteError, single_numbers, lambda y, x: in_float64(sk.mean_absolute_error, y, x)
    ),
    "mae, rates": Row(
        attached("mae", losses.Poisson(log_input=True)), rates, lambda y, x: sk.mean_absolute_error(y, np.exp(x))
    ),
    "mae, chances": Row(attached("mae", BINARY), answers, lambda y, x: sk.mean_absolute_error(y, sigmoid(x))),
    "mae, shares": Row(
        attached("mae", losses.CategoricalCrossentropy(axis=1)),
        shares_first,
        lambda y, x: np.abs(y - np.moveaxis(softmax(np.moveaxis(x, 1, -1)), -1, 1)).mean(),
    ),
    "rmse": Row(attached("rmse", SQUARED), numbers, sk.root_mean_squared_error),
    "rmse, single": Row(
        metrics.RootMeanSquaredError, single_numbers, lambda y, x: in_float64(sk.root_mean_squared_error, y, x)
    ),
    "r2": Row(attached("r2", SQUARED), numbers, sk.r2_score),
    "r2, single": Row(metrics.R2, single_numbers, lambda y, x: in_float64(sk.r2_score, y, x)),
    "function": Row(
        attached(lambda: metrics.FunctionMetric(largest_error), SQUARED), numbers, lambda y, x: largest_error(y, x)
    ),
    "function by row": Row(
        attached(lambda: metrics.FunctionMetric(row_error), SQUARED), numbers, lambda y, x: row_error(y, x).mean()
    ),
}


def in_float64(score, y, x):
    return score(y.astype(np.float64), x.astype(np.float64))


def largest_error(y_true, y_pred):
    return np.abs(y_true - y_pred).max()


def row_error(y_true, y_pred):
    return np.abs(y_true - y_pred).max(axis=1)
