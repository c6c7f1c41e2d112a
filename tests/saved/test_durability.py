"""What a save leaves when the disk fails, the process is killed, or power is lost: the old file or the new one."""

import errno
import itertools
import os
import signal
import stat
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from cutedl import files
from cutedl.checkpoint import read, write
from cutedl.errors import CheckpointWriteError
from tests.programs import program
from tests.saved.disk import Counting, Failing, Killing, Recording
from tests.saved.soak import times

ROOT = Path(__file__).parent.parent.parent
ERRORS = (errno.ENOSPC, errno.EIO, errno.EFBIG, errno.EDQUOT, errno.EROFS)


def state(number):
    return {"number": number, "array": np.full(700, number, "float32")}


def number_of(path):
    saved = read(path).state
    assert (saved["array"] == saved["number"]).all()
    return saved["number"]


def parts(folder):
    return [path.name for path in folder.rglob("*.part")]


# -- errors of the disk --------------------------------------------------------------------------------------------


def calls(path, keep):
    """How many system calls a save makes."""
    disk = Counting()
    write(path, state(0), keep=keep, system=disk)
    return disk.number


@pytest.mark.parametrize("keep", [0, 2])
@pytest.mark.parametrize("error", ERRORS, ids=errno.errorcode.get)
def test_an_error_of_any_system_call_leaves_the_old_file_and_says_so(tmp_path, error, keep):
    path, seen = tmp_path / "run.safetensors", set()
    for number in (1, 2, 3):
        write(path, state(number), keep=keep)
    for at in range(1, calls(path, keep) + 1):
        write(path, state(3), keep=keep)
        disk = Failing(at, error)
        with pytest.raises(CheckpointWriteError, match=os.strerror(error)) as caught:
            write(path, state(4), keep=keep, system=disk)
        assert caught.value.errno == error
        assert caught.value.path == str(path)
        assert caught.value.needed > 2800
        assert caught.value.free > 0
        # Flushing the folder comes last: the new file is in its place by then.
        assert number_of(path) in ((3, 4) if disk.failed in ("open_folder", "flush", "close") else (3,))
        assert not parts(tmp_path)
        seen.add(disk.failed)
    assert seen == {"create", "write", "flush", "close", "replace", "open_folder"} | (
        {"link", "remove"} if keep else set()
    )


@pytest.mark.parametrize("error", ERRORS, ids=errno.errorcode.get)
def test_an_error_while_a_folder_is_made(tmp_path, error):
    for at in range(1, calls(tmp_path / "0" / "new" / "run.safetensors", 0) + 1):
        path = tmp_path / str(at) / "new" / "run.safetensors"
        with pytest.raises(CheckpointWriteError):
            write(path, state(1), system=Failing(at, error))
        assert not parts(tmp_path)
        write(path, state(2))
        assert number_of(path) == 2


def test_a_file_larger_than_the_system_allows(tmp_path):
    """The real thing: EFBIG from the system, in a process that may write so many bytes only."""
    path = tmp_path / "run.safetensors"
    write(path, state(1))
    code = f"""
import resource, signal
from tests.saved.test_durability import state
from cutedl.checkpoint import write
from cutedl.errors import CheckpointWriteError
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
try:
    write({str(path)!r}, state(2))
except CheckpointWriteError as error:
    print(error)
"""
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    run = subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=environment, capture_output=True, text=True)
    assert "File too large" in run.stdout, run.stderr
    assert number_of(path) == 1
    assert not parts(tmp_path)


def test_a_folder_that_may_not_be_written(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(CheckpointWriteError, match="Not a directory|File exists"):
        write(tmp_path / "file" / "run.safetensors", state(1))


# -- kills -----------------------------------------------------------------------------------------------------------


def killed_at(path, at, keep):
    """Save in a child that is killed at a system call; return whether it was."""
    child = os.fork()
    if not child:
        write(path, state(2), keep=keep, system=Killing(at))
        os._exit(0)
    return os.waitpid(child, 0)[1] == signal.SIGKILL


@pytest.mark.parametrize("keep", [0, 2])
def test_a_kill_at_any_system_call_leaves_the_old_file_or_the_new_one(tmp_path, keep):
    found = set()
    for at in itertools.count(1):
        path = tmp_path / str(at) / "run.safetensors"
        write(path, state(0), keep=keep)
        write(path, state(1), keep=keep)
        if not killed_at(path, at, keep):
            assert at > 5
            break
        found.add(number_of(path))
        assert number_of(path) in (1, 2)
        write(path, state(3), keep=keep)
        assert number_of(path) == 3
        assert not parts(path.parent)
    assert found == {1, 2}


def test_kills_at_random_moments_of_saves_in_a_row(tmp_path):
    result = program("saved.kills", times(100, 2000), 11, tmp_path)
    assert (result["lost"], result["torn"], result["missing"]) == (0, 0, 0), result
    assert result["left"] == ["killed.1.safetensors", "killed.safetensors"]
    assert result["saves"] > 0
    assert result["between"] > 0, "no kill came in the middle of a save"


# -- loss of power ---------------------------------------------------------------------------------------------------

SCENES = {"first": (0, 0, "."), "over": (1, 0, "."), "generations": (4, 2, "."), "new folders": (0, 0, "a/b")}


def violations(root, scene, skip=None):
    """Save once, and load every state in which a loss of power can leave the disk; return (what is wrong, states)."""
    before, keep, inside = SCENES[scene]
    root.mkdir()
    path = (root / inside / "run.safetensors").resolve()
    for number in range(1, before + 1):
        write(path, state(number), keep=keep)
    disk = Recording(root.resolve(), skip)
    write(path, state(before + 1), keep=keep, system=disk)
    wrong, count, after = [], 0, root.with_name(f"{root.name}-after")
    after.mkdir()
    known = {}
    for moment, states in enumerate(disk.states):
        acknowledged = moment == len(disk.states) - 1
        allowed = {before + 1} if acknowledged else {before or None, before + 1}
        for left in states:
            count += 1
            saved = {name: data for name, data in left.items() if name.suffix == ".safetensors"}
            for data in saved.values():
                if data not in known:
                    (after / "file").write_bytes(data)
                    known[data] = readable(after / "file")
            if known.get(saved.get(path)) not in allowed or "broken" in {known[data] for data in saved.values()}:
                wrong.append((moment, {name.name: known[data] for name, data in saved.items()}))
    return wrong, count, disk.flushes


def readable(path):
    try:
        return number_of(path)
    except ValueError:
        return "broken"


def test_every_state_that_a_loss_of_power_can_leave_is_the_old_file_or_the_new_one(tmp_path):
    total = 0
    for scene in SCENES:
        wrong, count, _ = violations(tmp_path / scene, scene)
        assert not wrong, (scene, wrong[:3])
        total += count
    assert total >= 500


@pytest.mark.parametrize("scene", SCENES)
def test_no_flush_can_be_left_out(tmp_path, scene):
    flushes = violations(tmp_path / "all", scene)[2]
    for skip in range(1, flushes + 1):
        assert violations(tmp_path / str(skip), scene, skip)[0], f"flush {skip} of {flushes} is not needed"


# -- names, permissions, temporary files -----------------------------------------------------------------------------


def test_generations_are_kept_as_asked(tmp_path):
    path = tmp_path / "run.safetensors"
    for number in range(6):
        write(path, state(number), keep=2)
    assert {file.name: number_of(file) for file in tmp_path.iterdir()} == {
        "run.safetensors": 5,
        "run.1.safetensors": 4,
        "run.2.safetensors": 3,
    }
    write(path, state(6))
    assert number_of(tmp_path / "run.1.safetensors") == 4, "keep=0 leaves older generations alone"


def test_a_symbolic_link_goes_on_pointing_where_it_did(tmp_path):
    (tmp_path / "disk").mkdir()
    target, link = tmp_path / "disk" / "run.safetensors", tmp_path / "latest.safetensors"
    link.symlink_to(target)
    write(link, state(1))
    write(link, state(2))
    assert link.is_symlink()
    assert number_of(target) == 2
    assert [file.name for file in target.parent.iterdir()] == ["run.safetensors"]


def test_permissions_follow_the_umask_and_then_the_old_file(tmp_path):
    path = tmp_path / "run.safetensors"
    before = os.umask(0o027)
    try:
        write(path, state(1))
        assert stat.S_IMODE(path.stat().st_mode) == 0o640
        path.chmod(0o600)
        write(path, state(2))
    finally:
        os.umask(before)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_temporary_files_of_the_dead_are_removed_and_no_others(tmp_path):
    path = tmp_path / "run.safetensors"
    child = os.fork()
    if not child:
        os._exit(0)
    os.waitpid(child, 0)
    boot = files._boot()
    dead = tmp_path / f"run.safetensors.{boot}-{child}-0123456789ab.part"
    alive = tmp_path / f"run.safetensors.{boot}-{os.getppid()}-0123456789ab.part"
    stranger = tmp_path / f"run.safetensors.00000000-{child}-0123456789ab.part"
    old_stranger = tmp_path / f"run.safetensors.00000000-{child}-ba9876543210.part"
    other = tmp_path / f"run2.safetensors.{boot}-{child}-0123456789ab.part"
    for file in (dead, alive, stranger, old_stranger, other):
        file.touch()
    os.utime(old_stranger, (0, 0))
    write(path, state(1))
    assert {file for file in tmp_path.iterdir() if file != path} == {alive, stranger, other}


def test_saves_of_two_processes_do_not_meet(tmp_path):
    path = tmp_path / "run.safetensors"
    write(path, state(0))
    children = []
    for number in (1, 2, 3):
        child = os.fork()
        if not child:
            for _ in range(times(15, 200)):
                write(path, state(number))
            os._exit(0)
        children.append(child)
    numbers = {number_of(path) for _ in range(times(150, 2000))}
    assert [os.waitpid(child, 0)[1] for child in children] == [0, 0, 0]
    assert numbers <= {0, 1, 2, 3}
    assert [file.name for file in tmp_path.iterdir()] == ["run.safetensors"]


def test_a_counted_disk_is_asked_for_every_call(tmp_path):
    """The test of the tester: what Failing and Killing stand at is all that a save does to the disk."""
    disk = Counting()
    write(tmp_path / "run.safetensors", state(1), system=disk)
    # create, three writes, flush, close, replace; open, flush and close of the folder
    assert disk.number == 7 + 3
