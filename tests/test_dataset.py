import tracemalloc

import numpy as np
import pytest

from cutedl.dataset import Dataset
from cutedl.errors import ArgumentError, DataTypeError, NonFiniteError, ShapeError


def numbers(n=10):
    return np.arange(n * 3, dtype="float32").reshape(n, 3), np.arange(n)


def collected(dataset, **arguments):
    return [(x.copy(), y.copy()) for x, y in dataset.batches(**arguments)]


@pytest.mark.parametrize(("drop", "sizes"), [(False, [4, 4, 2]), (True, [4, 4])])
def test_batches_are_counted_and_cut(drop, sizes):
    dataset = Dataset(*numbers(), batch_size=4, drop_remainder=drop)
    assert dataset.batch_count == len(sizes)
    for order in (None, dataset.order(0, 1)):
        assert [len(x) for x, _ in dataset.batches(order)] == sizes


def test_an_epoch_sees_every_sample_once_with_its_label():
    dataset = Dataset(*numbers(), batch_size=4)
    batches = collected(dataset, order=dataset.order(seed=3, epoch=2))
    labels = np.concatenate([y for _, y in batches])
    assert sorted(labels) == list(range(10))
    assert labels.tolist() != list(range(10))
    np.testing.assert_array_equal(np.concatenate([x for x, _ in batches])[:, 0], labels * 3)


def test_the_order_is_a_pure_function_of_seed_and_epoch():
    dataset = Dataset(*numbers(50))
    np.testing.assert_array_equal(dataset.order(1, 7), dataset.order(1, 7))
    assert (dataset.order(1, 7) != dataset.order(1, 8)).any()
    assert (dataset.order(1, 7) != dataset.order(2, 7)).any()


def test_the_order_of_a_release_never_changes():
    """Golden: a seed written down today must give the same run in every later version."""
    assert Dataset(*numbers()).order(seed=1, epoch=1).tolist() == [5, 3, 0, 2, 9, 6, 1, 7, 4, 8]


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64", "uint8", "int64", "bool", ">f4", ">i2"])
@pytest.mark.parametrize("layout", ["C", "Fortran", "reversed", "strided", "read-only"])
def test_any_numbers_in_any_layout_give_the_same_batches(dtype, layout):
    plain = (np.arange(30).reshape(10, 3) % 2).astype("float32")
    values = plain.astype(dtype)
    data = {
        "C": values,
        "Fortran": np.asfortranarray(values),
        "reversed": values[::-1].copy()[::-1],
        "strided": np.repeat(values, 2, axis=1)[:, ::2],
        "read-only": values.copy(),
    }[layout]
    data.setflags(write=False)
    order = np.array([9, 0, 5, 3, 1, 2])
    for arguments in ({}, {"order": order}):
        mine = collected(Dataset(data, np.arange(10), 4), dtype="float32", **arguments)
        expected = collected(Dataset(plain, np.arange(10), 4), dtype="float32", **arguments)
        for (x, _), (x_expected, _) in zip(mine, expected, strict=False):
            assert x.dtype == "float32"
            np.testing.assert_array_equal(x, x_expected)


def test_labels_keep_integers_and_cast_floats():
    x, y = numbers()
    assert next(Dataset(x, y).batches(dtype="float32"))[1].dtype == y.dtype
    assert next(Dataset(x, y.astype("float64")).batches(dtype="float32"))[1].dtype == np.float32


def test_a_memmap_is_read_in_batches_not_whole(tmp_path):
    shape = (100_000, 64)
    np.memmap(tmp_path / "data", "float64", "w+", shape=shape)[:, 0] = np.arange(shape[0])
    data = np.memmap(tmp_path / "data", "float64", "r", shape=shape)
    dataset = Dataset(data, np.arange(shape[0]), batch_size=64)
    tracemalloc.start()
    dataset.check_finite("float32")
    for x, y in dataset.batches(dataset.order(0, 1), dtype="float32"):
        assert x[0, 0] == y[0]
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < data.nbytes / 2


def test_shuffled_batches_use_the_same_few_places():
    """Gathered 64 kB at a time, of which labels have their share."""
    dataset = Dataset(np.zeros((10_000, 6), "float32"), np.arange(10_000), batch_size=4)
    batches = [x for x, _ in dataset.batches(dataset.order(0, 1))]
    places = {x.__array_interface__["data"][0] for x in batches}
    assert 64 * 1024 * 24 / 32 - 96 <= len(places) * batches[0].nbytes <= 64 * 1024 * 24 / 32
    assert not any(np.shares_memory(x, dataset.data) for x in batches[:100])


def test_a_batch_size_beyond_the_data_is_one_batch():
    dataset = Dataset(*numbers(), batch_size=10**12)
    assert [len(x) for x, _ in dataset.batches(dataset.order(0, 1))] == [10]


@pytest.mark.parametrize(("arguments", "error", "message"), [
    (([], []), ShapeError, "data is empty"),
    ((np.zeros((0, 3)), np.zeros(0)), ShapeError, r"data is empty.*received shape \(0, 3\)"),
    ((np.zeros((4, 0)), np.zeros(4)), ShapeError, "data is empty"),
    ((3.0, [1]), ShapeError, "data is empty"),
    ((np.zeros((4, 3)), np.zeros(5)), ShapeError, "one label per sample, received 4 samples and 5 labels"),
    ((np.array([object()]), [1]), DataTypeError, "data cannot be used as numbers.*received dtype object"),
    ((["a"], [1]), DataTypeError, "dtype <U1"),
    (([[1], [1, 2]], [1, 2]), DataTypeError, "rows of equal length"),
    (([1j], [1]), DataTypeError, "dtype complex128"),
    (([1], [np.datetime64("2020-01-01")]), DataTypeError, "label cannot be used"),
    (([1], [1], 0), ArgumentError, r"batch_size cannot be used. expected an int >= 1, received 0"),
    (([1], [1], -3), ArgumentError, "batch_size"),
    (([1], [1], 2.0), ArgumentError, "batch_size"),
    (([1], [1], True), ArgumentError, "batch_size"),
    (([1], [1], 2, True), ShapeError, "drop_remainder leaves no batch.*batch_size <= 1"),
])  # fmt: skip
def test_wrong_arguments_are_refused(arguments, error, message):
    with pytest.raises(error, match=message):
        Dataset(*arguments)


def test_the_first_bad_number_is_named():
    x, y = numbers(2000)
    x[1234, 1] = np.nan
    with pytest.raises(NonFiniteError, match=r"data has a value that is not finite.*nan at index \(1234, 1\)"):
        Dataset(x, y).check_finite("float32")
    with pytest.raises(NonFiniteError, match=r"label.*inf at index \(1,\)"):
        Dataset(x[:2], [0.0, np.inf]).check_finite("float32")
    huge = np.array([[1e300]])
    with pytest.raises(NonFiniteError, match=r"finite numbers in float32, received 1e\+300"):
        Dataset(huge, [0]).check_finite("float32")
    Dataset(huge, [0]).check_finite("float64")
