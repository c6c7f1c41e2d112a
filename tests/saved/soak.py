"""How much is tried: enough for `make test`, or as much as `make soak` has time for."""

import os


def times(usual, soak):
    return soak if os.environ.get("CUTEDL_SOAK") else usual
