"""Evaluation: loss and metrics over all samples of a data set, the same numbers for any batch size."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from cutedl.dataset import Dataset
from cutedl.metrics import Metric
from cutedl.ranks import Alone

if TYPE_CHECKING:
    from cutedl.session import Session

__all__ = ["evaluate", "evaluate_aside", "results"]

# Pieces of this many samples, whatever the batch size: large products, small temporaries, the same bits.
_ROWS = 4096


def evaluate(session: Session, data: Dataset, comm: Alone) -> tuple[dict[str, float], NDArray[Any]]:
    """Return loss and metrics by name, and the model's outputs for all samples, of which each rank looks at some."""
    objective, loss, metrics = session.objective, session.loss, session.metrics
    network, total, count, rows = objective.network, 0.0, 0.0, comm.rows(len(data))
    pieces = [slice(start, min(start + _ROWS, rows.stop)) for start in range(rows.start, rows.stop, _ROWS)]
    outputs = []
    for metric in metrics:
        metric.reset()
    for piece in pieces:
        y = network.predict(data.data[piece])
        y_true = _as_trained(data.label[piece], network.dtype)
        weights = None if data.sample_weight is None else data.sample_weight[piece]
        piece_total, piece_count = objective.loss.total_and_count(y_true, y, weights)
        total += piece_total
        count += piece_count
        outputs.append(objective.outputs(y))
        for metric in metrics:
            metric.update(y_true, outputs[-1])
    total, count, outputs = comm.pool(total, count, outputs, metrics)
    row = {"loss": loss.reduce(total, count) + network.arena.penalty}
    return row | results(metrics), np.concatenate(outputs)


def evaluate_aside(session: Session, data: Dataset) -> dict[str, float]:
    """Return loss and metrics by name; the metrics of an epoch under way go on from where they were."""
    under_way = [metric.state() for metric in session.metrics] if session.batch else []
    row = evaluate(session, data, Alone())[0]
    for metric, state in zip(session.metrics, under_way, strict=False):
        metric.restore(state)
    return row


def _as_trained(labels: NDArray[Any], dtype: np.dtype[Any]) -> NDArray[Any]:
    """The labels as batches hold them: in one block of memory, floating ones in the model's type."""
    return np.ascontiguousarray(labels, dtype if labels.dtype.kind == "f" else None)


def results(metrics: Sequence[Metric]) -> dict[str, float]:
    """Return what all metrics measured, by the names of their history columns."""
    return {name: value for metric in metrics for name, value in metric.results().items()}
