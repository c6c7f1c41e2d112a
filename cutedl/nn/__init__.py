"""Layers: one concept per file."""

from cutedl.nn.activations import Linear, Relu, Sigmoid, Softmax, Tanh
from cutedl.nn.dense import Dense
from cutedl.nn.layer import Layer

__all__ = ["Dense", "Layer", "Linear", "Relu", "Sigmoid", "Softmax", "Tanh"]
