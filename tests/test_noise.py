"""The sources of noise of a model: named, repeatable, different on every rank, saved and restored."""

import numpy as np
import pytest

from cutedl.errors import ArgumentError, CheckpointMismatchError
from cutedl.noise import Noise


def drawn(noise, times=3):
    return {name: generator.random(times).tolist() for name, generator in noise._generators.items()}


def two(seed=0):
    noise = Noise()
    noise.seed = seed
    for name in ("dropout_0", "dropout_1"):
        noise.generator(name)
    noise.reseed()
    return noise


def test_the_same_seed_and_epoch_give_the_same_numbers_and_any_other_give_others():
    noise = two()
    first = drawn(noise)
    assert first["dropout_0"] != first["dropout_1"]
    assert drawn(noise) != first
    noise.reseed()
    assert drawn(noise) == first
    noise.reseed(epoch=1)
    assert drawn(noise) != first
    assert drawn(two(seed=1)) != first


def test_ranks_draw_what_no_other_draws():
    numbers = []
    for rank in range(3):
        noise = two()
        noise.jump(rank)
        numbers += drawn(noise)["dropout_0"]
    assert len(set(numbers)) == 9


def test_a_saved_position_is_taken_back():
    noise = two()
    drawn(noise)
    state = noise.state()
    first = drawn(noise)
    noise.check(state)
    noise.restore(state)
    assert drawn(noise) == first


def test_two_sources_of_one_name_are_refused():
    with pytest.raises(ArgumentError, match="two sources of noise are named 'dropout_0'"):
        two().generator("dropout_0")


@pytest.mark.parametrize(
    ("state", "message"),
    [
        (None, "the saved noise is another"),
        ({}, "expected .'dropout_0', 'dropout_1'., received {}"),
        ({"dropout_0": np.random.PCG64DXSM().state, "dropout_1": 7}, "the saved noise of dropout_1 cannot be used"),
        ({"dropout_0": {}, "dropout_1": {}}, "expected a position of PCG64DXSM"),
        ({"dropout_0": np.random.MT19937().state, "dropout_1": {}}, "the saved noise of dropout_0 cannot be used"),
    ],
)
def test_positions_that_do_not_fit_are_refused(state, message):
    with pytest.raises(CheckpointMismatchError, match=message):
        two().check(state)


def test_it_names_its_sources():
    assert repr(two()) == "Noise(dropout_0, dropout_1)"
