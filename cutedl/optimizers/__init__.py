"""Optimizers: one rule per class, and the schedules of their learning rates."""

from cutedl.optimizers import schedules
from cutedl.optimizers.adadelta import Adadelta
from cutedl.optimizers.adagrad import Adagrad
from cutedl.optimizers.adam import Adam
from cutedl.optimizers.adamax import Adamax
from cutedl.optimizers.adamw import AdamW
from cutedl.optimizers.amsgrad import AMSGrad
from cutedl.optimizers.base import Optimizer
from cutedl.optimizers.lion import Lion
from cutedl.optimizers.momentum import Momentum
from cutedl.optimizers.nadam import Nadam
from cutedl.optimizers.options import Options
from cutedl.optimizers.rmsprop import RMSProp
from cutedl.optimizers.sgd import SGD, Fixed

__all__ = [
    "SGD",
    "AMSGrad",
    "Adadelta",
    "Adagrad",
    "Adam",
    "AdamW",
    "Adamax",
    "Fixed",
    "Lion",
    "Momentum",
    "Nadam",
    "Optimizer",
    "Options",
    "RMSProp",
    "schedules",
]
