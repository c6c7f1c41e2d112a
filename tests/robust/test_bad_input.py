"""Wrong input is refused with a sentence that helps, and changes nothing: no probe here may pass in silence.

The probes are those that Keras 3.15 was tried on, of which it trained on 11 of 22 without a word, and those of
scikit-learn's estimator checks that apply to a training loop.
"""

import math

import numpy as np
import pytest

from cutedl import losses, nn, optimizers
from cutedl.checkpoint import read
from cutedl.dataset import Dataset
from cutedl.errors import (
    ArgumentError,
    CutedlError,
    DataTypeError,
    LabelError,
    NonFiniteError,
    NotBuiltError,
    ReentrancyError,
    SampleError,
    ShapeError,
    UnknownNameError,
)
from cutedl.listeners import EarlyStopping, Listener
from cutedl.model import Model
from cutedl.session import Session
from tests.saved.sessions import digest

generator = np.random.default_rng(0)
X = generator.standard_normal((20, 4)).astype("float32")
Y = generator.integers(0, 3, 20)
T = generator.standard_normal((20, 2)).astype("float32")


def with_value(array, value):
    changed = array.astype("float64")
    changed[3, 1] = value
    return changed


def session(loss=None, outputs=3, rate=0.01, **options):
    model = Model([nn.Dense(5, inshape=4, activation="relu"), nn.Dropout(0.2), nn.Dense(outputs)])
    loss = loss or losses.SparseCategoricalCrossentropy()
    return Session(model, loss, optimizers.Adam(rate), seed=1, **options)


def classifier():
    made = session(metrics=["accuracy"])
    made.fit(Dataset(X, Y, 8), 1, val_data=Dataset(X, Y), listeners=[EarlyStopping(patience=5)], verbose=0)
    return made


def regression(loss=None):
    made = session(loss or losses.MeanSquaredError(), 2)
    made.fit(Dataset(X, T, 8), 1, verbose=0)
    return made


def words():
    made = Session(Model([nn.Embedding(9, 2), nn.Flatten(), nn.Dense(3)]), losses.SparseCategoricalCrossentropy(),
                   optimizers.SGD(0.1), seed=1)  # fmt: skip
    made.fit(Dataset(np.arange(20).reshape(10, 2) % 9, Y[:10], 8), 1, verbose=0)
    return made


def fit(x, y, **arguments):
    return lambda s: s.fit(Dataset(x, y, 8), **({"epochs": 1, "verbose": 0} | arguments))


def good(**arguments):
    return fit(X, Y, **arguments)


def predict(x):
    return lambda s: s.predict(x)


def evaluate(x, y):
    return lambda s: s.evaluate(Dataset(x, y))


MASKED = np.ma.masked_array(X, mask=X > 1)

# name: what makes the session, what is done to it, the error, and what its text has to say.
PROBES = {
    # -- samples --
    "NaN in x": (classifier, fit(with_value(X, np.nan), Y), NonFiniteError, r"data .*received nan at index \(3, 1\)"),
    "infinity in x": (classifier, fit(with_value(X, np.inf), Y), NonFiniteError, r"data .*inf at index \(3, 1\)"),
    "x overflows float32": (classifier, fit(with_value(X, 1e300), Y), NonFiniteError, r"float32, received 1e\+300"),
    "NaN in val_data": (
        classifier, good(val_data=Dataset(with_value(X, np.nan), Y)), NonFiniteError, r"nan at index \(3, 1\)"),
    "complex x": (classifier, fit(X * 1j, Y), DataTypeError, "data .*received dtype complex64"),
    "text": (classifier, fit(X.astype(str), Y), DataTypeError, "data .*received dtype <U"),
    "objects": (classifier, fit(X.astype(object), Y), DataTypeError, "data .*received dtype object"),
    "dates": (classifier, fit(X.astype("datetime64[s]"), Y), DataTypeError, "data .*received dtype datetime64"),
    "records": (classifier, fit(np.zeros(20, [("a", "f4")]), Y), DataTypeError, "data .*received dtype"),
    "masked values": (classifier, fit(MASKED, Y), DataTypeError, "data has masked values.*received 16 masked of 80"),
    "ragged rows": (classifier, fit([[1, 2], [3]], [0, 1]), DataTypeError, "data .*expected rows of equal length"),
    "None": (classifier, fit(None, Y), DataTypeError, "data .*dtype object"),
    "empty x": (classifier, fit(X[:0], Y[:0]), ShapeError, r"data is empty.*received shape \(0, 4\)"),
    "no features": (classifier, fit(X[:, :0], Y), ShapeError, r"data is empty.*received shape \(20, 0\)"),
    "a number": (classifier, fit(3.0, Y), ShapeError, r"data is empty.*received shape \(\)"),
    "one-dimensional x": (classifier, fit(X[:, 0], Y), ShapeError, r"expected \(batch, 4\), received \(20,\)"),
    "fewer features": (classifier, fit(X[:, :3], Y), ShapeError, r"expected \(batch, 4\), received \(20, 3\)"),
    "more features": (classifier, fit(np.hstack([X, X]), Y), ShapeError, r"expected \(batch, 4\), received \(20, 8\)"),
    "three-dimensional x": (classifier, fit(X.reshape(20, 2, 2), Y), ShapeError, r"received \(20, 2, 2\)"),
    "lengths differ": (classifier, fit(X, Y[:19]), ShapeError, "one label per sample, received 20 samples and 19 lab"),
    "index too large": (words, fit([[1, 9]], [0]), SampleError, r"integer in \[0, 9\), received 9"),
    "index below 0": (words, fit([[1, -1]], [0]), SampleError, r"integer in \[0, 9\), received -1"),
    "index not whole": (words, fit([[1, 0.5]], [0]), SampleError, r"integer in \[0, 9\), received 0.5"),
    # -- labels --
    "label too large": (classifier, fit(X, Y + 7), LabelError, "class indices 0 to 2, received .* at row 0"),
    "label -1": (classifier, fit(X, Y - 1), LabelError, "class indices 0 to 2, received -1 at row"),
    "label 0.7": (classifier, fit(X, Y * 0.7), LabelError, "expected whole numbers, received 0.7 at row"),
    "label NaN": (classifier, fit(X, np.where(Y == 1, np.nan, Y)), NonFiniteError, "label .*received nan"),
    "label 2^64 - 1": (classifier, fit(X, np.full(20, 2**64 - 1, "uint64")), LabelError, "class indices 0 to 2"),
    "names as labels": (classifier, fit(X, Y.astype(str)), DataTypeError, "label .*received dtype <U"),
    "masked labels": (classifier, fit(X, np.ma.masked_equal(Y, 1)), DataTypeError, "label has masked values"),
    "one-hot labels": (classifier, fit(X, np.eye(3)[Y]), ShapeError, "one-hot rows go with CategoricalCrossentropy"),
    "labels of two columns": (classifier, fit(X, np.stack([Y, Y], 1)), ShapeError, r"received shape \(20, 2\)"),
    "wrong val labels": (classifier, good(val_data=Dataset(X, Y + 3)), LabelError, "class indices 0 to 2"),
    "targets (N, 1)": (regression, fit(X, T[:, :1]), ShapeError, r"\(samples, 2\), received shape \(20, 1\)"),
    "targets (N,)": (regression, fit(X, T[:, 0]), ShapeError, r"\(samples, 2\), received shape \(20,\)"),
    "targets (N, 3)": (regression, fit(X, X[:, :3]), ShapeError, r"\(samples, 2\), received shape \(20, 3\)"),
    "targets overflow": (regression, fit(X, with_value(T, 1e300)), NonFiniteError, r"label .*received 1e\+300"),
    "negative shares": (
        lambda: session(losses.CategoricalCrossentropy()), fit(X, -np.eye(3)[Y]), LabelError, "received -1 at row 0"),
    "a label 2 of yes and no": (
        lambda: session(losses.BinaryCrossentropy()), fit(X, 2 * np.eye(3)[Y]), LabelError, r"labels in \[0, 1\]"),
    "half a margin": (lambda: session(losses.Hinge()), fit(X, 0.5 * np.eye(3)[Y]), LabelError, "1 and -1.*0.5"),
    "a count below 0": (lambda: session(losses.Poisson()), fit(X, -np.eye(3)[Y]), LabelError, r"counts in \[0, inf\)"),
    # -- arguments of Dataset and fit --
    **{f"batch_size {size!r}": (
        classifier, lambda s, size=size: Dataset(X, Y, size), ArgumentError, "batch_size .*an int >= 1, received")
       for size in (0, -1, 2.5, True, "8", None)},
    "every batch dropped": (
        classifier, lambda s: Dataset(X, Y, 64, drop_remainder=True), ShapeError, "batch_size <= 20, received"),
    **{f"epochs {epochs!r}": (classifier, good(epochs=epochs), ArgumentError, "epochs .*an int >= 1, received")
       for epochs in (0, -1, 1.5, True, "3", None, math.nan)},
    "val_epochs 0": (classifier, good(val_epochs=0), ArgumentError, "val_epochs .*an int >= 1, received 0"),
    "verbose": (classifier, good(verbose="loud"), ArgumentError, "verbose .*received 'loud'"),
    "train_eval": (classifier, good(train_eval="often"), ArgumentError, "train_eval .*received 'often'"),
    "arrays for a Dataset": (
        classifier, lambda s: s.fit((X, Y), 1, verbose=0), ArgumentError, "train .*a Dataset, received tuple"),
    "arrays for val_data": (classifier, good(val_data=(X, Y)), ArgumentError, "val_data .*a Dataset, received tuple"),
    "listeners None": (classifier, good(listeners=None), ArgumentError, "listeners .*a list, received None"),
    "one listener": (classifier, good(listeners=EarlyStopping()), ArgumentError, "listeners .*a list, received Early"),
    "no listener": (classifier, good(listeners=[print]), ArgumentError, "no listener.*a Listener, received"),
    "misspelt column": (
        classifier, good(listeners=[EarlyStopping("val_los")], val_data=Dataset(X, Y)), UnknownNameError,
        "'val_los'.*expected one of.*did you mean 'val_loss'"),
    # -- use --
    "evaluate: NaN": (classifier, evaluate(with_value(X, np.nan), Y), NonFiniteError, r"nan at index \(3, 1\)"),
    "evaluate: features": (classifier, evaluate(X[:, :3], Y), ShapeError, r"expected \(batch, 4\), received \(20, 3\)"),
    "evaluate: labels": (classifier, evaluate(X, Y + 3), LabelError, "class indices 0 to 2"),
    "evaluate: arrays": (classifier, lambda s: s.evaluate((X, Y)), ArgumentError, "data .*a Dataset, received tuple"),
    "evaluate too early": (session, evaluate(X, Y), NotBuiltError, "no memory yet"),
    "predict too early": (session, predict(X), NotBuiltError, "no memory yet"),
    "predict: NaN": (classifier, predict(with_value(X, np.nan)), NonFiniteError, r"x .*received nan at index \(3, 1\)"),
    "predict: infinity": (classifier, predict(with_value(X, -np.inf)), NonFiniteError, r"x .*-inf at index \(3, 1\)"),
    "predict: overflow": (classifier, predict(with_value(X, 1e39)), NonFiniteError, r"float32, received 1e\+39"),
    "predict: far down": (
        classifier, predict(np.vstack([*[X] * 40, with_value(X, np.nan)])), NonFiniteError, r"index \(803, 1\)"),
    "predict: one sample": (classifier, predict(X[0]), ShapeError, r"expected \(batch, 4\), received \(4,\)"),
    "predict: features": (classifier, predict(X[:, :3]), ShapeError, r"expected \(batch, 4\), received \(20, 3\)"),
    "predict: complex": (classifier, predict(X * 1j), DataTypeError, "x .*received dtype complex64"),
    "predict: text": (classifier, predict("abcd"), DataTypeError, "x .*received dtype <U4"),
    "predict: masked": (classifier, predict(MASKED), DataTypeError, "x has masked values"),
    "predict: index": (words, predict([[0, 9]]), SampleError, r"integer in \[0, 9\), received 9"),
    "lr_find: range": (
        session, lambda s: s.lr_find(Dataset(X, Y), low=1, high=0.1), ArgumentError, r"high .*\(1, inf\), received"),
    "lr_find: data": (classifier, lambda s: s.lr_find(Dataset(X, Y + 3)), LabelError, "class indices 0 to 2"),
}  # fmt: skip


def everything(session, folder):
    """The digest of all that a session is: weights, optimizer, loss, metrics, history, counters, listeners."""
    if not session.model.assembled:
        return repr(session), dict(session.history)
    session.save(folder / "witness.safetensors")
    return digest(read(folder / "witness.safetensors").state)


@pytest.mark.parametrize(("make", "do", "error", "text"), PROBES.values(), ids=PROBES)
def test_wrong_input_is_refused_and_changes_nothing(tmp_path, make, do, error, text):
    s, arrays = make(), [array.tobytes() for array in (X, Y, T)]
    assembled, before = s.model.assembled, everything(s, tmp_path)
    with pytest.raises(error, match=text) as caught:
        do(s)
    assert isinstance(caught.value, CutedlError)
    assert s.model.assembled == assembled
    assert everything(s, tmp_path) == before
    assert [array.tobytes() for array in (X, Y, T)] == arrays


def test_a_refused_fit_leaves_no_trace_in_a_model_without_weights():
    """What was declared for the wrong samples must not shape the right ones."""
    model = Model([nn.Dense(5, activation="relu"), nn.Flatten(), nn.Dense(3)])
    tried = Session(model, losses.SparseCategoricalCrossentropy(), optimizers.Adam(0.01), seed=1)
    for x, y in ((X[:, :3], Y + 3), (with_value(X, np.nan), Y), (X.reshape(20, 2, 2), Y - 1)):
        with pytest.raises(CutedlError):
            fit(x, y)(tried)
    fresh = Session(Model([nn.Dense(5, activation="relu"), nn.Flatten(), nn.Dense(3)]),
                    losses.SparseCategoricalCrossentropy(), optimizers.Adam(0.01), seed=1)  # fmt: skip
    for s in (tried, fresh):
        good()(s)
    assert tried.model.arena.values.tobytes() == fresh.model.arena.values.tobytes()
    assert tried.history["loss"] == fresh.history["loss"]


def test_a_refused_inner_fit_leaves_the_outer_one_alone():
    refused, plain = session(), session()

    class Inside(Listener):
        def on_epoch_start(self, session):
            with pytest.raises(ReentrancyError, match="training already"):
                good()(session)

    good(listeners=[Inside()], epochs=2)(refused)
    good(epochs=2)(plain)
    assert refused.model.arena.values.tobytes() == plain.model.arena.values.tobytes()
    assert refused.history["loss"] == plain.history["loss"]


@pytest.mark.parametrize("optimizer", [optimizers.SGD, optimizers.Momentum])
def test_a_rate_that_diverges_leaves_the_weights_of_the_last_good_step(optimizer):
    weights = []

    class Remember(Listener):
        def on_batch_end(self, session):
            weights.append(session.model.arena.values.tobytes())

    s = Session(Model([nn.Dense(2, inshape=4)]), losses.MeanSquaredError(), optimizer(1e25), seed=0)
    with pytest.raises(NonFiniteError, match=r"became (inf|nan) at step \d+ \(epoch \d+, batch \d+\).*rate 1e\+25"):
        s.fit(Dataset(X, T, 2), 50, listeners=[Remember()], verbose=0)
    assert s.model.arena.values.tobytes() == weights[-1]
    assert s.optimizer.steps == len(weights)


def test_an_error_of_a_listener_passes_unchanged_and_training_goes_on_where_it_was():
    class Fails(Listener):
        def on_batch_end(self, session):
            if session.optimizer.steps == 4:
                raise OSError("the sensor is gone")

    failed, plain = session(), session()
    with pytest.raises(OSError, match="^the sensor is gone$"):
        good(epochs=3, listeners=[Fails()])(failed)
    good(epochs=2)(failed)  # finishes the second epoch, and makes the third
    good(epochs=3)(plain)
    assert failed.history["loss"] == plain.history["loss"]
    assert failed.model.arena.values.tobytes() == plain.model.arena.values.tobytes()


@pytest.mark.parametrize(("x", "y"), [
    (X[:1], Y[:1]), (X, np.zeros(20, "int64")), (np.zeros((20, 4)), Y), (X, Y.astype("float64")), (X, Y.reshape(-1, 1)),
    (X * 1e18, Y), (X, Y > 0),
], ids=["one sample", "one class", "no variance", "whole floats", "a column", "large numbers", "bool"])  # fmt: skip
def test_what_is_merely_unusual_trains(x, y):
    s = session(losses.SparseCategoricalCrossentropy(check="never"))
    fit(x, y)(s)
    assert np.isfinite(s.model.arena.values).all()
    assert np.isfinite(s.history["loss"]).all()
