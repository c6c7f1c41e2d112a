"""What every optimizer can do besides its rule: decay, clipping, accumulation, averages, multipliers."""

import copy
import tracemalloc

import numpy as np
import pytest

from cutedl import optimizers
from cutedl.arena import Arena
from cutedl.errors import ArgumentError, NotBuiltError, UnknownNameError
from cutedl.initializers import glorot_uniform, ones
from cutedl.optimizers import blocks, clipping


def two_layers(dtype="float64", rows=3):
    arena = Arena()
    for layer in ("dense_0", "dense_1"):
        arena.parameter(f"{layer}.bias", (2,), ones)
        arena.parameter(f"{layer}.kernel", (rows, 2), glorot_uniform)
    arena.allocate(0, dtype)
    arena.gradients[...] = np.random.default_rng(1).normal(size=arena.gradients.size)
    return arena


def stepped(optimizer, arena, steps=3):
    for seed in range(steps):
        arena.gradients[...] = np.random.default_rng(seed).normal(size=arena.gradients.size)
        optimizer.step(arena)
    return {name: parameter.value.copy() for name, parameter in arena.parameters.items()}


def with_table(rows, gradients):
    arena = Arena()
    arena.parameter("bias", (2,), ones)
    table = arena.table("vectors", (5, 2), ones)
    arena.allocate(0, "float64")
    table.collect(np.array(rows), np.array(gradients))
    return arena, table


# -- decay -----------------------------------------------------------------------------------------------------------


def test_decay_shrinks_matrices_and_nothing_else():
    arena = two_layers()
    before = {name: parameter.value.copy() for name, parameter in arena.parameters.items()}
    arena.gradients[...] = 0
    optimizers.SGD(0.1, weight_decay=0.5).step(arena)
    for name, parameter in arena.parameters.items():
        factor = 0.95 if name.endswith("kernel") else 1.0
        np.testing.assert_allclose(parameter.value, before[name] * factor, rtol=1e-15)


def test_adamw_decays_unless_told_not_to():
    plain, none, same = (
        stepped(make, two_layers())["dense_0.kernel"]
        for make in (optimizers.AdamW(), optimizers.AdamW(weight_decay=0.0), optimizers.Adam())
    )
    np.testing.assert_array_equal(none, same)
    assert not np.array_equal(plain, same)
    assert "weight_decay=0.01" in repr(optimizers.AdamW())


# -- clipping --------------------------------------------------------------------------------------------------------


def test_clip_value_clips_each_number():
    arena = two_layers()
    expected = arena.values - np.clip(arena.gradients, -0.3, 0.3)
    optimizers.SGD(1.0, clip_value=0.3).step(arena)
    np.testing.assert_allclose(arena.values, expected, rtol=1e-15)


def test_clip_norm_clips_each_parameter_that_is_too_long():
    arena = two_layers()
    arena.parameters["dense_0.bias"].gradient[...] = 0.01, 0.02
    before = {name: parameter.gradient.copy() for name, parameter in arena.parameters.items()}
    clipping.clip_norm(arena, 0.5)
    for name, parameter in arena.parameters.items():
        factor = min(1, 0.5 / np.linalg.norm(before[name]))
        np.testing.assert_allclose(parameter.gradient, before[name] * factor, rtol=1e-14)


def test_clip_global_norm_keeps_the_direction():
    arena = two_layers()
    before = arena.gradients.copy()
    clipping.clip_global_norm(arena, 100.0)
    np.testing.assert_array_equal(arena.gradients, before)
    clipping.clip_global_norm(arena, 0.5)
    np.testing.assert_allclose(arena.gradients, before * 0.5 / np.linalg.norm(before), rtol=1e-14)


def test_rows_of_a_table_are_part_of_the_norm():
    arena, table = with_table([3, 1], [[3.0, 0.0], [0.0, 0.0]])
    arena.gradients[...] = 0.0, 4.0
    clipping.clip_global_norm(arena, 1.0)
    np.testing.assert_allclose(arena.gradients, [0.0, 0.8])
    np.testing.assert_allclose(table.row_gradients, [[0.0, 0.0], [0.6, 0.0]])


@pytest.mark.parametrize("scale", [1e30, 3e37, 1e-30, 1e-38, 1.0])
def test_norms_neither_overflow_nor_vanish_in_float32(scale):
    g = np.full(100_000, scale, "float32")
    assert clipping.norm([g, g]) == pytest.approx(scale * 200_000**0.5, rel=1e-5)


def test_the_norm_of_nothing_and_of_zeros_is_0():
    assert clipping.norm([]) == clipping.norm([np.zeros(3, "float32")]) == 0.0


def test_two_ways_of_clipping_are_refused():
    with pytest.raises(ArgumentError, match="one way at a time. received clip_value and clip_global_norm"):
        optimizers.SGD(clip_value=1.0, clip_global_norm=1.0)


# -- accumulation ----------------------------------------------------------------------------------------------------


def test_accumulation_steps_by_the_mean_of_k_batches():
    arena, twin = two_layers(), two_layers()
    seen = np.random.default_rng(0).normal(size=(6, arena.values.size))
    several, one = optimizers.Adam(accumulate=3), optimizers.Adam()
    for count, g in enumerate(seen, start=1):
        arena.gradients[...] = g
        several.step(arena)
        assert several.steps == count // 3
    for part in (seen[:3], seen[3:]):
        twin.gradients[...] = part.mean(axis=0)
        one.step(twin)
    np.testing.assert_allclose(arena.values, twin.values, rtol=1e-13)


def test_accumulation_adds_up_the_rows_of_tables():
    arena, table = with_table([3, 1], [[2.0, 0.0], [4.0, 0.0]])
    sgd = optimizers.SGD(1.0, accumulate=2)
    sgd.step(arena)
    table.collect(np.array([1]), np.array([[0.0, 6.0]]))
    sgd.step(arena)
    np.testing.assert_allclose(table.values, [[1, 1], [1 - 2, 1 - 3], [1, 1], [1 - 1, 1], [1, 1]])


# -- averages --------------------------------------------------------------------------------------------------------


def test_the_average_follows_the_weights_and_is_put_in_their_place_for_a_while():
    arena, adam = two_layers(), optimizers.Adam(0.1, ema=0.8, multipliers={"dense_1.kernel": 0})
    mean = None
    for _ in range(5):
        stepped(adam, arena, steps=1)
        mean = arena.values.copy() if mean is None else 0.8 * mean + 0.2 * arena.values
    weights = arena.values.copy()
    with adam.averaged(arena):
        np.testing.assert_allclose(arena.values, mean, rtol=1e-14)
    np.testing.assert_array_equal(arena.values, weights)
    with pytest.raises(RuntimeError, match="inside"), adam.averaged(arena):
        raise RuntimeError("inside")
    np.testing.assert_array_equal(arena.values, weights)


def test_the_average_of_a_copy_takes_the_place_of_the_copys_weights():
    arena, sgd = two_layers(), optimizers.SGD(0.1, ema=0.8)
    stepped(sgd, arena)
    twin_arena, twin = copy.deepcopy((arena, sgd))
    with sgd.averaged(arena):
        mean = arena.values.copy()
    weights = arena.values.copy()
    with twin.averaged(twin_arena):
        np.testing.assert_array_equal(twin_arena.values, mean)
        np.testing.assert_array_equal(arena.values, weights)
    assert (mean != weights).all()


def test_there_is_no_average_without_asking_or_before_the_first_step():
    with pytest.raises(ArgumentError, match=r"keeps no mean of the weights. hint: make it with ema=0.99"):
        optimizers.SGD().averaged(two_layers()).__enter__()
    with pytest.raises(NotBuiltError, match="no step was made on this model yet"):
        optimizers.SGD(ema=0.9).averaged(two_layers()).__enter__()
    arena, sgd = two_layers(), optimizers.SGD(ema=0.9)
    weights = stepped(sgd, arena, steps=1)["dense_0.kernel"]
    with sgd.averaged(arena):  # one step is enough
        np.testing.assert_array_equal(arena.parameters["dense_0.kernel"].value, weights)


# -- multipliers -----------------------------------------------------------------------------------------------------


def test_multipliers_scale_the_rate_by_name_and_0_freezes():
    multipliers = {"dense_0.*": 0, "*.kernel": 0.1}
    arena = two_layers()
    start = {name: parameter.value.copy() for name, parameter in arena.parameters.items()}
    adam = optimizers.Adam(0.1, weight_decay=0.5, multipliers=multipliers)
    mixed = stepped(adam, arena)
    full = stepped(optimizers.Adam(0.1, weight_decay=0.5), two_layers())
    slow = stepped(optimizers.Adam(0.01, weight_decay=0.5), two_layers())
    np.testing.assert_array_equal(mixed["dense_0.kernel"], start["dense_0.kernel"])
    np.testing.assert_array_equal(mixed["dense_0.bias"], start["dense_0.bias"])
    np.testing.assert_allclose(mixed["dense_1.bias"], full["dense_1.bias"], rtol=1e-14)
    np.testing.assert_allclose(mixed["dense_1.kernel"], slow["dense_1.kernel"], rtol=1e-14)
    assert not adam.state_vectors[:, :6].any()  # dense_0.kernel lies there


def test_a_table_can_be_frozen_and_slowed():
    for factor in (0, 0.5):
        arena, table = with_table([2], [[1.0, 2.0]])
        optimizers.SGD(1.0, multipliers={"vec*": factor}).step(arena)
        np.testing.assert_allclose(table.values[2], [1 - factor, 1 - 2 * factor])


def test_a_pattern_that_no_parameter_fits_is_refused_before_anything_changes():
    arena = two_layers()
    before = arena.values.copy()
    with pytest.raises(UnknownNameError, match=r"no parameter is named 'dense_0.kernal'. .* 'dense_0.kernel'\?"):
        optimizers.SGD(multipliers={"dense_0.kernal": 0.1}).step(arena)
    np.testing.assert_array_equal(arena.values, before)


# -- all of them -----------------------------------------------------------------------------------------------------

ALL = {
    "weight_decay": 0.1, "clip_global_norm": 1.0, "accumulate": 2, "ema": 0.9, "multipliers": {"dense_0.*": 0.5},
}  # fmt: skip


def test_blocks_do_not_change_a_bit(monkeypatch):
    whole = stepped(optimizers.Adam(**ALL), two_layers("float32", 100), 6)
    monkeypatch.setattr(blocks, "_BLOCK", 64)
    monkeypatch.setattr(blocks, "ONE_BLOCK", 64)
    pieces = stepped(optimizers.Adam(**ALL), two_layers("float32", 100), 6)
    for name in whole:
        np.testing.assert_array_equal(whole[name], pieces[name])


@pytest.mark.parametrize("options", [ALL, {"clip_norm": 1.0}, {"clip_value": 0.1}], ids=["all", "norm", "value"])
def test_a_step_allocates_no_vector(options):
    arena, adam = two_layers("float32", 50_000), optimizers.Adam(**options)
    stepped(adam, arena, 2)
    tracemalloc.start()
    for _ in range(70):
        arena.gradients[...] = 0.5
        adam.step(arena)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 100_000


def test_a_misspelt_option_gets_a_suggestion():
    with pytest.raises(UnknownNameError, match=r"no optimizer option is named 'wieght_decay'. .*'weight_decay'\?"):
        optimizers.Adam(wieght_decay=0.1)


def test_wrong_options_are_refused_by_name_range_and_value():
    with pytest.raises(ArgumentError, match="accumulate cannot be used. expected an int >= 1, received 0"):
        optimizers.SGD(accumulate=0)
    with pytest.raises(ArgumentError, match=r"the multiplier of 'a' cannot be used. .*\[0, inf\), received -1"):
        optimizers.SGD(multipliers={"a": -1})
    with pytest.raises(ArgumentError, match=r"nesterov=True needs a momentum"):
        optimizers.SGD(nesterov=True)


def test_repr_shows_the_options_that_are_on():
    assert repr(optimizers.Lion(0.5, ema=0.9)) == "Lion(learning_rate=0.5, beta1=0.9, beta2=0.99, ema=0.9)"
