"""What holds for all tests."""

import os

import pytest

from cutedl.helper import THREAD_VARIABLES

# Tests run programs in folders of their own, where a relative path would lead elsewhere.
if "CUTEDL_DATA" in os.environ:
    os.environ["CUTEDL_DATA"] = os.path.abspath(os.environ["CUTEDL_DATA"])

# Read by SciPy when it is imported: with it scikit-learn's checks of array-API input run, too.
os.environ.setdefault("SCIPY_ARRAY_API", "1")


@pytest.fixture
def several_threads(monkeypatch):
    """The environment of a user who has not asked for one thread, as `make test` does."""
    for name in THREAD_VARIABLES:
        monkeypatch.delenv(name, raising=False)
