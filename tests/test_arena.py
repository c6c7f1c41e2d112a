import numpy as np
import pytest

from cutedl import nn
from cutedl.arena import Arena, Buffer
from cutedl.errors import ArgumentError, CheckpointMismatchError, NotBuiltError
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


def everything(dtype="float32"):
    full = Arena()
    full.parameter("b", (3,), ones)
    full.parameter("W", (2, 3), glorot_uniform)
    full.statistic("mean", (2,), 0.0)
    full.table("vectors", (4, 2), glorot_uniform)
    full.noise.generator("dropout_0")
    full.allocate(1, dtype)
    return full


def test_places_are_where_the_parameters_lie():
    a = arena()
    assert dict(a.places) == {"W": slice(0, 6), "b": slice(6, 9)}
    for name, place in a.places.items():
        assert np.shares_memory(a.values[place], a.parameters[name].value)


@pytest.mark.parametrize(
    ("gradient", "length"), [([3, 4, 0], 5.0), ([3e30, 4e30, 0], 5e30), ([3e-30, 4e-30, 0], 5e-30), ([0, 0, 0], 0.0)]
)
def test_the_gradient_norm_counts_tables_and_neither_overflows_nor_vanishes(gradient, length):
    a = everything()
    a.parameters["b"].gradient[:] = gradient
    a.tables["vectors"].collect(np.array([2]), np.array([[12 * length / 5, 0]], "float32"))
    with np.errstate(over="ignore"):
        assert a.gradient_norm == pytest.approx(13 * length / 5, rel=1e-6)
        a.parameters["b"].gradient[1] = np.nan
        assert np.isnan(a.gradient_norm)


def test_state_is_a_copy_and_restore_gives_all_of_it_back():
    a = everything()
    before = a.state()
    first = a.noise._generators["dropout_0"].random()
    for memory in (a.values, a.statistics, a.tables["vectors"].values):
        memory += 1
    a.restore(before)
    assert a.noise._generators["dropout_0"].random() == first
    again = a.state()
    for kind in ("values", "statistics", "tables"):
        for name, array in before[kind].items():
            np.testing.assert_array_equal(array, again[kind][name])


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (lambda s: s["values"].pop("b"), r"saved values are others. expected b \(3,\) float32, received no b"),
        (lambda s: s["values"].update(c=np.zeros(1)), r"expected no c, received c \(1,\) float64"),
        (lambda s: s["values"].update(b=np.zeros(4, "float32")), r"received b \(4,\) float32"),
        (lambda s: s["values"].update(b=np.zeros(3)), r"received b \(3,\) float64"),
        (lambda s: s["statistics"].clear(), r"saved statistics are others"),
        (lambda s: s["tables"].update(vectors=[1]), r"saved tables are others.*received vectors .*list"),
        (lambda s: s.pop("tables"), "there are no saved tables"),
        (lambda s: s["noise"].clear(), "the saved noise is another"),
        (lambda s: s["noise"].update(dropout_0={"state": 1}), "the saved noise of dropout_0 cannot be used"),
    ],
)
def test_what_does_not_fit_is_refused_before_anything_is_changed(change, text):
    a, state = everything(), everything().state()
    change(state)
    state.get("values", {})["W"] = state["values"]["W"] + 1
    before = a.values.copy(), a.statistics.copy()
    with pytest.raises(CheckpointMismatchError, match=text):
        a.restore(state)
    np.testing.assert_array_equal(a.values, before[0])
    np.testing.assert_array_equal(a.statistics, before[1])
