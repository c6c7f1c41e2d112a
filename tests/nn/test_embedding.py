"""Embedding: what reaches it, what it refuses, and that it learns by the row."""

import numpy as np
import pytest

from cutedl import Dataset, Model, Session, losses, nn, optimizers
from cutedl.errors import GradientError, SampleError
from cutedl.gradcheck import check_gradients


def model(input_dim=10, dtype="float32"):
    model = Model([nn.Embedding(input_dim, 4, inshape=3), nn.Flatten(), nn.Dense(2)])
    model.assemble(0, dtype)
    return model


@pytest.mark.parametrize("dtype", ["int8", "uint64", "int64", "float32", "float64"])
def test_indices_come_in_any_type(dtype):
    x = np.array([[1, 9, 0], [3, 3, 2]])
    np.testing.assert_array_equal(model().predict(x.astype(dtype)), model().predict(x))


def test_the_largest_table_keeps_neighbouring_indices_apart_in_float32():
    m = Model([nn.Embedding(2**24, 1, inshape=2, embeddings_initializer="zeros")])
    m.assemble(0)
    m.arena.tables["embedding_0.embeddings"].values[-2:, 0] = [7, 8]
    assert m.predict([[2**24 - 2, 2**24 - 1]]).ravel().tolist() == [7, 8]


@pytest.mark.parametrize("wrong", [10, -1, 2.5, np.nan, np.inf, 2**40])
def test_an_index_out_of_range_or_not_integral_is_refused(wrong):
    x = np.array([[1, 2, 3], [4, wrong, 5]])
    message = rf"embedding_0 cannot take this index\. expected an integer in \[0, 10\), received {wrong:g}"
    message = message.replace("+", r"\+")
    with pytest.raises(SampleError, match=message):
        model().predict(x)
    if np.isfinite(wrong):
        with pytest.raises(SampleError, match=message):
            model().forward(x.astype("float32"))


def test_fit_refuses_before_anything_is_changed():
    m = model()
    session = Session(m, losses.SparseCategoricalCrossentropy(), optimizers.Adam(), seed=0)
    x = np.zeros((100_000, 3), "int64")
    x[-1, 2] = 10
    before = m.arena.values.copy()
    with pytest.raises(SampleError, match="received 10"):
        session.fit(Dataset(x, np.zeros(len(x), int)), 1, verbose=0)
    np.testing.assert_array_equal(m.arena.values, before)
    assert session.epoch == 0


def test_a_step_touches_the_rows_that_occur_and_no_other():
    m = model()
    session = Session(m, losses.SparseCategoricalCrossentropy(), optimizers.Adam(0.1), seed=0)
    table = m.arena.tables["embedding_0.embeddings"]
    before = table.values.copy()
    session.batch_train(np.array([[1, 5, 5], [8, 1, 1]], "float32"), np.array([0, 1]))
    changed = (table.values != before).any(axis=1)
    assert np.flatnonzero(changed).tolist() == [1, 5, 8]


def test_it_learns_which_class_an_index_has():
    generator = np.random.default_rng(0)
    x = generator.integers(0, 10, (2000, 1))
    m = Model([nn.Embedding(10, 4), nn.Flatten(), nn.Dense(3)])
    session = Session(m, losses.SparseCategoricalCrossentropy(), optimizers.Adam(0.05), ["accuracy"], seed=0)
    history = session.fit(Dataset(x, x[:, 0] % 3, batch_size=50), 3, verbose=0)
    assert history["accuracy"][-1] == 1
    assert m.arena.size == 10 * 4 + 4 * 3 + 3


def test_a_wrong_row_gradient_is_caught():
    class Wrong(nn.Embedding):
        def backward(self, dy, out):
            super().backward(dy, out)
            self.table.row_gradients[0] *= 1.001

    m = Model([Wrong(10, 4, inshape=3), nn.Flatten(), nn.Dense(2)])
    m.assemble(0)
    with pytest.raises(GradientError, match=r"the gradient of wrong_0\.embeddings"):
        check_gradients(m, losses.MeanSquaredError(), [[1, 2, 3]], np.ones((1, 2)))
