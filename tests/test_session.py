import copy
import hashlib
import os
import pickle
import subprocess
import sys
import threading
import tracemalloc

import numpy as np
import pytest

from cutedl import losses, nn, optimizers
from cutedl.dataset import Dataset
from cutedl.errors import (
    ArgumentError,
    CutedlError,
    LabelError,
    NonFiniteError,
    ReentrancyError,
    ShapeError,
    UnknownNameError,
)
from cutedl.listeners import Listener
from cutedl.metrics import Accuracy
from cutedl.model import Model
from cutedl.session import FitListener, Session, condition_callback


def ring(n=300, seed=0):
    generator = np.random.default_rng(seed)
    x = generator.standard_normal((n, 2)).astype("float32")
    return x, (np.hypot(x[:, 0], x[:, 1]) > 1.1).astype("int64")


def session(seed=1, learning_rate=0.01, **arguments):
    model = Model([nn.Dense(16, inshape=2, activation="tanh"), nn.Dense(2)])
    loss = losses.SparseCategoricalCrossentropy()
    return Session(model, loss, optimizers.Adam(learning_rate), metrics=["accuracy"], seed=seed, **arguments)


def digest(s):
    return hashlib.sha256(s.model.arena.values.tobytes()).hexdigest()


def trained(epochs=2, **arguments):
    s = session()
    s.fit(Dataset(*ring(), batch_size=32), epochs, verbose=0, **arguments)
    return s


# -- what training does --


def test_it_learns_a_ring():
    s, x, y = session(), *ring(2000)
    history = s.fit(Dataset(x[:1600], y[:1600], 32), 10, val_data=Dataset(x[1600:], y[1600:], 32), verbose=0)
    assert history["val_accuracy"][-1] > 0.95
    assert history["loss"][-1] < history["loss"][0] / 2


def test_a_step_is_the_naive_one():
    """One step of gradient descent on softmax regression, against the formulas written out."""
    generator = np.random.default_rng(0)
    x, y = generator.normal(size=(8, 3)), generator.integers(0, 4, 8)
    model = Model([nn.Dense(4, inshape=3)])
    model.assemble(0, "float64")
    W, b = (p.value.copy() for p in model.parameters.values())
    s = Session(model, losses.SparseCategoricalCrossentropy(), optimizers.SGD(0.5))
    loss = s.batch_train(x, y)
    p = np.exp(x @ W + b)
    p /= p.sum(axis=1, keepdims=True)
    assert loss == pytest.approx(-np.log(p[range(8), y]).mean(), rel=1e-12)
    dy = (p - np.eye(4)[y]) / 8
    np.testing.assert_allclose(model.parameters["dense_0.kernel"].value, W - 0.5 * x.T @ dy, rtol=1e-12)
    np.testing.assert_allclose(model.parameters["dense_0.bias"].value, b - 0.5 * dy.sum(axis=0), atol=1e-15)


def test_the_gradient_of_the_loss_is_still_there_after_a_step():
    s, (x, y) = session(), ring(8)
    s.model.assemble(0)
    expected = losses.SparseCategoricalCrossentropy()
    expected(y, s.model.predict(x))
    s.batch_train(x, y)
    np.testing.assert_allclose(s.loss.gradient, expected.gradient, rtol=1e-5, atol=1e-8)


def test_history_has_one_entry_per_epoch_and_plain_numbers():
    s = trained(3, val_data=Dataset(*ring(50, 1)))
    columns = s.history.columns
    training = ["epoch", "steps", "loss", "accuracy", "learning_rate", "gradient_norm"]
    assert list(columns) == [*training, "val_loss", "val_accuracy", "seconds", "samples_per_second"]
    assert {len(column) for column in columns.values()} == {3}
    assert {type(value) for column in columns.values() for value in column} <= {float, int}
    assert s.history["steps"] == [10, 20, 30]
    assert s.history["val_pred"].shape == (50, 2)
    assert s.history["cost_time"] >= sum(s.history["seconds"])
    assert s.history.info["seed"] == 1
    assert s.history.info["model"] == "2-16-2"


def test_the_history_says_of_which_widths_the_model_is():
    layers = [nn.Dense(8, activation="tanh"), nn.BatchNormalization(), nn.Dense(8), nn.Dense(2)]
    s = Session(Model(layers), losses.SparseCategoricalCrossentropy(), optimizers.SGD(), seed=0)
    assert s.fit(Dataset(*ring()), 1, verbose=0).info["model"] == "2-8-8-2"


def test_a_second_fit_goes_on():
    s = trained(1)
    s.fit(Dataset(*ring(), batch_size=32), 2, verbose=0)
    assert s.epoch == 3
    assert s.history["steps"] == [10, 20, 30]
    assert digest(s) == digest(trained(3))


def test_the_running_loss_weighs_batches_by_their_size():
    x, y = ring(70)
    s = Session(Model([nn.Dense(2, inshape=2)]), losses.SparseCategoricalCrossentropy(), optimizers.SGD(1e-30), seed=0)
    history = s.fit(Dataset(x, y, batch_size=64), 1, verbose=0)  # 64 and 6: a mean of means would be off
    assert history["loss"][0] == pytest.approx(s.evaluate(Dataset(x, y))["loss"], rel=1e-6)


@pytest.mark.parametrize("batch_size", [1, 7, 64, 5000])
def test_validation_does_not_depend_on_the_batch_size(batch_size):
    x, y = ring(9001, 2)
    s = trained(1)
    y_pred = s.predict(x)
    expected = s.evaluate(Dataset(x, y, 9001))
    assert s.evaluate(Dataset(x, y, batch_size)) == expected
    assert expected["accuracy"] == (y_pred.argmax(axis=1) == y).mean()
    assert expected["loss"] == pytest.approx(losses.SparseCategoricalCrossentropy()(y, y_pred), rel=1e-6)


def test_val_epochs_leaves_gaps():
    history = trained(4, val_data=Dataset(*ring(50, 1)), val_epochs=2).history
    assert np.isnan(history["val_loss"]).tolist() == [True, False, True, False]


def test_fit_assembles_from_the_shape_of_the_data():
    s = Session(Model([nn.Dense(3)]), losses.MeanSquaredError(), optimizers.SGD(), seed=0)
    s.fit(Dataset(np.ones((6, 5)), np.ones((6, 3))), 1, verbose=0)
    assert s.model.parameters["dense_0.kernel"].shape == (5, 3)


def test_a_user_metric_object():
    s = Session(Model([nn.Dense(2)]), losses.SparseCategoricalCrossentropy(), optimizers.SGD(), metrics=[Accuracy()])
    assert "accuracy" in s.fit(Dataset(*ring()), 1, verbose=0)


# -- determinism --


PROGRAM = """
import hashlib, sys
from tests.test_session import digest, trained
print(digest(trained()))
"""


def test_the_same_seed_gives_the_same_bits_in_another_process():
    runs = [
        subprocess.run(
            [sys.executable, "-c", PROGRAM],
            capture_output=True,
            text=True,
            check=True,
            env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": "."},
        ).stdout.strip()
        for seed in ("1", "2")
    ]
    assert runs == [digest(trained())] * 2


def test_listeners_and_validation_do_not_change_a_bit():
    class Busy(Listener):
        def on_batch_end(self, session):
            session.predict(np.ones((3, 2)))

        def on_epoch_end(self, session):
            session.evaluate(Dataset(*ring(20, 3)))

    plain = digest(trained())
    stop = condition_callback(lambda: None, "val_loss", 1)
    assert digest(trained(listeners=[Busy(), stop], val_data=Dataset(*ring(50, 1)))) == plain


def test_another_seed_gives_another_run():
    other = session(seed=2)
    other.fit(Dataset(*ring(), batch_size=32), 2, verbose=0)
    assert digest(other) != digest(trained())


def test_the_users_arrays_are_never_written():
    x, y = ring()
    kept = x.copy(), y.copy()
    x.setflags(write=False)
    y.setflags(write=False)
    session().fit(Dataset(x, y), 2, val_data=Dataset(x, y), verbose=0)
    np.testing.assert_array_equal(x, kept[0])
    np.testing.assert_array_equal(y, kept[1])


# -- memory --


@pytest.mark.parametrize("loss", [
    losses.SparseCategoricalCrossentropy, losses.CategoricalCrossentropy, losses.BinaryCrossentropy,
    losses.MeanSquaredError,
])  # fmt: skip
@pytest.mark.parametrize("activation", ["relu", "sigmoid", "tanh", "softmax"])
@pytest.mark.parametrize(("few", "many"), [(1024, 4096), (5000, 9000)])
def test_a_warmed_step_allocates_no_array_that_grows_with_the_batch(activation, loss, few, many):

    def peak(rows):
        model = Model([nn.Dense(256, inshape=64, activation=activation), nn.Dense(10)])
        model.assemble(0)
        s = Session(model, loss(check="never"), optimizers.Adam())
        x = np.random.default_rng(0).random((rows, 64), np.float32)
        y = np.zeros((rows, 10), np.float32)
        y[:, 0] = 1
        if loss is losses.SparseCategoricalCrossentropy:
            y = np.zeros(rows, np.int64)
        for _ in range(3):
            s.batch_train(x, y)
        tracemalloc.start()
        s.batch_train(x, y)
        result = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return result

    assert peak(many) < peak(few) + (many - few)  # not a byte per sample


# -- stopping --


def test_stop_fit_in_a_batch_ends_after_that_batch():
    s = session()

    class Stop(Listener):
        def on_batch_end(self, session):
            if session.optimizer.steps == 4:
                session.stop_fit()

    s.fit(Dataset(*ring(), batch_size=32), 5, listeners=[Stop()], val_data=Dataset(*ring(20)), verbose=0)
    assert s.history["steps"] == [4]
    assert len(s.history["val_loss"]) == 1


def test_stop_fit_at_an_epochs_end_and_fit_again():
    s = session()
    stop = FitListener("epoch_end", lambda history: s.stop_fit())
    s.fit(Dataset(*ring(), batch_size=32), 5, listeners=[stop], verbose=0)
    assert s.epoch == 1
    s.fit(Dataset(*ring(), batch_size=32), 2, verbose=0)
    assert s.epoch == 3


def test_ctrl_c_keeps_the_history_and_lets_the_session_go_on():
    s = session()

    class Interrupt(Listener):
        ended = False

        def on_batch_end(self, session):
            if session.optimizer.steps == 15:
                raise KeyboardInterrupt

        def on_fit_end(self, session):
            self.ended = True

    listener = Interrupt()
    with pytest.raises(KeyboardInterrupt):
        s.fit(Dataset(*ring(), batch_size=32), 5, listeners=[listener], verbose=0)
    assert listener.ended
    assert s.history["steps"] == [10]
    assert s.history["cost_time"] > 0
    s.fit(Dataset(*ring(), batch_size=32), 1, verbose=0)


def test_a_diverging_run_stops_before_the_weights_are_spoilt():
    x, y = ring()
    s = Session(Model([nn.Dense(1, inshape=2)]), losses.MeanSquaredError(), optimizers.SGD(1e3), seed=0)
    with pytest.raises(NonFiniteError, match=r"loss became (inf|nan) at step \d+ \(epoch 1, .*rate 1000"):
        s.fit(Dataset(x * 1e3, y.reshape(-1, 1).astype("float32"), 16), 5, verbose=0)
    assert np.isfinite(s.model.arena.values).all()


def test_one_session_does_not_train_twice_at_once():
    s, inside, go_on = session(), threading.Event(), threading.Event()

    class Wait(Listener):
        def on_epoch_start(self, session):
            inside.set()
            go_on.wait(10)

    thread = threading.Thread(target=s.fit, args=(Dataset(*ring()), 1), kwargs={"listeners": [Wait()], "verbose": 0})
    thread.start()
    inside.wait(10)
    with pytest.raises(ReentrancyError, match="training already"):
        s.fit(Dataset(*ring()), 1, verbose=0)
    go_on.set()
    thread.join()
    assert s.epoch == 1


# -- the door --


X, Y = ring(20)
NAN = X.copy()
NAN[3, 1] = np.nan

BAD_FITS = {
    "labels too large": ((X, Y + 7), LabelError, "expected class indices 0 to 1, received 7"),
    "labels negative": ((X, -1 - Y), LabelError, "-"),
    "labels not integral": ((X, Y + 0.5), LabelError, "0.5"),
    "one-hot for sparse": ((X, np.eye(2)[Y]), CutedlError, "one-hot rows go with CategoricalCrossentropy"),
    "NaN in data": ((NAN, Y), NonFiniteError, r"nan at index \(3, 1\)"),
    "too few features": ((X[:, :1], Y), ShapeError, r"dense_0 cannot take this input. expected \(batch, 2\)"),
    "image data": ((X.reshape(20, 1, 2), Y), ShapeError, r"received \((20|batch), 1, 2\)"),
}


def test_a_session_is_saved_not_copied():
    s = Session(Model([nn.Dense(1)]), losses.MeanSquaredError(), optimizers.SGD())
    for copied in (copy.copy, copy.deepcopy, pickle.dumps):
        with pytest.raises(ArgumentError, match="cannot be copied or pickled. hint: session.save"):
            copied(s)


@pytest.mark.parametrize(("arrays", "error", "message"), BAD_FITS.values(), ids=BAD_FITS)
@pytest.mark.parametrize("where", ["train", "val_data"])
@pytest.mark.parametrize("is_assembled", [True, False])
def test_bad_data_is_refused_before_anything_changes(arrays, error, message, where, is_assembled):
    s = session()
    if is_assembled:
        s.model.assemble(0)
    before = s.model.arena.values.copy() if is_assembled else None
    good, bad = Dataset(X, Y, 4), Dataset(*arrays, 4)
    with pytest.raises(error, match=message) as caught:
        s.fit(*((bad, 1) if where == "train" else (good, 1)), val_data=bad if where == "val_data" else None, verbose=0)
    assert isinstance(caught.value, ValueError)
    assert isinstance(caught.value, CutedlError)
    assert s.epoch == 0
    assert not s.history
    assert s.model.assembled == is_assembled
    if is_assembled:
        np.testing.assert_array_equal(before, s.model.arena.values)
    s.fit(good, 1, verbose=0)  # and the session still works


@pytest.mark.parametrize(("arguments", "error", "message"), [
    ({"epochs": 0}, ArgumentError, "epochs cannot be used. expected an int >= 1, received 0"),
    ({"epochs": 2.5}, ArgumentError, "epochs"),
    ({"val_epochs": 0}, ArgumentError, "val_epochs"),
    ({"verbose": "loud"}, ArgumentError, 'verbose cannot be used. expected 0, 1, 2 or "auto"'),
    ({"listeners": [print]}, ArgumentError, "this is no listener"),
    ({"train": (X, Y)}, ArgumentError, r"train cannot be used. expected a Dataset, received tuple. hint: wrap"),
    ({"listeners": [condition_callback(print, "val_los", 2)]}, UnknownNameError, "did you mean 'val_loss'"),
])  # fmt: skip
def test_wrong_arguments_of_fit_are_refused(arguments, error, message):
    s = session()
    arguments = {"train": Dataset(X, Y), "epochs": 1, "val_data": Dataset(X, Y), "verbose": 0} | arguments
    with pytest.raises(error, match=message):
        s.fit(**arguments)
    assert not s.model.assembled
    assert not s.history


def test_a_monitored_key_that_needs_validation_data_is_refused_without_it():
    with pytest.raises(UnknownNameError, match="no history key is named 'val_loss'"):
        session().fit(Dataset(X, Y), 1, listeners=[condition_callback(print, "val_loss", 2)], verbose=0)


def test_a_column_of_the_users_own_may_be_monitored_once_it_is_there():
    s = session()
    s.history["my_score"] = []
    s.fit(Dataset(X, Y), 1, listeners=[condition_callback(print, "my_score", 2)], verbose=0)


@pytest.mark.parametrize(("change", "message"), [
    ({"model": "mlp"}, "model cannot be used. expected a cutedl Model object, received 'mlp'"),
    ({"loss": losses.MeanSquaredError}, "loss cannot be used. expected a cutedl Loss object"),
    ({"optimizer": "adam"}, "optimizer cannot be used"),
    ({"metrics": "accuracy"}, r"metrics cannot be used. expected a list.*hint: \['accuracy'\]"),
    ({"metrics": ["acuracy"]}, "did you mean 'accuracy'"),
    ({"seed": -1}, "seed cannot be used"),
    ({"loss": losses.SampledSoftmax(9, 3), "metrics": ["accuracy"]}, "SampledSoftmax holds the output layer itself"),
    ({"loss": losses.MeanSquaredError(reduction="none")}, 'a loss of reduction "none" is no number to minimise'),
])  # fmt: skip
def test_wrong_parts_of_a_session_are_refused(change, message):
    parts = {"model": Model([nn.Dense(2)]), "loss": losses.MeanSquaredError(), "optimizer": optimizers.SGD()}
    with pytest.raises(CutedlError, match=message):
        Session(**(parts | change))


def test_a_model_without_layers_is_refused():
    s = Session(Model(), losses.MeanSquaredError(), optimizers.SGD())
    with pytest.raises(ArgumentError, match="this model has no layers"):
        s.fit(Dataset(X, Y), 1, verbose=0)


def test_evaluate_checks_too():
    with pytest.raises(LabelError):
        trained().evaluate(Dataset(X, Y + 5))
