"""cutedl: a deep-learning mini-framework in NumPy, readable in an afternoon.

>>> import numpy as np
>>> from cutedl import Dataset, Model, Session, losses, nn, optimizers
>>> x = np.linspace(0, 1, 50).reshape(-1, 1)
>>> session = Session(Model([nn.Dense(1)]), losses.MeanSquaredError(), optimizers.SGD(0.5), seed=0)
>>> history = session.fit(Dataset(x, 2 * x - 1, batch_size=10), 200, verbose=0)
>>> print(session.predict([[0.5]]).round(3) + 0)
[[0.]]
"""

from cutedl import (
    arena,
    batch_stream,
    checks,
    dataset,
    datasets,
    dlmath,
    errors,
    export,
    files,
    gradcheck,
    history,
    initializers,
    listeners,
    losses,
    metrics,
    model,
    nn,
    objective,
    optimizers,
    report,
    session,
    streams,
    summary,
)
from cutedl.batch_stream import BatchStream
from cutedl.dataset import Dataset
from cutedl.export import export_numpy, export_onnx
from cutedl.gradcheck import check_gradients
from cutedl.history import History
from cutedl.listeners import FitListener, Listener, condition_callback
from cutedl.model import Model
from cutedl.report import fit_report
from cutedl.session import Session
from cutedl.version import __version__

__all__ = [
    "BatchStream",
    "Dataset",
    "FitListener",
    "History",
    "Listener",
    "Model",
    "Session",
    "__version__",
    "arena",
    "batch_stream",
    "check_gradients",
    "checks",
    "condition_callback",
    "dataset",
    "datasets",
    "dlmath",
    "errors",
    "export",
    "export_numpy",
    "export_onnx",
    "files",
    "fit_report",
    "gradcheck",
    "history",
    "initializers",
    "listeners",
    "losses",
    "metrics",
    "model",
    "nn",
    "objective",
    "optimizers",
    "report",
    "session",
    "streams",
    "summary",
]
