"""Draw the pictures of the guides: `python docs/make_pictures.py` writes docs/images/*.png. Needs MNIST, and a minute.

One is its own: how far float32 is from the true loss and gradient, by how sure the model is, textbook formula against
cutedl. The others are what cutedl.report draws of small runs on MNIST.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from numpy.typing import NDArray

from cutedl import Dataset, Model, Session, datasets, nn, optimizers
from cutedl.files import publish
from cutedl.listeners import EarlyStopping, ReduceLROnPlateau
from cutedl.losses import SparseCategoricalCrossentropy
from cutedl.report import (
    compare_reports,
    fit_report,
    plot_confusion_matrix,
    plot_gradients,
    plot_lr_find,
    plot_mistakes,
    plot_weights,
)

Array = NDArray[Any]

ROOT = Path(__file__).parent.parent
IMAGES = ROOT / "docs" / "images"
MARGINS = np.linspace(0.0, 40.0, 161)
ROWS, CLASSES = 400, 10  # rows per margin, of which the worst is drawn
HALF_UNIT = 2.0**-24  # half of float32's step just above 1: a correctly rounded number is at most this far off

# Okabe and Ito's colours, for colour-blind readers; in grey, the dashes differ.
TEXTBOOK: dict[str, Any] = {"color": "#D55E00", "ls": (0, (4, 1.5)), "lw": 1.8}
CUTEDL: dict[str, Any] = {"color": "#0072B2", "ls": "-", "lw": 1.8}
INK, MUTED, FAINT = "#1A1A1A", "#595959", "#E3E3E3"


def logits(margin: float, generator: np.random.Generator) -> Array:
    """Return rows (R, C) of float32 logits whose class 0 leads: one rival by the margin, the others by up to 8 more."""
    lead = margin + generator.uniform(0.0, 8.0, (ROWS, CLASSES))
    lead[:, :2] = 0.0, margin
    return (generator.uniform(0.0, 10.0, (ROWS, 1)) - lead).astype(np.float32)


def exact(x: Array) -> Array:
    """Return loss and dL/dx_0 of each row, (2, R): the closed forms in float64."""
    x = x.astype(np.float64)
    s = np.exp(x[:, 1:] - x[:, :1]).sum(axis=1)
    return np.array([np.log1p(s), -s / (1.0 + s)])


def textbook(x: Array) -> Array:
    """Return loss and dL/dx_0 of each row, (2, R), in x's own precision: -log p_y and p_y - 1."""
    e = np.exp(x - x.max(axis=1, keepdims=True))
    p = e[:, 0] / e.sum(axis=1)
    return np.array([-np.log(p), p - 1.0])


def cutedl(x: Array) -> Array:
    """Return loss and dL/dx_0 of each row, (2, R), as the library computes them from float32 logits."""
    losses, gradient = SparseCategoricalCrossentropy(reduction="none").value_and_gradient(np.zeros(len(x)), x)
    return np.array([losses, gradient[:, 0]])


def worst_errors() -> tuple[Array, Array]:
    """Return the largest relative errors of textbook and cutedl, (2, margins) each: of the loss, of the gradient."""
    generator = np.random.default_rng(0)
    found = []
    for margin in MARGINS:
        x = logits(margin, generator)
        found.append([np.abs(form(x) / exact(x) - 1.0).max(axis=1) for form in (textbook, cutedl)])
    first, second = np.moveaxis(np.array(found), 0, -1)
    return first, second


def draw() -> Figure:
    """Return the picture: two panels, the loss and its gradient, with one scale of errors."""
    figure = Figure(figsize=(7.2, 3.75), dpi=150, layout=ConstrainedLayoutEngine(wspace=0.06))
    panels = figure.subplots(1, 2, sharey=True)
    of_textbook, of_cutedl = worst_errors()
    titles = "Loss  L = −log p$_y$", "Gradient by the right class’ logit  ∂L/∂x$_y$ = p$_y$ − 1"
    ends = "exactly 0: taken for perfect", "exactly 0: pushed no more"
    for axes, title, end, dashed, solid in zip(panels, titles, ends, of_textbook, of_cutedl, strict=True):
        axes.plot(MARGINS, dashed, **TEXTBOOK)
        axes.plot(MARGINS, solid, **CUTEDL)
        axes.set_title(title, loc="left", color=INK)
        frame(axes)
        label(axes, end)
    panels[0].set_ylabel("relative error, worst of 400 rows", color=INK)
    figure.supxlabel("margin: how far the right class’ logit lies above the next one", fontsize=9, color=INK)
    return figure


def frame(axes: Axes) -> None:
    """Set the axes that both panels share."""
    axes.set_yscale("log")
    axes.set(xlim=(0, 40), ylim=(1e-9, 10), xticks=range(0, 41, 10), yticks=[1e-8, 1e-6, 1e-4, 1e-2, 1])
    axes.set_yticklabels(["10⁻⁸", "10⁻⁶", "10⁻⁴", "10⁻²", "1"])
    axes.minorticks_off()
    axes.grid(color=FAINT, lw=0.8)
    axes.axhline(HALF_UNIT, color=MUTED, lw=0.9, ls=":")
    axes.set_axisbelow(True)
    axes.tick_params(color=FAINT, labelcolor=INK)
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set_color(MUTED)


def label(axes: Axes, end: str) -> None:
    """Name the lines where they are: no legend to look up."""
    axes.text(40, 1.7, end, ha="right", color=TEXTBOOK["color"])
    axes.text(13.5, 2e-2, "textbook formula", color=TEXTBOOK["color"])
    axes.text(13.5, 5e-7, "cutedl", color=CUTEDL["color"])
    axes.text(40, 1.8e-8, "half a unit in float32’s last place", ha="right", color=MUTED)


def session_on(train: Dataset, optimizer: optimizers.Optimizer) -> Session:
    """Return an MLP that has not yet seen the data."""
    model = Model([nn.Dense(128, activation="relu"), nn.Dense(10)])
    model.assemble(seed=0, inshape=train.data.shape[1:])
    return Session(model, SparseCategoricalCrossentropy(), optimizer, metrics=["accuracy"], seed=0)


def draw_reports() -> None:
    """Draw the runs: the README's example, one that overfits a tenth of MNIST, and three optimizers on it."""
    example = ROOT / "examples" / "mlp" / "mnist-recognize.py"
    subprocess.run([sys.executable, example, "--data", "mnist", "--report", IMAGES / "fit-report.png"], check=True)
    whole, test = datasets.mnist.load(64, one_hot=False)
    train = Dataset(whole.data[:6000], whole.label[:6000], 64, source="MNIST, 6,000 of its 60,000 digits")

    session = session_on(train, optimizers.Adam(0.003))
    save(plot_lr_find(session.lr_find(train)), "lr-find.png")
    listeners = [EarlyStopping(patience=6), ReduceLROnPlateau(patience=3, factor=0.3)]
    history = session.fit(train, 40, val_data=test, listeners=listeners, verbose=0)
    y_pred = session.predict(test.data)
    fit_report(history, IMAGES / "fit-report-overfitting.png", predictions=(test, y_pred))
    save(plot_confusion_matrix(test.label, y_pred), "confusion-matrix.png")
    save(plot_mistakes(test.data, test.label, y_pred), "mistakes.png")
    save(plot_weights(session.model), "weights.png")
    step(session.model, train)
    save(plot_gradients(session.model), "gradients.png")

    rivals = {"SGD 0.1": optimizers.SGD(0.1), "Adam 0.003": optimizers.Adam(0.003), "Adam 0.03": optimizers.Adam(0.03)}
    runs = [session_on(train, rival).fit(train, 12, val_data=test, verbose=0) for rival in rivals.values()]
    compare_reports(runs, list(rivals), IMAGES / "compare-reports.png")


def step(model: Model, train: Dataset) -> None:
    """Fill the gradients of a model from 256 samples."""
    y_pred = model.forward(train.data[:256].astype(model.dtype))
    _, gradient = SparseCategoricalCrossentropy().value_and_gradient(train.label[:256], y_pred)
    model.backward(gradient)


def save(figure: Figure, name: str) -> None:
    """Write a picture, with the same bytes each time."""
    with publish(IMAGES / name) as temporary:
        figure.savefig(temporary, format="png", dpi=150, facecolor="white", metadata={"Software": None})


def main() -> None:
    """Write all pictures."""
    with matplotlib.rc_context({"font.family": "DejaVu Sans", "font.size": 9, "axes.titlesize": 9}):
        save(draw(), "cross-entropy-error.png")
    draw_reports()


if __name__ == "__main__":
    main()
