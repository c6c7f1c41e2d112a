"""The door of a Session: everything that can be wrong is found here, before anything is changed."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from cutedl import checks, metrics
from cutedl.batch_stream import BatchStream
from cutedl.dataset import Dataset
from cutedl.errors import ArgumentError, CutedlError, InputWarning
from cutedl.losses import Loss
from cutedl.metrics import Metric
from cutedl.model import Model
from cutedl.optimizers import Optimizer

if TYPE_CHECKING:
    from cutedl.session import Session

__all__ = ["Train", "batches", "check_data", "check_dataset", "check_fit", "check_parts", "goes_on", "measures", "size"]

Train: TypeAlias = Dataset | BatchStream
Batch: TypeAlias = tuple[NDArray[Any], ...]  # x, y and what a data set has besides


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
    made = [metrics.get(name, loss) for name in checks.several("metrics", names)]
    columns = [column for metric in made for column in metric.names]
    for column in columns:
        if columns.count(column) > 1:
            raise ArgumentError(f"two metrics are named {column!r}.", hint="each has a history column of its own.")
    return made


def check_fit(
    session: Session,
    train: Train,
    epochs: int,
    val_epochs: int,
    val_data: Dataset | None,
    train_eval: str,
) -> tuple[int, ...]:
    """Check the arguments of fit and all of its data, of a stream the first batch; return a sample's shape."""
    checks.integer("epochs", epochs)
    checks.integer("val_epochs", val_epochs)
    if train_eval not in ("running", "exact"):
        raise ArgumentError("train_eval cannot be used.", expected='"running" or "exact"', received=repr(train_eval))
    sample = _opening(session, train, epochs, train_eval) if isinstance(train, BatchStream) else train
    check_dataset("train", sample)
    if not session.model.assembled:
        session.model.declare(sample.sample_shape)
    check_data(session, "train", sample)
    if val_data is not None:
        check_data(session, "val_data", val_data)
    return sample.sample_shape


def check_data(session: Session, name: str, data: Dataset) -> None:
    """Check that a data set is one, that model and loss take its samples and labels, and that all is finite."""
    check_dataset(name, data)
    model = session.model
    model.check_input(data.data)
    data.check_finite(model.dtype if model.assembled else np.float32)
    session.loss.check_labels(data.label, model.shapes[-1])


def size(session: Session, train: Train) -> tuple[int, int]:
    """Return batches and samples of an epoch, 0 where a stream does not say."""
    if isinstance(train, BatchStream):
        return train.batch_count, 0
    return session.comm.batch_count(train), len(train)


def batches(session: Session, train: Train) -> Iterator[Batch]:
    """Return what is left of the epoch under way; the batches of a stream are checked as they come."""
    epoch, done, dtype = session.epoch, session.batch, session.model.dtype
    if isinstance(train, BatchStream):
        return _checked(session, train.epoch(epoch, done, dtype))
    return session.comm.batches(train, train.order(session.seed, epoch), done, dtype)


def goes_on(session: Session, train: Train) -> bool:
    """Whether the epoch under way is one of this data; an InputWarning says so if not."""
    batch_count, samples = size(session, train)
    if (session.batches, session.samples) == (batch_count, samples):
        return True
    warnings.warn(
        f"epoch {session.epoch} was under way with {session.samples} samples in {session.batches} batches; this data "
        f"has {samples} in {batch_count}: the epoch stays unfinished, a new one begins.",
        InputWarning,
        stacklevel=4,
    )
    return False


def check_dataset(name: str, data: object) -> None:
    """Raise ArgumentError unless data is a Dataset."""
    if not isinstance(data, Dataset):
        streamed = name == "train" and (callable(data) or isinstance(data, Iterator))
        raise ArgumentError(
            f"{name} cannot be used.",
            expected="a Dataset",
            received=type(data).__name__,
            hint="BatchStream(batches)." if streamed else "wrap the arrays: Dataset(x, y, batch_size=64).",
        )


def _opening(session: Session, train: BatchStream, epochs: int, train_eval: str) -> Dataset:
    """Return the first batch of the stream for the checks, unless the stream cannot give what fit asks for."""
    hint = "pass the function that makes it: BatchStream(batches), not BatchStream(batches(1))."
    if train.used_up:
        raise ArgumentError("this generator is used up.", hint=hint)
    if train.once and epochs > 1:
        raise ArgumentError("a generator gives its batches once.", expected="epochs=1", received=epochs, hint=hint)
    if train_eval == "exact":
        raise ArgumentError('train_eval="exact" would run through the stream twice.', hint='train_eval="running"')
    return Dataset(*train.first(session.epoch + (not session.under_way)))


def _checked(session: Session, stream: Iterator[Batch]) -> Iterator[Batch]:
    for number, batch in enumerate(stream, start=session.batch):
        try:
            session.model.check_input(batch[0])
            session.loss.check_labels(batch[1], session.model.shapes[-1])
        except CutedlError as error:
            error.what = f"batch {number}: {error.what}"
            raise
        yield batch
