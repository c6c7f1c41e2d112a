"""`evaluate MODEL DATA`: loss and metrics of a saved model on data."""

from __future__ import annotations

import argparse
import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cutedl.commands import labels, samples
from cutedl.commands.answer import Answer, count, numbers
from cutedl.dataset import Dataset
from cutedl.errors import LabelError
from cutedl.losses import SparseCategoricalCrossentropy
from cutedl.losses.labels import class_indices
from cutedl.session import Session

__all__ = ["HELP", "add_arguments", "run"]

HELP = "measure a saved model on data"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `evaluate`."""
    parser.add_argument("model", metavar="MODEL", help="a file that `train --save`, or Session.save, has written")
    parser.add_argument("data", metavar="DATA", help=samples.HELP)
    parser.add_argument("--target", metavar="NAME", help="the column of a .csv with the label (default: the last)")


def run(args: argparse.Namespace) -> Answer:
    """Measure on the test part where the data has one, else on everything."""
    session = Session.load(args.model)
    found = samples.read(args.data, args.target)
    part, which = (found.train, "all") if found.test is None else (found.test, "test")
    measured = session.evaluate(Dataset(_samples(session, part.x), _labels(session, part.y), source=found.source))
    text = f"{found.source}, {which} {count(len(part.x), 'sample')}: {numbers(measured)}"
    return Answer(text, {"model": args.model, "data": found.source, "part": which, "samples": len(part.x)} | measured)


def _samples(session: Session, x: NDArray[Any]) -> NDArray[Any]:
    """Return pictures as rows, or rows as pictures, where the model takes them so."""
    inshape = session.model.shapes[0]
    return x.reshape(-1, *inshape) if math.prod(x.shape[1:]) == math.prod(inshape) else x


def _labels(session: Session, raw: NDArray[Any]) -> NDArray[Any]:
    """Return labels in the form that the session's loss takes. Raises LabelError for those that have none."""
    y, outputs = labels.tidy(raw), session.model.shapes[-1]
    if names := session.history.info.get("classes"):
        y = labels.class_indices(y, names)
    elif y.dtype.kind == "U":
        raise LabelError(
            "labels are text, and the model knows no classes by name.",
            expected="numbers",
            received=repr(str(y.flat[0])),
        )
    if isinstance(session.loss, SparseCategoricalCrossentropy):
        return y
    one_hot = y.ndim == 1 and y.dtype.kind == "i" and outputs > (1,)
    return np.eye(outputs[-1])[class_indices(y, outputs[-1])[0]] if one_hot else labels.targets(y)
