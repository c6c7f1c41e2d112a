"""Run by `make wheel` with the Python of a clean environment into which only the built package was installed."""

import subprocess
import sys
from importlib.metadata import distribution, metadata, version
from importlib.resources import files
from pathlib import Path


def main() -> None:
    import numpy as np

    import cutedl
    from cutedl import Dataset, Model, Session, losses, nn, optimizers

    assert ".venv-wheel" in cutedl.__file__, f"imported the checkout, not what was installed: {cutedl.__file__}"
    assert version("cutedl") == cutedl.__version__
    assert metadata("cutedl")["License-Expression"] == "MIT"
    assert any(path.name == "LICENSE" for path in distribution("cutedl").files or [])
    assert files("cutedl").joinpath("py.typed").is_file()
    assert {"matplotlib", "tqdm", "pooch", "safetensors"}.isdisjoint(sys.modules)
    said = subprocess.run([sys.executable, "-m", "cutedl", "--version"], capture_output=True, text=True, check=True)
    assert cutedl.__version__ in said.stdout, said

    generator = np.random.default_rng(0)
    x = generator.standard_normal((500, 2))
    y = (np.hypot(*x.T) > 1.1).astype(int)
    model = Model([nn.Dense(16, activation="tanh"), nn.Dense(2)])
    session = Session(
        model, losses.SparseCategoricalCrossentropy(), optimizers.Adam(0.02), metrics=["accuracy"], seed=0
    )
    history = session.fit(Dataset(x, y), 20, verbose=0)
    assert history["accuracy"][-1] > 0.9, history["accuracy"]
    for name in ("fit-report.svg", "fit-report.html"):  # the page around the html needs a file of the package
        cutedl.fit_report(history, name)
        assert Path(name).stat().st_size > 10_000
    session.save("run.safetensors")
    assert (Model.load("run.safetensors").predict(x) == model.predict(x)).all()
    print(f"what was installed works: cutedl {cutedl.__version__}, accuracy {history['accuracy'][-1]:.3f}")


if __name__ == "__main__":
    main()
