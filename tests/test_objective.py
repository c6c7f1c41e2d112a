"""A last softmax or sigmoid under a loss on probabilities: trained as the exact loss on logits."""

import numpy as np
import pytest

from cutedl import losses, nn, optimizers
from cutedl.dataset import Dataset
from cutedl.model import Model
from cutedl.objective import Objective
from cutedl.session import Session

X = np.random.default_rng(0).normal(size=(40, 3)).astype("float32")
Y = np.random.default_rng(1).integers(0, 2, (40, 4)).astype("float32")
ONE_HOT = np.eye(4, dtype="float32")[np.random.default_rng(2).integers(0, 4, 40)]

PAIRS = {
    "softmax": (losses.CategoricalCrossentropy, "softmax", ONE_HOT, {}),
    "softmax, smoothed": (losses.CategoricalCrossentropy, "softmax", ONE_HOT, {"label_smoothing": 0.1}),
    "softmax, sparse": (losses.SparseCategoricalCrossentropy, "softmax", ONE_HOT.argmax(axis=1), {}),
    "sigmoid": (losses.BinaryCrossentropy, "sigmoid", Y, {}),
    "sigmoid, weighted": (losses.BinaryCrossentropy, "sigmoid", Y, {"pos_weight": 3.0}),
}
each_pair = pytest.mark.parametrize(("loss", "activation", "labels", "options"), PAIRS.values(), ids=PAIRS)


def fitted(loss, activation, labels, epochs=3):
    model = Model([nn.Dense(5, inshape=3, activation="tanh"), nn.Dense(4, activation=activation)])
    session = Session(model, loss, optimizers.Adam(0.05), metrics=["accuracy"], seed=0)
    data = Dataset(X, labels, batch_size=16)
    return session, session.fit(data, epochs, val_data=data, verbose=0)


@each_pair
def test_probabilities_train_to_the_same_bits_as_logits(loss, activation, labels, options):
    on_p, p_history = fitted(loss(from_logits=False, **options), activation, labels)
    on_x, x_history = fitted(loss(from_logits=True, **options), "linear", labels)
    np.testing.assert_array_equal(on_p.model.arena.values, on_x.model.arena.values)
    for key in ("loss", "val_loss", "accuracy", "val_accuracy"):
        assert p_history[key] == x_history[key], key


@each_pair
def test_what_is_predicted_stays_probabilities(loss, activation, labels, options):
    session, history = fitted(loss(from_logits=False, **options), activation, labels)
    p = session.predict(X)
    assert ((p >= 0) & (p <= 1)).all()
    np.testing.assert_allclose(history["val_pred"], p, rtol=1e-6)
    if activation == "softmax":
        np.testing.assert_allclose(p.sum(axis=1), 1, rtol=1e-6)


def test_a_saturated_wrong_answer_still_learns():
    """In Keras on JAX the gradient is 0 here: the loss is clipped at 16.118."""
    model = Model([nn.Dense(2, inshape=1, activation="softmax")])
    model.assemble(0)
    model.arena.values[...] = [200, -200, 0, 0]
    session = Session(model, losses.CategoricalCrossentropy(from_logits=False), optimizers.SGD(1.0))
    assert session.batch_train(np.ones((1, 1), "float32"), np.array([[0.0, 1.0]], "float32")) == 400
    assert model.arena.values.tolist() == [199, -199, -1, 1]


def test_other_pairs_are_left_as_they_are():
    def objective(activation, loss, **options):
        model = Model([nn.Dense(4, inshape=(2, 3), activation=activation)])
        model.assemble(0)
        return Objective.of(model, loss(**options))

    no = {"from_logits": False}
    assert objective("softmax", losses.CategoricalCrossentropy, **no).head is not None
    assert objective("softmax", losses.CategoricalCrossentropy, axis=2, **no).head is not None
    assert objective("softmax", losses.CategoricalCrossentropy, axis=1, **no).head is None
    assert objective("sigmoid", losses.CategoricalCrossentropy, **no).head is None
    assert objective("softmax", losses.BinaryCrossentropy, **no).head is None
    assert objective("softmax", losses.CategoricalCrossentropy).head is None
    assert objective("softmax", losses.MeanSquaredError).head is None
