"""SecondThread: a helper that takes blocks of a step too, used only where it is measured to be faster."""

from __future__ import annotations

import os
import weakref
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextvars import Context, copy_context
from queue import SimpleQueue
from threading import Lock, Thread
from time import perf_counter
from typing import Any

import numpy as np

from cutedl.optimizers.blocks import ONE_BLOCK, Block

__all__ = ["SecondThread", "worth_trying"]

Visit = Callable[[Iterable[Block]], None]

# A trial is this many steps alone and as many together. The first half of each does not count: a thread that has just
# come is given more of a contested processor than it will have later.
_TRIES = 64
_FASTER = 0.9
# What was found may change with what else the machine does: after so many steps it is tried again.
_AGAIN = 1 << 12


class SecondThread:
    """Walks over blocks together with a thread of its own, both taking the next block that nobody has taken.

    Blocks share no number, so that the bits are the same with it and without. Whether it pays depends on what else
    would like to have the second processor, first of all the threads of the matrix products, which wait by spinning:
    so the first steps are made in both ways, and only if the thread saves a tenth of the time is it given more. Now and
    then that is tried again; meanwhile the thread sleeps.

    helps: whether it is given blocks; None while that is being tried.
    """

    def __init__(self) -> None:
        self._thread: Thread | None = None
        self._begin_trial()

    def __repr__(self) -> str:
        return f"SecondThread(helps={self.helps})"

    def __reduce__(self) -> tuple[type[SecondThread], tuple[()]]:
        """A copy has no thread yet and tries for itself."""
        return SecondThread, ()

    def walk(self, blocks: Sequence[Block], visit: Visit) -> None:
        """Call visit with all blocks, or here and in the second thread with those that each of them takes."""
        if self.helps is None:
            self._try(blocks, visit)
            return
        if self.helps:
            self._share(blocks, visit)
        else:
            visit(blocks)
        self._walks += 1
        if self._walks == _AGAIN:
            self._begin_trial()

    def _begin_trial(self) -> None:
        self.helps: bool | None = None
        self._walks = 0
        self._seconds: dict[bool, list[float]] = {False: [], True: []}

    def _try(self, blocks: Sequence[Block], visit: Visit) -> None:
        shared = len(self._seconds[False]) == _TRIES
        started = perf_counter()
        if shared:
            self._share(blocks, visit)
        else:
            visit(blocks)
        self._seconds[shared].append(perf_counter() - started)
        if len(self._seconds[True]) == _TRIES:
            alone, together = (np.median(self._seconds[way][_TRIES // 2 :]) for way in (False, True))
            self.helps = bool(together < _FASTER * alone)

    def _share(self, blocks: Sequence[Block], visit: Visit) -> None:
        if self._thread is None or not self._thread.is_alive():  # as it is not in the child of a fork
            self._hire()
        left, claim, done = deque(blocks), Lock(), SimpleQueue[BaseException | None]()
        self._inbox.put((copy_context(), visit, left, claim, done))
        try:
            visit(_taken(left))
        finally:
            late = claim.acquire(blocking=False)  # it has not begun and never will: nothing to wait for
            error = None if late else done.get()
        if error is not None:
            raise error

    def _hire(self) -> None:
        self._inbox: SimpleQueue[Any] = SimpleQueue()
        self._thread = Thread(target=_serve, args=(self._inbox,), name="cutedl-optimizer", daemon=True)
        weakref.finalize(self, self._inbox.put, None)
        self._thread.start()


def worth_trying(blocks: Sequence[Block]) -> bool:
    """Return whether there is enough to share, and the environment allows the matrix products more than one thread.

    >>> print(worth_trying([]))
    False
    """
    limits = (os.environ.get(name) for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"))
    return sum(block.w.size for block in blocks) > ONE_BLOCK and "1" not in limits


def _taken(left: deque[Block]) -> Iterator[Block]:
    """Take one block after the other until none is left; several threads may do so from the same ones."""
    while True:
        try:
            block = left.popleft()
        except IndexError:
            return
        yield block


def _serve(inbox: SimpleQueue[Any]) -> None:
    while (job := inbox.get()) is not None:
        _do(*job)
        del job  # the wait for the next one shall not keep an optimizer alive


def _do(context: Context, visit: Visit, left: deque[Block], claim: Lock, done: SimpleQueue[Any]) -> None:
    if claim.acquire(blocking=False):
        try:
            context.run(visit, _taken(left))  # with the caller's np.errstate
        except BaseException as error:  # the caller raises it
            done.put(error)
        else:
            done.put(None)
