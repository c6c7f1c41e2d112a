"""Session: the visible training loop."""

from __future__ import annotations

import math
import os
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NoReturn

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cutedl import checks, door, saving, streams
from cutedl.arena import Arena
from cutedl.audience import Audience
from cutedl.dataset import Dataset
from cutedl.divergence import gradient_diverged, loss_diverged
from cutedl.door import Train
from cutedl.errors import ArgumentError, ReentrancyError
from cutedl.evaluation import evaluate, evaluate_aside, results
from cutedl.history import History
from cutedl.interrupts import Interrupts
from cutedl.listeners import FitListener, Listener, condition_callback
from cutedl.losses import Loss
from cutedl.lr_find import LearningRateCurve, find_learning_rate
from cutedl.metrics import Metric
from cutedl.model import Model
from cutedl.objective import Objective
from cutedl.optimizers import Optimizer
from cutedl.provenance import provenance
from cutedl.ranks import Alone
from cutedl.running import Running
from cutedl.saved_model import Custom

__all__ = ["FitListener", "Session", "condition_callback"]


class Session:
    """A model in training: model, loss, optimizer, and the history of all fits.

    model: assembled or not; fit assembles it from the shape of the data.
    loss, optimizer: objects of cutedl.losses and cutedl.optimizers; an optimizer serves one session.
    metrics: names ("accuracy"), Metric objects or functions f(y_true, y_pred), recorded for training and, with "val_"
    before, for validation.
    seed: an int >= 0; the same seed gives the same bits at the same number of BLAS threads. None draws one (`.seed`).
    comm: the processes that train it together, cutedl.distributed.world(); None for this one alone.

    history: the columns of all fits. epoch: epochs begun so far, over all fits; batch: batches done of the one under
    way, 0 between epochs. stop_reason: why the last fit ended early, or None. best_epoch: set by EarlyStopping.

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
        metrics: Sequence[str | Metric | Callable[..., Any]] = (),
        seed: int | None = None,
        comm: Alone | None = None,
    ):
        door.check_parts(model, loss, optimizer)
        self.model, self.loss, self.optimizer = model, loss, optimizer
        self.metrics = door.measures(metrics, loss)
        self.seed = streams.fresh_seed() if seed is None else checks.integer("seed", seed, low=0)
        self.comm = Alone() if comm is None else comm
        self.history = History()
        self.epoch = self.epochs = self.batches = self.samples = 0
        self.gradient_norm = math.nan
        self.stop_reason: str | None = None
        self.best_epoch: int | None = None
        self.running, self.under_way = Running(), False
        self._audience = Audience()
        self._interrupts = Interrupts()
        self.heard: dict[str, Any] = {}  # by the listeners of the saved session, for those of the next fit
        self._objective_arena: Arena | None = None
        self._busy = threading.Lock()

    def __repr__(self) -> str:
        return f"Session({self.model!r}, {self.loss!r}, {self.optimizer!r}, seed={self.seed}, epoch={self.epoch})"

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        hint = "session.save(path) writes all of it, Session.load(path) reads it."
        raise ArgumentError("a session cannot be copied or pickled.", hint=hint)

    # -- one step ----------------------------------------------------------------------------------------------------

    def batch_train(self, x: NDArray[Any], y: NDArray[Any], sample_weight: NDArray[Any] | None = None) -> float:
        """Make one optimizer step on a batch and return its loss, taken before the step.

        x: (B, *inshape) in the model's dtype; y: labels as the loss expects them; sample_weight: (B,) or as the losses.
        Raises NonFiniteError when the loss or the gradient is NaN or infinite, before any weight is changed.
        """
        loss: float
        objective, arena = self.objective, self.model.arena
        model, criterion = objective.network, objective.loss
        self.y_pred = model.forward(x, training=True)  # activations into fixed buffers
        loss, gradient = criterion.value_and_gradient(y, self.y_pred, sample_weight, out=model.output_gradient(len(x)))
        if math.isfinite(loss):
            model.backward(gradient)  # parameter gradients into the arena
        if self.comm.size > 1:
            loss = self.comm.average(arena, criterion, self.wish)  # of all ranks, the gradients too
        if not math.isfinite(loss):
            raise loss_diverged(self, model, loss, x)
        self.penalty = arena.penalty  # of the regularizers, 0 without
        arena.penalize()
        self.gradient_norm = arena.gradient_norm
        if not math.isfinite(self.gradient_norm):
            raise gradient_diverged(self, x)
        self.optimizer.step(arena)  # blocks over two flat vectors
        arena.constrain()
        return loss + self.penalty

    @property
    def objective(self) -> Objective:
        """The model and the loss, less a last activation that the loss contains; made anew for a new arena."""
        arena = self.model.arena
        if arena is not self._objective_arena:
            self._objective_arena, self._objective = arena, Objective.of(self.model, self.loss)
            self.loss.attach(arena, self.model.shapes[-1], self.seed)
        return self._objective

    # -- training ----------------------------------------------------------------------------------------------------

    def fit(
        self,
        train: Train,
        epochs: int = 1,
        val_epochs: int = 1,
        val_data: Dataset | None = None,
        listeners: Iterable[Listener] = (),
        verbose: str | int = "auto",
        train_eval: str = "running",
    ) -> History:
        """Train for so many more epochs and return the history of all fits of this session.

        train: samples, reshuffled every epoch by (seed, epoch) alone, or a BatchStream. val_data: validated after every
        epoch whose number `val_epochs` divides, with exact averages. listeners: called in this order.
        verbose: 0 silent; 1 or "auto" one live line on stderr in a terminal, else as 2; 2 one plain line per epoch.
        train_eval: "running", loss and metrics of training are means over the epoch, taken while the weights moved;
        "exact", they are measured on all of train with the weights of the epoch's end, which costs another pass.

        Everything is checked before the first step: a wrong argument, shape, label or number raises an error that
        derives from CutedlError and ValueError, and changes nothing. An epoch that an error, Ctrl-C or a saved file
        has cut short is finished first and counts as one of `epochs`. Ctrl-C lets the batch finish and returns the
        history, marked `interrupted`; a second one is immediate. SIGTERM does the same and exits with 143.
        """
        with self._alone(), self.comm.guarded():
            shape = door.check_fit(self, train, epochs, val_epochs, val_data, train_eval)
            audience = Audience(listeners, verbose, leads=self.comm.rank == 0)
            audience.check_monitors(self, val_data is not None)
            self._audience = audience
            if not self.model.assembled:
                self.model.assemble(self.seed, inshape=shape)
            self.comm.align(self, train, epochs, val_epochs, val_data, train_eval)
            self._begin(train, epochs)
            started, before = time.perf_counter(), self.history.get("cost_time", 0.0)
            # Overflow ends in NonFiniteError, which says more than NumPy's warning.
            with self._interrupts.deferred(), np.errstate(over="ignore", invalid="ignore"):
                try:
                    self._audience.notify(self, "fit_start")
                    self._audience.restore(self.heard)
                    self.heard = {}
                    for _ in range(epochs):
                        self._fit_epoch(train, train_eval, val_data, val_epochs)
                        if self._ending:
                            break
                finally:
                    self.history["cost_time"] = before + time.perf_counter() - started
                    self._audience.notify(self, "fit_end")
            self._interrupts.exit_if_terminated()
        return self.history

    def stop_fit(self, reason: str = "stop_fit() was called") -> None:
        """End the running fit after the batch, or the epoch, that is under way."""
        self.stop_reason = reason

    @property
    def listeners(self) -> tuple[Listener, ...]:
        """Those of the fit that is running, or was the last, in the order in which they are called."""
        return self._audience.listeners

    @property
    def batch(self) -> int:
        """Batches done of the epoch under way; 0 between epochs."""
        return self.running.batches

    @property
    def _ending(self) -> bool:
        """Whether all ranks leave; what one of them wishes in a step, all obey after the next."""
        wish = self.comm.verdict(self.wish)
        if wish:
            self._interrupts.obey(self, wish)
        return wish > 0

    @property
    def wish(self) -> int:
        """What this process wants of the fit: 0 to go on, 1 to stop it, or the number of a signal that came in."""
        return self._interrupts.received or int(self.stop_reason is not None)

    def _begin(self, train: Train, epochs: int) -> None:
        """Set what listeners may read, and leave an epoch under way that was one of other data."""
        if self.batch and not door.goes_on(self, train):
            self.running, self.under_way = Running(), False
        self.epochs, (self.batches, self.samples) = epochs, door.size(self, train)
        self.stop_reason, self.history.interrupted = None, False
        self._interrupts = Interrupts()
        self.history.info |= provenance(self, train)

    def _fit_epoch(self, train: Train, train_eval: str, val_data: Dataset | None, val_epochs: int) -> None:
        if not self.under_way:
            self._open_epoch()
        self._audience.notify(self, "epoch_start")
        finished = self._train_epoch(train)
        if self._ending and self.history.interrupted and not finished:
            return  # the next fit goes on here
        started = time.perf_counter()
        if train_eval == "exact" and isinstance(train, Dataset):
            row = evaluate(self, train, self.comm)[0]
        else:
            row = {"loss": self.running.loss(self.loss)} | results(self.metrics)
        self.history.record(self.epoch, **self.running.row(self.epoch, self.optimizer, row))
        if val_data is not None and self.epoch % val_epochs == 0:
            self._audience.notify(self, "val_start")
            row, self.history["val_pred"] = evaluate(self, val_data, self.comm)
            self.history.record(self.epoch, **{f"val_{key}": value for key, value in row.items()})
            self._audience.notify(self, "val_end")
        seconds = self.running.seconds + time.perf_counter() - started
        seconds, rate = self.comm.share((seconds, self.running.samples_per_second))
        self.history.record(self.epoch, seconds=seconds, samples_per_second=rate)
        self.running, self.under_way = Running(), False
        self.comm.verify(self.model.arena)
        self._audience.notify(self, "epoch_end")

    def _open_epoch(self) -> None:
        self.epoch += 1
        self.under_way = True
        self.model.arena.noise.reseed(self.epoch)  # the noise of an epoch depends on (seed, epoch) alone
        self.model.arena.noise.jump(self.comm.rank)
        for metric in self.metrics:
            metric.reset()

    def _train_epoch(self, train: Train) -> bool:
        """Train on what is left of the epoch under way; return whether that was all of it."""
        objective, running, add_to_trace = self.objective, self.running, self.history.trace.add
        batch_end, finished = self._audience.hooks["batch_end"], False
        started = time.perf_counter()
        try:
            for x, y, *weights in door.batches(self, train):
                self.batch_loss = self.batch_train(x, y, *weights)
                running.add(objective.loss, self.penalty, self.gradient_norm, len(x))
                add_to_trace(self.batch_loss)
                for metric in self.metrics:
                    metric.update(y, objective.outputs(self.y_pred))
                for hook in batch_end:
                    hook(self)
                if self._ending:
                    break
            else:
                finished = True
        finally:
            running.seconds += time.perf_counter() - started
        self.comm.pool_epoch(self)
        return finished or self.batch == self.batches

    # -- use ---------------------------------------------------------------------------------------------------------

    def predict(self, x: ArrayLike | Iterator[ArrayLike]) -> NDArray[Any]:
        """Return the model's outputs for x as a new array; see Model.predict."""
        return self.model.predict(x)

    def evaluate(self, data: Dataset) -> dict[str, float]:
        """Return loss and metrics over all samples of a data set: the same numbers for any batch size.

        >>> from cutedl import losses, nn, optimizers
        >>> model = Model([nn.Dense(1, inshape=1, kernel_initializer="ones")])
        >>> model.assemble()
        >>> session = Session(model, losses.MeanSquaredError(), optimizers.SGD())
        >>> session.evaluate(Dataset([[1.0], [2.0]], [[1.0], [4.0]]))
        {'loss': 2.0}
        """
        door.check_data(self, "data", data)
        return evaluate_aside(self, data)

    def lr_find(self, train: Dataset, **options: Any) -> LearningRateCurve:
        """Return the loss at growing learning rates, and which one to try; leaves no trace in the session.

        options: low, high, steps; see cutedl.lr_find.find_learning_rate.
        """
        with self._alone():
            door.check_dataset("train", train)
            door.check_fit(self, train, 1, 1, None, "running")
            return find_learning_rate(self, train, **options)

    # -- saved state -------------------------------------------------------------------------------------------------

    def state(self) -> dict[str, Any]:
        """Return where training stands, beside the states of model, loss, optimizer and history."""
        return saving.place(self, self.heard or self._audience.state())

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from there: the next fit finishes the epoch under way, and its listeners what they had counted."""
        saving.resume(self, state)

    def save(self, path: str | os.PathLike[str], keep: int = 0) -> None:
        """Write everything that training needs to go on, to this very path, whole or not at all; of ranks the first.

        keep: how many older generations stay beside it. Raises CheckpointError; see docs/saving.md.
        """
        if self.comm.rank == 0:
            saving.save_session(self, path, keep)

    @classmethod
    def load(cls, path: str | os.PathLike[str], custom: Custom = (), comm: Alone | None = None) -> Session:
        """Return a saved session; fit goes on at the batch where it was saved, bit for bit.

        custom: classes and functions of your own. comm: as of Session. Raises CheckpointError; no code of a file runs.
        """
        return saving.load_session(cls, path, custom, comm)

    @classmethod
    def latest(cls, folder: str | os.PathLike[str], custom: Custom = (), comm: Alone | None = None) -> Session:
        """Return the newest session in a folder that verifies; an InputWarning names those that were passed over."""
        return saving.latest_session(cls, folder, custom, comm)

    # -- small parts -------------------------------------------------------------------------------------------------

    @contextmanager
    def _alone(self) -> Iterator[None]:
        if not self._busy.acquire(blocking=False):
            raise ReentrancyError("this session is training already.", hint="wait for its fit, or make a second one.")
        try:
            yield
        finally:
            self._busy.release()
