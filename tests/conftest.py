"""What holds for all tests."""

import os

# Tests run programs in folders of their own, where a relative path would lead elsewhere.
if "CUTEDL_DATA" in os.environ:
    os.environ["CUTEDL_DATA"] = os.path.abspath(os.environ["CUTEDL_DATA"])

# Read by SciPy when it is imported: with it scikit-learn's checks of array-API input run, too.
os.environ.setdefault("SCIPY_ARRAY_API", "1")
