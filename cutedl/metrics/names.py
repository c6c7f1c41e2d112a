"""The names under which metrics are asked for."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from cutedl.errors import ArgumentError, unknown_name
from cutedl.metrics.accuracy import Accuracy
from cutedl.metrics.base import Metric
from cutedl.metrics.calibration_error import CalibrationError
from cutedl.metrics.confusion_matrix import ConfusionMatrix
from cutedl.metrics.function import FunctionMetric
from cutedl.metrics.log_loss import LogLoss
from cutedl.metrics.precision_recall import F1, Precision, Recall
from cutedl.metrics.regression import R2, MeanAbsoluteError, RootMeanSquaredError
from cutedl.metrics.roc_auc import RocAuc
from cutedl.metrics.top_k_accuracy import TopKAccuracy

if TYPE_CHECKING:
    from cutedl.losses import Loss

__all__ = ["get"]

_BY_NAME: dict[str, Callable[[], Metric]] = {
    made.name: made
    for made in (
        Accuracy,
        Precision,
        Recall,
        F1,
        ConfusionMatrix,
        RocAuc,
        LogLoss,
        CalibrationError,
        MeanAbsoluteError,
        RootMeanSquaredError,
        R2,
    )
}


def get(metric: str | Metric | Callable[[Any, Any], Any], loss: Loss | None = None) -> Metric:
    """Return the metric of that name, or of a function, attached to the loss; a Metric is attached and returned.

    Names: accuracy, top_5_accuracy (any number), precision, recall, f1, confusion_matrix, roc_auc, log_loss,
    calibration_error, mae, rmse, r2. Raises UnknownNameError with a suggestion; ArgumentError where the loss has no
    such metric.

    >>> get("top_3_accuracy")
    TopKAccuracy(k=3, name='top_3_accuracy')
    """
    found = _find(metric)
    if loss is not None:
        found.attach(loss)
    return found


def _find(metric: object) -> Metric:
    if isinstance(metric, Metric):
        return metric
    if isinstance(metric, type) and issubclass(metric, Metric):
        raise ArgumentError(f"{metric.__name__} is a class.", expected="an object", hint=f"{metric.__name__}().")
    if callable(metric):
        return FunctionMetric(metric)
    if isinstance(metric, str):
        if metric in _BY_NAME:
            return _BY_NAME[metric]()
        if top := re.fullmatch(r"top_([1-9]\d*)_accuracy", metric):
            return TopKAccuracy(int(top[1]))
    raise unknown_name("metric", metric, [*_BY_NAME, "top_5_accuracy"])
