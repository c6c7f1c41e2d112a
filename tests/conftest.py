"""What holds for all tests."""

import os

# Tests run programs in folders of their own, where a relative path would lead elsewhere.
if "CUTEDL_DATA" in os.environ:
    os.environ["CUTEDL_DATA"] = os.path.abspath(os.environ["CUTEDL_DATA"])
