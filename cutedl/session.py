"""Session: the visible training loop."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cutedl import checks, metrics, streams
from cutedl.arena import Arena
from cutedl.dataset import Dataset
from cutedl.errors import ArgumentError, CutedlError, NonFiniteError, ReentrancyError, unknown_name
from cutedl.history import History
from cutedl.listeners import EVENTS, FitListener, Listener, Progress, condition_callback
from cutedl.losses import Loss
from cutedl.metrics import Metric
from cutedl.model import Model
from cutedl.objective import Objective
from cutedl.optimizers import Optimizer

__all__ = ["FitListener", "Session", "condition_callback"]

# Validation works in pieces of this many samples: large products, small temporaries.
_EVALUATE_ROWS = 4096


class Session:
    """A model in training: model, loss, optimizer, and the history of all fits.

    model: assembled or not; fit assembles it from the shape of the data.
    loss, optimizer: objects of cutedl.losses and cutedl.optimizers; an optimizer serves one session.
    metrics: names ("accuracy") or Metric objects, recorded for training and, with "val_" before, for validation.
    seed: an int >= 0; the same seed gives the same bits at the same number of BLAS threads. None draws one (`.seed`).

    epoch: epochs trained so far, over all fits. history: the columns of all fits.

    >>> from cutedl import losses, nn, optimizers
    >>> x = np.linspace(-1, 1, 64).reshape(-1, 1)
    >>> session = Session(Model([nn.Dense(1)]), losses.MeanSquaredError(), optimizers.SGD(0.5), seed=0)
    >>> history = session.fit(Dataset(x, 3 * x + 1, batch_size=8), 5, verbose=0)
    >>> print(session.model.predict([[1.0]]).round(2))
    [[4.]]
    """

    def __init__(
        self,
        model: Model,
        loss: Loss,
        optimizer: Optimizer,
        metrics: Sequence[str | Metric] = (),
        seed: int | None = None,
    ):
        for name, value, kind in (("model", model, Model), ("loss", loss, Loss), ("optimizer", optimizer, Optimizer)):
            if not isinstance(value, kind):
                raise ArgumentError(
                    f"{name} cannot be used.", expected=f"a cutedl {kind.__name__} object", received=repr(value)
                )
        if loss.reduction == "none":
            raise ArgumentError('a loss of reduction "none" is no number to minimise.', hint='take reduction="sum".')
        self.model, self.loss, self.optimizer = model, loss, optimizer
        self.metrics = _metrics(metrics, loss)
        self.seed = streams.fresh_seed() if seed is None else checks.integer("seed", seed, low=0)
        self.history = History()
        self.epoch = 0
        self._stopped = False
        self._objective_arena: Arena | None = None
        self._busy = threading.Lock()

    def __repr__(self) -> str:
        return f"Session({self.model!r}, {self.loss!r}, {self.optimizer!r}, seed={self.seed}, epoch={self.epoch})"

    # -- one step ----------------------------------------------------------------------------------------------------

    def batch_train(self, x: NDArray[Any], y: NDArray[Any]) -> float:
        """Make one optimizer step on a batch and return its loss, taken before the step.

        x: (B, *inshape) in the model's dtype; y: labels as the loss expects them.
        Raises NonFiniteError, before anything is changed, when the loss is NaN or infinite.
        """
        loss: float
        model, criterion = self._objective.network, self._objective.loss
        self.y_pred = model.forward(x, training=True)  # activations into fixed buffers
        loss, gradient = criterion.value_and_gradient(y, self.y_pred, out=model.output_gradient(len(x)))
        if not math.isfinite(loss):
            raise self._diverged(loss, x)
        self.penalty = model.arena.penalty  # of the regularizers, 0 without
        model.backward(gradient)  # parameter gradients into the arena
        model.arena.penalize()
        self.optimizer.step(model.arena)  # blocks over two flat vectors
        model.arena.constrain()
        return loss + self.penalty

    @property
    def _objective(self) -> Objective:
        """The model and the loss, less a last activation that the loss contains; made anew for a new arena."""
        arena = self.model.arena
        if arena is not self._objective_arena:
            self._objective_arena, self._objective_made = arena, Objective.of(self.model, self.loss)
            self.loss.attach(arena, self.model.shapes[-1], self.seed)
        return self._objective_made

    # -- training ----------------------------------------------------------------------------------------------------

    def fit(
        self,
        train: Dataset,
        epochs: int = 1,
        val_epochs: int = 1,
        val_data: Dataset | None = None,
        listeners: Iterable[Listener] = (),
        verbose: str | int = "auto",
    ) -> History:
        """Train for so many more epochs and return the history of all fits of this session.

        train: the samples, reshuffled every epoch by (seed, epoch) alone. val_data: validated every `val_epochs`
        epochs, with exact averages. listeners: called in this order.
        verbose: 0 silent; 1 or "auto" one live line on stderr in a terminal, else as 2; 2 one plain line per epoch.

        Everything is checked before the first step: a wrong argument, shape, label or number raises an error that
        derives from CutedlError and ValueError, and changes nothing.
        """
        with self._alone():
            self._open(train, epochs, val_epochs, val_data)
            hooks = self._hooks([*listeners, *_progress(verbose)], val_data is not None)
            if not self.model.assembled:
                self.model.assemble(self.seed, inshape=train.data.shape[1:])
            self._describe(train)
            self.epochs, self.batches, self._stopped = epochs, train.batch_count, False
            started, before = time.perf_counter(), self.history.get("cost_time", 0.0)
            try:
                self._notify(hooks["fit_start"])
                # Overflow ends in NonFiniteError, which says more than NumPy's warning.
                with np.errstate(over="ignore", invalid="ignore"):
                    for count in range(1, epochs + 1):
                        self._fit_epoch(train, val_data if count % val_epochs == 0 else None, hooks)
                        if self._stopped:
                            break
            finally:
                self.history["cost_time"] = before + time.perf_counter() - started
                self._notify(hooks["fit_end"])
        return self.history

    def stop_fit(self) -> None:
        """End the running fit after the batch, or the epoch, that is under way."""
        self._stopped = True

    def _fit_epoch(self, train: Dataset, val_data: Dataset | None, hooks: dict[str, list[Hook]]) -> None:
        self.epoch += 1
        started = time.perf_counter()
        self._notify(hooks["epoch_start"])
        row = self._train_epoch(train, hooks["batch_end"])
        rate, steps = self.optimizer.last_learning_rate, self.optimizer.steps
        self.history.record(self.epoch, **row, learning_rate=rate, steps=steps)
        if val_data is not None:
            self._notify(hooks["val_start"])
            row, self.history["val_pred"] = self._evaluate(val_data)
            self.history.record(self.epoch, **{f"val_{key}": value for key, value in row.items()})
            self._notify(hooks["val_end"])
        self.history.record(self.epoch, seconds=time.perf_counter() - started)
        self._notify(hooks["epoch_end"])

    def _train_epoch(self, train: Dataset, batch_end: list[Hook]) -> dict[str, float]:
        total = count = penalties = 0.0
        objective, batches = self._objective, 0
        self.model.arena.reseed(self.epoch)  # the noise of an epoch depends on (seed, epoch) alone
        for metric in self.metrics:
            metric.reset()
        for x, y in train.batches(train.order(self.seed, self.epoch), self.model.dtype):
            self.batch_loss = self.batch_train(x, y)
            total += objective.loss.total
            count += objective.loss.count
            penalties += self.penalty
            batches += 1
            for metric in self.metrics:
                metric.update(y, objective.outputs(self.y_pred))
            for hook in batch_end:
                hook(self)
            if self._stopped:
                break
        loss = self.loss.reduce(total, count) + penalties / batches
        return {"loss": loss} | {metric.name: metric.result() for metric in self.metrics}

    # -- use ---------------------------------------------------------------------------------------------------------

    def predict(self, x: ArrayLike) -> NDArray[Any]:
        """Return the model's outputs for x as a new array; see Model.predict."""
        return self.model.predict(x)

    def evaluate(self, data: Dataset) -> dict[str, float]:
        """Return loss and metrics over all samples of a data set, exact for any batch size.

        >>> from cutedl import losses, nn, optimizers
        >>> model = Model([nn.Dense(1, inshape=1, kernel_initializer="ones")])
        >>> model.assemble()
        >>> session = Session(model, losses.MeanSquaredError(), optimizers.SGD())
        >>> session.evaluate(Dataset([[1.0], [2.0]], [[1.0], [4.0]]))
        {'loss': 2.0}
        """
        self._check_data("data", data)
        return self._evaluate(data)[0]

    def _evaluate(self, data: Dataset) -> tuple[dict[str, float], NDArray[Any]]:
        total = count = 0.0
        objective = self._objective
        y_pred = np.empty((len(data), *self.model.shapes[-1]), self.model.dtype)
        for metric in self.metrics:
            metric.reset()
        for start in range(0, len(data), _EVALUATE_ROWS):
            piece = slice(start, start + _EVALUATE_ROWS)
            y = objective.network.predict(data.data[piece])
            piece_total, piece_count = objective.loss.total_and_count(data.label[piece], y)
            y_pred[piece] = objective.outputs(y)
            total += piece_total
            count += piece_count
            for metric in self.metrics:
                metric.update(data.label[piece], y_pred[piece])
        loss = self.loss.reduce(total, count) + self.model.arena.penalty
        return {"loss": loss} | {metric.name: metric.result() for metric in self.metrics}, y_pred

    # -- the door ----------------------------------------------------------------------------------------------------

    @contextmanager
    def _alone(self) -> Iterator[None]:
        if not self._busy.acquire(blocking=False):
            raise ReentrancyError("this session is training already.", hint="wait for its fit, or make a second one.")
        try:
            yield
        finally:
            self._busy.release()

    def _open(self, train: Dataset, epochs: int, val_epochs: int, val_data: Dataset | None) -> None:
        """Find everything that can be wrong before anything is changed."""
        checks.integer("epochs", epochs)
        checks.integer("val_epochs", val_epochs)
        _check_dataset("train", train)
        if not self.model.assembled:
            self.model.declare(train.data.shape[1:])
        self._check_data("train", train)
        if val_data is not None:
            self._check_data("val_data", val_data)

    def _check_data(self, name: str, data: Dataset) -> None:
        _check_dataset(name, data)
        self.model.check_input(data.data)
        data.check_finite(self.model.dtype if self.model.assembled else np.float32)
        self.loss.check_labels(data.label, self.model.shapes[-1])

    def _hooks(self, listeners: list[Listener], validates: bool) -> dict[str, list[Hook]]:
        measured = (metric.name for metric in self.metrics)
        known = {"loss", "learning_rate", "steps", "seconds", *measured, *self.history.columns}
        if validates:
            known |= {"val_loss", *(f"val_{metric.name}" for metric in self.metrics)}
        for listener in listeners:
            if not isinstance(listener, Listener):
                raise ArgumentError("this is no listener.", expected="a Listener", received=repr(listener))
            for key in listener.monitors:
                if key not in known:
                    raise unknown_name("history key", key, known)
        hooks = [listener.hooks() for listener in listeners]
        return {event: [hook[event] for hook in hooks if event in hook] for event in EVENTS}

    def _notify(self, hooks: list[Hook]) -> None:
        for hook in hooks:
            hook(self)

    def _describe(self, train: Dataset) -> None:
        self.history.info |= {
            "data": train.source,
            "samples": len(train),
            "batch_size": train.batch_size,
            "model": "-".join(str(math.prod(shape)) for shape in self._widths()),
            "parameters": self.model.arena.size,
            "loss": type(self.loss).__name__,
            "optimizer": repr(self.optimizer),
            "seed": self.seed,
        }

    def _widths(self) -> list[tuple[int, ...]]:
        shapes = self.model.shapes
        return [shapes[0], *(after for before, after in pairwise(shapes) if after != before)]

    def _diverged(self, loss: float, x: NDArray[Any]) -> CutedlError:
        return NonFiniteError(
            f"loss became {loss} at step {self.optimizer.steps + 1} (epoch {self.epoch}); the weights are those of "
            "the step before.",
            received=f"learning rate {self.optimizer.learning_rate:g}, largest |x| {float(np.abs(x).max()):g}",
            hint="try a smaller learning rate, or scale the input to about [0, 1].",
        )


Hook = Callable[[Session], None]


def _metrics(names: Sequence[str | Metric], loss: Loss) -> list[Metric]:
    if isinstance(names, str):
        raise ArgumentError("metrics cannot be used.", expected="a list", received=repr(names), hint=f"[{names!r}]")
    if names and loss.takes_hidden:
        raise ArgumentError(
            f"{type(loss).__name__} holds the output layer itself: there are no outputs to take metrics of.",
            hint="leave metrics out; evaluate gives the full loss, loss.logits(model.predict(x)) the scores.",
        )
    return [metrics.get(name, loss.threshold) for name in names]


def _progress(verbose: str | int) -> list[Listener]:
    if verbose not in (0, 1, 2, "auto"):
        raise ArgumentError("verbose cannot be used.", expected='0, 1, 2 or "auto"', received=repr(verbose))
    return [] if verbose == 0 else [Progress(live=False if verbose == 2 else None)]


def _check_dataset(name: str, data: object) -> None:
    if not isinstance(data, Dataset):
        raise ArgumentError(
            f"{name} cannot be used.",
            expected="a Dataset",
            received=type(data).__name__,
            hint="wrap the arrays: Dataset(x, y, batch_size=64).",
        )
