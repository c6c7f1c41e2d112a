"""Training on batches that come one after the other."""

import os
import pty
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from cutedl import BatchStream, Dataset, Model, Session, losses, nn, optimizers
from cutedl.errors import ArgumentError, DataTypeError, LabelError, NonFiniteError, ShapeError
from cutedl.listeners import LambdaListener

X = np.random.default_rng(0).normal(size=(20, 3)).astype("float32")
Y = np.arange(20) % 2


def pieces(epoch=1, size=8):
    """Batches in an order of the epoch's own."""
    order = np.random.default_rng(epoch).permutation(20)
    for start in range(0, 20, size):
        yield X[order[start : start + size]], Y[order[start : start + size]]


def slow(epoch):
    """Slow enough for the live line to be drawn."""
    for batch in pieces(epoch):
        time.sleep(0.08)
        yield batch


def session():
    model = Model([nn.Dense(4, activation="tanh"), nn.Dropout(0.2), nn.Dense(2)])
    return Session(model, losses.SparseCategoricalCrossentropy(), optimizers.Adam(0.01), ["accuracy"], seed=0)


def fitted(train, epochs=1, mine=None, **arguments):
    mine = mine or session()
    mine.fit(train, epochs, verbose=0, **arguments)
    return mine


def assert_same_run(mine, other):
    np.testing.assert_array_equal(mine.model.arena.values, other.model.arena.values)
    for key in ("loss", "accuracy", "gradient_norm", "steps"):
        assert mine.history[key] == other.history[key]


def test_a_stream_trains_as_the_data_set_of_its_batches():
    class AsItComes(Dataset):
        def order(self, seed, epoch):
            return np.arange(len(self))

    mine = fitted(BatchStream([(X[:8], Y[:8]), (X[8:16], Y[8:16]), (X[16:], Y[16:])]), 2)
    assert_same_run(mine, fitted(AsItComes(X, Y, batch_size=8), 2))
    assert mine.history["steps"] == [3, 6]


def test_a_function_of_the_epoch_is_called_for_every_epoch():
    seen = []
    fitted(BatchStream(lambda epoch: seen.append(epoch) or pieces(epoch)), 3, val_data=Dataset(X, Y))
    assert seen == [1, 1, 2, 3]  # once to look at the first batch


def test_a_generator_is_good_for_one_epoch():
    stream = BatchStream(pieces())
    with pytest.raises(ArgumentError, match=r"gives its batches once. expected epochs=1, received 3. hint: pass the f"):
        fitted(stream, 3)
    assert_same_run(fitted(stream), fitted(BatchStream(pieces)))  # the refused fit has taken none
    with pytest.raises(ArgumentError, match="this generator is used up"):
        fitted(stream)


def test_an_endless_stream_has_epochs_of_the_declared_length():
    def endless(epoch):
        while True:
            yield X, Y

    mine = fitted(BatchStream(endless, batch_count=5), 2)
    assert mine.history["steps"] == [5, 10]
    with pytest.raises(ShapeError, match=r"the stream ended in epoch 1. expected 5 batches, received 3"):
        fitted(BatchStream(pieces, batch_count=5))


@pytest.mark.parametrize("count", [None, 3])
@pytest.mark.parametrize("stop_at", [1, 2, 3])
def test_an_interrupted_epoch_goes_on_where_it_was(count, stop_at, tmp_path):
    def interrupt(session):
        if session.epoch == 2 and session.batch == stop_at:
            os.kill(os.getpid(), signal.SIGINT)

    straight = fitted(BatchStream(pieces, count), 4)
    mine = fitted(BatchStream(pieces, count), 4, listeners=[LambdaListener(batch_end=interrupt)])
    assert mine.history.interrupted
    mine.save(tmp_path / "run.safetensors")
    mine = Session.load(tmp_path / "run.safetensors")
    done = 2 if stop_at == 3 and count else 1  # a stream that does not say its length may have had more
    assert_same_run(fitted(BatchStream(pieces, count), 4 - done, mine), straight)


def test_batches_may_be_whatever_data_may_be():
    sparse = pytest.importorskip("scipy.sparse")
    mine = fitted(BatchStream(lambda epoch: ((sparse.csr_array(x), y.tolist()) for x, y in pieces(epoch))), 2)
    assert_same_run(mine, fitted(BatchStream(pieces), 2))


WRONG = [
    ([(X, Y), (X[:4, :2], Y[:4])], ShapeError, r"^batch 1: dense_0 cannot take this input. expected \(batch, 3\)"),
    ([(X, Y), (X[:4], [0, 1, 2, 0])], LabelError, "^batch 1: "),
    ([(X, Y), (X[:4] * np.inf, Y[:4])], NonFiniteError, r"^x of batch 1 has a value that is not finite.*\(0, 0\)"),
    ([(X, Y), (X[:4], Y[:3])], ShapeError, r"^batch 1 does not fit together.*received x \(4, 3\) and y \(3,\)"),
    ([(X, Y), X], ArgumentError, r"^batch 1 is no pair. expected \(x, y\), received ndarray"),
    ([(X, Y), (["a"], [1])], DataTypeError, "^x of batch 1 cannot be used as numbers"),
    ([], ShapeError, "^the stream ended in epoch 1. expected at least 1 batches, received 0"),
    (lambda epoch: 5, ArgumentError, r"^batches\(\) gave none. expected an iterable of \(x, y\), received 5"),
]


@pytest.mark.parametrize(("batches", "error", "message"), WRONG)
@pytest.mark.filterwarnings("ignore:invalid value")  # inf * 0
def test_wrong_batches_are_refused_by_their_number(batches, error, message):
    mine = session()
    with pytest.raises(error, match=message):
        fitted(BatchStream(batches), mine=mine)
    assert not mine.model.assembled or np.isfinite(mine.model.arena.values).all()


def test_what_a_stream_cannot_do_is_said_before_training():
    with pytest.raises(ArgumentError, match=r'train_eval="exact" would run through the stream twice'):
        fitted(BatchStream(pieces), train_eval="exact")
    with pytest.raises(ArgumentError, match=r"train cannot be used. expected a Dataset.*hint: BatchStream\(batches\)"):
        fitted(pieces())
    with pytest.raises(ArgumentError, match=r"val_data cannot be used. expected a Dataset, received BatchStream"):
        fitted(Dataset(X, Y), val_data=BatchStream(pieces))
    with pytest.raises(ArgumentError, match=r"train cannot be used. expected a Dataset, received BatchStream"):
        session().lr_find(BatchStream(pieces))
    with pytest.raises(ArgumentError, match=r"batches cannot be used. expected a function of the epoch"):
        BatchStream(5)
    with pytest.raises(ArgumentError, match="batch_count cannot be used"):
        BatchStream(pieces, 0)


@pytest.mark.parametrize(("count", "live"), [("None", False), ("3", True)])
def test_in_a_terminal_only_a_stream_of_known_length_has_a_live_line(count, live):
    code = f"from tests.test_batch_stream import *; session().fit(BatchStream(slow, {count}), 2, verbose=1)"
    reading, writing = pty.openpty()
    subprocess.run([sys.executable, "-c", code], stderr=writing, check=True)
    os.close(writing)
    text = os.read(reading, 100_000).decode()
    os.close(reading)
    assert ("\r" in text.replace("\r\n", "\n")) == live
    assert "epoch 2/2" in text
    assert "samples/s" not in text


def test_the_report_says_where_the_batches_came_from():
    info = fitted(BatchStream(pieces, source="a sensor")).history.info
    assert info["data"] == "a sensor"
    assert "samples" not in info
    assert repr(BatchStream(pieces, 3, "a sensor")) == "BatchStream(3 batches from a sensor)"
