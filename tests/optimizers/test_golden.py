"""50 steps of every optimizer with its options, against what PyTorch and Keras made of the same gradients."""

import json

import numpy as np
import pytest

from cutedl import optimizers
from cutedl.arena import Arena
from cutedl.initializers import zeros
from cutedl.optimizers import schedules
from tests.golden import record_optimizers as recorder

GOLDEN = json.loads(recorder.PATH.read_text())
TRAJECTORIES = [(name, mode) for name, modes in GOLDEN["trajectories"].items() for mode in modes]


def ours(name, mode):
    """The five numbers after the steps that are kept."""
    rule, arguments, *_ = recorder.CASES[name]
    options = {key: value for key, value in recorder.MODES[mode].items() if key != "cosine"}
    if rule == "AdamW" and "weight_decay" not in options:
        options["weight_decay"] = 0.01
    optimizer = getattr(optimizers, rule)(**arguments, **options)
    if "cosine" in recorder.MODES[mode]:
        rate = optimizer.learning_rate
        optimizer.learning_rate = schedules.CosineDecay(rate, recorder.STEPS, rate / 10)
    arena = Arena()
    arena.parameter("bias", (1,), zeros)
    arena.parameter("kernel", (2, 2), zeros)
    arena.allocate(0, "float64")
    arena.values[...] = GOLDEN["start"]
    seen = {}
    for step, g in enumerate(GOLDEN["gradients"], start=1):
        arena.gradients[...] = g
        optimizer.step(arena)
        seen[str(step)] = arena.values.tolist()
    return {str(step): seen[str(step)] for step in recorder.KEPT}


def rates(name):
    schedule, arguments, *_ = recorder.SCHEDULES[name]
    made = getattr(schedules, schedule)(recorder.RATE, **arguments)
    return [made(step) for step in range(1, recorder.STEPS + 1)]


def compare(actual, expected):
    assert actual.keys() == expected.keys()
    for step in expected:
        np.testing.assert_allclose(actual[step], expected[step], rtol=1e-10, atol=1e-13)


def test_the_record_is_complete():
    assert {(name, mode) for name in recorder.CASES for mode in recorder.MODES} == ({*TRAJECTORIES} | recorder.LEFT_OUT)
    assert set(GOLDEN["schedules"]) == set(recorder.SCHEDULES)
    assert {rule for rule, *_ in recorder.CASES.values()} == {*optimizers.__all__} - {
        "Optimizer", "Options", "Fixed", "schedules",
    }  # fmt: skip


@pytest.mark.parametrize(("name", "mode"), TRAJECTORIES)
def test_trajectory_equals_the_original(name, mode):
    compare(ours(name, mode), GOLDEN["trajectories"][name][mode])


@pytest.mark.parametrize("name", recorder.SCHEDULES)
def test_schedule_equals_the_original(name):
    np.testing.assert_allclose(rates(name), GOLDEN["schedules"][name], rtol=1e-10, atol=1e-14)


def test_live_where_the_originals_are_installed():
    pytest.importorskip("torch")
    keras = pytest.importorskip("keras")
    if keras.backend.backend() != "torch":
        pytest.skip("Keras runs on another backend: set KERAS_BACKEND=torch")
    live = recorder.record()
    for name, mode in TRAJECTORIES:
        compare(ours(name, mode), live["trajectories"][name][mode])
    for name in recorder.SCHEDULES:
        np.testing.assert_allclose(rates(name), live["schedules"][name], rtol=1e-10, atol=1e-14)
