"""Small data sets as files, and a way to run a command in this process."""

import json

import numpy as np
import pytest

from cutedl.__main__ import main


def ring(count=400, seed=0):
    """Two features of very different size; the label says whether a point lies inside a ring."""
    generator = np.random.default_rng(seed)
    x = generator.normal(size=(count, 2))
    y = np.array(["inside", "outside"])[(np.hypot(*x.T) > 1.1).astype(int)]
    return x * [1, 100] + [0, 5000], y


@pytest.fixture
def ring_csv(tmp_path):
    path = tmp_path / "ring.csv"
    rows = [f"{a!r},{b!r},{label}" for (a, b), label in zip(ring()[0].tolist(), ring()[1], strict=True)]
    path.write_text("\n".join(["near,far,place", *rows]) + "\n")
    return path


@pytest.fixture
def plane_npz(tmp_path):
    """Fractions that depend linearly on three features, with a test part."""
    generator = np.random.default_rng(1)
    x = generator.normal(size=(300, 3))
    y = x @ [1.0, -2.0, 0.5] + 0.25
    path = tmp_path / "plane.npz"
    np.savez(path, x_train=x[:240], y_train=y[:240], x_test=x[240:], y_test=y[240:])
    return path


class Told:
    """What a command said, and how it ended."""

    def __init__(self, status, out, err):
        self.status, self.out, self.err = status, out, err

    @property
    def data(self):
        return json.loads(self.out, parse_constant=pytest.fail)


@pytest.fixture
def cutedl(capsys):
    """Call as `cutedl("train", path, "--json")`."""

    def run(*arguments):
        status = main([str(argument) for argument in arguments])
        return Told(status, *capsys.readouterr())

    return run
