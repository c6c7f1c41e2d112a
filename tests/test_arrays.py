"""Everything that holds numbers can be trained on: tables, sparse matrices, tensors, memory of other libraries."""

import array
import tracemalloc

import numpy as np
import pytest
from scipy import sparse

from cutedl import Dataset, Model, Session, losses, nn, optimizers
from cutedl.errors import DataTypeError, NonFiniteError, ShapeError

X = (np.arange(60).reshape(20, 3) * 7 % 11 * (np.arange(60).reshape(20, 3) % 2)).astype("float64")
Y = np.arange(20) % 2
TABLES = ("pandas", "polars", "pyarrow")


def trained(x, y=Y):
    """The weights after three epochs, and the predictions for x."""
    model = Model([nn.Dense(4, activation="tanh"), nn.Dense(2)])
    session = Session(model, losses.SparseCategoricalCrossentropy(), optimizers.Adam(0.01), ["accuracy"], seed=0)
    data = Dataset(x, y, batch_size=8)
    session.fit(data, 3, val_data=data, verbose=0)
    return model.arena.values, model.predict(x)


def table(library, columns):
    return pytest.importorskip(library, reason=f"{library} is not installed").__getattribute__(
        "table" if library == "pyarrow" else "DataFrame"
    )(columns)


def assert_the_same_training(x, y=Y):
    for mine, expected in zip(trained(x, y), trained(X), strict=True):
        np.testing.assert_array_equal(mine, expected)


@pytest.mark.parametrize("kind", ["list", "memoryview", "array.array", "__array__"])
def test_whatever_numpy_can_read_trains_alike(kind):
    class Holder:
        def __array__(self, dtype=None, copy=None):
            return X

    x = {
        "list": X.tolist(),
        "memoryview": memoryview(X),
        "array.array": [array.array("d", row) for row in X],
        "__array__": Holder(),
    }[kind]
    assert_the_same_training(x)


def test_torch_tensors_train_alike_and_those_with_a_gradient_are_refused_in_words():
    torch = pytest.importorskip("torch", reason="torch is not installed")
    assert_the_same_training(torch.tensor(X), torch.tensor(Y))
    with pytest.raises(DataTypeError, match=r"data cannot be made an array.*detach\(\)"):
        Dataset(torch.tensor(X, requires_grad=True), Y)


@pytest.mark.parametrize("library", TABLES)
def test_tables_train_alike_though_their_columns_differ_in_type(library):
    columns = {"age": X[:, 0].astype("int32"), "height": X[:, 1], "worn": X[:, 2].astype("float32")}
    assert_the_same_training(table(library, columns))
    booleans = table(library, {"yes": np.arange(20) % 2 == 0, "age": X[:, 0]})
    dataset = Dataset(booleans, Y)
    assert dataset.columns == ("yes", "age")
    assert dataset.data.dtype == "float64"
    assert dataset.data[:2, 0].tolist() == [1.0, 0.0]


@pytest.mark.parametrize("library", TABLES)
def test_messages_name_the_column(library):
    ages = X[:, 0].copy()
    ages[17] = np.nan
    with pytest.raises(NonFiniteError, match=r"^data has a value that is not finite: column 'age', row 17\."):
        Dataset(table(library, {"height": X[:, 1], "age": ages}), Y).check_finite("float32")
    names = table(library, {"height": [1.0, 2.0], "name": ["4", "x"]})
    with pytest.raises(DataTypeError, match=r"cannot be used as numbers: column 'name', row 0\..*received '4' \(str\)"):
        Dataset(names, [0, 1])


def test_a_series_is_named_and_missing_values_are_found():
    pandas = pytest.importorskip("pandas", reason="pandas is not installed")
    assert_the_same_training(X, pandas.Series(Y, name="survived"))
    with pytest.raises(DataTypeError, match=r"data cannot be used as numbers: column 'age', row 1\..*NA"):
        Dataset(pandas.DataFrame({"age": pandas.array([1, None], dtype="Int64"), "b": [True, False]}), [0, 1])


@pytest.mark.parametrize("layout", ["csr", "csc", "coo", "lil"])
@pytest.mark.parametrize("make", [sparse.csr_array, sparse.csr_matrix])
def test_sparse_matrices_train_alike(make, layout):
    assert_the_same_training(make(X).asformat(layout))


@pytest.mark.parametrize("dtype", ["float32", "int8", "bool"])
def test_sparse_batches_are_the_dense_ones(dtype):
    plain = X.astype(dtype)
    for order in (None, np.array([9, 0, 5, 19, 0])):
        mine, dense = (
            [x.copy() for x, *_ in Dataset(x, Y, 4).batches(order, "float32")] for x in (sparse.csr_array(plain), plain)
        )
        assert all(x.dtype == "float32" for x in mine)
        np.testing.assert_array_equal(np.concatenate(mine), np.concatenate(dense))


def test_a_large_sparse_matrix_is_never_dense_as_a_whole():
    rows, columns = 20_000, 1_000  # 160 MB if it were dense
    data = sparse.random_array((rows, columns), density=0.001, format="csr", rng=np.random.default_rng(0))
    model = Model([nn.Dense(2, inshape=columns)])
    model.assemble(0)
    tracemalloc.start()
    dataset = Dataset(data, np.zeros(rows), batch_size=64)
    dataset.check_finite("float32")
    assert sum(len(x) for x, *_ in dataset.batches(dataset.order(0, 1), "float32")) == rows
    assert model.predict(data).shape == (rows, 2)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 16e6


def test_sparse_faults_are_named_by_row_and_column():
    faulty = sparse.lil_array(X)
    faulty[17, 2] = np.inf
    with pytest.raises(NonFiniteError, match=r"data has a value that is not finite.*inf at index \(17, 2\)"):
        Dataset(faulty, Y).check_finite("float32")
    with pytest.raises(DataTypeError, match="data cannot be used as numbers.*complex"):
        Dataset(sparse.csr_array(X + 1j), Y)
    with pytest.raises(ShapeError, match=r"data has to be a table. expected \(samples, features\)"):
        Dataset(sparse.coo_array(X[0]), Y)
    with pytest.raises(DataTypeError, match=r"label cannot be used as numbers.*label.toarray\(\)"):
        Dataset(X, sparse.csr_array(np.eye(20)))
    model = Model([nn.Dense(2, inshape=4)])
    model.assemble(0)
    with pytest.raises(ShapeError, match=r"expected \(batch, 4\), received \(20, 3\)"):
        model.predict(sparse.csr_array(X))


def test_an_embedding_takes_sparse_indices_too():
    model = Model([nn.Embedding(12, 2, inshape=3)])
    model.assemble(0)
    np.testing.assert_array_equal(model.predict(sparse.csr_array(X)), model.predict(X))


def test_predict_takes_an_iterator_of_batches():
    model = Model([nn.Dense(2, inshape=3)])
    model.assemble(0)
    batches = (X[start : start + 7] for start in range(0, 20, 7))
    np.testing.assert_allclose(model.predict(batches), model.predict(X), rtol=1e-6)
    assert model.predict(iter([])).shape == (0, 2)
