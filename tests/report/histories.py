"""Histories of every kind, for reports to be drawn of."""

import math

import numpy as np

from cutedl.history import History

NAN = math.nan
INFO = {
    "data": "MNIST",
    "samples": 60_000,
    "batch_size": 64,
    "model": "784-128-10",
    "parameters": 101_770,
    "loss": "CategoricalCrossentropy",
    "optimizer": "Adam(learning_rate=0.001)",
    "seed": 1_234_567,
}
SYNTHETIC = "SYNTHETIC digits (rendered from fonts; not MNIST)"


def history_of(columns, **info):
    epochs = len(columns["loss"])
    history = History({name: [float(value) for value in column] for name, column in columns.items()})
    history |= {"steps": [938 * (n + 1) for n in range(epochs)], "seconds": [1.5] * epochs, "cost_time": 1.6 * epochs}
    history["val_pred"] = np.zeros((7, 10))
    history.info = INFO | info
    return history


def five_epochs(**info):
    columns = {
        "loss": [0.3412, 0.1582, 0.1097, 0.0831, 0.0652],
        "accuracy": [0.9034, 0.9541, 0.9682, 0.9757, 0.9808],
        "val_loss": [0.1883, 0.1312, 0.1057, 0.1142, 0.1268],
        "val_accuracy": [0.9457, 0.9612, 0.9689, 0.9717, 0.9741],
    }
    return history_of(columns, **info)


def overfitting(epochs=30, rare=1):
    x = np.arange(1, epochs + 1)
    columns = {
        "loss": 1.8 * np.exp(-x / 3) + 0.005,
        "val_loss": np.where(x % rare, NAN, 1.5 * np.exp(-x / 2.5) + 0.08 + 0.009 * np.maximum(x - 6, 0)),
        "val_accuracy": np.where(x % rare, NAN, 0.97 - 0.3 * np.exp(-x / 2.5)),
    }
    return history_of(columns)


def long_run():
    noise = np.random.default_rng(0).random(10_000)
    x = np.arange(1, 10_001)
    return history_of({"loss": (1 + noise) / x, "val_loss": 0.02 + (1 + noise) / x**0.5, "val_accuracy": 1 - 0.5 / x})


def many_metrics():
    history = overfitting()
    for name in ("f1", "top_5_categorical_accuracy", "auc", "area_under_the_precision_recall_curve"):
        history[name] = [0.5 + 0.01 * n for n in range(30)]
        history[f"val_{name}"] = [0.4 + 0.01 * n for n in range(30)]
    history["mae"] = [3.0 - 0.1 * n for n in range(30)]
    history.info |= {"data": "路径/$x^2$_" * 30, "note": "W" * 200, "folder": "a_name_without_any_space" * 4}
    return history


def eventful(epochs=12, drops=(6, 9)):
    """All that a fit records: steps, learning rate, gradient norm, times, events."""
    history, generator = History(), np.random.default_rng(0)
    for epoch in range(1, epochs + 1):
        steps = (2 * np.exp(-epoch) + 0.3 / epoch) * generator.gamma(6, 1 / 6, 300)
        for loss in steps.tolist():
            history.trace.add(loss)
        rate = 0.003 * 0.5 ** sum(epoch > drop for drop in drops)
        history.record(epoch, loss=float(steps.mean()), accuracy=1 - 0.1 / epoch, learning_rate=rate, steps=300 * epoch)
        history.record(epoch, val_loss=0.1 + 0.2 / epoch + 0.01 * max(0, epoch - 6), val_accuracy=0.97 - 0.1 / epoch)
        history.record(epoch, gradient_norm=1 / epoch, seconds=1.5, samples_per_second=40_000.0)
    history.info = INFO | {"loss": "SparseCategoricalCrossentropy", "dtype": "float32"}
    for drop in drops:
        history.note(drop, "rate", "learning rate halved")
    history.note(epochs, "stop", "val_loss has not improved for 6 epochs")
    history.note(epochs, "restore", "weights of epoch 6 restored")
    return history


def uneven_times(first, later, change=6):
    history = eventful()
    history["seconds"] = [first] * change + [later] * (12 - change)
    return history


def stopped_within_an_epoch():
    history = eventful(3, drops=())
    history.note(2.5, "interrupt", "interrupted by Ctrl-C")
    history.interrupted = True
    return history


HISTORIES = {
    "five epochs": five_epochs,
    "overfitting": overfitting,
    "synthetic": lambda: five_epochs(data=SYNTHETIC),
    "one epoch": lambda: history_of({"loss": [0.3], "val_loss": [0.2], "accuracy": [0.9], "val_accuracy": [0.95]}),
    "no validation": lambda: history_of({"loss": [0.7, 0.5, 0.4], "accuracy": [0.5, 0.6, 0.7]}),
    "rare validation": lambda: overfitting(rare=5),
    "10,000 epochs": long_run,
    "many metrics": many_metrics,
    "negative": lambda: history_of({"loss": [5.0, 0.0, -3e6], "val_loss": [1e-9, 1.0, 2.0]}),
    "huge": lambda: history_of({"loss": [1e300, 1.5e99, 1e30], "val_loss": [1e38, math.inf, 1e-30]}),
    "not finite": lambda: history_of({"loss": [NAN] * 3, "val_loss": [math.inf] * 3, "accuracy": [1.0] * 3}),
    "constant": lambda: history_of({"loss": [0.0] * 4, "val_loss": [0.0] * 4, "val_accuracy": [1.0] * 4}),
    "eventful": eventful,
    "a drop every epoch": lambda: eventful(30, drops=range(1, 30)),
    "stopped within an epoch": stopped_within_an_epoch,
    "one epoch, all recorded": lambda: eventful(1, drops=()),
    "slower and slower": lambda: uneven_times(0.01, 500.0),
    "faster and faster": lambda: uneven_times(500.0, 0.001),
    "first epoch slow": lambda: uneven_times(500.0, 0.01, change=1),
    "one small loss": lambda: history_of({"loss": [0.00451434], "mae": [-1234567.8]}),
    "small losses that hardly move": lambda: history_of({"loss": [2.3835e-4, 2.3836e-4], "val_loss": [2.3837e-4] * 2}),
    "plain dict": lambda: {"loss": [0.7, 0.5]},
}
