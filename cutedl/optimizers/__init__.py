"""Optimizers: one rule per class."""

from cutedl.optimizers.adam import Adam
from cutedl.optimizers.base import Optimizer
from cutedl.optimizers.momentum import Momentum
from cutedl.optimizers.sgd import SGD, Fixed

__all__ = ["SGD", "Adam", "Fixed", "Momentum", "Optimizer"]
