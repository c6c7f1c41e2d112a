import numpy as np
import pytest

from cutedl import losses, metrics
from cutedl.errors import ShapeError, UnknownNameError


def test_accuracy_of_indices_and_one_hot_rows():
    y_pred = np.array([[2.0, 1, 0], [0, 3, 1], [5, 4, 0], [0, 0, 1]])
    for y_true in (np.array([0, 1, 1, 2]), np.eye(3)[[0, 1, 1, 2]]):
        accuracy = metrics.Accuracy()
        accuracy.update(y_true, y_pred)
        assert accuracy.result() == 0.75


@pytest.mark.parametrize(("from_logits", "right"), [(True, 1.0), (False, 0.75)])
def test_the_threshold_comes_from_the_loss(from_logits, right):
    """0.5 on logits is the classical mistake: 0.3 is a yes."""
    accuracy = metrics.get("accuracy", losses.BinaryCrossentropy(from_logits=from_logits).threshold)
    accuracy.update(np.array([[1], [1], [0], [0]]), np.array([[0.3], [2.0], [-1.0], [-2.0]]))
    assert accuracy.result() == right


def test_other_losses_let_the_largest_output_win():
    assert losses.CategoricalCrossentropy().threshold is None
    assert losses.MeanSquaredError().threshold is None


def test_uneven_batches_are_exact():
    generator = np.random.default_rng(0)
    y_true, y_pred = generator.integers(0, 4, 103), generator.normal(size=(103, 4))
    whole, parts = metrics.Accuracy(), metrics.Accuracy()
    whole.update(y_true, y_pred)
    for start in range(0, 103, 10):
        parts.update(y_true[start : start + 10], y_pred[start : start + 10])
    assert whole.result() == parts.result() == (y_pred.argmax(axis=1) == y_true).mean()
    parts.reset()
    assert np.isnan(parts.result())


def test_refusals():
    with pytest.raises(UnknownNameError, match="no metric is named 'acuracy'.*did you mean 'accuracy'"):
        metrics.get("acuracy")
    with pytest.raises(ShapeError, match="labels and predictions cannot be compared"):
        metrics.Accuracy().update(np.zeros((4, 1), int), np.zeros((4, 3)))
