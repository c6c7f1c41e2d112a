"""Gradients, Hessians and label gradients against four-point differences: <= 1e-9 by norm, in float64."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cutedl import losses
from cutedl.errors import ShapeError
from tests.losses.reference import four_point
from tests.losses.table import CROSS_ENTROPIES, LOSSES, problems, takes_probabilities

DRAWN = settings(max_examples=30, deadline=None, derandomize=True)


def summed(loss, *arguments):
    """Return the number that the gradient belongs to: of reduction "none" the sum."""
    return np.sum(loss(*arguments))


def step(loss):
    """Probabilities move less: a row may be off 1 by 1e-3 before it counts as no distribution."""
    return 2e-5 if takes_probabilities(loss) else 1e-3


def smooth(problem):
    """Leave out the focal loss of a probability next to 1: (1 - p)^gamma bends too sharply there for differences."""
    loss, _, x, _, _ = problem
    return not isinstance(loss, losses.CategoricalFocalCrossentropy) or loss.from_logits or x.shape[loss.axis] > 1


def close(actual, expected):
    return np.linalg.norm(actual - expected) <= 1e-9 * max(np.linalg.norm(expected), 1e-3)


@pytest.mark.parametrize("name", LOSSES)
@DRAWN
@given(data=st.data())
def test_gradient(name, data):
    loss, y, x, weight, mask = data.draw(problems(name).filter(smooth))
    gradient = loss.value_and_gradient(y, x, weight, mask)[1]
    assert close(gradient, four_point(lambda x: summed(loss, y, x, weight, mask), x, step(loss)))


@pytest.mark.parametrize("name", CROSS_ENTROPIES)
@DRAWN
@given(data=st.data())
def test_hessian(name, data):
    loss, y, x, weight, mask = data.draw(problems(name))
    v = np.random.default_rng(x.size).normal(size=x.shape)

    def gradient_along(t):
        return loss.value_and_gradient(y, x + t * v, weight, mask)[1].copy()

    h = step(loss) / max(1.0, np.abs(v).max())
    differences = {k: gradient_along(k * h) for k in (-2, -1, 1, 2)}
    product = (differences[-2] - 8 * differences[-1] + 8 * differences[1] - differences[2]) / (12 * h)
    assert close(loss.hessian_vector_product(y, x, v, weight, mask), product)

    diagonal = loss.hessian_diagonal(y, x, weight, mask)
    for i in np.ndindex(x.shape):
        e = np.zeros_like(x)
        e[i] = 1.0
        assert loss.hessian_vector_product(y, x, e, weight, mask)[i] == pytest.approx(
            diagonal[i], rel=1e-12, abs=1e-300
        )


def positive(labels):
    """Return labels that may move either way."""
    return 0.1 + 0.8 * labels


@pytest.mark.parametrize("name", ["categorical", "kl", "binary", "weighted_binary"])
@DRAWN
@given(data=st.data())
def test_label_gradient(name, data):
    loss, y, x, weight, mask = data.draw(problems(name))
    ignored = y == getattr(loss, "ignore_class", None)
    y = np.where(ignored, y, positive(y))
    gradient = loss.label_gradient(y, x, weight, mask)
    differences = four_point(lambda y: summed(loss, y, x, weight, mask), y, 3e-4, where=~ignored)
    assert close(gradient, differences)


@DRAWN
@given(problem=problems("sparse"))
def test_label_gradient_of_indices_is_that_of_one_hot_rows(problem):
    loss, y, x, weight, mask = problem
    options = {name: value for name, value in vars(loss).items() if name in OPTIONS}
    counted = np.ones(y.shape) if loss.ignore_class is None else y != loss.ignore_class
    mask = counted if mask is None else mask * counted
    one_hot = np.moveaxis(np.eye(x.shape[loss.axis])[np.where(counted, y, 0)], -1, loss.axis)
    twin = losses.CategoricalCrossentropy(**options)
    np.testing.assert_allclose(
        loss.label_gradient(y, x, weight, mask), twin.label_gradient(one_hot, x, weight, mask), rtol=1e-12, atol=1e-15
    )


OPTIONS = ("from_logits", "label_smoothing", "axis", "class_weight", "reduction")


def test_hessian_product_refuses_another_shape():
    with pytest.raises(
        ShapeError, match=r"v does not fit y_pred\. expected y_pred's shape \(2, 3\), received shape \(3,\)"
    ):
        losses.SparseCategoricalCrossentropy().hessian_vector_product([0, 1], np.zeros((2, 3)), np.ones(3))


@pytest.mark.filterwarnings("ignore:row 0 of y_pred sums to")
def test_rows_that_are_divided_by_their_sums_have_the_gradient_of_the_whole():
    y, p = np.array([[0.3, 0.7, 0.0], [0.0, 1.0, 0.0]]), np.array([[0.5, 0.6, 0.3], [0.2, 0.4, 0.4]])
    for loss in (
        losses.CategoricalCrossentropy(from_logits=False),
        losses.CategoricalFocalCrossentropy(from_logits=False),
    ):
        gradient = loss.value_and_gradient(y, p)[1]
        assert close(gradient, four_point(lambda p, loss=loss: summed(loss, y, p), p, 1e-4))
    loss = losses.CategoricalCrossentropy(from_logits=False)
    v = np.array([[1.0, -2.0, 0.5], [0.3, 0.1, 0.4]])
    up, down = (loss.value_and_gradient(y, p + t * v)[1].copy() for t in (1e-6, -1e-6))
    product = loss.hessian_vector_product(y, p, v)
    np.testing.assert_allclose(product, (up - down) / 2e-6, rtol=1e-7, atol=1e-8)
    e = np.zeros_like(p)
    e[0, 1] = 1.0
    assert loss.hessian_vector_product(y, p, e)[0, 1] == pytest.approx(loss.hessian_diagonal(y, p)[0, 1])


def test_sparse_and_dense_agree_on_one_hot_labels():
    rng = np.random.default_rng(1)
    y, x = rng.integers(0, 5, 20), 4.0 * rng.normal(size=(20, 5))
    c = rng.random(5)
    for options in (
        {},
        {"label_smoothing": 0.2},
        {"class_weight": c},
        {"class_weight": c, "label_smoothing": 0.2, "reduction": "weighted_mean"},
    ):
        sparse, dense = losses.SparseCategoricalCrossentropy(**options), losses.CategoricalCrossentropy(**options)
        assert sparse(y, x) == pytest.approx(dense(np.eye(5)[y], x), rel=1e-14)
        np.testing.assert_allclose(sparse.gradient, dense.gradient, rtol=1e-12)


def test_a_row_with_a_one_is_not_one_hot_for_that():
    y, x = np.array([[1.0, 0.5, 0.0]]), np.array([[0.3, -1.0, 2.0]])
    loss = losses.CategoricalCrossentropy(check="never")
    p = np.exp(x) / np.exp(x).sum()
    assert loss(y, x) == pytest.approx(-(y * np.log(p)).sum())
    np.testing.assert_allclose(loss.gradient, 1.5 * p - y)


def test_divergence_takes_probabilities_as_they_are():
    y, p = np.array([[0.5, 0.8, 0.12], [0.7, 0.43, 0.8]]), np.array([[0.4, 0.9, 0.12], [0.36, 0.3, 0.4]])
    loss = losses.KLDivergence(from_logits=False, check="never")
    assert loss(y, p) == pytest.approx((y * np.log(y / p)).sum() / 2)
    np.testing.assert_allclose(loss.gradient, -y / p / 2)


def test_gradient_where_labels_do_not_sum_to_one():
    x = np.array([[1.0, 1.0, 1.0, 1.0], [1.0, 2.0, 3.0, 4.0]])
    y = np.array([[0.0, 0.0, 0.0, 0.0], [2.0, 2.0, 2.0, 2.0]])
    gradient = losses.CategoricalCrossentropy(reduction="sum", check="never").value_and_gradient(y, x)[1]
    p = np.exp(x) / np.exp(x).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(gradient, p * y.sum(axis=1, keepdims=True) - y, atol=1e-14)
