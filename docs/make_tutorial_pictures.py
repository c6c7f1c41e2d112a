"""Draw the tutorials' and the gallery's pictures: `python docs/make_tutorial_pictures.py`, docs/images/tutorial-*.png.

The learning curves are those of the page: its first code block is run. The gallery's pictures are what its examples
draw.
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import matplotlib
from matplotlib.figure import Figure

from cutedl.files import publish

DOCS = Path(__file__).parent
IMAGES = DOCS / "images"
GALLERY = DOCS.parent / "examples" / "gallery"

# Okabe and Ito's colours, for colour-blind readers; in grey, the dashes differ.
TRAINING: dict[str, Any] = {"color": "#0072B2", "ls": "-", "lw": 1.6}
VALIDATION: dict[str, Any] = {"color": "#D55E00", "ls": (0, (4, 1.5)), "lw": 1.6}
INK, MUTED, FAINT = "#1A1A1A", "#595959", "#E3E3E3"


def runs() -> dict[str, Any]:
    """Return the histories of the tutorial, by their names."""
    page = (DOCS / "tutorial-learning-curve.md").read_text()
    first = re.search(r"^```python\n(.*?)^```", page, re.MULTILINE | re.DOTALL)
    assert first is not None
    names: dict[str, Any] = {}
    exec(first[1], names)
    found: dict[str, Any] = names["runs"]
    return found


def learning_curves() -> Figure:
    """Return the picture: one panel per run, with one scale of losses."""
    figure = Figure(figsize=(7.2, 2.5), dpi=150, layout="constrained")
    for axes, (name, history) in zip(figure.subplots(1, 4, sharey=True), runs().items(), strict=True):
        epochs = history["epoch"]
        axes.plot([epoch - 0.5 for epoch in epochs], history["loss"], **TRAINING, label="training")
        axes.plot(epochs, history["val_loss"], **VALIDATION, label="validation")
        best = history.best("val_loss")
        axes.plot(*best, "o", ms=5, mfc="white", color=VALIDATION["color"])
        axes.set_title(name, loc="left", color=INK)
        axes.set(ylim=(0, 1), xlim=(0, len(epochs)))
        axes.set_xlabel("epoch", color=INK)
        axes.grid(color=FAINT, lw=0.8)
        axes.tick_params(color=FAINT, labelcolor=INK)
        axes.spines[["top", "right"]].set_visible(False)
        axes.spines[["left", "bottom"]].set_color(MUTED)
    figure.axes[0].set_ylabel("loss", color=INK)
    figure.axes[0].legend(frameon=False, loc="lower left", handlelength=2.4)
    return figure


def main() -> None:
    """Write every picture."""
    settings = {"font.family": "DejaVu Sans", "font.size": 9, "axes.titlesize": 9}
    with matplotlib.rc_context(settings), publish(IMAGES / "tutorial-learning-curves.png") as temporary:
        learning_curves().savefig(temporary, format="png", facecolor="white", metadata={"Software": None})
    for example in sorted(GALLERY.glob("*.py")):
        if "--picture" in example.read_text():
            picture = IMAGES / f"tutorial-{example.stem}.png"
            subprocess.run([sys.executable, example, "--picture", picture], check=True)


if __name__ == "__main__":
    main()
