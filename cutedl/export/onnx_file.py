"""A model as an ONNX file, which other runtimes and languages read."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cutedl.errors import MissingLibraryError
from cutedl.export.graph import PRIMITIVES, Constant, Graph, Input, Value
from cutedl.export.lowering import lower
from cutedl.export.verification import verify_onnx
from cutedl.files import write_durably
from cutedl.model import Model
from cutedl.version import __version__

__all__ = ["export_onnx"]

# Of 2022, and read by every runtime since.
_OPSET, _IR = 18, 8


def export_onnx(model: Model, path: str | os.PathLike[str], verify: bool = True) -> None:
    """Write the model's evaluation as an ONNX file: input x (batch, *inshape), output y, any number of rows.

    It computes in float32; x is int64 where the first layer takes indices. Operators of opset 18.
    verify: run it with onnxruntime and compare with predict, to 1e-5 of the largest output, before the file is written.
    Needs the extra [onnx]. The file is written whole or not at all.

    Raises MissingLibraryError without onnx, or onnxruntime to verify; NotBuiltError before assemble; ExportError for
    layers of your own and for other outputs than predict's; OSError where it cannot be written.

    >>> from tempfile import TemporaryDirectory
    >>> from onnxruntime import InferenceSession
    >>> from cutedl import nn
    >>> model = Model([nn.Dense(1, inshape=2, activation="relu", kernel_initializer="ones")])
    >>> model.assemble()
    >>> with TemporaryDirectory() as folder:
    ...     export_onnx(model, Path(folder, "network.onnx"))
    ...     runtime = InferenceSession(Path(folder, "network.onnx").read_bytes())
    >>> print(runtime.run(["y"], {"x": np.array([[1, 2], [-1, -2]], "float32")})[0].tolist())
    [[3.0], [0.0]]
    """
    try:
        import onnx
    except ImportError:
        raise MissingLibraryError(
            "export_onnx needs onnx.", hint='pip install "cutedl[onnx]"; export_numpy needs nothing.'
        ) from None
    data = _Writer(onnx, lower(model), model.chain[0].takes_indices).data()
    if verify:
        verify_onnx(model, data)
    write_durably(Path(path), [data])


class _Writer:
    """A graph in the words of ONNX, operation by operation."""

    def __init__(self, onnx: Any, graph: Graph, indices: bool):
        self._onnx, self._graph, self._indices = onnx, graph, indices
        self._initializers: dict[str, Any] = {}
        self._names = {id(graph.x): "x"}
        for constant in graph.constants:
            self._keep(constant.name, constant.array.astype(np.float32))

    def data(self) -> bytes:
        """The bytes of the file."""
        graph, onnx = self._graph, self._onnx
        helper = onnx.helper
        nodes = [self._node(number, value) for number, value in enumerate(graph.values)]
        nodes.append(helper.make_node("Identity", [self._names[id(graph.output)]], ["y"], name="y"))
        kind = onnx.TensorProto.INT64 if self._indices else onnx.TensorProto.FLOAT
        x = helper.make_tensor_value_info("x", kind, ["batch", *graph.x.shape])
        y = helper.make_tensor_value_info("y", onnx.TensorProto.FLOAT, ["batch", *graph.output.shape])
        network = helper.make_graph(nodes, "network", [x], [y], list(self._initializers.values()))
        model = helper.make_model(
            network,
            producer_name="cutedl",
            producer_version=__version__,
            ir_version=_IR,
            opset_imports=[helper.make_opsetid("", _OPSET)],
        )
        onnx.checker.check_model(model, full_check=True)
        return bytes(model.SerializeToString())

    def _node(self, number: int, value: Value) -> Any:
        """Return the node of one operation, and name its result."""
        name = f"{value.layer}/{value.operation}_{number}"
        self._names[id(value)] = name
        inputs, attributes = [self._name(each) for each in value.inputs], {}
        if value.operation == "reshape":
            inputs.append(self._keep(f"{name}.shape", np.array([0, *value.shape], np.int64)))  # 0: as many rows as x
        elif value.operation == "mean":
            inputs.append(self._keep("last_axis", np.array([-1], np.int64)))
        elif value.operation == "integers":
            attributes["to"] = self._onnx.TensorProto.INT64
        return self._onnx.helper.make_node(PRIMITIVES[value.operation].onnx, inputs, [name], name=name, **attributes)

    def _name(self, operand: Input) -> str:
        if isinstance(operand, Value):
            return self._names[id(operand)]
        if isinstance(operand, Constant):
            return operand.name
        return self._keep(f"number {operand}", np.array(operand, np.float32))

    def _keep(self, name: str, array: NDArray[Any]) -> str:
        """Hold an array in the file under that name, which is returned."""
        if name not in self._initializers:
            self._initializers[name] = self._onnx.numpy_helper.from_array(array, name)
        return name
