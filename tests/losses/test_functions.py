"""The functions under TensorFlow's names: per example, no reduction."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cutedl import losses
from cutedl.errors import LabelError, ProbabilityError, ShapeError

DRAWN = settings(max_examples=30, deadline=None, derandomize=True)
shapes = st.lists(st.integers(1, 4), min_size=1, max_size=3).map(tuple)


@DRAWN
@given(shape=shapes, seed=st.integers(0, 2**32 - 1), data=st.data())
def test_softmax(shape, seed, data):
    rng = np.random.default_rng(seed)
    axis = data.draw(st.integers(-len(shape), len(shape) - 1))
    x, y = 3 * rng.normal(size=shape), rng.random(shape)
    expected = (np.log(np.exp(x).sum(axis=axis, keepdims=True)) - x) * y
    actual = losses.softmax_cross_entropy_with_logits(y, x, axis)
    np.testing.assert_allclose(actual, expected.sum(axis=axis), rtol=1e-12, atol=1e-15)


@DRAWN
@given(shape=shapes, seed=st.integers(0, 2**32 - 1))
def test_sparse_softmax(shape, seed):
    rng = np.random.default_rng(seed)
    x, y = 3 * rng.normal(size=shape), rng.integers(0, shape[-1], shape[:-1])
    expected = np.log(np.exp(x).sum(axis=-1)) - np.take_along_axis(x, y[..., None], -1)[..., 0]
    actual = losses.sparse_softmax_cross_entropy_with_logits(y, x)
    assert actual.shape == y.shape
    np.testing.assert_allclose(actual, expected, rtol=1e-10, atol=1e-14)


@DRAWN
@given(shape=shapes, seed=st.integers(0, 2**32 - 1))
def test_sigmoid_and_weighted(shape, seed):
    rng = np.random.default_rng(seed)
    x, z, q = 3 * rng.normal(size=shape), rng.random(shape), rng.random(shape[-1:])
    p = 1 / (1 + np.exp(-x))
    np.testing.assert_allclose(
        losses.sigmoid_cross_entropy_with_logits(z, x), -z * np.log(p) - (1 - z) * np.log(1 - p), rtol=1e-12
    )
    for weight in (2.5, q, np.broadcast_to(q, shape)):
        np.testing.assert_allclose(
            losses.weighted_cross_entropy_with_logits(z, x, weight),
            -weight * z * np.log(p) - (1 - z) * np.log(1 - p),
            rtol=1e-12,
        )
    np.testing.assert_allclose(losses.log_loss(z, p), losses.sigmoid_cross_entropy_with_logits(z, x), rtol=1e-10)


def test_the_logits_type_is_kept_from_float32_up():
    for given_type, answer in (
        ("float16", "float32"),
        ("float32", "float32"),
        ("float64", "float64"),
        ("int64", "float64"),
    ):
        x = np.ones((2, 3), given_type)
        for losses_of_x in (
            losses.softmax_cross_entropy_with_logits(np.ones((2, 3)), x),
            losses.sparse_softmax_cross_entropy_with_logits([0, 1], x),
            losses.sigmoid_cross_entropy_with_logits(np.ones((2, 3)), x),
            losses.weighted_cross_entropy_with_logits(np.ones((2, 3)), x, 2.0),
            losses.log_loss(np.ones((2, 3)), x),
        ):
            assert losses_of_x.dtype == answer


def test_log_loss_of_certainty():
    np.testing.assert_array_equal(losses.log_loss([0.0, 1.0], [0.0, 1.0]), [0.0, 0.0])
    np.testing.assert_allclose(losses.log_loss([1.0, 0.0], [0.0, 1.0], epsilon=1e-3), -np.log(1e-3))


def test_saturated_answers_keep_their_digits():
    x = np.array([-20.0, -50.0], np.float32)
    np.testing.assert_allclose(
        losses.weighted_cross_entropy_with_logits([0.0, 0.0], x, 3.0), [2.0611536e-09, 1.9287498e-22], rtol=1e-6
    )


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (
            lambda: losses.sigmoid_cross_entropy_with_logits(np.ones(3), np.ones((3, 1))),
            ShapeError,
            "labels does not fit",
        ),
        (lambda: losses.sigmoid_cross_entropy_with_logits([2.0], [0.0]), LabelError, "received 2 at row 0"),
        (
            lambda: losses.weighted_cross_entropy_with_logits([1.0], [0.0], np.ones(2)),
            ShapeError,
            "pos_weight does not fit",
        ),
        (lambda: losses.weighted_cross_entropy_with_logits([1.0], [0.0], -1.0), ValueError, "pos_weight"),
        (lambda: losses.log_loss([1.5], [0.5]), LabelError, "received 1.5 at row 0"),
        (lambda: losses.log_loss([1.0], [1.5]), ProbabilityError, "received 1.5 at index (0,)".replace("(", r"\(")),
        (lambda: losses.log_loss([1.0], [0.5], epsilon=0.0), ValueError, "epsilon cannot be used"),
        (
            lambda: losses.softmax_cross_entropy_with_logits([[1.0]], [[1.0]], axis=2),
            ShapeError,
            "y_pred holds no vectors",
        ),
    ],
)
def test_refusals(call, error, message):
    with pytest.raises(error, match=message.replace(")", r"\)") if r"\(" in message else message):
        call()
