"""Graph: what a model computes in evaluation, as primitive operations from which every format is written.

A row of PRIMITIVES is all that a format knows: the ONNX operator, and the NumPy expression. Layers are put into these
words in lowering.py, once for all formats.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from cutedl.nn.layer import Shape
from cutedl.parameter import Parameter, Statistic, Table

__all__ = ["PRIMITIVES", "Constant", "Graph", "Input", "Operand", "Primitive", "Value", "apply"]


class Primitive(NamedTuple):
    """One operation, as each format writes it, and the shape of a sample of its result.

    onnx: the operator. numpy: the expression, {0} and {1} for what it works on. shape: from the shapes of these.
    rank: how strongly the expression binds: 1 a sum, 2 a product, 3 a sign, 4 a call.
    """

    onnx: str
    numpy: str
    shape: Callable[..., Shape] = np.broadcast_shapes
    rank: int = 4


PRIMITIVES = {
    "add": Primitive("Add", "{0} + {1}", rank=1),
    "subtract": Primitive("Sub", "{0} - {1}", rank=1),
    "multiply": Primitive("Mul", "{0} * {1}", rank=2),
    "divide": Primitive("Div", "{0} / {1}", rank=2),
    "negative": Primitive("Neg", "-{0}", rank=3),
    "matmul": Primitive("MatMul", "{0} @ {1}", lambda x, kernel: (*x[:-1], kernel[-1]), rank=2),
    "maximum": Primitive("Max", "np.maximum({0}, {1})"),
    "minimum": Primitive("Min", "np.minimum({0}, {1})"),
    "absolute": Primitive("Abs", "np.abs({0})"),
    "exp": Primitive("Exp", "np.exp({0})"),
    "sqrt": Primitive("Sqrt", "np.sqrt({0})"),
    "tanh": Primitive("Tanh", "np.tanh({0})"),
    "mean": Primitive("ReduceMean", "np.mean({0}, axis=-1, keepdims=True)", lambda x: (*x[:-1], 1)),
    "relu": Primitive("Relu", "np.maximum({0}, 0)"),
    "elu": Primitive("Elu", "elu({0})"),
    "erf": Primitive("Erf", "erf({0})"),
    "sigmoid": Primitive("Sigmoid", "sigmoid({0})"),
    "softplus": Primitive("Softplus", "softplus({0})"),
    "softmax": Primitive("Softmax", "softmax({0})"),
    "log_softmax": Primitive("LogSoftmax", "log_softmax({0})"),
    "reshape": Primitive("Reshape", "np.reshape({0}, (-1, {shape}))"),
    "integers": Primitive("Cast", "np.asarray({0}, np.intp)"),
    "take": Primitive("Gather", "look_up({0}, {1})", lambda table, x: (*x, table[-1])),
}


class Constant(NamedTuple):
    """An array that the file holds, such as a weight, under a name that no other has."""

    name: str
    array: NDArray[Any]


class Value:
    """What an operation gives for a batch; shape is that of one sample. Arithmetic on it makes further Values.

    >>> x = Graph((4,), np.dtype("float32")).x
    >>> (x * 2.0 + 1.0)
    Value(add, shape=(4,))
    """

    def __init__(self, graph: Graph, operation: str, inputs: tuple[Input, ...], shape: Shape):
        self.graph, self.operation, self.inputs, self.shape = graph, operation, inputs, shape
        self.layer = graph.layer

    def __repr__(self) -> str:
        return f"Value({self.operation}, shape={self.shape})"

    def __add__(self, other: Operand) -> Value:
        return apply("add", self, other)

    def __radd__(self, other: Operand) -> Value:
        return apply("add", other, self)

    def __sub__(self, other: Operand) -> Value:
        return apply("subtract", self, other)

    def __mul__(self, other: Operand) -> Value:
        return apply("multiply", self, other)

    def __rmul__(self, other: Operand) -> Value:
        return apply("multiply", other, self)

    def __truediv__(self, other: Operand) -> Value:
        return apply("divide", self, other)

    def __matmul__(self, other: Operand) -> Value:
        return apply("matmul", self, other)

    def __neg__(self) -> Value:
        return apply("negative", self)

    def reshape(self, shape: Shape) -> Value:
        """The same numbers as samples of that shape."""
        return self.graph.append(Value(self.graph, "reshape", (self,), shape))


Input: TypeAlias = Value | Constant | float
Operand: TypeAlias = Input | Parameter | Statistic | Table


class Graph:
    """The Values of a model in the order in which they are computed, from x on.

    layer: the name of the layer whose Values are made now. output: the Value that the model returns.
    """

    def __init__(self, shape: Shape, dtype: np.dtype[Any]):
        self.layer = ""
        self.dtype = dtype
        self.values: list[Value] = []
        self.x = self.output = Value(self, "input", (), shape)

    def __repr__(self) -> str:
        return f"Graph({len(self.values)} operations, {self.x.shape} -> {self.output.shape}, {self.dtype})"

    @property
    def constants(self) -> list[Constant]:
        """The arrays that are used, each once."""
        used = (each for value in self.values for each in value.inputs if isinstance(each, Constant))
        return list({constant.name: constant for constant in used}.values())

    def append(self, value: Value) -> Value:
        """Compute a Value next."""
        self.values.append(value)
        return value


def apply(operation: str, *operands: Operand) -> Value:
    """Return the Value of a primitive operation.

    >>> x = Graph((4,), np.dtype("float32")).x
    >>> apply("mean", apply("exp", x))
    Value(mean, shape=(1,))
    """
    inputs = tuple(_input(operand) for operand in operands)
    graph = next(each.graph for each in inputs if isinstance(each, Value))
    shape = PRIMITIVES[operation].shape(*map(_shape, inputs))
    return graph.append(Value(graph, operation, inputs, shape))


def _input(operand: Operand) -> Input:
    if isinstance(operand, Table):
        return Constant(operand.name, operand.values)
    if isinstance(operand, Parameter | Statistic):
        return Constant(operand.name, operand.value)
    return operand


def _shape(operand: Input) -> Shape:
    if isinstance(operand, Value):
        return operand.shape
    return operand.array.shape if isinstance(operand, Constant) else ()
