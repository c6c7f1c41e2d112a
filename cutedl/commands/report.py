"""`report RUN OUT`: the fit report of a run that was saved."""

from __future__ import annotations

import argparse
import warnings
from pathlib import Path
from typing import Any

from cutedl.commands.answer import Answer, count
from cutedl.errors import ArgumentError, CutedlError, ReportWarning
from cutedl.history import History
from cutedl.report import fit_report
from cutedl.session import Session

__all__ = ["HELP", "add_arguments", "check_suffix", "draw", "run"]

HELP = "draw the fit report of a saved run"

_SUFFIXES = (".png", ".svg", ".pdf", ".html")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `report`."""
    parser.add_argument("run_file", metavar="RUN", help="a history (.json or .csv) or a saved session (.safetensors)")
    parser.add_argument("out", metavar="OUT", help="the report: .png, .svg, .pdf or .html")


def run(args: argparse.Namespace) -> Answer:
    """Read the history and draw it."""
    check_suffix(args.out)
    history = _history(args.run_file)
    draw(history, args.out)
    epochs = len(history["loss"])
    return Answer(f"{args.out}: report of {count(epochs, 'epoch')}", {"report": args.out, "epochs": epochs})


def check_suffix(path: str) -> None:
    """Raise ArgumentError unless a report can be written to a path of this name."""
    if Path(path).suffix.lower() not in _SUFFIXES:
        raise ArgumentError("the report has no such format.", expected=", ".join(_SUFFIXES), received=repr(path))


def draw(history: History, path: str, predictions: Any = None) -> None:
    """Write the report, or raise CutedlError: who asks for nothing else wants no mere warning."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", ReportWarning)
            fit_report(history, path, predictions=predictions)
    except ReportWarning as warning:
        raise CutedlError(str(warning)) from None


def _history(path: str) -> History:
    readers = {".json": History.from_json, ".csv": History.from_csv}
    read = readers.get(Path(path).suffix.lower())
    return read(Path(path)) if read else Session.load(path).history
