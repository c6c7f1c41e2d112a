"""A run that was killed after a save goes on in a new process and ends as the one that was not: in the same bits."""

import os
import signal
import subprocess
import sys

import pytest

from cutedl.checkpoint import read
from tests.saved.runs import ALL, Save, fit, sample, start
from tests.saved.sessions import digest, digest_of_file, without_clock
from tests.saved.soak import times
from tests.saved.test_durability import ROOT


def interrupt(run, moment, path):
    """Train in a child that saves at a moment and is killed."""
    child = os.fork()
    if not child:
        fit(run, Save(path, moment, lambda: os.kill(os.getpid(), signal.SIGKILL)))
        os._exit(1)
    assert os.waitpid(child, 0)[1] == signal.SIGKILL, "the moment never came"


def test_resumed_runs_end_in_the_same_bits(tmp_path):
    cases = list(times(sample(), ALL))
    for number, (*parts, moment) in enumerate(cases):
        interrupt(start(*parts), moment, tmp_path / f"{number}.interrupted.safetensors")
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-W", "error", "-m", "tests.saved.resume", tmp_path]
    subprocess.run(command, cwd=ROOT, env=environment, check=True)
    straight, differing = {}, []
    for number, (*parts, moment) in enumerate(cases):
        if tuple(parts) not in straight:
            run = start(*parts)
            fit(run)
            run.save(tmp_path / "straight.safetensors")
            straight[tuple(parts)] = digest_of_file(tmp_path / "straight.safetensors")
        if digest_of_file(tmp_path / f"{number}.resumed.safetensors") != straight[tuple(parts)]:
            differing.append((*parts, moment))
    assert not differing, f"{len(differing)} of {len(cases)}: {differing[:5]}"


PARTS = ("values", "statistics", "noise", "optimizer", "loss", "history", "session")


@pytest.mark.parametrize("part", PARTS)
def test_the_comparison_sees_every_part(tmp_path, part):
    """The test of the tester: a change anywhere in a saved session changes its digest."""
    run = start("adam with everything", "cosine", "both")
    fit(run)
    run.save(tmp_path / "a.safetensors")
    state = without_clock(read(tmp_path / "a.safetensors").state)
    before = digest(state)
    for where in leaves(state[part]):
        kept, changed = where[0][where[1]], None
        where[0][where[1]] = changed
        assert (digest(state) != before) == (kept is not None), where[1]
        where[0][where[1]] = kept
    assert digest(state) == before


def leaves(tree):
    for key, item in tree.items() if isinstance(tree, dict) else enumerate(tree):
        if isinstance(item, dict | list):
            yield from leaves(item)
        else:
            yield tree, key
