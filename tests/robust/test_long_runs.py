"""Long runs, threads, forks and kills: nothing grows, nothing differs, nothing is lost."""

import gc
import json
import os
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import matplotlib.figure
import numpy as np
import pytest

from cutedl import losses, nn, optimizers
from cutedl.dataset import Dataset
from cutedl.listeners import Listener
from cutedl.model import Model
from cutedl.report import fit_report
from cutedl.session import Session
from tests.robust.long_run import resident
from tests.saved.sessions import digest, trained
from tests.saved.soak import times
from tests.saved.test_durability import ROOT

SOAK = bool(times(0, 1))


def program(name, *arguments, **environment):
    """Run a program of the tests and return what it says."""
    run = subprocess.run(
        [sys.executable, "-W", "error", "-m", f"tests.robust.{name}", *map(str, arguments)],
        cwd=ROOT, capture_output=True, text=True, env=os.environ | {"PYTHONPATH": str(ROOT)} | environment,
    )  # fmt: skip
    assert run.returncode == 0, run.stderr
    return json.loads(run.stdout)


# -- memory --------------------------------------------------------------------------------------------------------


def test_many_steps_keep_nothing():
    said = program("long_run", times(10_000, 100_000), *times([], ["resident"]))
    print(said)
    assert said["traced"] < 64 * 1024
    assert said["objects"] == 0
    assert said["files"] == 0
    if SOAK:
        assert said["resident_per_step"] < 1.0


def test_fit_save_load_and_report_again_and_again_keep_nothing(tmp_path):
    """Runs of one epoch, each saved, loaded and drawn: the process stays as large as it was, and no figure is open."""

    def again():
        run = trained(1)
        run.save(tmp_path / "run.safetensors")
        fit_report(Session.load(tmp_path / "run.safetensors").history, tmp_path / "report.png")
        gc.collect()  # a figure is a circle: without this, memory settles higher, at what a collection leaves

    def figures():
        return sum(isinstance(thing, matplotlib.figure.Figure) for thing in gc.get_objects())

    again()
    before = figures()
    for _ in range(times(2, 20)):
        again()
    size, files = resident(), len(os.listdir("/proc/self/fd"))
    for _ in range(times(2, 200)):
        again()
    assert figures() == before
    assert len(os.listdir("/proc/self/fd")) == files
    assert resident() - size < 5_000_000


# -- threads -------------------------------------------------------------------------------------------------------


def wide():
    """A model whose predict takes several pieces and every kind of layer with a state of its own."""
    layers = [nn.Dense(32, inshape=12, activation="tanh"), nn.BatchNormalization(), nn.Dropout(0.5),
              nn.Residual([nn.Dense(32, activation="relu")]), nn.Dense(5)]  # fmt: skip
    run = Session(Model(layers), losses.SparseCategoricalCrossentropy(), optimizers.Adam(0.01), seed=2)
    generator = np.random.default_rng(1)
    x = generator.standard_normal((1500, 12)).astype("float32")
    return run, x, Dataset(x, generator.integers(0, 5, 1500), batch_size=50)


def test_eight_threads_predict_what_one_does():
    run, x, train = wide()
    run.fit(train, 1, verbose=0)
    parts = [x[start : start + rows] for start, rows in [(0, 1500), (0, 1), (7, 513), (100, 64)] * 2]
    alone = [run.predict(part).tobytes() for part in parts]
    with ThreadPoolExecutor(8) as pool:
        for _ in range(times(20, 500)):
            together = list(pool.map(lambda part: run.predict(part).tobytes(), parts))
            assert together == alone


def test_predict_while_another_thread_trains_disturbs_nothing():
    """It may see weights of two steps, as its docstring says; training, and a listener's predict, are exact."""
    disturbed, x, train = wide()
    plain, _, _ = wide()
    disturbed.model.assemble(2)
    ended, seen, of_listener = threading.Event(), [], []

    class Look(Listener):
        def on_epoch_end(self, session):
            of_listener.append(digest(session.predict(x)))

    def look():
        while not ended.is_set():
            seen.append(np.isfinite(disturbed.predict(x)).all())

    thread = threading.Thread(target=look)
    thread.start()
    try:
        disturbed.fit(train, 4, listeners=[Look()], verbose=0)
    finally:
        ended.set()
        thread.join()
    expected = []
    for _ in range(4):
        plain.fit(train, 1, verbose=0)
        expected.append(digest(plain.predict(x)))
    assert of_listener == expected
    assert plain.model.arena.values.tobytes() == disturbed.model.arena.values.tobytes()
    assert seen
    assert all(seen)


# -- processes -----------------------------------------------------------------------------------------------------

FORK = """
import os, signal
from tests.robust.test_long_runs import wide
run, x, train = wide()
run.fit(train, 1, verbose=0)
expected = run.predict(x).tobytes()
reader, writer = os.pipe()
child = os.fork()
if not child:
    signal.alarm(20)
    same = run.predict(x).tobytes() == expected
    run.fit(train, 1, verbose=0)
    os.write(writer, b"same" if same else b"other")
    os.write(writer, b" " + run.model.arena.values.tobytes())
    os._exit(0)
os.close(writer)
said = open(reader, "rb").read()
assert os.waitpid(child, 0)[1] == 0
run.fit(train, 1, verbose=0)
assert said == b"same " + run.model.arena.values.tobytes()
"""


@pytest.mark.parametrize("threads", [1, 2])
def test_a_fork_after_training_predicts_and_trains(threads):
    """With threads of the BLAS alive in the parent: the child neither hangs nor differs."""
    environment = os.environ | {"PYTHONPATH": str(ROOT), "OPENBLAS_NUM_THREADS": str(threads)}
    subprocess.run([sys.executable, "-c", FORK], cwd=ROOT, env=environment, check=True, timeout=60)


def test_killed_training_ends_in_the_same_bits(tmp_path):
    """SIGKILL at random moments of runs that save every batch, or every epoch."""
    said = program("training_kills", times(20, 200), 7, tmp_path)
    print(said)
    assert said["kills"] == pytest.approx(times(20, 200), abs=1)
    assert said["resumed"] > said["kills"] / 4
    assert said["other"] == 0
