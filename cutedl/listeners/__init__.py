"""Listeners: what may happen beside training, at five moments of fit and two around validation.

A listener sees the session and may read anything; it stops training with session.stop_fit().
"""

from cutedl.listeners.checkpoint import Checkpoint
from cutedl.listeners.condition import condition_callback
from cutedl.listeners.csv_logger import CSVLogger
from cutedl.listeners.early_stopping import EarlyStopping
from cutedl.listeners.fit_listener import FitListener
from cutedl.listeners.json_logger import JSONLogger
from cutedl.listeners.lambda_listener import LambdaListener
from cutedl.listeners.listener import EVENTS, Listener
from cutedl.listeners.plateau import ReduceLROnPlateau
from cutedl.listeners.progress import Progress
from cutedl.listeners.tensorboard import TensorBoard

__all__ = [
    "EVENTS",
    "CSVLogger",
    "Checkpoint",
    "EarlyStopping",
    "FitListener",
    "JSONLogger",
    "LambdaListener",
    "Listener",
    "Progress",
    "ReduceLROnPlateau",
    "TensorBoard",
    "condition_callback",
]
