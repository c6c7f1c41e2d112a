"""Run by `make wheel` where only NumPy and cutedl are installed: it trains and predicts, and says what is missing."""

import contextlib
import io
import os
import pty
import subprocess
import sys
import warnings
from collections.abc import Callable
from importlib.util import find_spec


def main() -> None:
    import numpy as np

    import cutedl
    from cutedl import Dataset, Model, Session, datasets, losses, nn, optimizers, report

    assert ".venv-wheel" in cutedl.__file__, f"imported the checkout, not the wheel: {cutedl.__file__}"
    assert not any(map(find_spec, ("matplotlib", "tqdm", "pooch", "safetensors")))
    warnings.simplefilter("error")

    x = np.linspace(-1, 1, 200).reshape(-1, 1)
    session = Session(Model([nn.Dense(1)]), losses.MeanSquaredError(), optimizers.Adam(0.05), ["mae"], seed=0)
    with contextlib.redirect_stderr(io.StringIO()) as lines:
        history = session.fit(Dataset(x, 3 * x + 1), 60, val_data=Dataset(x, 3 * x + 1))
    assert lines.getvalue().count("\n") == 60, lines.getvalue()
    assert abs(session.predict([[0.5]]).item() - 2.5) < 0.05
    print(session.model.summary())

    assert complaint(lambda: session.save("alone.run")) == "saving needs safetensors. hint: pip install safetensors"
    drawing = "drawing needs matplotlib. hint: pip install matplotlib"
    assert drawing in complaint(lambda: cutedl.fit_report(history, "alone.png"))
    assert drawing in complaint(lambda: report.plot_confusion_matrix([0, 1], [0, 1]))
    assert "rendering digits needs matplotlib" in complaint(lambda: datasets.glyphs.atlas(0.5))
    assert not any(name.startswith("alone.") for name in os.listdir())
    in_a_terminal()
    print(f"NumPy alone is enough: cutedl {cutedl.__version__}, loss {history['loss'][-1]:.2g}")


def complaint(attempt: Callable[[], object]) -> str:
    """The text of an error or, for reports, of a warning."""
    try:
        attempt()
    except (ImportError, UserWarning) as problem:
        return str(problem)
    return "none"


def in_a_terminal() -> None:
    """Without tqdm there is no live line, but plain ones."""
    code = (
        "from cutedl import *; from cutedl import losses, nn, optimizers; s = Session(Model([nn.Dense(1)]), "
        "losses.MeanSquaredError(), optimizers.SGD(0.1)); s.fit(Dataset([[1.0]], [[1.0]]), 3)"
    )
    reading, writing = pty.openpty()
    subprocess.run([sys.executable, "-W", "error", "-c", code], stderr=writing, check=True)
    os.close(writing)
    text = os.read(reading, 10_000).decode()
    os.close(reading)
    assert [line[:9] for line in text.splitlines()] == ["epoch 1/3", "epoch 2/3", "epoch 3/3"], text


if __name__ == "__main__":
    main()
