"""Short fits that the tests of listeners look at."""

import hashlib

import numpy as np

from cutedl import losses, nn, optimizers
from cutedl.dataset import Dataset
from cutedl.listeners import LambdaListener, Listener
from cutedl.model import Model
from cutedl.session import Session


def data(n=40):
    x = np.linspace(-1, 1, n).reshape(-1, 1)
    return Dataset(x, 2 * x, batch_size=8)


def new_session(learning_rate=0.1):
    return Session(Model([nn.Dense(1, inshape=1)]), losses.MeanSquaredError(), optimizers.SGD(learning_rate), seed=0)


def rich_session():
    """With everything that has state of its own: noise, moving statistics, two moments, a metric."""
    layers = [nn.Dense(8, inshape=1), nn.BatchNormalization(), nn.Relu(), nn.Dropout(0.3), nn.Dense(1)]
    return Session(Model(layers), losses.MeanSquaredError(), optimizers.Adam(0.05), metrics=["mae"], seed=3)


def digest(session):
    arena = session.model.arena
    return hashlib.sha256(arena.values.tobytes() + arena.statistics.tobytes()).hexdigest()


def scripted(values, *listeners, column="val_error", session=None, epochs=None, **options):
    """Return a session after a fit in which a column of the history took these values, epoch by epoch."""
    session = session or new_session()
    session.history.setdefault(column, [])
    first = session.epoch
    script = LambdaListener(val_end=lambda s: s.history[column].append(values[s.epoch - first - 1]))
    session.fit(
        data(), epochs or len(values), val_data=data(), listeners=[*listeners, script], **{"verbose": 0} | options
    )
    return session


class Raises(Listener):
    """Raises an error at one event of one epoch."""

    def __init__(self, event, epoch=1, error=OSError("disk full")):  # noqa: B008
        self.event, self.epoch, self.error = event, epoch, error

    def hooks(self):
        def fail(session):
            if session.epoch == self.epoch:
                raise self.error

        return {self.event: fail}
