"""The door of a Session: everything that can be wrong is found here, before anything is changed."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from cutedl import checks, metrics
from cutedl.dataset import Dataset
from cutedl.errors import ArgumentError, InputWarning
from cutedl.losses import Loss
from cutedl.metrics import Metric
from cutedl.model import Model
from cutedl.optimizers import Optimizer

if TYPE_CHECKING:
    from cutedl.session import Session

__all__ = ["check_data", "check_fit", "check_parts", "goes_on", "measures"]


def check_parts(model: object, loss: object, optimizer: object) -> None:
    """Raise ArgumentError unless these are a model, a loss that gives one number, and an optimizer."""
    for name, value, kind in (("model", model, Model), ("loss", loss, Loss), ("optimizer", optimizer, Optimizer)):
        if not isinstance(value, kind):
            expected = f"a cutedl {kind.__name__} object"
            raise ArgumentError(f"{name} cannot be used.", expected=expected, received=repr(value))
    if isinstance(loss, Loss) and loss.reduction == "none":
        raise ArgumentError('a loss of reduction "none" is no number to minimise.', hint='take reduction="sum".')


def measures(names: Sequence[str | Metric | Callable[..., Any]], loss: Loss) -> list[Metric]:
    """Return the metrics of these names, which have learnt from the loss what the model's outputs mean."""
    if isinstance(names, str):
        raise ArgumentError("metrics cannot be used.", expected="a list", received=repr(names), hint=f"[{names!r}]")
    if names and loss.takes_hidden:
        raise ArgumentError(
            f"{type(loss).__name__} holds the output layer itself: there are no outputs to take metrics of.",
            hint="leave metrics out; evaluate gives the full loss, loss.logits(model.predict(x)) the scores.",
        )
    made = [metrics.get(name, loss) for name in names]
    columns = [column for metric in made for column in metric.names]
    for column in columns:
        if columns.count(column) > 1:
            raise ArgumentError(f"two metrics are named {column!r}.", hint="each has a history column of its own.")
    return made


def check_fit(
    session: Session, train: Dataset, epochs: int, val_epochs: int, val_data: Dataset | None, train_eval: str
) -> None:
    """Check the arguments of fit and all of its data."""
    checks.integer("epochs", epochs)
    checks.integer("val_epochs", val_epochs)
    if train_eval not in ("running", "exact"):
        raise ArgumentError("train_eval cannot be used.", expected='"running" or "exact"', received=repr(train_eval))
    _check_dataset("train", train)
    if not session.model.assembled:
        session.model.declare(train.data.shape[1:])
    check_data(session, "train", train)
    if val_data is not None:
        check_data(session, "val_data", val_data)


def check_data(session: Session, name: str, data: Dataset) -> None:
    """Check that a data set is one, that model and loss take its samples and labels, and that all is finite."""
    _check_dataset(name, data)
    model = session.model
    model.check_input(data.data)
    data.check_finite(model.dtype if model.assembled else np.float32)
    session.loss.check_labels(data.label, model.shapes[-1])


def goes_on(session: Session, train: Dataset) -> bool:
    """Whether the epoch under way is one of this data; an InputWarning says so if not."""
    if (session.batches, session.samples) == (train.batch_count, len(train)):
        return True
    warnings.warn(
        f"epoch {session.epoch} was under way with {session.samples} samples in {session.batches} batches; this data "
        f"has {len(train)} in {train.batch_count}: the epoch stays unfinished, a new one begins.",
        InputWarning,
        stacklevel=4,
    )
    return False


def _check_dataset(name: str, data: object) -> None:
    if not isinstance(data, Dataset):
        raise ArgumentError(
            f"{name} cannot be used.",
            expected="a Dataset",
            received=type(data).__name__,
            hint="wrap the arrays: Dataset(x, y, batch_size=64).",
        )
