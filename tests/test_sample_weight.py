"""Weights of samples, from the data set through the loop to the loss."""

import numpy as np
import pytest

from cutedl import Dataset, Model, Session, losses, nn, optimizers
from cutedl.errors import ArgumentError, NonFiniteError, ShapeError

X = np.random.default_rng(0).normal(size=(30, 4))
Y = np.random.default_rng(1).integers(0, 3, 30)
COUNTS = np.random.default_rng(2).integers(0, 4, 30)


def trained(data, **options):
    model = Model([nn.Dense(5, activation="tanh"), nn.Dense(3)])
    model.assemble(seed=0, dtype="float64", inshape=4)
    loss = losses.SparseCategoricalCrossentropy(reduction="weighted_mean")
    session = Session(model, loss, optimizers.SGD(0.5), metrics=["accuracy"], seed=0)
    session.fit(data, 20, verbose=0, **options)
    return session


def test_a_weight_is_a_number_of_copies():
    repeated = Dataset(X.repeat(COUNTS, axis=0), Y.repeat(COUNTS), batch_size=100)
    weighted = Dataset(X, Y, batch_size=100, sample_weight=COUNTS)
    by_copies, by_weight = trained(repeated), trained(weighted, val_data=weighted)
    np.testing.assert_allclose(by_weight.model.arena.values, by_copies.model.arena.values, rtol=1e-9)
    np.testing.assert_allclose(by_weight.history["loss"], by_copies.history["loss"], rtol=1e-9)
    assert by_weight.history["val_loss"][-1] == pytest.approx(by_weight.evaluate(repeated)["loss"])
    plain = by_weight.evaluate(Dataset(X, Y))
    assert by_weight.evaluate(weighted)["accuracy"] == plain["accuracy"]  # metrics count every sample once
    assert by_weight.evaluate(weighted)["loss"] != plain["loss"]


def test_weights_go_with_their_samples():
    dataset = Dataset(np.arange(10.0).reshape(-1, 1), np.arange(10), batch_size=4, sample_weight=np.arange(1, 11))
    for order in (None, dataset.order(0, 1)):
        for x, y, weight in dataset.batches(order):
            np.testing.assert_array_equal(weight, y + 1)
            np.testing.assert_array_equal(x[:, 0], y)


def test_the_learning_rate_finder_weighs_too():
    def losses_at(**options):
        model = Model([nn.Dense(3)])
        model.assemble(seed=0, dtype="float64", inshape=4)
        session = Session(model, losses.SparseCategoricalCrossentropy(), optimizers.SGD(), seed=0)
        return session.lr_find(Dataset(X, Y, batch_size=10, **options), steps=20).losses

    np.testing.assert_allclose(losses_at(sample_weight=np.full(30, 2.0))[0], 2 * losses_at()[0], rtol=1e-9)


@pytest.mark.parametrize(
    ("weight", "error", "message"),
    [
        (np.ones(29), ShapeError, r"one weight for each of 30 samples, received shape \(29,\)"),
        (2.0, ShapeError, "sample_weight and data do not belong together"),
        (np.zeros(30), ArgumentError, "expected numbers >= 0, one of them above 0"),
        (-np.ones(30), ArgumentError, "received numbers in \\[-1, -1\\]"),
        (np.full(30, np.nan), NonFiniteError, "sample_weight has a value that is not finite"),
    ],
)
def test_weights_that_cannot_be_used(weight, error, message):
    with pytest.raises(error, match=message):
        Dataset(X, Y, sample_weight=weight)
