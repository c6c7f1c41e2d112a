"""The table of listeners: a new one is held to the contract by adding its row."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cutedl.errors import ArgumentError, UnknownNameError
from cutedl.listeners import (
    Checkpoint,
    CSVLogger,
    EarlyStopping,
    FitListener,
    JSONLogger,
    LambdaListener,
    Listener,
    Progress,
    ReduceLROnPlateau,
    TensorBoard,
    condition_callback,
)


def nothing(*_: object) -> None:
    """A callback that does nothing."""


@dataclass(frozen=True)
class ListenerRow:
    """make: (folder, **arguments) -> a listener that acts; shown: its repr, with FOLDER for the folder.

    quiet: arguments with which it changes nothing of the training; misspelt: arguments that name a column that no
    history has; refusals: arguments, error and what its text says.
    """

    make: Callable[..., Listener]
    shown: str
    quiet: dict[str, Any] | None = None
    misspelt: dict[str, Any] | None = None
    refusals: tuple[tuple[dict[str, Any], type[Exception], str], ...] = ()


def _condition(folder: Path, key: str = "val_loss", times: Any = 2, func: Any = nothing) -> Listener:
    return condition_callback(func, key, times)


def _early_stopping(folder: Path, patience: Any = 5, **arguments: Any) -> Listener:
    return EarlyStopping(**{"monitor": "val_loss", "patience": patience, "min_delta": 0.02} | arguments)


def _plateau(folder: Path, patience: Any = 1, **arguments: Any) -> Listener:
    return ReduceLROnPlateau(**{"patience": patience, "min_delta": 0.05, "cooldown": 1} | arguments)


def _checkpoint(folder: Path, path: str = "run-{epoch:02d}.safetensors", **arguments: Any) -> Listener:
    return Checkpoint(folder / path, **{"save": "best", "keep": 2} | arguments)


MONITOR_REFUSALS = (
    ({"monitor": 3}, ArgumentError, "monitor cannot be used. expected the name of a column, received 3"),
    ({"mode": "mni"}, UnknownNameError, "no mode is named 'mni'.*did you mean 'min'"),
)
DELTA_REFUSALS = (({"min_delta": -1}, ArgumentError, "min_delta cannot be used. expected a number in [0, inf)"),)

LISTENERS = {
    "fit_listener": ListenerRow(
        lambda folder, event="epoch_end", callback=nothing: FitListener(event, callback),
        "FitListener(event='epoch_end', callback=nothing)",
        refusals=(
            ({"event": "val_ned"}, UnknownNameError, "no event is named 'val_ned'.*did you mean 'val_end'"),
            ({"callback": 3}, ArgumentError, "callback cannot be called. expected a function, received 3"),
        ),
    ),
    "lambda_listener": ListenerRow(
        lambda folder, **functions: LambdaListener(**functions or {"epoch_end": nothing, "batch_end": nothing}),
        "LambdaListener(epoch_end=nothing, batch_end=nothing)",
        refusals=(
            ({"epoch_ned": nothing}, UnknownNameError, "no event is named 'epoch_ned'.*did you mean 'epoch_end'"),
            ({"epoch_end": 3}, ArgumentError, "epoch_end cannot be called. expected a function, received 3"),
        ),
    ),
    "condition": ListenerRow(
        _condition,
        "condition_callback(nothing, 'val_loss', 2)",
        misspelt={"key": "val_los"},
        refusals=(
            ({"func": 3}, ArgumentError, "func cannot be called. expected a function, received 3"),
            ({"times": 0}, ArgumentError, "times cannot be used. expected an int >= 1, received 0"),
        ),
    ),
    "early_stopping": ListenerRow(
        _early_stopping,
        "EarlyStopping(monitor='val_loss', min_delta=0.02, mode='auto', baseline=None, patience=5, restore_best=True, "
        "start_from_epoch=0, stopping_threshold=None, divergence_threshold=None)",
        quiet={"patience": 99, "restore_best": False},
        misspelt={"monitor": "val_los"},
        refusals=(
            *MONITOR_REFUSALS,
            *DELTA_REFUSALS,
            ({"patience": -1}, ArgumentError, "patience cannot be used. expected an int >= 0"),
            ({"patience": 1.5}, ArgumentError, "patience cannot be used. expected an int >= 0"),
            ({"baseline": "low"}, ArgumentError, "baseline cannot be used. expected a number"),
            ({"start_from_epoch": -1}, ArgumentError, "start_from_epoch cannot be used. expected an int >= 0"),
            ({"stopping_threshold": float("nan")}, ArgumentError, "stopping_threshold cannot be used"),
            ({"divergence_threshold": "high"}, ArgumentError, "divergence_threshold cannot be used"),
        ),
    ),
    "plateau": ListenerRow(
        _plateau,
        "ReduceLROnPlateau(monitor='val_loss', factor=0.1, patience=1, min_delta=0.05, mode='auto', cooldown=1, "
        "min_learning_rate=0.0)",
        quiet={"patience": 99},
        misspelt={"monitor": "val_los"},
        refusals=(
            *MONITOR_REFUSALS,
            *DELTA_REFUSALS,
            ({"factor": 1}, ArgumentError, "factor cannot be used. expected a number in (0, 1)"),
            ({"factor": 0}, ArgumentError, "factor cannot be used. expected a number in (0, 1)"),
            ({"patience": 0}, ArgumentError, "patience cannot be used. expected an int >= 1"),
            ({"cooldown": -1}, ArgumentError, "cooldown cannot be used. expected an int >= 0"),
            ({"min_learning_rate": -1}, ArgumentError, "min_learning_rate cannot be used"),
        ),
    ),
    "checkpoint": ListenerRow(
        _checkpoint,
        "Checkpoint(path='FOLDER/run-{epoch:02d}.safetensors', monitor='val_loss', save='best', mode='auto', keep=2)",
        misspelt={"path": "run-{val_los:.4f}.safetensors"},
        quiet={},
        refusals=(
            *MONITOR_REFUSALS,
            ({"save": "bset"}, UnknownNameError, "no way to save is named 'bset'.*did you mean 'best'"),
            ({"save": "all", "path": "run.safetensors"}, ArgumentError, 'save="all" needs a name that differs'),
            ({"keep": 0}, ArgumentError, "keep cannot be used. expected an int >= 1"),
            ({"path": "run-{epoch"}, ArgumentError, "path cannot be filled in. expected columns of the history"),
            ({"path": "run-{val_loss:02d}"}, ArgumentError, "path cannot be filled in"),
            ({"path": "run-{}"}, ArgumentError, "path cannot be filled in"),
            ({"path": "run-{epoch.real}"}, ArgumentError, "path cannot be filled in"),
        ),
    ),
    "csv_logger": ListenerRow(
        lambda folder, **arguments: CSVLogger(folder / "run.csv", **arguments),
        "CSVLogger(path='FOLDER/run.csv', append=False)",
    ),
    "json_logger": ListenerRow(
        lambda folder, **arguments: JSONLogger(folder / "run.jsonl", **arguments),
        "JSONLogger(path='FOLDER/run.jsonl', append=False)",
    ),
    "tensorboard": ListenerRow(
        lambda folder: TensorBoard(folder / "events"),
        "TensorBoard(log_dir='FOLDER/events')",
    ),
    "progress": ListenerRow(lambda folder, live=True: Progress(live), "Progress(live=True)", quiet={"live": False}),
}
