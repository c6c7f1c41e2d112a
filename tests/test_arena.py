import numpy as np
import pytest

from cutedl import nn
from cutedl.arena import Arena, Buffer
from cutedl.errors import ArgumentError, NotBuiltError
from cutedl.initializers import glorot_uniform, ones, zeros
from cutedl.model import Model


def arena(dtype="float32", seed=0):
    arena = Arena()
    arena.parameter("b", (3,), ones)
    arena.parameter("W", (2, 3), glorot_uniform)
    arena.allocate(seed, dtype)
    return arena


def test_every_parameter_is_a_view_into_the_two_vectors():
    a = arena()
    for parameter in a.parameters.values():
        assert np.shares_memory(parameter.value, a.values)
        assert np.shares_memory(parameter.gradient, a.gradients)
    a.values[...] = 7
    assert (a.parameters["W"].value == 7).all()


def test_matrices_come_first():
    a = arena()
    assert a.matrices == slice(0, 6)
    assert np.shares_memory(a.values[a.matrices], a.parameters["W"].value)
    assert not np.shares_memory(a.values[a.matrices], a.parameters["b"].value)


def test_rebinding_raises_and_writing_works():
    b = arena().parameters["b"]
    for name in ("value", "gradient"):
        with pytest.raises(AttributeError):
            setattr(b, name, np.zeros(3))
    b.value[...] = 5
    assert b.value.tolist() == [5, 5, 5]


def test_memory_before_assemble_is_a_clear_error():
    a = Arena()
    b = a.parameter("b", (3,), zeros)
    for read in (lambda: a.values, lambda: a.gradients, lambda: b.value, lambda: b.gradient, lambda: Model().arena):
        with pytest.raises(NotBuiltError, match=r"call model.assemble\(\) first"):
            read()


def test_two_parameters_of_one_name_are_refused():
    model = Model([nn.Dense(2, inshape=2, name="twin"), nn.Dense(2, name="twin")])
    with pytest.raises(ArgumentError, match=r"two parameters are named 'twin\.kernel'"):
        model.assemble()


def test_a_draw_depends_on_seed_and_name_alone():
    short, long = Model([nn.Dense(3, inshape=2, name="a")]), Model([nn.Dense(2, inshape=2), nn.Dense(3, name="a")])
    short.assemble(seed=4)
    long.assemble(seed=4)
    np.testing.assert_array_equal(short.parameters["a.kernel"].value, long.parameters["a.kernel"].value)
    long.assemble(seed=5)
    assert (short.parameters["a.kernel"].value != long.parameters["a.kernel"].value).all()


def test_float32_starts_from_the_rounded_float64_weights():
    np.testing.assert_array_equal(arena("float32").values, arena("float64").values.astype("float32"))


def test_a_buffer_keeps_its_memory_until_it_must_grow():
    buffer = Buffer((2,))
    large = buffer.rows(8)
    assert np.shares_memory(buffer.rows(3), large)
    assert np.shares_memory(buffer.rows(8), large)
    assert not np.shares_memory(buffer.rows(9), large)


def test_statistics_are_one_vector_and_views():
    a = Arena()
    mean, variance = a.statistic("mean", (2,), 0.0), a.statistic("variance", (2, 1), 1.0)
    with pytest.raises(NotBuiltError, match="mean has no memory yet"):
        _ = mean.value
    with pytest.raises(NotBuiltError, match="the arena has no memory yet"):
        _ = a.statistics
    a.allocate(0, "float64")
    assert a.statistics.tolist() == [0, 0, 1, 1]
    a.statistics[...] = [1, 2, 3, 4]
    assert mean.value.tolist() == [1, 2]
    assert variance.value.tolist() == [[3], [4]]
    with pytest.raises(AttributeError):
        mean.value = np.zeros(2)
    with pytest.raises(ArgumentError, match="two statistics are named 'mean'"):
        a.statistic("mean", (2,), 0.0)
