"""The loop written by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.data import Data
from benchmarks.handwritten import HandWritten
from benchmarks.peers.base import Peer
from benchmarks.works import Work

__all__ = ["Loop"]


class Loop(Peer):
    """See benchmarks.handwritten."""

    def __init__(self, work: Work, data: Data, threads: int) -> None:
        self.data = data
        self.network = HandWritten(work.sizes, work.batch, work.optimizer, work.loss, work.learning_rate)

    def epoch(self) -> None:
        self.network.epoch(self.data.x, self.data.y)

    def predict(self, x: NDArray[Any]) -> NDArray[Any]:
        return self.network.predict(x)

    def facts(self) -> dict[str, str]:
        return {"numpy": np.__version__}
