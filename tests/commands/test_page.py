"""docs/command-line.md: every command on it, typed into a shell in its order, prints what the page shows."""

import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "command-line.md").read_text()


def blocks(language):
    return re.findall(rf"^```{language}\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)


def alike(text):
    """The same but for the digits: numbers differ from machine to machine."""
    return re.sub(r"[\d.,]+", "0", text).strip()


def test_commands_print_what_the_page_shows(tmp_path):
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "CUTEDL_OFFLINE": "1"}
    for code in blocks("python"):
        subprocess.run([sys.executable, "-c", code], cwd=tmp_path, check=True)
    commands = [part for block in blocks("console") for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]]
    assert len(commands) >= 6
    for part in commands:
        command, shown = part.split("\n", 1)
        done = subprocess.run(
            command.replace("python -m", f"'{sys.executable}' -W error -m"),
            shell=True,
            cwd=tmp_path,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        assert alike(done.stdout) == alike(shown), command
        claimed, measured = (re.findall(r"accuracy\W+([\d.]+)", text) for text in (shown, done.stdout))
        for one, other in zip(claimed, measured, strict=True):
            assert abs(float(one) - float(other)) < 0.02, command
    assert (tmp_path / "fruit.png").stat().st_size > 10_000
