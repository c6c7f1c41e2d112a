"""Whether the tests would notice: change one operator, number or condition of the code at a time and run them.

    python -m tests.mutants losses 200 SEED FOLDER

A program of its own, in an environment that has cosmic-ray besides `cutedl[test]`. It works on a copy of the tree in
FOLDER. cosmic-ray says what can be changed; a random sample of the places that it names is drawn, one change at each,
so that a `+` with its eleven substitutes does not count eleven times. Annotations are left alone: they never run.
"""

import ast
import difflib
import itertools
import json
import math
import os
import random
import shutil
import signal
import sys
import time
import warnings
from pathlib import Path

import pytest

# What is changed, and the tests that it ought to fail, in stages: the quick ones first. Conformance, which is itself a
# test of the losses against PyTorch and Keras, is left out.
SAVED, LOSSES = "tests/saved/test_", "tests/losses/test_"
QUICK = ("ranges", "defaults", "fast_forms", "reduction", "refusals", "functions", "inspection")
SUBJECTS = {
    "checkpoint": (
        ["cutedl/checkpoint.py", "cutedl/container.py", "cutedl/encoding.py"],
        [[f"{SAVED}{name}.py" for name in ("format", "checkpoint", "saving")]
         + ["cutedl/checkpoint.py", "cutedl/encoding.py"],
         [f"{SAVED}fuzz.py", f"{SAVED}durability.py",
          "--deselect", f"{SAVED}fuzz.py::test_damaged_and_forged_files_are_refused",
          "--deselect", f"{SAVED}durability.py::test_kills_at_random_moments_of_saves_in_a_row"]],
    ),
    "losses": (
        ["cutedl/losses/[!c]*.py", "cutedl/losses/c[!o]*.py", "cutedl/losses/cosine.py"],
        [[*(f"{LOSSES}{name}.py" for name in QUICK), "cutedl/losses"], ["tests/losses"]],
    ),
    "optimizers": (["cutedl/optimizers/*.py"], [["tests/optimizers", "cutedl/optimizers"]]),
}  # fmt: skip
PATIENCE = 120  # seconds; a change may make a loop that never ends


def annotated(source):
    """The places, (line, column) to (line, column), that are annotations."""
    for node in ast.walk(ast.parse(source)):
        for part in (getattr(node, "annotation", None), getattr(node, "returns", None)):
            if part is not None:
                yield (part.lineno, part.col_offset), (part.end_lineno, part.end_col_offset)


def places(path):
    """{place: [(operator, occurrence), ...]} of a file."""
    from cosmic_ray import plugins
    from cosmic_ray.ast import ast_nodes, get_ast

    source = path.read_text()
    skipped, nodes, found = list(annotated(source)), list(ast_nodes(get_ast(source))), {}
    for name in plugins.operator_names():
        if "Variable" in name:  # these two want arguments
            continue
        operator = plugins.get_operator(name)()
        positions = (position for node in nodes for position in operator.mutation_positions(node))
        for occurrence, (start, end) in enumerate(positions):
            if not any(first <= start and end <= last for first, last in skipped):
                found.setdefault((str(path), start), []).append((name, occurrence))
    return found


def differs(changed, source):
    """Whether a change makes another program.

    Some make none: cosmic-ray takes the star of *args for a product. Nor do those count at which Python warns as it
    compiles (`n is 1`): no test has to notice them.
    """
    try:
        with warnings.catch_warnings(action="error"):
            compile(changed, "changed", "exec")
    except SyntaxError:
        return False
    return ast.dump(ast.parse(changed)) != ast.dump(ast.parse(source))


def sample(paths, rng):
    """Draw places, each once, and one change at each that makes another program: (path, source as changed)."""
    from cosmic_ray import plugins
    from cosmic_ray.mutating import mutate_code

    found = {place: changes for path in paths for place, changes in places(path).items()}
    print(f"{sum(map(len, found.values()))} changes at {len(found)} places", flush=True)
    for place in rng.sample(sorted(found), len(found)):
        path = Path(place[0])
        name, occurrence = rng.choice(found[place])
        source = path.read_text()
        changed = mutate_code(source, plugins.get_operator(name)(), occurrence)
        if changed is not None and differs(changed, source):
            yield path, changed


def passes(tests):
    """Run the tests in a process that inherits the libraries, which are slow to load; one that takes too long fails."""
    sys.stdout.flush()
    child = os.fork()
    if not child:
        os.setsid()
        silence = os.open(os.devnull, os.O_RDWR)
        for number in range(3):
            os.dup2(silence, number)
        os._exit(pytest.main(["-x", "-q", "--assert=plain", *tests]))
    ends = time.monotonic() + PATIENCE
    while time.monotonic() < ends:
        process, status = os.waitpid(child, os.WNOHANG)
        if process:
            return os.waitstatus_to_exitcode(status) == pytest.ExitCode.OK
        time.sleep(0.02)
    os.killpg(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return False


def interval(killed, count):
    """Wilson's interval of 95 % for the share killed."""
    share, z = killed / count, 1.96
    middle = share + z * z / (2 * count)
    half = z * math.sqrt(share * (1 - share) / count + z * z / (4 * count * count))
    return [round((middle + sign * half) / (1 + z * z / count), 3) for sign in (-1, 1)]


def main(subject, count, seed, folder):
    tree = Path(folder, "tree")
    shutil.copytree(Path.cwd(), tree, ignore=shutil.ignore_patterns(".*", "__pycache__", "build", "dist"))
    os.chdir(tree)
    sys.path[0] = os.environ["PYTHONPATH"] = str(tree)
    globs, stages = SUBJECTS[subject]
    paths = sorted(path for glob in globs for path in Path().glob(glob))
    if not all(map(passes, stages)):
        sys.exit("the tests fail before anything is changed")
    sys.dont_write_bytecode = True  # nor may what was compiled above stand in for what is changed now
    for path in paths:
        for compiled in path.parent.glob(f"__pycache__/{path.stem}.*"):
            compiled.unlink()
    survivors, tried = [], 0
    for path, changed in itertools.islice(sample(paths, random.Random(seed)), count):
        source = path.read_text()
        path.write_text(changed)
        tried += 1
        if all(map(passes, stages)):
            diff = difflib.unified_diff(source.splitlines(), changed.splitlines(), str(path), "changed", "", "", 0, "")
            survivors.append("\n".join(diff))
            print(survivors[-1], flush=True)
        path.write_text(source)
        if not tried % 10:
            print(f"{tried}: {len(survivors)} survive", flush=True)
    killed = tried - len(survivors)
    print(json.dumps({"tried": tried, "killed": killed, "share": killed / tried, "95 %": interval(killed, tried)}))


if __name__ == "__main__":
    import hypothesis.extra.numpy  # noqa: F401  what the tests import, once for all
    import mpmath  # noqa: F401
    import scipy.special  # noqa: F401

    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.argv[4])
