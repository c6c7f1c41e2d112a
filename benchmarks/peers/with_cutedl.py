"""cutedl: Session.fit, silent, without metrics."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

import cutedl
from benchmarks.data import Data
from benchmarks.peers.base import Peer
from benchmarks.works import Work
from cutedl import losses, nn, optimizers
from cutedl.dataset import Dataset
from cutedl.model import Model
from cutedl.session import Session

__all__ = ["Framework", "session"]


def session(work: Work) -> Session:
    """The session of a work, its model assembled."""
    widths = list(pairwise(work.sizes))
    hidden = [nn.Dense(after, inshape=before, activation="relu") for before, after in widths[:-1]]
    model = Model([*hidden, nn.Dense(widths[-1][1], inshape=widths[-1][0])])
    loss = losses.BinaryCrossentropy() if work.loss == "sigmoid" else losses.SparseCategoricalCrossentropy()
    rule = {"adam": optimizers.Adam, "sgd": optimizers.SGD}[work.optimizer]
    model.assemble(seed=0)
    return Session(model, loss, rule(work.learning_rate), seed=0)


class Framework(Peer):
    """Model, Session and Dataset as a user writes them."""

    def __init__(self, work: Work, data: Data, threads: int) -> None:
        self.session = session(work)
        self.train = Dataset(data.x, data.y, batch_size=work.batch, drop_remainder=True)

    def epoch(self) -> None:
        self.session.fit(self.train, 1, verbose=0)

    def predict(self, x: NDArray[Any]) -> NDArray[Any]:
        return self.session.model.predict(x)

    def facts(self) -> dict[str, str]:
        return {"cutedl": cutedl.__version__, "numpy": np.__version__}
