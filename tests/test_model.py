import copy
import pickle

import numpy as np
import pytest

from cutedl import nn, optimizers
from cutedl.errors import ArgumentError, DataTypeError, NonFiniteError, NotBuiltError, ShapeError
from cutedl.model import Model


def model(dtype="float32", seed=0):
    model = Model([nn.Dense(5, inshape=4, activation="relu"), nn.Dense(3, activation="softmax")])
    model.assemble(seed, dtype)
    return model


def test_an_activation_is_run_as_a_layer_of_its_own():
    assert [layer.name for layer in model().chain] == ["dense_0", "relu_0", "dense_1", "softmax_0"]
    assert list(model().parameters) == ["dense_0.kernel", "dense_0.bias", "dense_1.kernel", "dense_1.bias"]


def test_add_builds_the_same_model():
    added = Model()
    added.add(nn.Dense(5, inshape=4, activation="relu"))
    added.add(nn.Dense(3, activation="softmax"))
    added.assemble(0)
    np.testing.assert_array_equal(added.arena.values, model().arena.values)


def test_predict_equals_the_naive_product_for_any_batch_size():
    x = np.random.default_rng(0).normal(size=(1300, 4))
    double = model("float64")
    W0, b0, W1, b1 = (p.value for p in double.parameters.values())
    logits = np.maximum(x @ W0 + b0, 0) @ W1 + b1
    expected = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    for count in (0, 1, 2, 511, 512, 513, 1300):
        np.testing.assert_allclose(double.predict(x[:count]), expected[:count], rtol=1e-12)


def test_predict_returns_an_array_that_the_caller_owns():
    m, x = model(), np.ones((3, 4))
    first = m.predict(x)
    kept = first.copy()
    m.predict(-x)
    m.forward(np.full((3, 4), 7, "float32"))
    np.testing.assert_array_equal(first, kept)
    assert first.base is None
    assert first.flags.writeable


@pytest.mark.parametrize("dtype", ["float16", "float64", "uint8", "int32", "bool", ">f8"])
@pytest.mark.parametrize("layout", [np.asarray, np.asfortranarray, lambda x: x[::-1].copy()[::-1]])
def test_predict_takes_any_numbers_and_writes_to_none(dtype, layout):
    x = layout((np.arange(24).reshape(6, 4) % 2).astype(dtype))
    x.setflags(write=False)
    np.testing.assert_array_equal(model().predict(x), model().predict(x.astype("float32").copy()))


@pytest.mark.parametrize("layers", [[nn.Dense(3)], [nn.Relu(), nn.Dense(3)], [nn.Tanh()], [nn.Flatten(), nn.Dense(2)]])
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_what_is_not_finite_is_found_in_any_row_whatever_the_layers_make_of_it(layers, value):
    """Seen in the outputs of a first Dense, which sums its inputs, and in the inputs of any other layer."""
    model = Model(layers)
    model.assemble(seed=0, inshape=4)
    for row in (0, 959, 960, 1999):
        x = np.ones((2000, 4), np.float32)
        x[row, 2] = value
        for given in (x, x.astype(np.float64), np.asfortranarray(x)):
            with pytest.raises(NonFiniteError, match=rf"received {value:g} at index \({row}, 2\)"):
                model.predict(given)


def test_numbers_too_large_for_the_model_are_refused_and_large_outputs_are_not():
    model = Model([nn.Dense(1, inshape=2, kernel_initializer="ones")])
    model.assemble(seed=0)
    with pytest.raises(NonFiniteError, match="finite numbers in float32"):
        model.predict(np.array([[1e300, 0.0]]))
    assert model.predict(np.array([[3e38, 3e38]], np.float32)) == np.inf
    assert model.predict(np.array([[2e38, 1e38]], np.float32)) == np.float32(3e38)  # whose square is infinite


def test_the_first_layers_input_gradient_is_not_computed():
    m = model()
    seen = []
    dense = m.chain[0]
    original = dense.backward
    dense.backward = lambda dy, out: seen.append(out) or original(dy, out)
    m.forward(np.ones((2, 4), "float32"))
    m.backward(m.output_gradient(2))
    assert seen == [None]


def test_growing_and_shrinking_batches_keep_parameters_where_they_are():
    m = model()
    address = m.arena.values.ctypes.data
    x = np.random.default_rng(0).normal(size=(100, 4)).astype("float32")
    for rows in (3, 50, 1, 100, *range(1, 40)):
        np.testing.assert_allclose(m.forward(x[:rows], training=True), m.predict(x[:rows]), rtol=1e-5, atol=1e-7)
    assert m.arena.values.ctypes.data == address
    assert np.shares_memory(m.parameters["dense_0.kernel"].value, m.arena.values)


def test_assemble_again_starts_anew():
    m = model()
    m.arena.values[...] = 9
    m.assemble(0)
    np.testing.assert_array_equal(m.arena.values, model().arena.values)


def test_a_seed_is_drawn_and_told_when_none_is_given():
    first, second = Model([nn.Dense(3, inshape=2)]), Model([nn.Dense(3, inshape=2)])
    first.assemble()
    second.assemble(first.seed)
    np.testing.assert_array_equal(first.arena.values, second.arena.values)
    second.assemble()
    assert (first.arena.values != second.arena.values).any()


def test_a_copy_is_independent():
    original = model()
    twin = copy.deepcopy(original)
    twin.assemble(1)
    np.testing.assert_array_equal(original.arena.values, model().arena.values)


def pickled(pair):
    return pickle.loads(pickle.dumps(pair))


@pytest.mark.parametrize("copied", [copy.deepcopy, pickled])
def test_a_copy_of_model_and_optimizer_goes_on_as_they_do(copied):
    """Parameters and optimizer are views into the arena's vectors; those of a copy have to be views into its own."""
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(8, 4)).astype(np.float32), rng.normal(size=(8, 2)).astype(np.float32)
    m = Model([nn.Dense(5, inshape=4, activation="relu"), nn.BatchNormalization(), nn.Dropout(0.5), nn.Dense(2)])
    m.assemble(seed=0)

    def steps(m, optimizer):
        for _ in range(3):
            m.backward((m.forward(x) - y) / 8)
            optimizer.step(m.arena)
        return m

    adam = optimizers.Adam(0.1, ema=0.9)
    steps(m, adam)
    twin, twin_adam = copied((m, adam))
    assert np.shares_memory(twin.parameters["dense_0.kernel"].value, twin.arena.values)
    before = twin.predict(x)
    np.testing.assert_array_equal(steps(m, adam).predict(x), steps(twin, twin_adam).predict(x))
    assert (twin.predict(x) != before).all()
    assert not np.shares_memory(m.arena.values, twin.arena.values)
    np.testing.assert_array_equal(adam.state()["average"], twin_adam.state()["average"])


def test_refusals():
    with pytest.raises(ArgumentError, match="this model has no layers"):
        Model().assemble()
    with pytest.raises(ArgumentError, match=r"only a layer can be added. expected a cutedl.nn.Layer, received 'relu'"):
        Model(["relu"])
    layer = nn.Dense(3)
    with pytest.raises(ArgumentError, match="is in this model already"):
        Model([layer, layer])
    with pytest.raises(ArgumentError, match="another layer would cost it its weights"):
        model().add(nn.Dense(3))
    with pytest.raises(ShapeError, match="the shape of one sample is not known"):
        Model([nn.Dense(3)]).assemble()
    with pytest.raises(
        ShapeError, match=r"dense_1 cannot take this input. expected \(batch, 7\), received \(batch, 3\)"
    ):
        Model([nn.Dense(3, inshape=2), nn.Dense(2, inshape=7)]).assemble()
    with pytest.raises(ArgumentError, match="dtype cannot be used. expected float32 or float64, received int32"):
        Model([nn.Dense(3, inshape=2)]).assemble(dtype="int32")
    with pytest.raises(ArgumentError, match="seed cannot be used"):
        Model([nn.Dense(3, inshape=2)]).assemble(seed=-1)
    with pytest.raises(NotBuiltError, match=r"call model.assemble\(\) first"):
        Model([nn.Dense(3, inshape=2)]).predict([[1, 2]])
    with pytest.raises(ShapeError, match=r"expected \(batch, 4\), received \(28, 28\) float64"):
        model().predict(np.zeros((28, 28)))
    with pytest.raises(ShapeError, match=r"received \(4,\)"):
        model().predict(np.zeros(4))
    with pytest.raises(DataTypeError, match="x cannot be used as numbers"):
        model().predict([["a", "b", "c", "d"]])


def test_a_failed_assemble_leaves_the_weights():
    m = model()
    before = m.arena.values.copy()
    with pytest.raises(ArgumentError):
        m.assemble(dtype="complex64")
    with pytest.raises(ShapeError):
        m.assemble(inshape=99)
    np.testing.assert_array_equal(m.arena.values, before)
    assert m.predict(np.ones((2, 4))).shape == (2, 3)


def test_an_assemble_that_fails_further_up_leaves_every_layer_its_weights():
    m = Model([nn.Dense(4), nn.Reshape((2, 2)), nn.Dense(3)])
    m.assemble(0, inshape=5)
    x, before = np.ones((2, 5)), m.arena.values.copy()
    expected = m.predict(x)
    with pytest.raises(ShapeError):
        m.assemble(0, inshape=(3, 5))  # the first Dense takes it, the Reshape does not
    np.testing.assert_array_equal(m.predict(x), expected)
    np.testing.assert_array_equal(m.arena.values, before)
    assert m.shapes[0] == (5,)
