"""Evaluation: loss and metrics over all samples of a data set, the same numbers for any batch size."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cutedl.dataset import Dataset
from cutedl.losses import Loss
from cutedl.metrics import Metric
from cutedl.objective import Objective

__all__ = ["evaluate", "results"]

# Pieces of this many samples, whatever the batch size: large products, small temporaries, the same bits.
_ROWS = 4096


def evaluate(
    objective: Objective, loss: Loss, metrics: Sequence[Metric], data: Dataset
) -> tuple[dict[str, float], NDArray[Any]]:
    """Return loss and metrics by name, and the model's outputs for all samples."""
    network, total, count = objective.network, 0.0, 0.0
    pieces = [slice(start, start + _ROWS) for start in range(0, len(data), _ROWS)]
    outputs = []
    for metric in metrics:
        metric.reset()
    for piece in pieces:
        y = network.predict(data.data[piece])
        piece_total, piece_count = objective.loss.total_and_count(data.label[piece], y)
        total += piece_total
        count += piece_count
        outputs.append(objective.outputs(y))
        for metric in metrics:
            metric.update(data.label[piece], outputs[-1])
    row = {"loss": loss.reduce(total, count) + network.arena.penalty}
    return row | results(metrics), np.concatenate(outputs)


def results(metrics: Sequence[Metric]) -> dict[str, float]:
    """Return what all metrics measured, by the names of their history columns."""
    return {name: value for metric in metrics for name, value in metric.results().items()}
