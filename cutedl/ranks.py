"""Ranks: what a Session asks of the processes that train one model together, and the answers of one alone.

Every rank runs the same program. `Alone` is the protocol with one rank, where every answer is what a single process
does anyway; cutedl.distributed.World overrides it over MPI.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from cutedl.dataset import Dataset
from cutedl.metrics import Metric

if TYPE_CHECKING:
    from cutedl.arena import Arena
    from cutedl.losses import Loss
    from cutedl.session import Session

__all__ = ["Alone", "Totals", "shard"]

Totals = tuple[float, float, list[NDArray[Any]]]  # losses, what they are divided by, outputs


class Alone:
    """One rank. rank: number of this process, from 0; size: how many there are.

    >>> Alone().rank, Alone().size
    (0, 1)
    """

    rank, size = 0, 1

    def __repr__(self) -> str:
        return f"{type(self).__name__}(rank={self.rank}, size={self.size})"

    # -- in every step -----------------------------------------------------------------------------------------------

    def average(self, arena: Arena, loss: Loss, wish: int) -> float:
        """Put the gradient of the global batch in place of this rank's, and return the loss of the global batch.

        wish: what this rank wants of the fit: 0 to go on, 1 to stop it, or the number of a signal that came in.
        """
        return loss.reduce(loss.total, loss.count)

    def verdict(self, wish: int) -> int:
        """Return the wish that all ranks follow, the same on all; wish: that of this one."""
        return wish

    # -- in every epoch ----------------------------------------------------------------------------------------------

    def batch_count(self, train: Dataset) -> int:
        """Return the steps of an epoch."""
        return train.batch_count

    def batches(
        self, train: Dataset, order: NDArray[np.intp], done: int, dtype: DTypeLike
    ) -> Iterator[tuple[NDArray[Any], ...]]:
        """Yield this rank's part of every global batch of an epoch after the first so many."""
        return train.batches(order[done * train.batch_size :], dtype)

    def rows(self, count: int) -> range:
        """Return which of the rows to be evaluated fall to this rank, in the order of the ranks."""
        return range(count)

    def pool(self, total: float, count: float, outputs: list[NDArray[Any]], metrics: Sequence[Metric]) -> Totals:
        """Return the sums and outputs of all ranks; the metrics have then seen what all have seen."""
        return total, count, outputs

    def pool_epoch(self, session: Session) -> None:
        """Make session.running and its metrics those of all ranks, after the batches of an epoch."""

    def verify(self, arena: Arena) -> None:
        """Raise DistributedError unless all ranks hold the same parameters, bit for bit."""

    def share(self, value: Any) -> Any:
        """Return the value of rank 0."""
        return value

    # -- in every fit ------------------------------------------------------------------------------------------------

    def align(self, session: Session, train: object, *asked: object) -> None:
        """Give all ranks the weights, the optimizer's state, the history and the place in the epoch of rank 0.

        Raises DistributedError unless train, and what else was asked of the fit, are the same everywhere.
        """

    def guarded(self) -> AbstractContextManager[None]:
        """End all ranks when the block fails on this one and not on the others."""
        return nullcontext()

    def together(self, wish: Callable[[], int]) -> AbstractContextManager[None]:
        """Raise DistributedError after the block where it failed on another rank."""
        return nullcontext()


def shard(order: NDArray[np.intp], batch_size: int, rank: int, size: int) -> NDArray[np.intp]:
    """Return a rank's part of an order of samples: of each global batch of batch_size * size its batch_size.

    A last batch that is shorter is cut as evenly as it goes; a rank may then have one sample less, or none.

    >>> [shard(np.arange(9), 2, rank, size=3).tolist() for rank in range(3)]
    [[0, 1, 6], [2, 3, 7], [4, 5, 8]]
    >>> [shard(np.arange(7), 2, rank, size=3).tolist() for rank in range(3)]
    [[0, 1], [2, 3], [4, 5, 6]]
    """
    whole = len(order) - len(order) % (batch_size * size)
    rest = order[whole:]
    own = rest[len(rest) * rank // size : len(rest) * (rank + 1) // size]
    return np.concatenate([order[:whole].reshape(-1, size, batch_size)[:, rank].reshape(-1), own])
