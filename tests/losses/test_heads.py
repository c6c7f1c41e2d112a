"""The heads that train: W and b by the row, a sample at each step, the full loss in evaluation."""

import tracemalloc

import numpy as np
import pytest

from cutedl import losses, nn, optimizers
from cutedl.dataset import Dataset
from cutedl.errors import ArgumentError, LabelError, NotBuiltError, ShapeError, UnknownNameError
from cutedl.losses.heads import NCE, SampledSoftmax
from cutedl.losses.sampled import nce_gradients, sampled_softmax_gradients
from cutedl.losses.samplers import FixedUnigramSampler
from cutedl.model import Model
from cutedl.session import Session
from cutedl.streams import stream

HEADS = {"sampled_softmax": SampledSoftmax, "nce": NCE}
GRADIENTS = {"sampled_softmax": sampled_softmax_gradients, "nce": nce_gradients}

each_head = pytest.mark.parametrize("kind", HEADS)


def attached(kind, classes=30, sampled=8, dtype="float64", width=4, **options):
    """A model of one layer and a head whose W and b are not what they start with."""
    model, head = Model([nn.Dense(width, inshape=3)]), HEADS[kind](classes, sampled, **options)
    model.assemble(0, dtype)
    head.attach(model.arena, model.shapes[-1], 0)
    generator = np.random.default_rng(1)
    for table in (head.weights, head.biases):
        table.values[...] = generator.normal(size=table.shape)
    return model, head


def batch(rows=6, classes=30, width=4, true=1, seed=2):
    generator = np.random.default_rng(seed)
    labels = np.array([generator.permutation(classes)[:true] for _ in range(rows)])
    return labels, generator.normal(size=(rows, width))


# -- a step ----------------------------------------------------------------------------------------------------------


@each_head
@pytest.mark.parametrize("true", [1, 3])
@pytest.mark.parametrize("remove_hits", [True, False])
def test_a_step_is_the_function_with_the_sample_of_that_step(kind, true, remove_hits):
    _, head = attached(kind, num_true=true, seed=5, reduction="sum", remove_accidental_hits=remove_hits)
    y, h = batch(true=true)
    for step in range(3):
        value, gradient = head.value_and_gradient(y, h)
        sample = head.sampler.sample(stream(5, "sampler", step), y, 8)
        expected = GRADIENTS[kind](head.weights.values, head.biases.values[:, 0], y, h, sample, remove_hits)
        assert value == head.total == pytest.approx(expected.losses.sum(), rel=1e-13)
        assert head.count == 6
        np.testing.assert_allclose(gradient, expected.inputs, rtol=1e-12, atol=1e-15)
        for table, rows in ((head.weights, expected.weights), (head.biases, expected.biases[:, None])):
            np.testing.assert_array_equal(table.rows, expected.rows)
            np.testing.assert_allclose(table.row_gradients, rows, rtol=1e-12, atol=1e-15)


@each_head
def test_the_default_reduction_divides_everything_by_the_batch(kind):
    y, h = batch()
    _, mean = attached(kind)
    _, total = attached(kind, reduction="sum")
    value, gradient = mean.value_and_gradient(y, h)
    assert value == pytest.approx(total(y, h) / 6)
    np.testing.assert_allclose(gradient, total.gradient / 6)
    np.testing.assert_allclose(mean.weights.row_gradients, total.weights.row_gradients / 6)


@each_head
def test_without_reduction_the_losses_come_one_by_one(kind):
    y, h = batch()
    _, each = attached(kind, reduction="none")
    _, total = attached(kind, reduction="sum")
    assert each(y, h).shape == (6,)
    assert each.total == pytest.approx(total(y, h))


@each_head
def test_sample_weights_multiply_losses_and_gradients(kind):
    y, h = batch()
    weights = np.array([1.0, 2.0, 0.5, 0.0, 1.0, 3.0])
    _, weighted = attached(kind, reduction="sum")
    _, each = attached(kind, reduction="none")
    assert weighted(y, h, weights) == pytest.approx(
        np.delete(weights, 3) @ each(np.delete(y, 3, 0), np.delete(h, 3, 0))
    )
    np.testing.assert_allclose(np.delete(weighted.gradient, 3, 0), np.delete(weights, 3)[:, None] * each.gradient)


@each_head
@pytest.mark.parametrize("reduction", ["sum_over_batch_size", "weighted_mean", "sum_by_nonzero_weights", "sum"])
def test_weights_and_masks_count_as_in_every_loss(kind, reduction):
    """A masked row takes no part, though it is not even finite."""
    y, h = batch()
    _, head = attached(kind, reduction=reduction)
    _, short = attached(kind, reduction=reduction)
    weights = np.array([1.0, 2.0, 0.5, 0.0, 1.0, 3.0])
    keep = np.array([1, 1, 1, 1, 0, 1])
    spoilt = h.copy()
    spoilt[4] = np.nan
    value = head(y, spoilt, weights, keep)
    assert value == pytest.approx(short(np.delete(y, 4, 0), np.delete(h, 4, 0), np.delete(weights, 4)))
    np.testing.assert_allclose(np.delete(head.gradient, 4, 0), short.gradient, rtol=1e-12)
    assert (head.gradient[[3, 4]] == 0).all()
    np.testing.assert_allclose(head.weights.row_gradients, short.weights.row_gradients, rtol=1e-12)


@each_head
def test_a_batch_that_is_masked_whole_is_zero(kind):
    _, head = attached(kind)
    y, h = batch()
    assert head(y, h, mask=np.zeros(6)) == 0.0
    assert (head.gradient == 0).all()
    assert (head.weights.row_gradients == 0).all()


@each_head
@pytest.mark.parametrize("dtype", ["float16", "float32"])
def test_narrow_outputs_and_hits_never_make_nan(kind, dtype):
    _, head = attached(kind, classes=8, sampled=8, dtype="float32")
    head.weights.values[...] *= 1e4
    value, gradient = head.value_and_gradient(np.arange(6), np.full((6, 4), 6e4, dtype))
    assert np.isfinite(value)
    assert np.isfinite(gradient).all()
    assert np.isfinite(head.weights.row_gradients).all()
    assert gradient.dtype == "float32"


@each_head
def test_every_step_has_negatives_of_its_own_and_a_new_head_repeats_them(kind):
    y, h = batch()
    _, head = attached(kind, classes=1000, sampled=20)
    y = y * 30
    first = [head(y, h) for _ in range(4)]
    assert len(set(first)) == 4
    _, again = attached(kind, classes=1000, sampled=20)
    assert [again(y, h) for _ in range(4)] == first
    _, other = attached(kind, classes=1000, sampled=20, seed=1)
    assert other(y, h) not in first


# -- all classes -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("classes", [30, 5000])
@pytest.mark.parametrize("true", [1, 2])
def test_evaluation_is_the_full_softmax(classes, true):
    _, head = attached("sampled_softmax", classes=classes, num_true=true)
    y, h = batch(rows=600, classes=classes, true=true)
    targets = np.zeros((600, classes))
    np.put_along_axis(targets, y, 1 / true, axis=1)
    dense = losses.CategoricalCrossentropy()
    total, count = head.total_and_count(y, h)
    assert count == 600
    assert total / count == pytest.approx(dense(targets, head.logits(h)), rel=1e-12)
    np.testing.assert_allclose(head.per_example(y, h), dense.per_example(targets, head.logits(h)), rtol=1e-11)


@pytest.mark.parametrize("true", [1, 2])
def test_evaluation_of_nce_is_the_full_sigmoid_cross_entropy(true):
    _, head = attached("nce", classes=5000, num_true=true)
    y, h = batch(rows=20, classes=5000, true=true)
    targets = np.zeros((20, 5000))
    np.put_along_axis(targets, y, 1 / true, axis=1)
    full = losses.sigmoid_cross_entropy_with_logits(targets, head.logits(h)).sum(axis=1)
    np.testing.assert_allclose(head.per_example(y, h), full, rtol=1e-12)


@each_head
def test_evaluation_changes_nothing(kind):
    _, head = attached(kind)
    y, h = batch()
    head(y, h)
    rows, gradient = head.weights.rows, head.gradient.copy()
    before = head.total_and_count(y, h)
    assert head.total_and_count(y, h) == before
    np.testing.assert_array_equal(head.weights.rows, rows)
    np.testing.assert_array_equal(head.gradient, gradient)
    _, other = attached(kind)
    other(y, h)
    assert other(y, h) == head(y, h)


@each_head
def test_the_memory_of_an_evaluation_does_not_grow_with_the_vocabulary(kind):
    def peak(classes):
        _, head = attached(kind, classes=classes, dtype="float32")
        y, h = batch(rows=300)
        tracemalloc.start()
        head.total_and_count(y, h)
        result = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return result

    assert peak(40_000) < 1.1 * peak(8_192)


# -- training --------------------------------------------------------------------------------------------------------


def zipf(count, classes=200, seed=3):
    """Classes of Zipf's frequencies, seen as noisy codes."""
    generator = np.random.default_rng(seed)
    p = 1 / np.arange(1.0, classes + 1)
    y = generator.choice(classes, count, p=p / p.sum())
    codes = np.random.default_rng(0).normal(size=(classes, 8))
    return Dataset(codes[y] + 0.5 * generator.normal(size=(count, 8)), y, batch_size=50)


@each_head
@pytest.mark.parametrize("sampler", ["log_uniform", "learned_unigram"])
def test_a_session_trains_below_the_loss_of_the_class_prior(kind, sampler):
    head = HEADS[kind](200, 20, sampler=sampler)
    session = Session(Model([nn.Dense(16, inshape=8, activation="tanh")]), head, optimizers.Adam(0.02), seed=1)
    train, test = zipf(5000), zipf(1000, seed=4)
    session.fit(train, 3, verbose=0)
    frequency = np.bincount(train.label, minlength=200) + 1.0
    prior = -np.log(frequency / frequency.sum())[test.label].mean()
    dense = losses.SparseCategoricalCrossentropy()
    full = dense(test.label, head.logits(session.predict(test.data)))
    assert full < prior - 1
    if kind == "sampled_softmax":
        assert session.evaluate(test)["loss"] == pytest.approx(full, rel=1e-5)


@each_head
@pytest.mark.parametrize("make", [optimizers.SGD, optimizers.Momentum, optimizers.Adam])
def test_a_step_leaves_the_rows_that_took_no_part_bit_for_bit(kind, make):
    model, head = attached(kind, classes=500, sampled=20, dtype="float32")
    optimizer = make(0.1)
    for seed in range(3):
        y, _ = batch(classes=500, seed=seed)
        before = [table.values.copy() for table in (head.weights, head.biases)]
        output = model.forward(np.random.default_rng(seed).normal(size=(6, 3)).astype("float32"))
        _, gradient = head.value_and_gradient(y, output, out=model.output_gradient(6))
        model.backward(gradient)
        optimizer.step(model.arena)
        for table, old in zip((head.weights, head.biases), before, strict=True):
            changed = (table.values != old).any(axis=1)
            assert set(y[:, 0]) <= set(head.weights.rows)
            assert not np.delete(changed, table.rows).any()
            assert changed[table.rows].mean() > 0.9


@each_head
def test_the_start_is_the_loss_of_equal_classes(kind):
    model, head = Model([nn.Dense(4, inshape=3)]), HEADS[kind](1000, 10)
    model.assemble(0)
    head.attach(model.arena, model.shapes[-1], 0)
    expected = np.log(1000) if kind == "sampled_softmax" else 1000 * np.log1p(1 / 1000) + np.log(1000)
    y, h = batch()
    assert head.per_example(y, h) == pytest.approx(np.full(6, expected), rel=1e-5)
    assert not head.weights.values.any()
    np.testing.assert_allclose(head.biases.values, 0.0 if kind == "sampled_softmax" else -np.log(1000), rtol=1e-6)


# -- memory ----------------------------------------------------------------------------------------------------------


def test_attaching_again_changes_nothing_and_a_new_arena_starts_anew():
    model, head = attached("sampled_softmax", dtype="float32")
    weights, values = head.weights, head.weights.values.copy()
    head.attach(model.arena, model.shapes[-1], 7)
    assert head.weights is weights
    np.testing.assert_array_equal(weights.values, values)
    assert weights.values.dtype == "float32"
    assert list(model.arena.tables) == ["head.weights", "head.biases"]
    model.assemble(0, "float64")
    head.attach(model.arena, model.shapes[-1], 0)
    assert head.weights is not weights
    assert head.weights.values.dtype == "float64"


def test_two_heads_of_one_name_share_their_tables_if_the_shapes_agree():
    model, head = attached("sampled_softmax")
    second = NCE(30, 8)
    second.attach(model.arena, model.shapes[-1], 0)
    assert second.weights is head.weights
    with pytest.raises(ShapeError, match=r"head.weights exists already .* expected \(31, 4\), received \(30, 4\)"):
        NCE(31, 8).attach(model.arena, model.shapes[-1], 0)
    NCE(31, 8, name="other").attach(model.arena, model.shapes[-1], 0)


def test_a_head_is_shown_with_its_options():
    shown = repr(SampledSoftmax(30, 8, sampler="uniform"))
    assert shown.startswith("SampledSoftmax(reduction='sum_over_batch_size', num_classes=30, num_sampled=8, num_true=1")
    assert "sampler=UniformSampler(num_classes=30)" in shown


# -- refusals --------------------------------------------------------------------------------------------------------

Y, H = batch()

REFUSED = {
    "not attached": (lambda: NCE(5, 2)([1], [[1.0]]), NotBuiltError, "NCE has no memory yet. hint: a Session attaches"),
    "outputs": (
        lambda: NCE(5, 2).attach(Model().declare, (2, 3), 0),
        ShapeError,
        r"NCE cannot take these outputs\. expected one axis \(d,\), received \(2, 3\)\. hint: end the model with Flat",
    ),
    "y_pred": (
        lambda: attached("nce")[1](Y, H[:, :3]),
        ShapeError,
        r"y_pred does not fit the head\. expected \(batch, 4\), received shape \(6, 3\)",
    ),
    "y_pred of three axes": (
        lambda: attached("nce")[1](Y, H[:, :, None]),
        ShapeError,
        r"y_pred does not fit the head\. expected \(batch, 4\), received shape \(6, 4, 1\)",
    ),
    "rows": (
        lambda: attached("nce")[1](Y[:5], H),
        ShapeError,
        r"labels do not fit the head\. expected class indices of shape \(6, 1\) or \(6,\), received shape \(5, 1\)",
    ),
    "num_true": (
        lambda: attached("nce", num_true=2)[1](Y, H),
        ShapeError,
        r"expected class indices of shape \(6, 2\), received shape \(6, 1\)",
    ),
    "one-hot": (lambda: attached("nce")[1].check_labels(np.eye(30), (4,)), ShapeError, r"received shape \(30, 30\)"),
    "label": (lambda: attached("nce")[1].check_labels([0, 30], (4,)), LabelError, "0 to 29, received 30 at row 1"),
    "never drawn": (
        lambda: NCE(3, 1, sampler=FixedUnigramSampler([1, 0, 1])).check_labels([0, 1], (4,)),
        LabelError,
        "class 1 is a label, but FixedUnigramSampler never draws it",
    ),
    "too many": (lambda: NCE(5, 6), ArgumentError, "at most 5 distinct classes, received 6"),
    "sampler": (lambda: NCE(5, 2, sampler="log"), UnknownNameError, "no sampler is named 'log'"),
    "reduction": (lambda: NCE(5, 2, reduction="mean"), UnknownNameError, "no reduction is named 'mean'"),
    "seed": (lambda: NCE(5, 2, seed=-1), ArgumentError, "seed cannot be used"),
}


@pytest.mark.parametrize(("call", "error", "text"), REFUSED.values(), ids=REFUSED)
def test_refusals_say_what_is_wrong(call, error, text):
    with pytest.raises(error, match=text):
        call()
