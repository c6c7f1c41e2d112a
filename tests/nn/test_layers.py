"""Every layer of the contract table, and pairs of them, through the same demands."""

import tracemalloc
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise, product

import numpy as np
import pytest

from cutedl import losses, nn, streams
from cutedl.errors import ArgumentError, CutedlError, ShapeError, UnknownNameError
from cutedl.gradcheck import check_gradients
from cutedl.model import Model
from tests import reference
from tests.contracts import LAYERS

ACTIVATIONS = ["linear", "relu", "sigmoid", "tanh", "softmax"]
EVERY_ACTIVATION = sorted([*reference.ACTIVATIONS, "prelu"])

each_layer = pytest.mark.parametrize("row", LAYERS.values(), ids=LAYERS)
each_dtype = pytest.mark.parametrize("dtype", ["float32", "float64"])


def assembled(row, dtype="float64", seed=3):
    model = Model([row.make()])
    model.assemble(seed, dtype, row.inshape)
    generator = np.random.default_rng(seed)
    model.arena.values[...] = generator.normal(size=model.arena.values.size)
    return model


def samples(row, count, seed=0):
    generator, shape = np.random.default_rng(seed), (count, *row.inshape)
    return generator.normal(size=shape) if row.indices is None else generator.integers(row.indices, size=shape) * 1.0


@each_layer
@each_dtype
@pytest.mark.parametrize("count", [1, 3, 7])
def test_outputs_equal_the_naive_twin(row, dtype, count):
    model, x = assembled(row, dtype), samples(row, count).astype(dtype)
    parameters = [p.value.astype("float64") for p in model.parameters.values()]
    parameters += [table.values.astype("float64") for table in model.arena.tables.values()]
    trained = expected = row.twin(x.astype("float64"), *parameters)
    if row.training_twin is not None:
        trained = row.training_twin(x, streams.stream(3, "noise", model.chain[0].name, 0), *parameters)
    tolerance = {"float32": 1e-5, "float64": 1e-13}[dtype]
    for y, twin in ((model.predict(x), expected), (model.forward(x), trained)):
        assert y.dtype == dtype
        np.testing.assert_allclose(y, twin, rtol=tolerance, atol=tolerance)


@each_layer
def test_operations_are_counted_as_a_whole_number(row):
    model = assembled(row)
    pairs = zip(model.chain, pairwise(model.shapes), strict=True)
    counts = [layer.flops(before, after) for layer, (before, after) in pairs]
    assert all(type(count) is int and count >= 0 for count in counts)


@each_layer
def test_a_smaller_batch_after_a_larger_one_is_the_same_as_alone(row):
    model, x = assembled(row), samples(row, 9)
    model.forward(x)
    model.arena.noise.reseed()
    partial = model.forward(x[:4]).copy()
    np.testing.assert_array_equal(partial, assembled(row).forward(x[:4]))


PLACES = {
    "alone": lambda row: [row.make()],
    "first": lambda row: [row.make(), nn.Dense(3)],
    "between": lambda row: [nn.Dense(row.inshape[-1]), row.make(), nn.Dense(3)],
    "last": lambda row: [nn.Dense(row.inshape[-1]), row.make()],
    "twice": lambda row: [nn.Dense(row.inshape[-1]), row.make(), row.make()],
}
PLACED = [
    (name, place)
    for name, row in LAYERS.items()
    for place in PLACES
    if row.indices is None or place in ("alone", "first")
]


@pytest.mark.parametrize("count", [1, 5])
@pytest.mark.parametrize(("name", "place"), PLACED)
def test_gradients_are_confirmed_by_differences(name, place, count):
    row = LAYERS[name]
    model = Model(PLACES[place](row))
    model.assemble(1, "float64", row.inshape)
    x = samples(row, count)
    y = np.random.default_rng(1).normal(size=(count, *model.shapes[-1]))
    assert check_gradients(model, losses.MeanSquaredError(), x, y) < 1e-8


LOSSES = {
    "mse": (losses.MeanSquaredError, lambda g, n: g.normal(size=(n, 3))),
    "cce": (losses.CategoricalCrossentropy, lambda g, n: np.eye(3)[g.integers(0, 3, n)]),
    "scce": (losses.SparseCategoricalCrossentropy, lambda g, n: g.integers(0, 3, n)),
    "bce": (losses.BinaryCrossentropy, lambda g, n: g.integers(0, 2, (n, 3)).astype(float)),
}


@pytest.mark.parametrize(("hidden", "last", "loss"), list(product(EVERY_ACTIVATION, ACTIVATIONS, LOSSES)))
def test_every_activation_before_every_activation_under_every_loss(hidden, last, loss):
    make, labels = LOSSES[loss]
    generator = np.random.default_rng(5)
    model = Model([nn.Dense(6, inshape=4, activation=hidden), nn.Dense(3, activation=last)])
    model.assemble(2, "float64")
    for count in (6, 4):
        x, y = generator.normal(size=(count, 4)), labels(generator, count)
        assert check_gradients(model, make(check="never"), x, y) < 1e-7


@pytest.mark.parametrize(("first", "second"), list(product(EVERY_ACTIVATION, EVERY_ACTIVATION)))
def test_activation_on_activation_keeps_what_backward_needs(first, second):
    """In place, the second must not overwrite the output from which the first takes its derivative."""
    pair = [nn.activations.get(first), nn.activations.get(second)]
    model = Model([nn.Dense(4, inshape=3), *pair, nn.Dense(2)])
    model.assemble(0, "float64")
    x = np.random.default_rng(0).normal(size=(5, 3))
    assert check_gradients(model, losses.MeanSquaredError(), x, np.ones((5, 2))) < 1e-7


@each_layer
def test_the_same_batch_twice_gives_the_same_bits(row):
    model, x = assembled(row, "float32"), samples(row, 6).astype("float32")
    runs = []
    for _ in range(2):
        model.arena.noise.reseed()
        y = model.forward(x).copy()
        model.output_gradient(6)[...] = y
        dx = np.empty_like(x)
        model.backward(model.output_gradient(6), out=dx)
        runs.append((y.tobytes(), dx.tobytes(), model.arena.gradients.tobytes()))
    assert runs[0] == runs[1]


@pytest.mark.parametrize("name", [name for name, row in LAYERS.items() if row.indices is None])
def test_a_warmed_step_allocates_nothing_that_grows_with_the_batch(name):
    """A table is left out: its gradient has as many rows as the batch has different indices."""
    row = LAYERS[name]

    def peak(count):
        model, x = assembled(row, "float32"), samples(row, count).astype("float32")
        dx = np.empty_like(x)

        def step():
            model.forward(x)
            model.output_gradient(count)[...] = 1
            model.backward(model.output_gradient(count), out=dx)

        step()
        tracemalloc.start()
        step()
        result = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return result

    # NumPy's casting buffers have a fixed size, which the smaller batch fills too.
    assert peak(60_000) < peak(10_000) + 10_000


@each_layer
def test_predict_writes_to_nothing_of_the_model(row):
    model, x = assembled(row), samples(row, 700)
    y = model.forward(x[:5])
    before = y.copy()
    expected = [model.predict(x[i:]) for i in range(8)]
    with ThreadPoolExecutor(8) as pool:
        results = list(pool.map(lambda i: model.predict(x[i:]), list(range(8)) * 20))
    for i, result in enumerate(results):
        np.testing.assert_array_equal(result, expected[i % 8])
    np.testing.assert_array_equal(y, before)


@each_layer
def test_wrong_shapes_are_refused_with_both_shapes(row):
    model = assembled(row)
    with pytest.raises(ShapeError, match=r"cannot take this input\. expected \(batch,.*received \(4, 99\) float64"):
        model.predict(np.zeros((4, 99)))
    for shape in row.wrong_shapes:
        with pytest.raises(ShapeError, match="expected"):
            Model([row.make()]).assemble(inshape=shape)


REFUSED = [(name, i) for name, row in LAYERS.items() for i in range(len(row.refused))]


@pytest.mark.parametrize(("name", "i"), REFUSED)
def test_wrong_arguments_are_refused_with_name_range_and_value(name, i):
    make, message = LAYERS[name].refused[i]
    with pytest.raises(ValueError, match=message) as refusal:
        make()
    assert isinstance(refusal.value, CutedlError)


def test_dense_backward_equals_the_naive_twin():
    generator = np.random.default_rng(0)
    model = Model([nn.Dense(3, inshape=(2, 4))])
    model.assemble(0, "float64")
    x, dy, dx = generator.normal(size=(5, 2, 4)), generator.normal(size=(5, 2, 3)), np.empty((5, 2, 4))
    model.forward(x)
    model.backward(dy, out=dx)
    W, b = model.parameters.values()
    for mine, naive in zip((dx, W.gradient, b.gradient), reference.dense_backward(x, W.value, dy), strict=True):
        np.testing.assert_allclose(mine, naive, rtol=1e-12, atol=1e-12)


def test_a_long_bias_sum_keeps_its_digits():
    """A plain float32 sum over axis 0 of a million times 0.1 is off by more than 0.1 %."""
    model = Model([nn.Dense(1, inshape=1)])
    model.assemble(0)
    rows = 1_000_000
    model.forward(np.zeros((rows, 1), "float32"))
    model.backward(np.full((rows, 1), 0.1, "float32"))
    assert model.parameters["dense_0.bias"].gradient[0] == pytest.approx(100_000, rel=1e-6)


def test_softmax_and_sigmoid_are_stable():
    x = np.array([[1e4, -1e4, 0.0], [-1e4, -1e4, -1e4]], "float32")
    for make in (nn.Softmax, nn.Sigmoid):
        model = Model([make()])
        model.assemble(inshape=3)
        assert np.isfinite(model.predict(x)).all()
    tail = Model([nn.Sigmoid()])
    tail.assemble(inshape=1)
    assert tail.predict([[-100.0]])[0, 0] == np.float32(np.exp(-100.0)) > 0  # subnormal, not 0


def test_misspelt_names_are_answered_with_a_suggestion():
    with pytest.raises(UnknownNameError, match="no activation is named 'rleu'.*did you mean 'relu'"):
        nn.Dense(3, activation="rleu")
    with pytest.raises(UnknownNameError, match="no initializer is named 'he_norml'.*did you mean 'he_normal'"):
        nn.Dense(3, kernel_initializer="he_norml")


@pytest.mark.parametrize(("arguments", "message"), [
    ({"units": 0}, r"units cannot be used. expected an int >= 1, received 0 \(int\)"),
    ({"units": 2.5}, r"received 2.5 \(float\)"),
    ({"units": True}, r"received True \(bool\)"),
    ({"units": 3, "inshape": 0}, "inshape cannot be used"),
    ({"units": 3, "inshape": (4, -1)}, "inshape cannot be used"),
    ({"units": 3, "activation": 7}, "activation cannot be used. expected a name or a Layer object, received 7"),
])  # fmt: skip
def test_dense_refuses_wrong_arguments(arguments, message):
    with pytest.raises(ArgumentError, match=message):
        nn.Dense(**arguments)


def test_an_activation_object_is_used_as_it_is():
    tanh = nn.Tanh()
    assert nn.Dense(3, activation=tanh).activation is tanh


def test_a_layer_of_the_users_own_needs_only_the_protocol():
    class Double(nn.Layer):
        def build(self, in_shape, arena):
            return in_shape

        def forward(self, x, out, training):
            return np.multiply(x, 2, out=out)

        def backward(self, dy, out):
            return None if out is None else np.multiply(dy, 2, out=out)

    model = Model([nn.Dense(3, inshape=2), Double(), nn.Dense(1)])
    model.assemble(0, "float64")
    x = np.random.default_rng(0).normal(size=(4, 2))
    assert check_gradients(model, losses.MeanSquaredError(), x, np.ones((4, 1))) < 1e-9
