"""The explanation of a loss: each number against its definition, for every family of losses."""

from dataclasses import FrozenInstanceError

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cutedl import losses
from cutedl.arena import Arena
from cutedl.errors import CutedlError
from cutedl.losses.explanation import SATURATED, explain
from cutedl.losses.heads import SampledSoftmax
from tests.losses.table import CROSS_ENTROPIES, LOSSES, problems

DISTANCES = (*CROSS_ENTROPIES, "mse", "mae", "huber", "log_cosh", "poisson", "cosine")
BALANCED = np.repeat(np.arange(10), 20)


def noise(*shape):
    return np.random.default_rng(0).normal(size=shape)


# -- the anchors of the field ------------------------------------------------------------------------------------------


def test_balanced_classes_have_the_prior_log_ten():
    explanation = explain(losses.SparseCategoricalCrossentropy(), BALANCED, noise(200, 10))
    assert explanation.prior == pytest.approx(np.log(10), abs=1e-12)
    assert explanation.uniform == pytest.approx(np.log(10), abs=1e-12)
    assert explanation.floor == 0.0
    assert explanation.excess == explanation.loss


@pytest.mark.parametrize("sparse", [True, False])
def test_smoothed_labels_have_the_floor_of_their_entropy(sparse):
    cls = losses.SparseCategoricalCrossentropy if sparse else losses.CategoricalCrossentropy
    y = BALANCED if sparse else np.eye(10)[BALANCED]
    explanation = explain(cls(label_smoothing=0.1), y, noise(200, 10))
    assert explanation.floor == pytest.approx(-0.91 * np.log(0.91) - 0.09 * np.log(0.01), abs=1e-12)
    assert explanation.floor == pytest.approx(0.500, abs=5e-4)


def test_unbalanced_classes_have_the_entropy_of_their_frequencies_as_prior():
    explanation = explain(losses.SparseCategoricalCrossentropy(), [0, 0, 0, 1], noise(4, 3))
    assert explanation.prior == pytest.approx(-0.75 * np.log(0.75) - 0.25 * np.log(0.25), abs=1e-12)


def test_yes_or_no_answers_by_column():
    z, x = np.array([[1.0, 0.0], [0.0, 0.0], [0.0, -1.0]]), noise(3, 2)
    explanation = explain(losses.BinaryCrossentropy(ignore_class=-1, pos_weight=[1.0, 3.0]), z, x)
    each = np.where(z == 1, np.log1p(np.exp(-x)), np.log1p(np.exp(x)))
    np.testing.assert_array_equal(explanation.class_counts, [[2, 1], [2, 0]])
    expected = [[each[1:, 0].mean(), each[0, 0]], [each[:2, 1].mean(), np.nan]]
    np.testing.assert_allclose(explanation.class_losses, expected, rtol=1e-12)
    assert (explanation.counted, explanation.ignored) == (5, 1)
    assert explanation.uniform == pytest.approx(np.log(2), abs=1e-12)
    assert explanation.floor == 0.0
    # a row with one answer counts it as much as another row its two: column 0 says yes for 0.5 of 2; column 1, never
    p = np.array([0.25, 0.0])
    rows = [-0.5 * np.log(p[0]), -0.5 * np.log1p(-p[0]), -np.log1p(-p[0])]
    assert explanation.prior == pytest.approx(np.mean(rows), abs=1e-12)


def test_a_tie_between_yes_and_no_counts_as_no():
    for loss, x in ((losses.BinaryCrossentropy(), 0.0), (losses.BinaryCrossentropy(from_logits=False), 0.5)):
        explanation = explain(loss, [0.5], [x])
        np.testing.assert_array_equal(explanation.class_counts, [[1, 0]])
        assert (explanation.hardest[0].label, explanation.hardest[0].predicted) == (0, 0)


def test_the_mean_label_is_the_prior_of_focal_answers_too():
    z, x = np.array([[1.0, 0.0], [0.0, 0.0], [0.0, 1.0], [0.0, 1.0]]), noise(4, 2)
    loss = losses.BinaryFocalCrossentropy()
    constant = np.broadcast_to(np.log([0.25 / 0.75, 1.0]), (4, 2))
    assert explain(loss, z, x).prior == pytest.approx(loss(z, constant), rel=1e-12)


def test_regression_has_the_variance_as_prior():
    y, x = noise(50, 1), np.zeros((50, 1))
    explanation = explain(losses.MeanSquaredError(), y, x)
    assert explanation.prior == pytest.approx(y.var(), rel=1e-12)
    assert (explanation.floor, explanation.uniform, explanation.saturated) == (0.0, None, None)
    worst = int(np.argmax(y**2))
    first = explanation.hardest[0]
    assert (first.index, first.label, first.predicted) == ((worst, 0), y[worst, 0], 0.0)
    assert first.loss == pytest.approx(y[worst, 0] ** 2)


# -- what holds for all losses -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", LOSSES)
@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_numbers_agree_with_the_loss(name, data):
    loss, y, x, sample_weight, mask = data.draw(problems(name))
    y_before, x_before = y.copy(), x.copy()
    explanation = explain(loss, y, x, sample_weight, mask)
    assert explanation.loss == loss.reduce(*loss.total_and_count(y, x, sample_weight, mask))
    np.testing.assert_array_equal(y, y_before)
    np.testing.assert_array_equal(x, x_before)
    if explanation.class_counts is not None:
        assert explanation.class_counts.sum() == explanation.counted
    ranked = [each.loss for each in explanation.hardest]
    assert ranked == sorted(ranked, reverse=True)
    assert len(ranked) == min(5, explanation.counted)
    assert str(explanation).startswith(type(loss).__name__)


@pytest.mark.parametrize("name", DISTANCES)
@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_nothing_is_below_the_floor(name, data):
    loss, y, x, sample_weight, mask = data.draw(problems(name))
    explanation = explain(loss, y, x, sample_weight, mask)
    for other in (explanation.loss, explanation.prior, explanation.uniform):
        assert other is None or other >= explanation.floor - 1e-9 * (1 + abs(explanation.floor))


@pytest.mark.parametrize("name", ["categorical", "sparse", "binary", "kl", "mse", "poisson"])
@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_the_prior_is_the_best_constant(name, data):
    loss, y, x, sample_weight, mask = data.draw(problems(name))
    prior = explain(loss, y, x, sample_weight, mask).prior
    axis = getattr(loss, "axis", -1) if x.ndim > 1 or "axis" in LOSSES[name].options else None
    rng = np.random.default_rng(0)
    for _ in range(20):
        constant = rng.uniform(0.1, 0.9, 1 if axis is None else x.shape[axis])
        if axis is not None and name in ("categorical", "sparse", "kl") and not loss.from_logits:
            constant /= constant.sum()
        other = np.empty_like(x)
        (other if axis is None else np.moveaxis(other, axis, -1))[...] = constant
        assert prior <= loss.reduce(*loss.total_and_count(y, other, sample_weight, mask)) + 1e-9


@pytest.mark.parametrize("options", [{}, {"class_weight": [1.0, 2.0, 0.5]}, {"label_smoothing": 0.2}])
def test_class_means_add_up_to_the_loss(options):
    y, x = np.array([[0, 1], [2, -1], [1, 1]]), noise(3, 3, 2)
    loss = losses.SparseCategoricalCrossentropy(axis=1, ignore_class=-1, **options)
    explanation = explain(loss, y, x, sample_weight=[1.0, 2.0, 0.5])
    sums = explanation.class_counts * explanation.class_losses
    assert sums.sum() / explanation.counted == pytest.approx(explanation.loss, rel=1e-12)
    assert (explanation.counted, explanation.ignored) == (5, 1)
    assert all(0 <= each.label < 3 and 0 <= each.predicted < 3 for each in explanation.hardest)
    per_pixel = loss.per_example(y, x, [1.0, 2.0, 0.5])
    assert explanation.hardest[0].index == np.unravel_index(per_pixel.argmax(), per_pixel.shape)


def test_column_means_add_up_to_the_loss():
    y, x = noise(6, 2) > 0, noise(6, 2)[::-1]
    loss = losses.BinaryCrossentropy(class_weight=[1.0, 3.0], pos_weight=2.0)
    explanation = explain(loss, y, x, sample_weight=np.arange(6.0))
    sums = explanation.class_counts * explanation.class_losses
    assert sums.sum() / explanation.counted == pytest.approx(explanation.loss, rel=1e-12)


# -- saturation --------------------------------------------------------------------------------------------------------

EDGE = float(np.log(1 / SATURATED - 1))  # the logit whose probability is 1 - SATURATED


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_saturation_is_counted_from_either_side(dtype):
    x = np.array([[1.01 * EDGE, 0.0], [0.99 * EDGE, 0.0], [0.0, 1.01 * EDGE], [0.0, 0.0], [1.0, 0.0]], dtype)
    assert explain(losses.SparseCategoricalCrossentropy(), [0] * 5, x).saturated == 0.4
    assert explain(losses.BinaryCrossentropy(), np.zeros(5), x[:, 0] - x[:, 1]).saturated == 0.4
    p = np.exp(x) / np.exp(x).sum(axis=1, keepdims=True)
    assert explain(losses.SparseCategoricalCrossentropy(from_logits=False), [0] * 5, p).saturated == 0.4
    assert explain(losses.BinaryCrossentropy(from_logits=False), np.zeros(5), p[:, 0]).saturated == 0.4


# -- corners -----------------------------------------------------------------------------------------------------------


def test_nothing_counted_is_zero_and_not_nan():
    explanation = explain(losses.SparseCategoricalCrossentropy(ignore_class=-1), [-1, -1], noise(2, 3))
    assert (explanation.loss, explanation.floor, explanation.prior, explanation.saturated) == (0.0, 0.0, 0.0, 0.0)
    assert (explanation.counted, explanation.ignored, explanation.hardest) == (0, 2, ())
    assert "hardest" not in str(explanation)


def test_an_empty_batch():
    assert explain(losses.MeanSquaredError(), np.zeros((0, 2)), np.zeros((0, 2))).loss == 0.0
    assert explain(losses.CategoricalCrossentropy(), np.zeros((0, 2)), np.zeros((0, 2))).counted == 0


def test_a_row_that_is_not_a_number_is_the_hardest():
    x = noise(3, 2)
    x[1] = np.nan
    explanation = explain(losses.SparseCategoricalCrossentropy(), [0, 1, 0], x)
    assert explanation.hardest[0].index == (1,)
    assert "nan" in str(explanation)
    assert explain(losses.SparseCategoricalCrossentropy(), [0, 1, 0], x, mask=[1, 0, 1]).hardest[0].index != (1,)


def test_masked_rows_are_ignored_and_weightless_ones_are_not():
    y, x = [0, 1, 0], noise(3, 2)
    assert explain(losses.SparseCategoricalCrossentropy(), y, x, mask=[1, 0, 1]).ignored == 1
    assert explain(losses.SparseCategoricalCrossentropy(), y, x, sample_weight=[1, 0, 1]).ignored == 0


def test_very_many_classes_show_the_worst_twenty():
    text = str(explain(losses.SparseCategoricalCrossentropy(), np.arange(100), noise(100, 100)))
    assert "80 more" in text
    assert len(text.splitlines()) < 45


def test_the_method_prints_and_returns(capsys):
    loss = losses.CategoricalCrossentropy()
    explanation = loss.explain([[1, 0], [0.5, 0.5]], noise(2, 2))
    assert capsys.readouterr().out == f"{explanation}\n"
    assert explanation.floor == pytest.approx(0.5 * np.log(2))
    assert loss.total == 0.0
    with pytest.raises(FrozenInstanceError):
        explanation.loss = 0.0
    with pytest.raises(FrozenInstanceError):
        explanation.hardest[0].loss = 0.0


def test_what_the_loss_refuses_is_refused():
    with pytest.raises(CutedlError):
        explain(losses.MeanSquaredError(), np.zeros(3), np.zeros((3, 1)))


def test_a_sampled_head_is_explained_by_its_full_loss():
    arena, head = Arena(), SampledSoftmax(50, num_sampled=5)
    arena.allocate(seed=0, dtype="float32")
    head.attach(arena, (4,), seed=0)
    explanation = explain(head, [3, 7], noise(2, 4).astype("float32"))
    assert explanation.loss == pytest.approx(np.log(50), rel=1e-6)
    assert (explanation.floor, explanation.prior, explanation.class_losses) == (None, None, None)
