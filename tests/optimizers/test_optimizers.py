"""Every optimizer of the contract table through the same demands."""

import tracemalloc

import numpy as np
import pytest

from cutedl import initializers, optimizers
from cutedl.arena import Arena
from cutedl.errors import ArgumentError
from cutedl.optimizers import blocks
from tests.contracts import OPTIMIZERS

each_optimizer = pytest.mark.parametrize("row", OPTIMIZERS.values(), ids=OPTIMIZERS)


def vector(size, dtype="float64", seed=0):
    arena = Arena()
    w = arena.parameter("w", (size,), initializers.zeros)
    arena.allocate(0, dtype)
    w.value[...] = np.random.default_rng(seed).normal(size=size)
    return arena


def gradients(size, steps, seed=1):
    return np.random.default_rng(seed).normal(size=(steps, size))


def train(optimizer, arena, gradients):
    for g in gradients:
        arena.gradients[...] = g
        optimizer.step(arena)
    return arena.values


@each_optimizer
@pytest.mark.parametrize(("dtype", "tolerance"), [("float64", 1e-12), ("float32", 2e-5)])
def test_trajectory_equals_the_naive_twin(row, dtype, tolerance):
    arena, g = vector(7, dtype), gradients(7, 50)
    expected = row.twin(arena.values.astype("float64"), g, **row.arguments)
    np.testing.assert_allclose(train(row.make(**row.arguments), arena, g), expected, rtol=tolerance, atol=tolerance)


@each_optimizer
def test_blocks_do_not_change_a_bit(row, monkeypatch):
    g = gradients(1000, 5)
    whole = train(row.make(**row.arguments), vector(1000, "float32"), g).tobytes()
    monkeypatch.setattr(blocks, "_BLOCK", 64)
    monkeypatch.setattr(blocks, "ONE_BLOCK", 64)
    assert train(row.make(**row.arguments), vector(1000, "float32"), g).tobytes() == whole


@each_optimizer
def test_reaches_the_bottom_of_a_bowl(row):
    arena, optimizer = vector(3), row.make(**(row.arguments | {"learning_rate": 0.05}))
    for _ in range(2000):
        arena.gradients[...] = arena.values
        optimizer.step(arena)
    assert np.abs(arena.values).max() < 0.06


@each_optimizer
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_no_subnormal_numbers_stay_in_the_state(row, dtype):
    """A weight that gets no gradient any more: its moments fade, and must become 0 rather than subnormal."""
    arena, optimizer = vector(4, dtype), row.make(**row.arguments)
    tiny = np.finfo(dtype).tiny
    train(optimizer, arena, np.full((1, 4), 1e-3))
    for _ in range(9000):
        arena.gradients[...] = 0
        optimizer.step(arena)
        state = np.abs(optimizer.state_vectors)
        assert not ((state > 0) & (state < tiny)).any()


@each_optimizer
def test_a_step_allocates_no_vector(row):
    arena, optimizer = vector(200_000, "float32"), row.make(**row.arguments)
    for _ in range(130):  # until it is settled whether a second thread, with a scratch of its own, stays
        optimizer.step(arena)
    tracemalloc.start()
    for _ in range(70):  # a flush is among them
        optimizer.step(arena)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 100_000


@each_optimizer
def test_a_table_learns_by_the_row_as_its_rows_would_alone(row):
    generator = np.random.default_rng(2)
    arena = Arena()
    table = arena.table("vectors", (6, 3), initializers.glorot_uniform)
    arena.allocate(0, "float64")
    start, optimizer = table.values.copy(), row.make(**row.arguments)
    seen = generator.normal(size=(20, 2, 3))
    for step in range(20):
        table.collect(np.array([4, 1, 4]), np.concatenate([seen[step], seen[step][:1]]))
        optimizer.step(arena)
    np.testing.assert_array_equal(table.values[[0, 2, 3, 5]], start[[0, 2, 3, 5]])
    np.testing.assert_allclose(table.values[1], row.twin(start[1], seen[:, 1], **row.arguments), rtol=1e-12)
    np.testing.assert_allclose(table.values[4], row.twin(start[4], 2 * seen[:, 0], **row.arguments), rtol=1e-12)


@each_optimizer
def test_another_model_starts_with_fresh_state(row):
    optimizer, g = row.make(**row.arguments), gradients(5, 3)
    train(optimizer, vector(5), gradients(5, 10, seed=9))
    np.testing.assert_array_equal(train(optimizer, vector(5), g), train(row.make(**row.arguments), vector(5), g))
    assert optimizer.steps == 3
    assert optimizer.state_vectors.shape == (optimizer.slots, 5)


@each_optimizer
def test_wrong_hyper_parameters_are_refused_by_name(row):
    for arguments in row.refused:
        (name,) = arguments
        with pytest.raises(ArgumentError, match=rf"{name} cannot be used. expected a number in [\[(].*, received "):
            row.make(**arguments)


@each_optimizer
def test_repr_is_one_line_that_names_the_rate(row):
    text = repr(row.make(learning_rate=0.125))
    assert "learning_rate=0.125" in text
    assert "\n" not in text


def test_the_learning_rate_may_change_between_steps():
    arena, sgd = vector(2), optimizers.SGD(1.0)
    sgd.learning_rate = 0.5
    before = arena.values.copy()
    arena.gradients[...] = 1
    sgd.step(arena)
    np.testing.assert_allclose(before - arena.values, 0.5)
    with pytest.raises(ArgumentError, match="learning_rate"):
        sgd.learning_rate = -1


def test_adams_epsilon_is_outside_the_root():
    arena = vector(1)
    arena.values[...] = 0
    train(optimizers.Adam(1.0, epsilon=3.0), arena, [[1.0]])
    assert arena.values[0] == pytest.approx(-1 / (1 + 3))
