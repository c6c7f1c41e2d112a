"""`train DATA`: a network of dense layers, trained, measured, reported and saved."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from cutedl import checks, streams
from cutedl.commands import labels, network, report, samples
from cutedl.commands.answer import Answer, complaint, count, numbers, remark
from cutedl.commands.samples import Part, Samples
from cutedl.dataset import Dataset
from cutedl.errors import ArgumentError, CutedlError
from cutedl.history import History
from cutedl.listeners import EarlyStopping
from cutedl.session import Session

__all__ = ["HELP", "add_arguments", "run"]

HELP = "train a network of dense layers on data"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `train`."""
    add = parser.add_argument
    add("data", metavar="DATA", help=samples.HELP)
    add("--target", metavar="NAME", help="the column of a .csv with the label (default: the last)")
    add("--task", choices=[labels.CLASSIFICATION, labels.REGRESSION], help="guessed from the labels, and said")
    add("--layers", default="128", metavar="N,N", help='widths of the hidden layers (default: 128; "" for none)')
    add("--activation", default="relu", metavar="NAME", help="of the hidden layers (default: relu)")
    add("--dropout", type=float, default=0.0, metavar="RATE", help="after each hidden layer (default: 0)")
    add("--standardize", action="store_true", help="train on features of mean 0 and deviation 1")
    add("--loss", metavar="NAME", help="cross_entropy, or mse, mae, huber, log_cosh for a regression")
    add("--optimizer", default="adam", metavar="NAME", help="adam (default), sgd, adamw, ...")
    add("--learning-rate", type=float, metavar="RATE", help="default: the optimizer's own")
    add("--epochs", type=int, default=10, metavar="N", help="default: 10")
    add("--batch-size", type=int, default=64, metavar="N", help="default: 64")
    add("--validation", type=float, default=0.1, metavar="SHARE", help="of the training samples (default: 0.1)")
    add("--patience", type=int, metavar="N", help="stop after N epochs without improvement, keep the best weights")
    add("--metrics", metavar="NAME,NAME", help="default: accuracy, or mae for a regression")
    add("--seed", type=int, metavar="N", help="the same seed gives the same bits (default: drawn, and said)")
    add("--report", metavar="FILE", help="write the fit report: .png, .svg, .pdf or .html")
    add("--save", metavar="FILE", help="write the trained session: .safetensors")
    add("--history", metavar="FILE", help="write the history: .json, or .csv for its columns")
    add("--quiet", action="store_true", help="no progress on stderr")


class Prepared(NamedTuple):
    """Data in the form that training takes, raw features first; classes: their names, None for a regression."""

    train: Part
    validation: Part | None
    test: Part | None
    task: str
    classes: list[str] | None
    source: str

    @property
    def outputs(self) -> int:
        """The width of the output layer."""
        return int(self.train.y.shape[1]) if self.classes is None else len(self.classes)


def run(args: argparse.Namespace) -> Answer:
    """Train, measure, write."""
    if args.report:
        report.check_suffix(args.report)  # better now than after training
    seed = streams.fresh_seed() if args.seed is None else checks.integer("seed", args.seed, low=0)
    data = _prepare(samples.read(args.data, args.target), args, seed)
    session = _session(data, args, seed)
    scaling = network.scaling(data.train.x) if args.standardize else None
    _fit(session, data, scaling, args)
    if scaling is not None:
        network.fold(session.model, *scaling)
    test = None if data.test is None else session.evaluate(Dataset(*data.test))
    return _answer(session, data, test, _write(session, data, args))


# -- data ------------------------------------------------------------------------------------------------------------


def _prepare(found: Samples, args: argparse.Namespace, seed: int) -> Prepared:
    raw = labels.tidy(found.train.y)
    task, why = (args.task, "") if args.task else labels.guess_task(raw)
    if why and not args.quiet:
        other = labels.REGRESSION if task == labels.CLASSIFICATION else labels.CLASSIFICATION
        remark(f"{found.source}: {task}, since {why} (--task {other} to have it otherwise)")
    classes = labels.class_names(raw) if task == labels.CLASSIFICATION else None

    def part(one: Part) -> Part:
        y = labels.tidy(one.y)
        return Part(one.x, labels.targets(y) if classes is None else labels.class_indices(y, classes))

    train, validation = _split(part(found.train), args.validation, seed)
    return Prepared(train, validation, None if found.test is None else part(found.test), task, classes, found.source)


def _split(part: Part, share: float, seed: int) -> tuple[Part, Part | None]:
    """Set a random share of the samples aside, by the seed alone."""
    share = checks.number("validation", share, low=0, high=1, below=True)
    size = round(share * len(part.x))
    if size == 0:
        return part, None
    if size == len(part.x):
        raise ArgumentError("validation leaves nothing to train on.", received=f"{share:g} of {size} samples")
    order = streams.stream(seed, "validation").permutation(len(part.x))
    held, rest = np.sort(order[:size]), np.sort(order[size:])
    return Part(part.x[rest], part.y[rest]), Part(part.x[held], part.y[held])


# -- training --------------------------------------------------------------------------------------------------------


def _session(data: Prepared, args: argparse.Namespace, seed: int) -> Session:
    usual = "mae" if data.classes is None else "accuracy"
    session = Session(
        network.model(args, data.train.x.shape[1:], data.outputs),
        network.loss(data.task, args.loss),
        network.optimizer(args.optimizer, args.learning_rate),
        metrics=[name.strip() for name in (usual if args.metrics is None else args.metrics).split(",") if name.strip()],
        seed=seed,
    )
    if data.classes is not None and data.classes != [str(index) for index in range(len(data.classes))]:
        session.history.info["classes"] = data.classes  # `evaluate` reads labels by them
    return session


def _fit(
    session: Session,
    data: Prepared,
    scaling: tuple[NDArray[np.float64], NDArray[np.float64]] | None,
    args: argparse.Namespace,
) -> History:
    def dataset(part: Part) -> Dataset:
        x = part.x if scaling is None else ((part.x - scaling[0]) / scaling[1]).astype(np.float32)
        return Dataset(x, part.y, args.batch_size, source=data.source)

    monitor = "loss" if data.validation is None else "val_loss"
    return session.fit(
        dataset(data.train),
        args.epochs,
        val_data=None if data.validation is None else dataset(data.validation),
        listeners=[] if args.patience is None else [EarlyStopping(monitor, patience=args.patience)],
        verbose=0 if args.quiet else "auto",
    )


# -- results ---------------------------------------------------------------------------------------------------------


def _write(session: Session, data: Prepared, args: argparse.Namespace) -> dict[str, str | None]:
    """Write what was asked for, and return the paths by option: None where it failed, which ends nothing else."""
    writers: dict[str, Callable[[str], Any]] = {
        "save": session.save,
        "history": session.history.to_csv if _is_csv(args.history) else session.history.to_json,
        "report": lambda path: report.draw(session.history, path, _predictions(session, data)),
    }
    written: dict[str, str | None] = {name: getattr(args, name) for name in writers if getattr(args, name)}
    for name, path in written.items():
        try:
            writers[name](str(path))
        except (CutedlError, OSError) as error:
            written[name] = None
            remark(complaint(error))
    return written


def _is_csv(path: str | None) -> bool:
    return path is not None and path.lower().endswith(".csv")


def _predictions(session: Session, data: Prepared) -> tuple[Dataset, NDArray[Any]] | None:
    """Return labels and outputs of samples that were not trained on, for the confusion matrix."""
    part = data.test or data.validation
    return None if data.classes is None or part is None else (Dataset(*part), session.predict(part.x))


def _answer(session: Session, data: Prepared, test: dict[str, float] | None, written: dict[str, str | None]) -> Answer:
    history = session.history
    final = {key: column[-1] for key, column in history.columns.items()}
    key = "loss" if data.validation is None else "val_loss"
    best = history.best(key)
    shown = {name: final[name] for name in _measured(final)}
    lines = [
        f"{data.source}: {count(len(data.train.x), 'sample')}, {data.task}, seed {session.seed}",
        f"{count(session.epoch, 'epoch')} in {history['cost_time']:.2f} s: {numbers(shown)}",
        f"best {key} {best.value:.4g} at epoch {best.epoch}",
        *([session.stop_reason] if session.stop_reason else []),
        *([f"test: {numbers(test)}"] if test else []),
        *(f"{name}: {path}" for name, path in written.items() if path),
    ]
    result: dict[str, Any] = {
        "data": data.source, "task": data.task, "classes": data.classes, "samples": len(data.train.x),
        "validation_samples": 0 if data.validation is None else len(data.validation.x),
        "model": repr(session.model), "parameters": session.model.arena.size, "seed": session.seed,
        "epochs": session.epoch, "seconds": history["cost_time"], "stop_reason": session.stop_reason,
        "final": final, "best": {"key": key, **best._asdict()}, "test": test, "written": written,
    }  # fmt: skip
    return Answer("\n".join(lines), result, complete=not history.interrupted and None not in written.values())


def _measured(final: dict[str, float]) -> list[str]:
    beside = {"epoch", "steps", "learning_rate", "gradient_norm", "seconds", "samples_per_second"}
    return [name for name in final if name not in beside]
