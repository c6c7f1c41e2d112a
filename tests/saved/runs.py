"""Runs to interrupt: optimizer x schedule x layers x moment, with listeners that count."""

import itertools

from cutedl import nn, optimizers
from cutedl.listeners import EarlyStopping, Listener, ReduceLROnPlateau
from cutedl.optimizers import schedules
from tests.saved.sessions import data, session

EPOCHS = 4  # of six batches each, the last of them smaller

OPTIMIZERS = {
    "sgd": optimizers.SGD,
    "momentum": lambda rate: optimizers.Momentum(rate, nesterov=True),
    "adagrad": optimizers.Adagrad,
    "adadelta": optimizers.Adadelta,
    "rmsprop": lambda rate: optimizers.RMSProp(rate, momentum=0.5, centered=True),
    "adam": optimizers.Adam,
    "adam with everything": lambda rate: optimizers.Adam(
        rate, accumulate=4, ema=0.9, clip_global_norm=1.0, weight_decay=0.01, multipliers={"dense_0.*": 0.5}
    ),
    "adamw": optimizers.AdamW,
    "adamax": optimizers.Adamax,
    "amsgrad": optimizers.AMSGrad,
    "nadam": optimizers.Nadam,
    "lion": optimizers.Lion,
}
SCHEDULES = {
    "number": lambda: 0.01,
    "cosine": lambda: schedules.CosineDecay(0.02, 20),
    "warmup": lambda: schedules.Warmup(schedules.ExponentialDecay(0.02, 4, 0.9), 5),
    "restarts": lambda: schedules.CosineRestarts(0.02, 5),
    "one cycle": lambda: schedules.OneCycle(0.02, 24),
}
LAYERS = {
    "plain": list,
    "dropout": lambda: [nn.Dropout(0.3)],
    "normalised": lambda: [nn.BatchNormalization()],
    "both": lambda: [nn.BatchNormalization(), nn.GaussianNoise(0.1), nn.Dropout(0.3)],
}
MOMENTS = {
    "first batch": ("batch_end", 1),
    "epoch start": ("epoch_start", 6),
    "mid-epoch": ("batch_end", 9),
    "last batch": ("batch_end", 12),
    "before validation": ("val_start", 12),
    "epoch end": ("epoch_end", 12),
}
ALL = list(itertools.product(OPTIMIZERS, SCHEDULES, LAYERS, MOMENTS))


def sample():
    """Every optimizer with every moment, and every other choice with each of them somewhere."""
    places = itertools.product(range(len(OPTIMIZERS)), range(len(MOMENTS)))
    schedule, layers = list(SCHEDULES), list(LAYERS)
    for i, j in places:
        if (i + j) % 3 == 0:
            yield list(OPTIMIZERS)[i], schedule[(i + 2 * j) % len(schedule)], layers[(i + j // 3) % 4], list(MOMENTS)[j]


def start(optimizer, schedule, layers):
    return session(OPTIMIZERS[optimizer](SCHEDULES[schedule]()), LAYERS[layers]())


def fit(run, *more):
    """Train to the last epoch; an epoch under way is finished first and counts."""
    listeners = [EarlyStopping(patience=3), ReduceLROnPlateau(monitor="loss", factor=0.5, patience=1, cooldown=1)]
    left = EPOCHS - run.epoch + run.under_way
    return run.fit(data(), left, val_data=data(20), listeners=[*listeners, *more], verbose=0)


class Save(Listener):
    """Saves at one moment, and then calls a function."""

    saves = True

    def __init__(self, path, moment, then):
        self.event, self.batches = MOMENTS[moment]
        self.path, self.then, self.seen = path, then, 0

    def hooks(self):
        return {"batch_end": self.count, self.event: self.count if self.event == "batch_end" else self.look}

    def count(self, session):
        self.seen += 1
        if self.event == "batch_end":
            self.look(session)

    def look(self, session):
        if self.seen == self.batches:
            session.save(self.path)
            self.then()
