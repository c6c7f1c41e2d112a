"""Layers: one concept per file."""

from cutedl.nn import constraints, regularizers
from cutedl.nn.activation import Activation
from cutedl.nn.activations import (
    Elu,
    Exponential,
    Gelu,
    GeluTanh,
    HardSigmoid,
    LeakyRelu,
    Linear,
    LogSigmoid,
    LogSoftmax,
    Mish,
    PRelu,
    Relu,
    Selu,
    Sigmoid,
    Silu,
    Softmax,
    Softplus,
    Softsign,
    Swish,
    Tanh,
)
from cutedl.nn.composite import Residual, Sequential
from cutedl.nn.dense import Dense
from cutedl.nn.dropout import Dropout
from cutedl.nn.embedding import Embedding
from cutedl.nn.layer import Layer
from cutedl.nn.noise import GaussianNoise
from cutedl.nn.normalization import BatchNormalization, LayerNormalization
from cutedl.nn.reshape import Flatten, Reshape

__all__ = [
    "Activation",
    "BatchNormalization",
    "Dense",
    "Dropout",
    "Elu",
    "Embedding",
    "Exponential",
    "Flatten",
    "GaussianNoise",
    "Gelu",
    "GeluTanh",
    "HardSigmoid",
    "Layer",
    "LayerNormalization",
    "LeakyRelu",
    "Linear",
    "LogSigmoid",
    "LogSoftmax",
    "Mish",
    "PRelu",
    "Relu",
    "Reshape",
    "Residual",
    "Selu",
    "Sequential",
    "Sigmoid",
    "Silu",
    "Softmax",
    "Softplus",
    "Softsign",
    "Swish",
    "Tanh",
    "constraints",
    "regularizers",
]
