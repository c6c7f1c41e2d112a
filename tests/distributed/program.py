"""What the tests start under mpiexec: `program.py FOLDER WHAT`; each rank writes what it ended with to FOLDER."""

import json
import os
import signal
import sys
from pathlib import Path

import numpy as np

from cutedl import Dataset, Model, Session, distributed, losses, nn, optimizers
from cutedl.errors import CutedlError
from cutedl.listeners import Checkpoint, EarlyStopping, LambdaListener

FOLDER, WHAT = (Path(sys.argv[1]), sys.argv[2]) if __name__ == "__main__" else (Path(), "")
GLOBAL_BATCH, SAMPLES = 6, 37  # the last batch is one sample: of several ranks all but one have none
COMM = distributed.world()


def data(batch_size, count=SAMPLES):
    generator = np.random.default_rng(0)
    x = generator.normal(size=(count, 5))
    return Dataset(x, np.abs(x).argmax(axis=1) % 3, batch_size=batch_size)


def session(*extra, loss=None, optimizer=None, metrics=("accuracy",), seed=3):
    model = Model([nn.Dense(7, activation="tanh"), *extra, nn.Dense(3)])
    # Different weights on every rank: those of rank 0 have to win.
    model.assemble(seed=COMM.rank, dtype="float64", inshape=5)
    loss = loss or losses.SparseCategoricalCrossentropy()
    return Session(model, loss, optimizer or optimizers.Adam(0.02), metrics=metrics, seed=seed + COMM.rank, comm=COMM)


def mean(y_true, y_pred):
    return float(np.mean(np.asarray(y_pred, np.float64) ** 2))


def tell(each, **more):
    """Write the parameters' bytes and all columns; `seconds` and rates are of the clock."""
    told = {"values": each.model.arena.values.tobytes().hex(), "state": each.model.arena.statistics.tobytes().hex()}
    told["tables"] = [table.values.tobytes().hex() for table in each.model.arena.tables.values()]
    told["columns"] = {key: column for key, column in each.history.columns.items() if "second" not in key}
    told |= {"epoch": each.epoch, "stop": each.stop_reason, "threads": os.environ.get("OPENBLAS_NUM_THREADS")}
    (FOLDER / f"{WHAT}-{COMM.size}-{COMM.rank}.json").write_text(json.dumps(told | more))


def equality():
    """The fits that one rank with the batch of all has to equal."""
    batch = GLOBAL_BATCH // COMM.size
    weighted = data(batch)
    weighted = Dataset(weighted.data, weighted.label, batch, sample_weight=np.linspace(0, 2, SAMPLES))
    l2 = nn.Dense(4, kernel_regularizer=nn.regularizers.L2(0.01), activation="relu")
    made = {
        "plain": (session(metrics=["accuracy", "f1", "roc_auc", "log_loss", mean]), data(batch), {}),
        "sum": (session(loss=losses.SparseCategoricalCrossentropy(reduction="sum")), data(batch), {}),
        "weighted": (session(loss=losses.SparseCategoricalCrossentropy(reduction="weighted_mean")), weighted, {}),
        "regularized": (session(l2, optimizer=optimizers.SGD(0.1, clip_global_norm=0.5)), data(batch), {}),
        "exact": (session(), data(batch), {"train_eval": "exact"}),
    }
    told = {}
    for name, (each, train, options) in made.items():
        each.fit(train, 3, val_data=data(7, 10), verbose=0, **options)
        columns = {key: column for key, column in each.history.columns.items() if "second" not in key}
        told[name] = {
            "values": each.model.arena.values.tolist(),
            "columns": columns,
            "val_pred": each.history["val_pred"].tolist(),
        }
    tell(each, fits=told)


def tables():
    x = np.random.default_rng(0).integers(0, 9, (SAMPLES, 2))
    model = Model([nn.Embedding(9, 3), nn.Flatten(), nn.Dense(3)])
    model.assemble(seed=0, dtype="float64", inshape=2)
    each = Session(model, losses.SparseCategoricalCrossentropy(), optimizers.Momentum(0.1), seed=3, comm=COMM)
    each.fit(Dataset(x, x.sum(axis=1) % 3, GLOBAL_BATCH // COMM.size), 2, verbose=0)
    table = next(iter(model.arena.tables.values()))
    head = Session(
        Model([nn.Dense(4, inshape=5)]), losses.SampledSoftmax(50, 5, seed=1), optimizers.SGD(0.1), seed=3, comm=COMM
    )
    head.fit(data(GLOBAL_BATCH // COMM.size), 2, verbose=0)
    normal = Model([nn.BatchNormalization(), nn.Dense(3)])
    normal.assemble(seed=0, dtype="float64", inshape=5)
    loss = losses.SparseCategoricalCrossentropy()
    batch = data(GLOBAL_BATCH // COMM.size, GLOBAL_BATCH)  # one step, of equal parts: the mean of means is that of all
    Session(normal, loss, optimizers.SGD(0.1), seed=3, comm=COMM).fit(batch, 1, verbose=0)
    moving_mean = normal.arena.statistics[:5].tolist()
    tell(
        head, moving_mean=moving_mean, rows=table.values.tolist(), loss=each.history["loss"], head=head.history["loss"]
    )


def noise():
    """Dropout, batch normalisation, printing and early stopping together, in float64."""
    stop = EarlyStopping("val_loss", patience=2)
    each = session(nn.BatchNormalization(), nn.Dropout(0.5), optimizer=optimizers.Adam(0.3))
    masks = []
    see = LambdaListener(batch_end=lambda s: masks.append(each.model.chain[3]._draws.rows(2).tolist()))
    listeners = [stop, see, Checkpoint(FOLDER / "run-{epoch}.safetensors", save="all")]
    each.fit(data(2), 50, val_data=data(7, 10), listeners=listeners, verbose=2)
    each.save(FOLDER / f"by-{COMM.rank}.safetensors")
    tell(each, first_mask=masks[0])


def resume():
    """Three epochs after those of a checkpoint; the whole run where there is none."""
    path = FOLDER / "killed.safetensors"
    each = Session.load(path, comm=COMM) if path.exists() else session(nn.BatchNormalization(), nn.Dropout(0.5))
    each.fit(data(2), 6 - each.epoch, verbose=0)
    tell(each)


def kill():
    """Rank 1 is killed, as by a machine that fails, in the fourth epoch."""

    def die(each):
        if COMM.rank == 1 and each.epoch == 4 and each.batch == 2:
            os.kill(os.getpid(), signal.SIGKILL)

    each = session(nn.BatchNormalization(), nn.Dropout(0.5))
    saving = Checkpoint(FOLDER / "killed.safetensors", save="latest")
    each.fit(data(2), 6, listeners=[LambdaListener(batch_end=die), saving], verbose=0)
    tell(each)


def interrupt():
    """A signal that reaches rank 1 alone; then the rest of the epochs."""

    def signal_once(each):
        if COMM.rank == 1 and each.epoch == 2 and each.batch == 2:
            os.kill(os.getpid(), signal.SIGINT)

    each = session(nn.BatchNormalization(), nn.Dropout(0.5))
    each.fit(data(2), 6, listeners=[LambdaListener(batch_end=signal_once)], verbose=0)
    where, flag = (each.epoch, each.batch, each.stop_reason), each.history.interrupted
    each.save(FOLDER / "interrupted.safetensors")
    COMM.share(None)  # until rank 0 has saved
    again = Session.load(FOLDER / "interrupted.safetensors", comm=COMM)
    again.fit(data(2), 5, verbose=0)
    tell(again, where=where, interrupted=flag)


def error():
    """An error of rank 1's own, in the middle of an epoch."""

    def fail(each):
        if COMM.rank == 1 and each.epoch == 2:
            raise RuntimeError("the disk of rank 1 is gone")

    session().fit(data(2), 3, listeners=[LambdaListener(batch_end=fail)], verbose=0)


def agreed():
    """Errors that all ranks come to: each is caught, and the program goes on."""
    told = {}

    def attempt(name, action):
        try:
            action()
        except CutedlError as failure:
            told[name] = f"{type(failure).__name__}: {failure}"

    def spoil(each):
        if COMM.rank == 1 and each.epoch == 2:
            each.model.arena.values[0] += 1e-9

    def overflow(each):
        if COMM.rank == 1 and each.epoch == 2:
            each.model.arena.values[:] = 1e308

    saving = Checkpoint(FOLDER / "gone/run.safetensors", save="latest")
    occupy = LambdaListener(epoch_end=lambda each: COMM.rank == 0 and (FOLDER / "gone/run.safetensors").mkdir())
    attempt("save", lambda: session().fit(data(2), 3, listeners=[occupy, saving], verbose=0))
    attempt("drift", lambda: session().fit(data(2), 3, listeners=[LambdaListener(batch_end=spoil)], verbose=0))
    attempt("nan", lambda: session().fit(data(2), 3, listeners=[LambdaListener(batch_end=overflow)], verbose=0))
    attempt("other data", lambda: session().fit(data(2, SAMPLES + COMM.rank), 3, verbose=0))
    attempt("argument", lambda: session().fit(data(2), 0))
    sampler = losses.SampledSoftmax(50, 5, sampler="learned_unigram")
    attempt(
        "sampler", lambda: Session(Model([nn.Dense(4, inshape=5)]), sampler, optimizers.SGD(), comm=COMM).fit(data(2))
    )
    each = session()
    each.fit(data(2), 1, verbose=0)
    tell(each, errors=told)


if __name__ == "__main__":
    globals()[WHAT]()
