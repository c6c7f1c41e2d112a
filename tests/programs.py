"""Programs of the tests that want a process of their own, and say as JSON what they found."""

import json
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent


def program(name, *arguments, **environment):
    """Run tests.name, a module, with the arguments, and return what it says."""
    command = [sys.executable, "-m", f"tests.{name}", *map(str, arguments)]
    environment = os.environ | {"PYTHONPATH": str(ROOT)} | environment
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, env=environment)
    assert run.returncode == 0, run.stderr
    return json.loads(run.stdout)
