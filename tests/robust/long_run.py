"""A program of its own: train for many steps and say as JSON what has grown since the first thousand.

python -m tests.robust.long_run STEPS [resident]
"""

import gc
import json
import os
import sys
import tracemalloc

import numpy as np

from cutedl import losses, nn, optimizers
from cutedl.dataset import Dataset
from cutedl.listeners import Listener
from cutedl.model import Model
from cutedl.session import Session

STEPS = 1000  # of an epoch: what the history keeps of one is no leak


def resident():
    """Bytes of this process that are in memory."""
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def traced_memory():
    return tracemalloc.get_traced_memory()[0]


def objects_alive():
    return len(gc.get_objects())


def files_open():
    return len(os.listdir("/proc/self/fd"))


def training():
    generator = np.random.default_rng(0)
    data = Dataset(generator.random((STEPS * 8 - 3, 6)), generator.integers(0, 3, STEPS * 8 - 3), batch_size=8)
    model = Model([nn.Dense(8, inshape=6, activation="relu"), nn.Dropout(0.1), nn.Dense(3)])
    loss = losses.SparseCategoricalCrossentropy()
    return Session(model, loss, optimizers.Adam(), metrics=["accuracy"], seed=0), data


class Measure(Listener):
    """Measures at the end of every epoch."""

    def __init__(self, *measures):
        self.measures, self.rows = measures, []

    def on_epoch_end(self, session):
        for _ in range(3):  # a nested tuple of constants leaves the collector's list from the inside out, a pass each
            gc.collect()
        self.rows.append(tuple(measure() for measure in self.measures))


def watch(epochs, *measures):
    """What the measures say after every epoch, the first of which is there to warm up."""
    session, data = training()
    listener = Measure(*measures)
    session.fit(data, epochs, listeners=[listener], verbose=0)
    return np.array(listener.rows)


def main(steps, of_process):
    epochs, said = steps // STEPS + 1, {}
    if of_process:  # without tracemalloc, which takes memory of its own
        rows = watch(epochs, resident)
        said["resident_per_step"] = float(np.polyfit(np.arange(epochs) * STEPS, rows[:, 0], 1)[0])
    tracemalloc.start()
    traced, objects, files = np.ptp(watch(epochs, traced_memory, objects_alive, files_open)[[0, -1]], axis=0).tolist()
    print(json.dumps(said | {"traced": traced, "objects": objects, "files": files}))


if __name__ == "__main__":
    main(int(sys.argv[1]), "resident" in sys.argv)
