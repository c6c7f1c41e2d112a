"""Helper: a thread beside the caller's, for work that may as well be done there."""

from __future__ import annotations

import os
import weakref
from collections.abc import Callable
from contextvars import copy_context
from queue import SimpleQueue
from threading import Lock, Thread
from typing import Any, Generic, TypeVar

__all__ = ["THREAD_VARIABLES", "Helper", "Job", "one_thread_asked"]

# By these the environment says how many threads matrix products may have.
THREAD_VARIABLES = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")

T = TypeVar("T")


class Helper:
    """A thread that does what it is given, one job after the other.

    It comes with the first job, is hired anew in the child of a fork, and goes with this object. A copy has none yet.

    >>> Helper().start(lambda: 6 * 7).result()
    42
    """

    def __init__(self) -> None:
        self._thread: Thread | None = None

    def __repr__(self) -> str:
        return f"Helper({'asleep or at work' if self._thread is not None else 'no thread yet'})"

    def __reduce__(self) -> tuple[type[Helper], tuple[()]]:
        return Helper, ()

    def start(self, work: Callable[[], T]) -> Job[T]:
        """Give it some work, which runs under the caller's np.errstate."""
        if self._thread is None or not self._thread.is_alive():  # as it is not in the child of a fork
            self._hire()
        job = Job(work)
        self._inbox.put(job)
        return job

    def _hire(self) -> None:
        self._inbox: SimpleQueue[Job[Any] | None] = SimpleQueue()
        self._thread = Thread(target=_serve, args=(self._inbox,), name="cutedl-helper", daemon=True)
        weakref.finalize(self, self._inbox.put, None)
        self._thread.start()


class Job(Generic[T]):
    """Work that a helper was given: whoever comes first does it, the helper or the caller who wants the result."""

    def __init__(self, work: Callable[[], T]):
        self._work, self._context = work, copy_context()
        self._claim = Lock()
        self._done: SimpleQueue[tuple[T | None, BaseException | None]] = SimpleQueue()

    def __repr__(self) -> str:
        work = getattr(self._work, "__qualname__", type(self._work).__name__)
        return f"Job({work})"

    def result(self) -> T:
        """Return what the work returns, or raise what it raises; to be called once.

        A helper that has not begun, perhaps because it gets no processor, is not waited for.
        """
        if self._claim.acquire(blocking=False):
            return self._work()
        result, error = self._done.get()
        if error is not None:
            raise error
        return result  # type: ignore[return-value]

    def run(self) -> None:
        """Do the work, in the helper's thread, unless the caller has begun it."""
        if self._claim.acquire(blocking=False):
            try:
                self._done.put((self._context.run(self._work), None))
            except BaseException as error:  # the caller raises it
                self._done.put((None, error))


def one_thread_asked() -> bool:
    """Whether the environment allows the matrix products one thread: then none is wanted elsewhere, either."""
    return "1" in map(os.environ.get, THREAD_VARIABLES)


def _serve(inbox: SimpleQueue[Job[Any] | None]) -> None:
    while (job := inbox.get()) is not None:
        job.run()
        del job  # the wait for the next one shall not keep alive what this one worked on
