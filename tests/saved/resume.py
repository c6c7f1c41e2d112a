"""A program of its own: load sessions from a folder, train each to its end, and save it under a new name.

python -m tests.saved.resume FOLDER
"""

import sys
from pathlib import Path

from cutedl.session import Session
from tests.saved.runs import fit

if __name__ == "__main__":
    for path in sorted(Path(sys.argv[1]).glob("*.interrupted.safetensors")):
        session = Session.load(path)
        fit(session)
        session.save(path.with_name(path.name.replace("interrupted", "resumed")))
