"""A model as one Python file that needs only NumPy."""

from __future__ import annotations

import os
import re
from base64 import b64encode
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from cutedl.export.graph import PRIMITIVES, Constant, Graph, Value
from cutedl.export.lowering import lower
from cutedl.files import write_durably
from cutedl.model import Model
from cutedl.summary import batch_shape
from cutedl.version import __version__

__all__ = ["export_numpy"]

_START = '''\
"""A trained network, exported by cutedl {version}. It needs NumPy and nothing else.

    from {module} import predict
    y = predict(x)  # x {inshape} -> y {outshape}

or, with x in a file that numpy.save wrote:

    python {module}.py x.npy y.npy
"""

import base64
{imports}import sys

import numpy as np

DTYPE = np.{dtype}
'''

_PREDICT = '''

def predict(x):
    """Return the outputs for x, {inshape}, as a new array {outshape}."""
    x = np.array(x, DTYPE)
    if x.ndim == 0 or x.shape[1:] != {sample}:
        raise ValueError(f"x is of another shape. expected {inshape}, received {{x.shape}}.")
    with np.errstate(over="ignore"):
{statements}


def main(arguments):
    if len(arguments) not in (1, 2):
        sys.exit("usage: python {module}.py x.npy [y.npy]")
    y = predict(np.load(arguments[0]))
    if len(arguments) == 2:
        np.save(arguments[1], y)
    else:
        print(y)
'''

_END = """

def array(shape, text):
    return np.frombuffer(base64.b64decode(text), np.dtype(DTYPE).newbyteorder("<")).astype(DTYPE).reshape(shape)


W = {{
{weights}}}

if __name__ == "__main__":
    main(sys.argv[1:])
"""

# Functions that NumPy lacks, written into the files that use them.
_FUNCTIONS = {
    "elu": "def elu(x):\n    return np.maximum(x, 0) + np.expm1(np.minimum(x, 0))\n",
    "erf": "erf = np.vectorize(math.erf, otypes=[DTYPE])  # to the last digit; about 0.1 µs a number\n",
    "sigmoid": "def sigmoid(x):\n    return np.exp(np.minimum(x, 0)) / (1 + np.exp(-np.abs(x)))\n",
    "softplus": "def softplus(x):\n    return np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x)))\n",
    "softmax": """\
def softmax(x):
    e = np.exp(x - np.max(x, axis=-1, keepdims=True))
    return e / np.sum(e, axis=-1, keepdims=True)
""",
    "log_softmax": """\
def log_softmax(x):
    d = x - np.max(x, axis=-1, keepdims=True)
    return d - np.log(np.sum(np.exp(d), axis=-1, keepdims=True))
""",
    "look_up": """\
def look_up(table, indices):
    if np.any(indices < 0):
        raise IndexError(f"index {np.min(indices)} is below 0")
    return table[indices]
""",
}


def export_numpy(model: Model, path: str | os.PathLike[str]) -> None:
    """Write the model as one Python file that needs only NumPy: predict(x), weights inside, a small command line.

    It computes in the model's dtype and equals predict to 1e-5 of the largest output in float32. Text of 4/3 times the
    bytes of the weights; written whole or not at all.
    Raises NotBuiltError before assemble, ExportError for layers of your own, OSError where it cannot be written.

    >>> from tempfile import TemporaryDirectory
    >>> from cutedl import nn
    >>> model = Model([nn.Dense(1, inshape=2, activation="relu", kernel_initializer="ones")])
    >>> model.assemble()
    >>> with TemporaryDirectory() as folder:
    ...     export_numpy(model, Path(folder, "network.py"))
    ...     code = Path(folder, "network.py").read_text()
    >>> exec(code, module := {"__name__": "network"})
    >>> print(module["predict"]([[1.0, 2.0], [-1.0, -2.0]]).tolist())
    [[3.0], [0.0]]
    """
    path = Path(path)
    graph = lower(model)
    statements = "".join(f"        {line}\n" for line in _statements(graph))
    words = {
        "version": __version__,
        "module": path.stem.encode("unicode_escape").decode().replace('"', r"\""),  # it stands inside of strings
        "dtype": graph.dtype.name,
        "sample": graph.x.shape,
        "inshape": batch_shape(graph.x.shape),
        "outshape": batch_shape(graph.output.shape),
        "imports": "import math\n" if "erf(" in statements else "",
        "statements": statements.rstrip("\n"),
        "weights": "".join(map(_weight, graph.constants)),
    }
    functions = [f"\n\n{text}" for name, text in _FUNCTIONS.items() if re.search(rf"\b{name}\(", statements)]
    text = _START.format(**words) + "".join(functions) + _PREDICT.format(**words) + _END.format(**words)
    write_durably(path, [text.encode()])


def _statements(graph: Graph) -> list[str]:
    """One assignment for each layer, and for what a layer uses more than once."""
    users: dict[int, list[Value]] = {id(value): [] for value in (graph.x, *graph.values)}
    for value in graph.values:
        for each in value.inputs:
            if isinstance(each, Value):
                users[id(each)].append(value)
    lines: list[str] = []
    terms = {id(graph.x): _Term("x")}
    for value in graph.values:
        term = _term(value, terms)
        if [user.layer for user in users[id(value)]] != [value.layer]:
            name = f"h{len(lines)}"
            lines.append(f"{name} = {term.text}  # {repr(value.layer)[1:-1]}")
            term = _Term(name)
        terms[id(value)] = term
    return [*lines, f"return {terms[id(graph.output)].text}"]


class _Term(NamedTuple):
    """An expression, and how strongly it binds."""

    text: str
    rank: int = 4


def _term(value: Value, terms: Mapping[int, _Term]) -> _Term:
    primitive = PRIMITIVES[value.operation]
    texts = []
    for place, operand in enumerate(value.inputs):
        term = terms[id(operand)] if isinstance(operand, Value) else _leaf(operand)
        bare = primitive.rank == 4 or term.rank >= primitive.rank + place  # a - (b - c), but a - b - c
        texts.append(term.text if bare else f"({term.text})")
    return _Term(primitive.numpy.format(*texts, shape=", ".join(map(str, value.shape))), primitive.rank)


def _leaf(operand: Constant | float) -> _Term:
    return _Term(f"W[{operand.name!r}]" if isinstance(operand, Constant) else repr(float(operand)))


def _weight(constant: Constant) -> str:
    array = constant.array
    code = b64encode(array.astype(array.dtype.newbyteorder("<")).tobytes()).decode()
    lines = "\n".join(code[start : start + 116] for start in range(0, len(code), 116))
    return f'    {constant.name!r}: array({array.shape}, """\n{lines}\n"""),\n'
