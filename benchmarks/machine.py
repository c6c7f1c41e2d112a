"""What the numbers are measured on: `python -m benchmarks.machine`."""

from __future__ import annotations

import json
import os
import platform
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

__all__ = ["describe"]


def describe() -> dict[str, Any]:
    """Return processor, system, Python, NumPy and its BLAS, the load and the time."""
    blas = np.show_config(mode="dicts")["Build Dependencies"]["blas"]
    return {
        "processor": processor(),
        "processors": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "load": os.getloadavg()[0] if hasattr(os, "getloadavg") else None,
        "system": platform.platform(),
        "python": platform.python_version(),
        "numpy": np.__version__,
        "blas": f"{blas['name']} {blas['version']}{told()}",
        "time": datetime.now(UTC).isoformat(timespec="seconds"),
    }


def told() -> str:
    """What OpenBLAS was told besides its threads: which kernels to take, how long a thread waits before it sleeps."""
    names = ("OPENBLAS_CORETYPE", "OPENBLAS_THREAD_TIMEOUT")
    return "".join(f", {name}={os.environ[name]}" for name in names if name in os.environ)


def processor() -> str:
    """The name that the processor gives itself."""
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        for line in cpuinfo.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


if __name__ == "__main__":
    print(json.dumps(describe()))
