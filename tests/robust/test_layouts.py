"""However they lie in memory, and of whatever type: the bits of their contiguous float32 copy. Nothing is written."""

import hashlib

import numpy as np
import pytest

from cutedl import losses, nn, optimizers
from cutedl.dataset import Dataset
from cutedl.model import Model
from cutedl.session import Session

ROWS, FEATURES = 70, 60


def fortran(array, folder):
    return np.asfortranarray(array)


def strided(array, folder):
    return np.repeat(array, 2, axis=-1)[..., ::2]


def every_third_row(array, folder):
    return np.repeat(array, 3, axis=0)[::3]


def backwards(array, folder):
    return np.flip(np.flip(array).copy())


def transposed(array, folder):
    return array.T.copy().T


def inside_another(array, folder):
    return np.pad(array, [(1, 1)] * array.ndim)[(slice(1, -1),) * array.ndim]


def unaligned(array, folder):
    raw = np.zeros(array.nbytes + 1, np.uint8)[1:]
    view = raw.view(array.dtype).reshape(array.shape)
    view[...] = array
    return view


def memory_mapped(array, folder):
    path = folder / f"{len(list(folder.iterdir()))}.npy"
    np.save(path, array)
    return np.load(path, mmap_mode="r")


def from_lists(array, folder):
    return array.tolist()


LAYOUTS = [fortran, strided, every_third_row, backwards, transposed, inside_another, unaligned, memory_mapped,
           from_lists]  # fmt: skip
TYPES = ["float16", "float32", "float64", "longdouble", "int8", "uint8", "int64", "bool", ">f4", ">f8", ">i2"]

LOSSES = {
    "classes": (losses.SparseCategoricalCrossentropy, (), 2),
    "shares": (losses.CategoricalCrossentropy, (3,), 2),
    "answers": (losses.BinaryCrossentropy, (3,), 2),
    "targets": (losses.MeanSquaredError, (3,), 2),
    "absolute": (losses.MeanAbsoluteError, (3,), 2),
    "huber": (losses.Huber, (3,), 2),
    "counts": (lambda **options: losses.Poisson(log_input=True, **options), (3,), 2),
    "margins": (losses.Hinge, (3,), 2),
    "directions": (losses.CosineSimilarity, (3,), 2),
}


def values(shape, high, seed):
    """Numbers that every type holds exactly, so that nothing but layout and type differs."""
    return np.random.default_rng(seed).integers(0, high, shape).astype("float32")


def run(x, y, loss):
    """The digest of all that a session says of some data, and of what it became by training on it."""
    model = Model([nn.Dense(7, inshape=FEATURES, activation="tanh"), nn.Dense(3)])
    s = Session(model, loss(check="never"), optimizers.Adam(0.01), seed=3)
    data = Dataset(x, y, 16)
    s.fit(data, 1, val_data=data, train_eval="exact", verbose=0)
    said = [s.history["loss"], s.history["val_loss"], s.evaluate(data), s.predict(x).tobytes()]
    return hashlib.sha256(model.arena.values.tobytes() + repr(said).encode()).hexdigest()


def guarded(array):
    """The array, read-only, and the digest of its bytes."""
    if not isinstance(array, np.ndarray):
        return array, repr(array)
    array.flags.writeable = False
    return array, hashlib.sha256(array.tobytes()).hexdigest()


@pytest.fixture(scope="module")
def plain():
    made = {}
    for name, (loss, shape, high) in LOSSES.items():
        x, y = values((ROWS, FEATURES), 2, 1), values((ROWS, *shape), high, 2)
        made[name] = x, y, run(x, y, loss)
    return made


@pytest.mark.parametrize("layout", LAYOUTS, ids=lambda layout: layout.__name__)
@pytest.mark.parametrize("dtype", TYPES)
def test_layouts_and_types_give_the_same_bits(plain, tmp_path, dtype, layout):
    x, y, expected = plain["targets"]
    x, of_x = guarded(layout(x.astype(dtype), tmp_path))
    y, of_y = guarded(layout(y.astype(dtype), tmp_path))
    assert run(x, y, losses.MeanSquaredError) == expected
    assert guarded(x) == (x, of_x) if isinstance(x, list) else guarded(x)[1] == of_x
    assert guarded(y)[1] == of_y


@pytest.mark.parametrize("name", LOSSES)
def test_labels_of_any_type_give_the_same_bits_for_any_loss(plain, tmp_path, name):
    x, y, expected = plain[name]
    for dtype in TYPES:
        labels, of_labels = guarded(strided(y.astype(dtype), tmp_path))
        assert run(x, labels, LOSSES[name][0]) == expected, dtype
        assert guarded(labels)[1] == of_labels


@pytest.mark.parametrize("dtype", ["float32", "float64", "int64"])
def test_a_row_that_is_repeated_without_memory(dtype):
    """Strides of 0: the same row, and the same labels, seen 70 times."""
    x = np.broadcast_to(values((1, FEATURES), 2, 1).astype(dtype), (ROWS, FEATURES))
    y = np.broadcast_to(np.ones((1, 3), dtype), (ROWS, 3))
    expected = run(x.astype("float32", order="C"), y.astype("float32", order="C"), losses.MeanSquaredError)
    assert run(x, y, losses.MeanSquaredError) == expected


@pytest.mark.parametrize("dtype", ["float16", "float64", "longdouble"])
def test_numbers_that_float32_rounds_are_rounded_once(dtype):
    """Not only where all types agree: what is computed with is the float32 copy."""
    generator = np.random.default_rng(5)
    x = generator.standard_normal((ROWS, FEATURES)).astype(dtype)
    y = generator.standard_normal((ROWS, 3)).astype(dtype)
    expected = run(x.astype("float32"), y.astype("float32"), losses.MeanSquaredError)
    assert run(np.asfortranarray(x), np.asfortranarray(y), losses.MeanSquaredError) == expected


@pytest.mark.parametrize("layout", LAYOUTS[:-1], ids=lambda layout: layout.__name__)
@pytest.mark.parametrize(("rows", "units"), [(1, 3), (1, 1), (2, 1), (ROWS, 1)])
def test_one_row_and_one_unit_take_the_same_way_through_blas(tmp_path, layout, rows, units):
    """Products with a vector are summed in another order where numbers do not lie side by side."""
    model = Model([nn.Dense(units, inshape=FEATURES)])
    model.assemble(0)
    s = Session(model, losses.MeanSquaredError(check="never"), optimizers.SGD(), seed=0)
    generator = np.random.default_rng(6)
    x, y = generator.standard_normal((rows, FEATURES), "float32"), generator.standard_normal((rows, units), "float32")
    given, labels = layout(x, tmp_path), layout(y, tmp_path)
    assert model.predict(given).tobytes() == model.predict(x).tobytes()
    assert s.evaluate(Dataset(given, labels)) == s.evaluate(Dataset(x, y))
    (given_x, _), (plain_x, _) = (next(Dataset(*pair).batches(dtype="float32")) for pair in ((given, labels), (x, y)))
    assert model.forward(given_x).tobytes() == model.forward(plain_x).tobytes()
