"""Distributed: one model trained by several processes over MPI, each on its part of every batch.

    mpiexec -n 4 python -m mpi4py train.py

Every rank holds the whole model and makes the same steps. Per step one Allreduce of one vector,

    | gradients × samples | moving statistics | loss, samples | wishes to end |

whose sum divided by the sum of the samples is the gradient of the global batch, exactly, however uneven the parts.
"""

from __future__ import annotations

import faulthandler
import math
import os
import signal
import sys
import time
import traceback
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from hashlib import blake2b
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from cutedl import checks
from cutedl.dataset import Dataset
from cutedl.errors import ArgumentError, DistributedError, InputWarning, MissingLibraryError, ShapeError, unknown_name
from cutedl.helper import THREAD_VARIABLES
from cutedl.losses.samplers import LearnedUnigramSampler
from cutedl.metrics import Metric
from cutedl.ranks import Alone, Totals, shard

if TYPE_CHECKING:
    from cutedl.arena import Arena
    from cutedl.losses import Loss
    from cutedl.session import Session

__all__ = ["World", "scaled_rate", "world"]

# What the launchers of MPICH, Open MPI, Intel MPI and Slurm tell each process, the number of processes where known.
_SIZES = ("PMI_SIZE", "OMPI_COMM_WORLD_SIZE")
_LAUNCHED = (*_SIZES, "PMI_RANK", "PMIX_RANK", "MPI_LOCALNRANKS")

_WISHES = (1, signal.SIGINT, signal.SIGTERM)  # ways to end a fit, the later ones going first
_MEETING = 120.0  # seconds in which all ranks have to call world(): one that failed before would be waited for
_PATIENCE = 4.0  # seconds in which all ranks have to come to the same error


def world() -> Alone:
    """Return the communicator of this run, for Session(..., comm=world()): `Alone` unless mpiexec started several.

    The same program runs alone, without MPI or mpi4py. Where several ranks share a machine, each gets its share of
    the cores for BLAS, if threadpoolctl is installed; an InputWarning says what to set if it is not.
    Raises MissingLibraryError where mpiexec started several ranks and mpi4py is missing, DistributedError where it
    belongs to another MPI than mpiexec: each would train alone, and overwrite what the others save.

    >>> world()
    Alone(rank=0, size=1)
    """
    if "mpi4py.MPI" not in sys.modules and not any(name in os.environ for name in _LAUNCHED):
        return Alone()
    launched = max((int(os.environ[name]) for name in _SIZES if name in os.environ), default=1)
    faulthandler.dump_traceback_later(_MEETING, exit=True, file=2)
    try:
        from mpi4py import MPI  # which waits for the others
    except (ImportError, RuntimeError) as error:
        if launched == 1:
            return Alone()
        raise MissingLibraryError(
            f"{launched} ranks were started, and this one has no MPI: {error}.", hint="pip install cutedl[mpi]"
        ) from error
    finally:
        faulthandler.cancel_dump_traceback_later()
    comm = MPI.COMM_WORLD
    if comm.size == 1 < launched:
        raise DistributedError(
            "mpi4py uses another MPI than this mpiexec.",
            expected=f"{launched} ranks",
            received="1 rank",
            hint="take the mpiexec beside this python: pip install cutedl[mpi] brings it.",
        )
    return World(comm) if comm.size > 1 else Alone()


class World(Alone):
    """The ranks of an MPI communicator; made by world().

    fit is collective: every rank calls it, with the same data. evaluate, predict and save are not.
    """

    def __init__(self, comm: Any):
        self._comm, self._faults = comm.Dup(), comm.Dup()
        self.rank, self.size = comm.rank, comm.size
        self._verdict = 0
        self._vector: NDArray[Any] = np.empty(0)
        from mpi4py import MPI

        _divide_threads(comm.Split_type(MPI.COMM_TYPE_SHARED).size, comm.rank)

    # -- in every step -----------------------------------------------------------------------------------------------

    def average(self, arena: Arena, loss: Loss, wish: int) -> float:
        from mpi4py.MPI import IN_PLACE

        g, statistics = arena.gradients, arena.statistics
        divided = loss.reduction not in ("sum", "none")
        weight = loss.count if divided else 1.0
        vector = self._room(g.size + statistics.size + 2 + len(_WISHES), g.dtype)
        total, middle, tail = np.split(vector, (g.size, g.size + statistics.size))
        np.multiply(g, weight, out=total)
        middle[:] = statistics
        tail[:] = loss.total, loss.count, *(wish == each for each in _WISHES)
        self._comm.Allreduce(IN_PLACE, vector)
        losses, count, *votes = tail.tolist()
        share = (1 / count if count else 0.0) if divided else 1.0
        np.multiply(total, share, out=g)
        np.multiply(middle, 1 / self.size, out=statistics)
        self._average_rows(arena, weight, share)
        self._verdict = max((each for each, vote in zip(_WISHES, votes, strict=True) if vote), default=0)
        return loss.reduce(losses, count)

    def _average_rows(self, arena: Arena, weight: float, share: float) -> None:
        """Tables have gradients of a few rows, other ones on every rank: these are gathered."""
        for table in arena.tables.values():
            parts = self._comm.allgather((table.rows, table.row_gradients * weight))
            rows, gradients = (np.concatenate(part) for part in zip(*parts, strict=True))
            table.collect(rows, gradients)
            table.row_gradients *= share

    def _room(self, size: int, dtype: np.dtype[Any]) -> NDArray[Any]:
        if self._vector.size != size or self._vector.dtype != dtype:
            self._vector = np.empty(size, dtype)
        return self._vector

    def verdict(self, wish: int) -> int:
        return self._verdict

    # -- in every epoch ----------------------------------------------------------------------------------------------

    def batch_count(self, train: Dataset) -> int:
        return train.steps(train.batch_size * self.size)

    def batches(
        self, train: Dataset, order: NDArray[np.intp], done: int, dtype: DTypeLike
    ) -> Iterator[tuple[NDArray[Any], ...]]:
        count, step = self.batch_count(train), train.batch_size * self.size
        own = shard(order[done * step : count * step], train.batch_size, self.rank, self.size)
        yield from train.batches(own, dtype)
        if len(own) <= (count - done - 1) * train.batch_size:  # fewer samples are left than ranks
            weights = () if train.sample_weight is None else (train.sample_weight[:0],)
            yield np.empty((0, *train.sample_shape), dtype), train.label[:0], *weights

    def rows(self, count: int) -> range:
        return range(count * self.rank // self.size, count * (self.rank + 1) // self.size)

    def pool(self, total: float, count: float, outputs: list[NDArray[Any]], metrics: Sequence[Metric]) -> Totals:
        parts = self._comm.allgather((total, count, outputs, [metric.state() for metric in metrics]))
        totals, counts, pieces, states = zip(*parts, strict=True)
        _merge(metrics, states)
        return sum(totals), sum(counts), [piece for part in pieces for piece in part]

    def pool_epoch(self, session: Session) -> None:
        running = session.running
        own = (running.total, running.count, running.samples)
        sums, states = zip(*self._comm.allgather((own, [m.state() for m in session.metrics])), strict=True)
        running.total, running.count, running.samples = (sum(column) for column in zip(*sums, strict=True))
        _merge(session.metrics, states)

    def verify(self, arena: Arena) -> None:
        digest = blake2b(arena.values.data, digest_size=16)
        for array in (arena.statistics, *(table.values for table in arena.tables.values())):
            digest.update(array.data)
        digests = self._comm.allgather(digest.hexdigest())
        strange = [rank for rank, other in enumerate(digests) if other != digests[0]]
        if strange:
            raise DistributedError(
                f"the parameters of rank {strange[0]} are not those of rank 0.",
                expected=f"digest {digests[0]} everywhere",
                received=digests[strange[0]],
                hint="listeners have to do the same on every rank; machines of one kind compute the same bits.",
            )

    def share(self, value: Any) -> Any:
        return self._comm.bcast(value)

    # -- in every fit ------------------------------------------------------------------------------------------------

    def align(self, session: Session, train: object, *asked: object) -> None:
        with self.together(lambda: 0):
            _check(session, train, self.size)
        everywhere = self._comm.allgather(", ".join(map(repr, (train, *asked))))
        if other := [rank for rank, theirs in enumerate(everywhere) if theirs != everywhere[0]]:
            raise DistributedError(
                f"rank {other[0]} was asked for another fit than rank 0.",
                expected=f"the same data, batch size and epochs everywhere: {everywhere[0]}",
                received=everywhere[other[0]],
            )
        state = self._comm.bcast(_state(session) if self.rank == 0 else None)
        if self.rank:
            _restore(session, state)
            session.model.arena.noise.jump(self.rank)

    @contextmanager
    def guarded(self) -> Iterator[None]:
        self._verdict = 0
        try:
            yield
        except BaseException:
            if not self._fails_everywhere():
                print(f"rank {self.rank} of {self.size} ends all others:", file=sys.stderr)
                traceback.print_exc()
                sys.stderr.flush()
                self._comm.Abort(1)
            raise

    def _fails_everywhere(self) -> bool:
        request, until = self._faults.Ibarrier(), time.monotonic() + _PATIENCE
        while not request.Test():
            if time.monotonic() > until:
                return False
            time.sleep(0.01)
        return True

    @contextmanager
    def together(self, wish: Callable[[], int]) -> Iterator[None]:
        if sys.exc_info()[0] is not None:  # what ends this rank alone must not wait for the others
            yield
            return
        error: Exception | None = None
        try:
            yield
        except Exception as failure:
            error = failure
        told = self._comm.allgather((wish(), None if error is None else f"{type(error).__name__}: {error}"))
        self._verdict = max(each for each, _ in told)
        if error is not None:
            raise error
        for rank, (_, text) in enumerate(told):
            if text is not None:
                raise DistributedError(f"rank {rank} failed: {text}")


def scaled_rate(learning_rate: float, batch_size: int, comm: Alone, *, tuned_for: int, rule: str = "linear") -> float:
    """Return the learning rate for the global batch, ranks × batch_size, of one that was found for another batch.

    tuned_for: samples per step for which learning_rate is good. rule: "linear", rate × global / tuned_for, for plain
    gradient descent and momentum; "sqrt", rate × √(global / tuned_for), for Adam and its kin. With a global batch many
    times larger than tuned_for, begin with optimizers.schedules.Warmup. Raises ArgumentError, UnknownNameError.
    Source: Goyal et al., "Accurate, large minibatch SGD" (2017), and Malladi et al. (2022) for the root.

    >>> scaled_rate(0.1, 256, world(), tuned_for=64)
    0.4
    """
    if rule not in ("linear", "sqrt"):
        raise unknown_name("scaling rule", rule, ("linear", "sqrt"))
    factor = checks.integer("batch_size", batch_size) * comm.size / checks.integer("tuned_for", tuned_for)
    rate = checks.number("learning_rate", learning_rate, low=0, above=True)
    return rate * (factor if rule == "linear" else math.sqrt(factor))


def _divide_threads(ranks_here: int, rank: int) -> None:
    """Give BLAS its share of the cores: with all cores for every rank, the ranks would wait for each other."""
    cores = os.cpu_count() or 1
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else cores
    threads = max(1, min(usable, cores // ranks_here))
    if ranks_here == 1 or any(name in os.environ for name in THREAD_VARIABLES):
        return
    try:
        from threadpoolctl import threadpool_limits
    except ImportError:
        if rank == 0:
            hint = f"OPENBLAS_NUM_THREADS={threads} mpiexec ..., or pip install threadpoolctl."
            warnings.warn(f"{ranks_here} ranks share {cores} cores, and all use all of them: {hint}", InputWarning, 4)
        return
    threadpool_limits(threads)


def _check(session: Session, train: object, size: int) -> None:
    if not isinstance(train, Dataset):
        raise ArgumentError("several ranks share a Dataset.", expected="a Dataset", received=repr(train))
    if isinstance(getattr(session.loss, "sampler", None), LearnedUnigramSampler):
        raise ArgumentError(
            'the sampler "learned_unigram" counts the labels of one process: several ranks would draw other classes.',
            hint='"log_uniform" or "uniform".',
        )
    if train.steps(train.batch_size * size) == 0:
        least = size * train.batch_size
        raise ShapeError("drop_remainder leaves no batch.", expected=f">= {least} samples", received=len(train))


def _state(session: Session) -> dict[str, Any]:
    arena = session.objective.network.arena  # of the objective: a loss with parameters has then declared them
    return {
        "model seed": session.model.seed,
        "arena": arena.state(),
        "loss": session.loss.state(),
        "optimizer": session.optimizer.state(),
        "history": session.history.state(),
        "session": session.state() | {"listeners": session.heard},
    }


def _restore(session: Session, state: dict[str, Any]) -> None:
    """Become what rank 0 is, but for the sums of an epoch under way, which are to be added once."""
    arena = session.objective.network.arena
    session.model.seed = arena.noise.seed = state["model seed"]
    arena.restore(state["arena"])
    session.loss.restore(state["loss"])
    session.optimizer.restore(state["optimizer"], arena)
    session.history.restore(state["history"])
    session.restore(state["session"])
    session.running.total = session.running.count = 0.0
    session.running.samples = 0
    for metric in session.metrics:
        metric.reset()


def _merge(metrics: Sequence[Metric], states: Sequence[Sequence[dict[str, Any]]]) -> None:
    """Make every metric one that has seen what all ranks have seen, in their order."""
    for i, metric in enumerate(metrics):
        metric.reset()
        for state in states:
            metric.merge(state[i])
