"""Process: the parent's end of one peer."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import Any

from benchmarks.works import Work

__all__ = ["Process"]

_ROOT = Path(__file__).parent.parent


class Process:
    """A peer at work in a process of its own, or the reason why it is not.

    facts: versions, once it is ready. absent: None, or why it takes no part (any more).
    """

    def __init__(self, name: str, work: Work, folder: Path, threads: int) -> None:
        self.name = name
        self.absent: str | None = None
        self._errors = tempfile.TemporaryFile("w+")  # noqa: SIM115  closed in close()
        self._child = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.child", name, json.dumps(asdict(work)), str(folder), str(threads)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            text=True,
            cwd=_ROOT,
            env=environment(threads),
        )
        self.facts: dict[str, str] = self._answer().get("ready", {})

    def __repr__(self) -> str:
        return f"Process({self.name!r}, {self.absent or 'at work'})"

    def turn(self) -> float | None:
        """Let the peer do one epoch, or its calls; return seconds, or None where it is absent."""
        return self._ask("turn").get("seconds")

    def finish(self) -> dict[str, Any]:
        """Return accuracy, loss, memory; the process ends."""
        return self._ask("finish")

    def close(self) -> None:
        """End the process, whatever it does."""
        if self._child.stdin is not None and self._child.stdout is not None:
            self._child.kill()
            self._child.wait()
            self._child.stdin.close()
            self._child.stdout.close()
        self._errors.close()

    def _ask(self, what: str) -> dict[str, Any]:
        if self.absent is not None or self._child.stdin is None:
            return {}
        try:
            print(what, file=self._child.stdin, flush=True)
        except BrokenPipeError:
            self.absent = self._last_words()
            return {}
        return self._answer()

    def _answer(self) -> dict[str, Any]:
        line = self._child.stdout.readline() if self._child.stdout is not None else ""
        answer: dict[str, Any] = json.loads(line) if line else {"absent": self._last_words()}
        self.absent = answer.get("absent")
        return answer

    def _last_words(self) -> str:
        code = self._child.wait()
        self._errors.seek(0)
        lines = self._errors.read().strip().splitlines() or [""]
        return f"ended with code {code}: {lines[-1]}"


def environment(threads: int) -> dict[str, str]:
    """What every peer is started with: the same number of threads, no accelerator, no chatter."""
    counts = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")
    return {
        **os.environ,
        **dict.fromkeys(counts, str(threads)),
        "CUDA_VISIBLE_DEVICES": "",
        "JAX_PLATFORMS": "cpu",
        "TF_CPP_MIN_LOG_LEVEL": "3",
    }
