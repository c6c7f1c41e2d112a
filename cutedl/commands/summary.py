"""`summary MODEL`: the layers of a saved model, their shapes, parameters and costs."""

from __future__ import annotations

import argparse

from cutedl.commands.answer import Answer
from cutedl.model import Model

__all__ = ["HELP", "add_arguments", "run"]

HELP = "show the layers of a saved model"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the argument of `summary`."""
    parser.add_argument("model", metavar="MODEL", help="a file of `train --save`, Session.save or Model.save")


def run(args: argparse.Namespace) -> Answer:
    """Count."""
    summary = Model.load(args.model).summary()
    layers = [
        {"name": row.name, "kind": row.kind, "output_shape": row.output_shape, "parameters": row.parameters,
         "flops": row.flops}
        for row in summary.rows
    ]  # fmt: skip
    data = {
        "inshape": summary.inshape, "dtype": summary.dtype, "layers": layers, "parameters": summary.parameters,
        "bytes": summary.bytes, "flops": summary.flops,
    }  # fmt: skip
    return Answer(str(summary), data)
