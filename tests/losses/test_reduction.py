"""From losses to one number: five reductions, weights, masks and ignored labels, the same for every loss."""

import numpy as np
import pytest

from cutedl import losses
from cutedl.errors import UnknownNameError

Y, X = np.array([0, 2, 1, 1]), np.array([[2.0, 1.0, 0.0], [0.3, -1.0, 1.2], [1.0, 1.0, 1.0], [0.0, 3.0, -2.0]])
L = -np.log(np.exp(X) / np.exp(X).sum(axis=1, keepdims=True))[np.arange(4), Y]
W = np.array([0.5, 0.0, 2.0, 1.0])
C = np.array([1.0, 3.0, 0.5])


@pytest.mark.parametrize(
    ("reduction", "plain", "weighted", "by_class"),
    [
        ("sum_over_batch_size", L.mean(), (W * L).sum() / 4, (C[Y] * L).sum() / 4),
        ("weighted_mean", L.mean(), (W * L).sum() / W.sum(), (C[Y] * L).sum() / C[Y].sum()),
        ("sum_by_nonzero_weights", L.mean(), (W * L).sum() / 3, (C[Y] * L).sum() / 4),
        ("sum", L.sum(), (W * L).sum(), (C[Y] * L).sum()),
        ("none", L, W * L, C[Y] * L),
    ],
)
def test_each_reduction(reduction, plain, weighted, by_class):
    loss = losses.SparseCategoricalCrossentropy(reduction=reduction)
    np.testing.assert_allclose(loss(Y, X), plain)
    np.testing.assert_allclose(loss(Y, X, W), weighted)
    np.testing.assert_allclose(
        losses.SparseCategoricalCrossentropy(reduction=reduction, class_weight=C)(Y, X), by_class
    )


def test_the_gradient_of_no_reduction_is_that_of_the_sum():
    none, total = (losses.SparseCategoricalCrossentropy(reduction=r) for r in ("none", "sum"))
    none(Y, X, W)
    total(Y, X, W)
    np.testing.assert_array_equal(none.gradient, total.gradient)


def test_masked_and_ignored_losses_are_not_counted():
    mask = np.array([True, False, True, True])
    loss = losses.SparseCategoricalCrossentropy(ignore_class=0)
    assert loss(Y, X) == pytest.approx(L[1:].mean())
    assert loss(Y, X, mask=mask) == pytest.approx(L[2:].mean())
    assert loss(Y, X, W, mask) == pytest.approx((W * L)[2:].sum() / 2)
    assert not loss.gradient[:2].any()
    assert (loss.total, loss.count) == (pytest.approx((W * L)[2:].sum()), 2.0)


@pytest.mark.parametrize("reduction", losses.base.REDUCTIONS)
def test_nothing_left_is_zero(reduction):
    loss = losses.SparseCategoricalCrossentropy(ignore_class=-1, reduction=reduction, class_weight=C)
    for arguments in (([-1] * 4, X), (Y, X, np.zeros(4)), (Y, X, None, np.zeros(4)), (Y, X, 0.0)):
        assert np.all(np.asarray(loss(*arguments)) == 0.0)
        assert not loss.gradient.any()


def test_opposite_weights_have_no_mean():
    loss = losses.SparseCategoricalCrossentropy(reduction="weighted_mean")
    assert loss(Y[:2], X[:2], [1.0, -1.0]) == 0.0
    assert not loss.gradient.any()


def test_weights_are_matched_from_the_left():
    y, x = np.zeros((3, 2, 4)), np.ones((3, 2, 4))
    loss = losses.MeanSquaredError(reduction="none")
    by_row = np.array([[1.0, 1.0], [2.0, 2.0], [3.0, 3.0]])
    for weights in ([1.0, 2.0, 3.0], [[1.0], [2.0], [3.0]], by_row, by_row[..., None]):
        np.testing.assert_array_equal(loss(y, x, weights), by_row)
    np.testing.assert_array_equal(loss(y, x, [[5.0, 7.0]]), [[5.0, 7.0]] * 3)
    np.testing.assert_array_equal(loss(y, x, 2.0), np.full((3, 2), 2.0))


def test_broadcast_weights_are_counted_as_often_as_they_are_used():
    y, x = np.zeros((2, 2, 3)), np.zeros((2, 2, 3))
    loss = losses.BinaryCrossentropy(reduction="weighted_mean")
    assert loss(y, x, [[1.0], [1.0]]) == pytest.approx(np.log(2))
    assert loss(y, x, 2.0) == pytest.approx(np.log(2))


def test_uneven_batches_merge_exactly():
    rng = np.random.default_rng(0)
    y, x, w = rng.integers(0, 5, 10), rng.normal(size=(10, 5)), rng.random(10)
    for reduction in ("sum_over_batch_size", "weighted_mean", "sum_by_nonzero_weights", "sum"):
        loss = losses.SparseCategoricalCrossentropy(reduction=reduction, class_weight=rng.random(5))
        parts = [loss.total_and_count(y[s], x[s], w[s]) for s in (slice(0, 4), slice(4, 5), slice(5, 10))]
        total, count = np.sum(parts, axis=0)
        assert loss.reduce(total, count) == pytest.approx(loss(y, x, w), rel=1e-14)


def test_binary_losses_average_the_last_axis_first():
    y, x = np.array([[1.0, 0.0, 1.0], [0.0, 1.0, 1.0]]), np.array([[10.0, -10.0, 10.0], [10.0, 10.0, -10.0]])
    per_row = losses.BinaryCrossentropy(reduction="none")(y, x)
    np.testing.assert_allclose(per_row, losses.sigmoid_cross_entropy_with_logits(y, x).mean(axis=1))
    assert losses.BinaryCrossentropy()(y, x, [4.0, 3.0]) == pytest.approx((4 * per_row[0] + 3 * per_row[1]) / 2)


def test_ignored_answers_leave_the_mean_of_their_row():
    loss = losses.BinaryCrossentropy(ignore_class=-1, reduction="none", check="never")
    y, x = np.array([[1, -1, 0], [-1, -1, -1]]), np.array([[0.3, np.nan, 2.0], [1.0, np.inf, 3.0]])
    kept = losses.BinaryCrossentropy(reduction="none")([[1, 0]], [[0.3, 2.0]])
    np.testing.assert_array_equal(loss(y, x), [kept[0], 0.0])
    assert not loss.gradient[y == -1].any()
    assert losses.BinaryCrossentropy(ignore_class=-1, check="never")(y, x) == kept[0]


def test_large_inputs_are_worked_through_in_pieces():
    rng = np.random.default_rng(0)
    rows = 3000
    x = rng.normal(size=(rows, 100)).astype(np.float32)
    y, w = rng.integers(0, 100, rows), rng.random(rows)
    for loss, labels in (
        (losses.SparseCategoricalCrossentropy(label_smoothing=0.1), y),
        (losses.SparseCategoricalCrossentropy(), y),
        (losses.MeanSquaredError(), np.zeros_like(x)),
    ):
        value, gradient = loss.value_and_gradient(labels, x, w)
        total, count = loss.total_and_count(labels[:9], x[:9], w[:9])
        rest = loss.total_and_count(labels[9:], x[9:], w[9:])
        assert value == pytest.approx((total + rest[0]) / (count + rest[1]), rel=1e-6)
        tail = loss.value_and_gradient(labels[-7:], x[-7:], w[-7:])[1]
        np.testing.assert_allclose(gradient[-7:], tail * 7 / rows, rtol=2e-6, atol=1e-12)


def test_a_misspelt_reduction_gets_a_suggestion():
    with pytest.raises(UnknownNameError, match="did you mean 'weighted_mean'"):
        losses.MeanSquaredError(reduction="weigthed_mean")
