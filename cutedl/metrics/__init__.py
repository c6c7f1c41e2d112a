"""Metrics: sums and counts, exact and the same to the last bit for any way of cutting data into batches."""

from cutedl.metrics.accuracy import Accuracy
from cutedl.metrics.base import Metric
from cutedl.metrics.calibration_error import CalibrationError
from cutedl.metrics.confusion_matrix import ConfusionMatrix
from cutedl.metrics.exact_sum import ExactSum
from cutedl.metrics.function import FunctionMetric
from cutedl.metrics.log_loss import LogLoss
from cutedl.metrics.names import get
from cutedl.metrics.precision_recall import F1, Precision, Recall
from cutedl.metrics.regression import R2, MeanAbsoluteError, RootMeanSquaredError
from cutedl.metrics.roc_auc import RocAuc
from cutedl.metrics.top_k_accuracy import TopKAccuracy

__all__ = [
    "F1",
    "R2",
    "Accuracy",
    "CalibrationError",
    "ConfusionMatrix",
    "ExactSum",
    "FunctionMetric",
    "LogLoss",
    "MeanAbsoluteError",
    "Metric",
    "Precision",
    "Recall",
    "RocAuc",
    "RootMeanSquaredError",
    "TopKAccuracy",
    "get",
]
