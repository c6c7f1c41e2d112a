"""Activation: an activation by its name, as a layer of a list."""

from __future__ import annotations

from cutedl.nn import activations
from cutedl.nn.layer import Layer, Sugar

__all__ = ["Activation"]


class Activation(Sugar):
    """The activation of that name: Activation("relu") runs as Relu().

    activation: a name ("relu", "tanh", ...) or a Layer.

    Raises UnknownNameError for a misspelt name, ArgumentError for what is neither. Equals keras.layers.Activation.

    >>> from cutedl.model import Model
    >>> model = Model([Activation("relu")])
    >>> model.assemble(inshape=2)
    >>> print(model.predict([[1.0, -2.0]]), model.chain)
    [[1. 0.]] [Relu()]
    """

    def __init__(self, activation: str | Layer, name: str | None = None):
        super().__init__(name)
        self.activation = activations.get(activation)
        if name is not None:
            self.activation.name = name

    def __repr__(self) -> str:
        return f"Activation({self.activation!r})"

    def expand(self) -> list[Layer]:
        """The activation."""
        return self.activation.expand()
