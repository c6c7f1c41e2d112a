"""SecondThread: a helper that takes blocks of a step too, used only where it is measured to be faster."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from time import perf_counter

from cutedl.helper import Helper, one_thread_asked
from cutedl.optimizers.blocks import ONE_BLOCK, Block
from cutedl.trial import Trial

__all__ = ["SecondThread", "worth_trying"]

Visit = Callable[[Iterable[Block]], None]

_TRIES, _BAR, _AGAIN = 64, 0.9, 1 << 12


class SecondThread:
    """Walks over blocks together with a thread of its own, both taking the next block that nobody has taken.

    Blocks share no number, so that the bits are the same with it and without. Whether it pays depends on what else
    would like to have the second processor, first of all the threads of the matrix products, which wait by spinning:
    so the first steps are made in both ways, and only if the thread saves a tenth of the time is it given more. Now and
    then that is tried again; meanwhile the thread sleeps.
    """

    def __init__(self) -> None:
        self._helper, self.trial = Helper(), Trial(_TRIES, _BAR, _AGAIN)

    def __repr__(self) -> str:
        return f"SecondThread(helps={self.trial.helps})"

    def __reduce__(self) -> tuple[type[SecondThread], tuple[()]]:
        """A copy tries for itself."""
        return SecondThread, ()

    def walk(self, blocks: Sequence[Block], visit: Visit) -> None:
        """Call visit with all blocks, or here and in the second thread with those that each of them takes."""
        shared, started = self.trial.second, perf_counter()
        if shared:
            self._share(blocks, visit)
        else:
            visit(blocks)
        self.trial.add(shared, perf_counter() - started)

    def _share(self, blocks: Sequence[Block], visit: Visit) -> None:
        left = deque(blocks)
        job = self._helper.start(lambda: visit(_taken(left)))
        try:
            visit(_taken(left))
        finally:
            left.clear()  # after an error here, the helper shall take no more
            job.result()


def worth_trying(blocks: Sequence[Block]) -> bool:
    """Return whether there is enough to share, and the environment allows the matrix products more than one thread.

    >>> print(worth_trying([]))
    False
    """
    return sum(block.w.size for block in blocks) > ONE_BLOCK and not one_thread_asked()


def _taken(left: deque[Block]) -> Iterator[Block]:
    """Take one block after the other until none is left; several threads may do so from the same ones."""
    while True:
        try:
            block = left.popleft()
        except IndexError:
            return
        yield block
