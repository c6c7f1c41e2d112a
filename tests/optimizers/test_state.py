"""What an optimizer has counted, taken out and put back: the next steps are the same bits."""

import numpy as np
import pytest

from cutedl import optimizers
from cutedl.arena import Arena
from cutedl.errors import ArgumentError, CheckpointMismatchError
from cutedl.initializers import glorot_uniform, ones
from cutedl.optimizers import Optimizer, schedules

RULES = {
    name: rule
    for name in optimizers.__all__
    if isinstance(rule := getattr(optimizers, name), type) and issubclass(rule, Optimizer) and rule is not Optimizer
}
EVERYTHING = {"accumulate": 2, "ema": 0.9, "weight_decay": 0.1, "clip_global_norm": 1.0, "multipliers": {"b": 0.5}}


def arena():
    result = Arena()
    result.parameter("b", (3,), ones)
    result.parameter("W", (4, 3), glorot_uniform)
    result.table("vectors", (6, 2), glorot_uniform)
    result.allocate(0, "float32")
    return result


def steps(optimizer, a, numbers):
    for number in numbers:
        generator = np.random.default_rng(number)
        a.gradients[...] = generator.standard_normal(a.gradients.shape)
        a.tables["vectors"].collect(generator.integers(0, 6, 3), generator.standard_normal((3, 2)).astype("float32"))
        optimizer.step(a)


def memory(optimizer, a):
    average = b"" if optimizer._average is None else optimizer._average.mean.tobytes()
    return a.values.tobytes(), a.tables["vectors"].values.tobytes(), average, optimizer.steps


@pytest.mark.parametrize("options", [{}, EVERYTHING], ids=["plain", "everything"])
@pytest.mark.parametrize("name", RULES)
def test_steps_go_on_in_the_same_bits(name, options):
    rate = schedules.CosineDecay(0.1, 50)
    straight, first, second = (RULES[name](rate, **options) for _ in range(3))
    a, b, c = arena(), arena(), arena()
    steps(straight, a, range(11))
    steps(first, b, range(11))
    straight.learning_rate_scale = first.learning_rate_scale = 0.5
    steps(straight, a, range(11, 20))
    c.restore(b.state())
    second.restore(first.state(), c)
    assert second.last_learning_rate == first.last_learning_rate
    steps(second, c, range(11, 20))
    assert memory(second, c) == memory(straight, a)
    assert repr(second) == repr(straight)


def test_state_before_the_first_step_begins_anew():
    optimizer, a = optimizers.Adam(0.1), arena()
    fresh = optimizer.state()
    assert fresh["vectors"] is None
    steps(optimizer, a, range(3))
    optimizer.restore(fresh, a)
    b, twin = arena(), optimizers.Adam(0.1)
    a.restore(b.state())
    steps(optimizer, a, range(3))
    steps(twin, b, range(3))
    assert memory(optimizer, a) == memory(twin, b)


def test_state_is_a_copy():
    optimizer, a = optimizers.Adam(0.1, accumulate=2, ema=0.5), arena()
    steps(optimizer, a, range(3))
    state = optimizer.state()
    kept = {name: np.copy(array) for name, array in state.items() if isinstance(array, np.ndarray)}
    steps(optimizer, a, range(3))
    assert all((state[name] == kept[name]).all() for name in kept)


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (lambda s: s.update(vectors=np.zeros((1, 15), "float32")), "saved optimizer vectors are others"),
        (lambda s: s.update(average=None), "no average"),
        (lambda s: s["tables"].update(others=np.zeros(3)), "expected no others"),
        (lambda s: s["tables"].update(vectors=np.zeros(3, "float32")), r"received vectors \(3,\)"),
        (lambda s: s.update(accumulation=None), "does not accumulate"),
        (lambda s: s["accumulation"].update(batches=3), "cannot be continued"),
        (lambda s: s["accumulation"]["rows"].update(vectors=np.array([0, 9, 1])), "cannot be continued|of tables"),
    ],
)
def test_what_does_not_fit_is_refused_before_anything_is_changed(change, text):
    optimizer, a = optimizers.Adam(0.1, **EVERYTHING), arena()
    steps(optimizer, a, range(4))
    state = optimizer.state()
    change(state)
    before = memory(optimizer, a), optimizer.state_vectors.tobytes()
    with pytest.raises(CheckpointMismatchError, match=text):
        optimizer.restore(state, a)
    assert (memory(optimizer, a), optimizer.state_vectors.tobytes()) == before


@pytest.mark.parametrize("change", [{"steps": -1}, {"steps": 2.5}, {"learning_rate_scale": -1.0}])
def test_numbers_that_cannot_be_are_refused(change):
    optimizer, a = optimizers.SGD(0.1), arena()
    steps(optimizer, a, range(4))
    with pytest.raises(ArgumentError, match=next(iter(change))):
        optimizer.restore(optimizer.state() | change, a)
    assert optimizer.steps == 4


def test_the_scale_multiplies_number_and_schedule_until_a_rate_is_assigned():
    for rate in (0.1, schedules.Constant(0.1)):
        optimizer = optimizers.SGD(rate)
        shown = repr(optimizer)
        optimizer.learning_rate_scale = 0.5
        assert optimizer.learning_rate == 0.05
        assert repr(optimizer) == shown
        a = arena()
        a.gradients[...] = 1
        optimizer.step(a)
        assert a.parameters["b"].value.tolist() == pytest.approx([0.95] * 3)
        optimizer.learning_rate = 0.3
        assert optimizer.learning_rate == 0.3
