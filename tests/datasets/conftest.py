import os
from pathlib import Path

import pytest

from tests.datasets.shelf import Shelf

SHARED = [os.environ.get("CUTEDL_DATA"), Path(__file__).parents[2].parent / "shared" / "datasets"]


@pytest.fixture
def shelf():
    return Shelf()


@pytest.fixture
def cache_folder(tmp_path, monkeypatch):
    """An empty cache, and nothing else that a search could find."""
    monkeypatch.delenv("CUTEDL_DATA", raising=False)
    monkeypatch.delenv("CUTEDL_OFFLINE", raising=False)
    for name in ("XDG_CACHE_HOME", "LOCALAPPDATA"):
        monkeypatch.setenv(name, str(tmp_path / "caches"))
    return tmp_path / "caches" / "cutedl"


@pytest.fixture(scope="session")
def mnist_dir():
    for folder in filter(None, SHARED):
        if list(Path(folder).glob("**/train-images-idx3-ubyte*")):
            return Path(folder).resolve()
    pytest.skip("the real MNIST is not at hand: CUTEDL_DATA names no folder with its files")
