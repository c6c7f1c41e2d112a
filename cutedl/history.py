"""History: the columns that fit records, a dict with a helpful answer to a misspelt key."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from cutedl import history_files
from cutedl.errors import ArgumentError, CorruptDataError, MissingLibraryError, unknown_name
from cutedl.trace import Trace

if TYPE_CHECKING:
    import pandas

__all__ = ["Best", "Event", "History", "direction"]

Direction = Literal["min", "max"]

_LOWER_IS_BETTER = {
    "loss", "error", "mae", "mse", "rmse", "mape", "msle", "hinge", "entropy", "crossentropy", "perplexity",
    "divergence", "deviance", "ece", "brier",
}  # fmt: skip
_HIGHER_IS_BETTER = {
    "accuracy", "acc", "precision", "recall", "sensitivity", "specificity", "f1", "fbeta", "auc", "auroc", "top", "r2",
    "score", "iou", "dice", "kappa",
}  # fmt: skip


class Event(NamedTuple):
    """Something that happened at an epoch, for the report to mark.

    epoch: counted from 1 over all fits; 2.5 is the middle of the third. kind: "stop" (early stop), "rate" (the
    learning rate was lowered), "restore" (best weights restored) or "interrupt". text: one line for the reader.
    """

    epoch: float
    kind: str
    text: str


class Best(NamedTuple):
    """The best value of a column and its epoch, counted from 1."""

    epoch: int
    value: float


class History(dict[str, Any]):
    """What happened in training, one list per column, one Python number per epoch, over all fits of a session.

    epoch (from 1), steps (optimizer steps so far), loss, learning_rate (of the epoch's last step), gradient_norm,
    seconds and samples_per_second are always there; val_loss where validation data was given (NaN in an epoch without
    validation); one column per metric and one `val_` column per metric. Two keys are no columns: cost_time, the
    seconds of all fits so far, and val_pred, the last validation's outputs, (rows, ...).

    info: where the numbers come from: seed, data, model, loss, optimizer, parameters. trace: the loss of every step,
    thinned (see Trace). events: what note() was told. interrupted: whether Ctrl-C ended the last fit.

    Raises UnknownNameError (a KeyError too) for a key that is not there.

    >>> history = History(loss=[0.7, 0.4], val_loss=[0.5, 0.6])
    >>> history["loss"][-1]
    0.4
    >>> history
    History(2 epochs: loss 0.4, val_loss 0.6; best val_loss 0.5 at epoch 1)
    >>> history["los"]
    Traceback (most recent call last):
    ...
    cutedl.errors.UnknownNameError: no history key is named 'los'. expected one of: loss, val_loss. \
hint: did you mean 'loss'?
    """

    def __init__(self, *args: Any, **columns: Any) -> None:
        super().__init__(*args, **columns)
        self.info: dict[str, Any] = {}
        self.events: list[Event] = []
        self.trace = Trace()
        self.interrupted = False

    def __missing__(self, key: str) -> Any:
        raise unknown_name("history key", key, self)

    def __repr__(self) -> str:
        epochs = max(map(len, self.columns.values()), default=0)
        losses = [name for name in ("loss", "val_loss") if _measured(self.columns.get(name, []))]
        text = f"{epochs} epoch{'s' * (epochs != 1)}"
        if losses:
            best = self.best(losses[-1])
            text += ": " + ", ".join(f"{name} {_measured(self[name])[-1].value:.4g}" for name in losses)
            text += f"; best {losses[-1]} {best.value:.4g} at epoch {best.epoch}"
        return f"History({text}{', interrupted' * self.interrupted})"

    # -- recording ---------------------------------------------------------------------------------------------------

    @property
    def columns(self) -> dict[str, list[Any]]:
        """The entries that are lists, one value per epoch."""
        return {key: value for key, value in self.items() if isinstance(value, list)}

    def record(self, epoch: int, /, **values: float) -> None:
        """Write values of an epoch, counted from 1, as Python numbers; epochs that a column has missed become NaN.

        >>> history = History()
        >>> history.record(1, loss=0.7)
        >>> history.record(2, loss=0.5, val_loss=0.6)
        >>> print(dict(history))
        {'epoch': [1, 2], 'loss': [0.7, 0.5], 'val_loss': [nan, 0.6]}
        """
        epochs = self.setdefault("epoch", [])
        epochs.extend(range(len(epochs) + 1, epoch + 1))
        for key, value in values.items():
            column = self.setdefault(key, [])
            column.extend([math.nan] * (epoch - 1 - len(column)))
            column[epoch - 1 :] = [value.item() if hasattr(value, "item") else value]

    def note(self, epoch: float, kind: str, text: str) -> None:
        """Append an Event."""
        self.events.append(Event(float(epoch), kind, text))

    # -- reading -----------------------------------------------------------------------------------------------------

    def best(self, key: str, mode: str = "auto") -> Best:
        """Return the epoch and the value of a column's best entry: the first of equals; NaN counts as not measured.

        mode: "min", "max", or "auto" to decide by the name, see `direction`.
        Raises UnknownNameError for a key that is no column, ArgumentError for a column in which nothing was measured
        and for a name that tells no direction.

        >>> History(val_loss=[0.6, 0.3, 0.4]).best("val_loss")
        Best(epoch=2, value=0.3)
        """
        if key not in self.columns:
            raise unknown_name("history column", key, self.columns)
        if mode not in ("auto", "min", "max"):
            raise unknown_name("mode", mode, ("auto", "min", "max"))
        sign = 1 if (direction(key) if mode == "auto" else mode) == "min" else -1
        measured = _measured(self[key])
        if not measured:
            raise ArgumentError(f"{key} was not measured in any epoch: there is no best one.")
        return min(measured, key=lambda best: sign * best.value)

    # -- outside the program -----------------------------------------------------------------------------------------

    def state(self) -> dict[str, Any]:
        """Return everything but val_pred, for restore: columns and the trace's values as arrays, else plain data."""
        return {
            "columns": {key: history_files.packed_column(key, column) for key, column in self.columns.items()},
            "cost_time": history_files.plain(self.get("cost_time")),
            "info": history_files.plain(self.info),
            "events": [list(event) for event in self.events],
            "interrupted": self.interrupted,
            "trace": self.trace.state(),
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Become what state() or to_dict() was taken of. Raises CorruptDataError, before any change, for other data."""
        trace = Trace()
        try:
            columns = {key: history_files.read_column(key, column) for key, column in state["columns"].items()}
            cost_time = {} if state["cost_time"] is None else {"cost_time": float(state["cost_time"])}
            events = [Event(float(epoch), str(kind), str(text)) for epoch, kind, text in state["events"]]
            trace.restore(state["trace"])
            info, interrupted = dict(state["info"]), bool(state["interrupted"])
        except CorruptDataError:
            raise
        except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
            raise CorruptDataError(
                "this is no history.", expected="what to_dict returns", received=repr(error)
            ) from None
        self.clear()
        self.update(columns | cost_time)
        self.info, self.events, self.trace, self.interrupted = info, events, trace, interrupted

    def to_dict(self) -> dict[str, Any]:
        """Return everything but val_pred as JSON holds it: NaN is None, an infinity is text.

        Raises DataTypeError for a column that holds something else than numbers.

        >>> History(loss=[0.7, float("nan")]).to_dict()["columns"]
        {'loss': [0.7, None]}
        """
        state = self.state()
        state["columns"] = {key: history_files.plain_column(key, column) for key, column in self.columns.items()}
        state["trace"] = history_files.plain(state["trace"] | {"values": state["trace"]["values"].tolist()})
        return state

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> History:
        """Return the history that to_dict() was called on, bit for bit. Raises CorruptDataError for other data.

        >>> History.from_dict(History(loss=[0.7, 0.4]).to_dict())["loss"]
        [0.7, 0.4]
        """
        history = cls()
        history.restore(data)
        return history

    def to_json(self, path: str | os.PathLike[str] | None = None) -> str:
        """Return to_dict() as a line of JSON, and write it to path if one is given, whole or not at all.

        >>> History.from_json(History(loss=[0.7, 0.4]).to_json()).best("loss")
        Best(epoch=2, value=0.4)
        """
        import json

        text = json.dumps(self.to_dict(), allow_nan=False, ensure_ascii=False)
        if path is not None:
            history_files.write_json(path, text + "\n")
        return text

    @classmethod
    def from_json(cls, source: str | os.PathLike[str]) -> History:
        """Return the history of to_json(), bit for bit; source: its text or the path of its file.

        Raises CorruptDataError for what is no history, OSError for a file that cannot be read.
        """
        return cls.from_dict(history_files.read_json(source))

    def to_csv(self, path: str | os.PathLike[str]) -> None:
        """Write the columns, and nothing else, as a table: one row per epoch, NaN as an empty cell."""
        history_files.write_csv(path, self.columns)

    @classmethod
    def from_csv(cls, path: str | os.PathLike[str]) -> History:
        """Return a history with the columns of to_csv(), bit for bit; one that was shorter now ends in NaN.

        Raises CorruptDataError for another kind of table, OSError for a file that cannot be read.
        """
        return cls(history_files.read_csv(path))

    def to_pandas(self) -> pandas.DataFrame:
        """Return the columns as a DataFrame, one row per epoch. Raises MissingLibraryError without pandas."""
        try:
            from pandas import DataFrame, Series
        except ImportError:
            raise MissingLibraryError("to_pandas needs pandas.", hint="pip install pandas") from None
        return DataFrame({key: Series(column) for key, column in self.columns.items()})


def direction(key: str) -> Direction:
    """Return whether the best entry of a history column is its "min" or its "max", told by the last known word.

    Raises ArgumentError for a name without such a word.

    >>> direction("val_loss"), direction("val_top_5_accuracy"), direction("f1_macro"), direction("log_loss")
    ('min', 'max', 'max', 'min')
    """
    for word in reversed(key.lower().split("_")):
        if word in _LOWER_IS_BETTER:
            return "min"
        if word in _HIGHER_IS_BETTER:
            return "max"
    raise ArgumentError(
        f"the name {key!r} does not tell whether high or low is better.", hint='say mode="min" or "max".'
    )


def _measured(column: list[Any]) -> list[Best]:
    numbers = ((epoch, value) for epoch, value in enumerate(column, start=1) if not isinstance(value, str))
    return [Best(epoch, float(value)) for epoch, value in numbers if not math.isnan(value)]
