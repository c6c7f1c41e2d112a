"""Dense: the affine layer."""

from __future__ import annotations

import math
from typing import Any

from numpy.typing import NDArray

from cutedl import checks, initializers
from cutedl.arena import Arena
from cutedl.errors import ShapeError
from cutedl.initializers import Initializer
from cutedl.nn import activations, constraints, regularizers
from cutedl.nn.constraints import Constraint
from cutedl.nn.layer import Layer, Shape
from cutedl.nn.regularizers import Regularizer
from cutedl.nn.rows import rows, sum_rows

__all__ = ["Dense"]


class Dense(Layer):
    """Affine map of the last axis: y = x W + b, then the activation.

    Shapes: x (B, ..., I) -> y (B, ..., O); kernel W (I, O), bias b (O,).
    Gradients: dW = xᵀ dy, db = Σ dy over all rows, dx = dy Wᵀ.

    units: O, the width of the output, >= 1.
    inshape: shape of one sample, an int I or a tuple (..., I); needed by a first layer that is assembled before
    it sees data.
    activation: a name of cutedl.nn.activations ("relu", "tanh", ...) or a Layer; run as a layer of its own.
    kernel_initializer, bias_initializer: a name of cutedl.initializers or a function (out, generator).
    use_bias: False leaves out b, as before a normalization that subtracts the mean anyway.
    kernel_regularizer, bias_regularizer: "l1", "l2" or a Regularizer. kernel_constraint: a Constraint.

    Raises ArgumentError for units or inshape below 1, UnknownNameError for a misspelt name, ShapeError at assemble
    for samples without an axis.

    >>> from cutedl.model import Model
    >>> model = Model([Dense(3, inshape=4, kernel_initializer="ones")])
    >>> model.assemble()
    >>> print(model.predict([[1.0, 2.0, 3.0, 4.0]]))
    [[10. 10. 10.]]
    """

    shows_nonfinite = True  # every output is a sum over all inputs

    def __init__(
        self,
        units: int,
        inshape: int | Shape | None = None,
        activation: str | Layer | None = "linear",
        kernel_initializer: str | Initializer = "glorot_uniform",
        bias_initializer: str | Initializer = "zeros",
        use_bias: bool = True,
        kernel_regularizer: str | Regularizer | None = None,
        bias_regularizer: str | Regularizer | None = None,
        kernel_constraint: Constraint | None = None,
        name: str | None = None,
    ):
        super().__init__(name, inshape)
        self.units = checks.integer("units", units)
        self.use_bias = checks.flag("use_bias", use_bias)
        self.activation = activations.get(activation)
        self.kernel_initializer = initializers.get(kernel_initializer)
        self.bias_initializer = initializers.get(bias_initializer)
        self.kernel_regularizer = regularizers.get(kernel_regularizer)
        self.bias_regularizer = regularizers.get(bias_regularizer)
        self.kernel_constraint = constraints.get(kernel_constraint)

    def __repr__(self) -> str:
        return f"Dense({self.units}, activation={self.activation.kind()!r})"

    def expand(self) -> list[Layer]:
        """The affine map, then its activation as a layer of its own."""
        return [self] if isinstance(self.activation, activations.Linear) else [self, *self.activation.expand()]

    def build(self, in_shape: Shape, arena: Arena) -> Shape:
        """Declare kernel (I, O) and, if it is used, bias (O,)."""
        if not in_shape:
            raise ShapeError(
                f"{self.name} cannot take this input.",
                expected="(batch, ..., features)",
                received="(batch,)",
                hint="reshape x to (batch, 1).",
            )
        self.W = arena.parameter(
            f"{self.name}.kernel",
            (in_shape[-1], self.units),
            self.kernel_initializer,
            self.kernel_regularizer,
            self.kernel_constraint,
        )
        if self.use_bias:
            self.b = arena.parameter(f"{self.name}.bias", (self.units,), self.bias_initializer, self.bias_regularizer)
            self._ones = arena.buffer((), fill=1.0)
        return (*in_shape[:-1], self.units)

    def flops(self, in_shape: Shape, out_shape: Shape) -> int:
        """2 I O for the product and O for the bias, for each row of a sample.

        >>> Dense(10).flops((784,), (10,))
        15690
        """
        return math.prod(out_shape) * (2 * in_shape[-1] + self.use_bias)

    def forward(self, x: NDArray[Any], out: NDArray[Any], training: bool) -> NDArray[Any]:
        """(B, ..., I) -> (B, ..., O)."""
        if training:
            self._x = x  # borrowed until backward
        rows(x).dot(self.W.value, out=rows(out))
        if self.use_bias:
            out += self.b.value
        return out

    def backward(self, dy: NDArray[Any], out: NDArray[Any] | None) -> NDArray[Any] | None:
        """(B, ..., O) -> (B, ..., I)."""
        dy_rows = rows(dy)
        rows(self._x).T.dot(dy_rows, out=self.W.gradient)  # dW = xᵀ dy
        if self.use_bias:
            sum_rows(dy_rows, self._ones.rows(len(dy_rows)), out=self.b.gradient)  # db = Σ dy
        if out is not None:
            dy_rows.dot(self.W.value.T, out=rows(out))  # dx = dy Wᵀ
        return out
