"""Sampled softmax and NCE: the published cases, the naive twin, differences, and what cannot go NaN."""

import json
import math
import pathlib

import numpy as np
import pytest

from cutedl.errors import ArgumentError, LabelError, ShapeError
from cutedl.losses.sampled import nce_gradients, nce_loss, sampled_softmax_gradients, sampled_softmax_loss
from cutedl.losses.samplers import LogUniformSampler, UniformSampler

LOSSES = {"sampled_softmax": sampled_softmax_loss, "nce": nce_loss}
GRADIENTS = {"sampled_softmax": sampled_softmax_gradients, "nce": nce_gradients}

each_loss = pytest.mark.parametrize("loss", LOSSES)
each_choice = pytest.mark.parametrize("remove_hits", [True, False], ids=["hits removed", "hits kept"])
each_true = pytest.mark.parametrize("true", [1, 2, 3])

# -- published cases -------------------------------------------------------------------------------------------------

CASES = pathlib.Path(__file__).parents[3] / "shared" / "cases" / "loss_cases.json"
PUBLISHED = [case for case in json.loads(CASES.read_text()) if case["loss"] in LOSSES] if CASES.exists() else []


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("case", PUBLISHED, ids=lambda case: case["id"])
def test_published_case(case, dtype):
    given = case["kwargs"]
    sample = given["sampled"], given["true_expected_count"], given["sampled_expected_count"]
    weights, biases = np.array(given["weights"], dtype), np.array(given["biases"], dtype)
    inputs, labels, remove = np.array(case["y_pred"], dtype), case["y_true"], given["remove_accidental_hits"]
    if case["kind"] == "grad":
        assert given["grad_wrt"] == "weights"
        result = GRADIENTS[case["loss"]](weights, biases, labels, inputs, sample, remove)
        received = np.zeros_like(weights)
        received[result.rows] = result.weights
    else:
        sizes = len(sample[0]), given["num_classes"], given["num_true"]
        received = LOSSES[case["loss"]](weights, biases, labels, inputs, *sizes, sample, remove)
    assert received.dtype == dtype
    tolerance = case["atol"] if dtype == "float64" else 1e-5
    np.testing.assert_allclose(received, case["expected"], rtol=0, atol=tolerance)
    if "precise" in case and dtype == "float64":
        np.testing.assert_allclose(received, case["precise"], rtol=1e-12)


# -- the naive twin --------------------------------------------------------------------------------------------------


def naive(loss, weights, biases, labels, inputs, sample, remove_hits):
    """One example, one class at a time."""
    sampled, of_true, of_sampled = sample
    losses = []
    for h, own, counts in zip(inputs, labels, of_true, strict=True):
        columns = [(k, count, 1 / len(own)) for k, count in zip(own, counts, strict=True)]
        columns += [
            (k, count, 0.0) for k, count in zip(sampled, of_sampled, strict=True) if not (remove_hits and k in own)
        ]
        scores = [sum(h * weights[k]) + biases[k] - math.log(count) for k, count, _ in columns]
        targets = [target for *_, target in columns]
        if loss == "nce":
            p = [1 / (1 + math.exp(-score)) for score in scores]
            terms = [t * math.log(q) + (1 - t) * math.log(1 - q) for t, q in zip(targets, p, strict=True)]
        else:
            normaliser = math.log(sum(math.exp(score) for score in scores))
            terms = [t * (score - normaliser) for t, score in zip(targets, scores, strict=True)]
        losses.append(-sum(terms))
    return np.array(losses)


def problem(true, seed=0, rows=5, classes=7, width=3, sampled=4):
    """Weights, biases, labels, inputs and a sample that has hits in it."""
    generator = np.random.default_rng([seed, true])
    weights, biases = generator.normal(size=(classes, width)), generator.normal(size=classes)
    labels = np.array([generator.permutation(classes)[:true] for _ in range(rows)])
    labels[0, 0] = labels[-1, 0]
    inputs = generator.normal(size=(rows, width))
    sample = LogUniformSampler(classes).sample(generator, labels, sampled)
    if not np.isin(labels, sample.sampled).any():
        labels[0, 0] = sample.sampled[0]
    return weights, biases, labels, inputs, sample


def evaluate(loss, arrays, remove_hits):
    weights, biases, labels, inputs, sample = arrays
    sizes = len(sample[0]), len(weights), labels.shape[1]
    return LOSSES[loss](weights, biases, labels, inputs, *sizes, sample, remove_hits)


@each_loss
@each_choice
@each_true
@pytest.mark.parametrize("seed", range(5))
def test_losses_equal_the_naive_twin(loss, remove_hits, true, seed):
    arrays = problem(true, seed)
    np.testing.assert_allclose(evaluate(loss, arrays, remove_hits), naive(loss, *arrays, remove_hits), rtol=1e-12)


@each_loss
@each_choice
def test_a_sample_with_repeated_classes_equals_the_naive_twin(loss, remove_hits):
    weights, biases, labels, inputs, _ = problem(2)
    sample = UniformSampler(7).sample(np.random.default_rng(1), labels, 20, unique=False)
    arrays = weights, biases, labels, inputs, sample
    np.testing.assert_allclose(evaluate(loss, arrays, remove_hits), naive(loss, *arrays, remove_hits), rtol=1e-12)


@each_loss
@each_choice
@each_true
@pytest.mark.parametrize("seed", range(3))
def test_gradients_equal_four_point_differences(loss, remove_hits, true, seed):
    arrays = problem(true, seed)
    weights, biases, labels, inputs, sample = arrays
    result = GRADIENTS[loss](*arrays, remove_hits)
    np.testing.assert_allclose(result.losses, evaluate(loss, arrays, remove_hits), rtol=1e-13)
    assert result.rows.tolist() == sorted({*labels.ravel().tolist(), *sample.sampled.tolist()})
    dense_weights, dense_biases = np.zeros_like(weights), np.zeros_like(biases)
    dense_weights[result.rows], dense_biases[result.rows] = result.weights, result.biases
    for array, gradient in ((inputs, result.inputs), (weights, dense_weights), (biases, dense_biases)):
        numeric = differences(lambda: evaluate(loss, arrays, remove_hits).sum(), array)
        assert np.linalg.norm(gradient - numeric) <= 1e-9 * np.linalg.norm(numeric)


def differences(f, array, h=1e-3):
    """The gradient of f by every entry of an array that f reads."""
    result = np.empty_like(array)
    for place in np.ndindex(array.shape):
        start, values = array[place], {}
        for steps in (-2, -1, 1, 2):
            array[place] = start + steps * h
            values[steps] = f()
        array[place] = start
        result[place] = (8 * (values[1] - values[-1]) - (values[2] - values[-2])) / (12 * h)
    return result


# -- numbers ---------------------------------------------------------------------------------------------------------


@each_loss
@each_choice
@each_true
@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_nothing_is_nan_where_every_sampled_class_is_a_hit(loss, remove_hits, true, dtype):
    sampled = np.array([3, 4, 5][:true])
    labels = np.stack([sampled, sampled[::-1]])
    weights, biases = np.full((6, 4), 3e4, dtype), np.full(6, -3, dtype)
    sample = sampled, np.full(labels.shape, 0.5), np.full(true, 0.5)
    for inputs in (np.full((2, 4), 60, dtype), np.full((2, 4), -60, dtype), np.zeros((2, 4), dtype)):
        result = GRADIENTS[loss](weights, biases, labels, inputs, sample, remove_hits)
        assert all(np.isfinite(part).all() for part in result)
        assert result.inputs.dtype == ("float64" if dtype == "float64" else "float32")
        if loss == "sampled_softmax" and remove_hits:
            np.testing.assert_allclose(result.losses, math.log(true), atol=1e-6)


@each_loss
def test_the_largest_float16_inputs_are_computed_wider(loss):
    largest = np.finfo("float16").max
    weights, inputs = np.full((5, 2), largest, "float16"), np.full((1, 2), largest, "float16")
    weights[1] = -largest
    sample = [1, 2], [[1.0]], [1.0, 1.0]
    result = GRADIENTS[loss](weights, np.zeros(5, "float16"), [2], inputs, sample, True)
    assert result.losses.dtype == "float32"
    assert result.losses == [0.0]
    assert (result.inputs == 0).all()


@each_loss
@pytest.mark.parametrize("margin", [1, 10, 20, 40, 80])
def test_confident_examples_keep_full_relative_accuracy_in_float32(loss, margin):
    weights = np.array([[margin / 2], [-margin / 2], [-margin / 2]], "float32")
    arguments = np.zeros(3, "float32"), [0], np.ones((1, 1), "float32"), ([1, 2], [[1.0]], [1.0, 1.0])
    single = GRADIENTS[loss](weights, *arguments)
    if loss == "nce":
        value, slope = 3 * np.log1p(np.exp(-margin / 2)), 1 / (1 + np.exp(margin / 2))
        expected = [-slope, slope, slope]
    else:
        value, slope = np.log1p(2 * np.exp(-margin)), 1 / (2 + np.exp(margin))
        expected = [-2 * slope, slope, slope]
    np.testing.assert_allclose(single.losses, value, rtol=1e-6)
    np.testing.assert_allclose(single.biases, expected, rtol=1e-6)


@each_loss
def test_inputs_are_never_written_to(loss):
    arrays = problem(2)
    before = [np.copy(part) for part in (*arrays[:4], *arrays[4])]
    GRADIENTS[loss](*arrays)
    for part, copy in zip((*arrays[:4], *arrays[4]), before, strict=True):
        np.testing.assert_array_equal(part, copy)


@each_loss
def test_an_empty_batch_has_no_losses(loss):
    arrays = np.ones((4, 2)), np.zeros(4), np.empty((0, 1), int), np.empty((0, 2)), ([1], np.empty((0, 1)), [0.5])
    result = GRADIENTS[loss](*arrays)
    assert (result.losses.shape, result.inputs.shape, result.rows.tolist()) == ((0,), (0, 2), [1])


# -- the sample ------------------------------------------------------------------------------------------------------


@each_loss
def test_the_seed_decides_the_sample(loss):
    weights, biases, labels, inputs, _ = problem(1, classes=50, rows=4)
    a, b, c = (LOSSES[loss](weights, biases, labels, inputs, 10, 50, seed=seed) for seed in (1, 1, 2))
    np.testing.assert_array_equal(a, b)
    assert (a != c).any()
    assert np.isfinite(LOSSES[loss](weights, biases, labels[:, 0], inputs, 10, 50)).all()


def test_sampling_every_class_gives_the_full_softmax():
    weights, biases, labels, inputs, _ = problem(1)
    scores = inputs @ weights.T + biases
    full = np.log(np.exp(scores).sum(axis=1)) - scores[np.arange(5), labels[:, 0]]
    sampled = sampled_softmax_loss(weights, biases, labels, inputs, 7, 7)
    np.testing.assert_allclose(sampled, full, rtol=1e-12)


def test_the_gradient_of_a_large_sample_points_where_the_full_one_does():
    generator = np.random.default_rng(3)
    weights, inputs = generator.normal(size=(400, 3)), generator.normal(size=(6, 3))
    biases, labels = np.zeros(400), generator.integers(0, 400, (6, 1))
    scores = inputs @ weights.T
    p = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
    full = p @ weights - weights[labels[:, 0]]
    sampler, mean = LogUniformSampler(400), np.zeros((6, 3))
    for _ in range(200):
        sample = sampler.sample(generator, labels, 100)
        mean += sampled_softmax_gradients(weights, biases, labels, inputs, sample).inputs / 200
    assert np.linalg.norm(mean - full) <= 0.1 * np.linalg.norm(full)


# -- refusals --------------------------------------------------------------------------------------------------------

GIVEN = {
    "weights": np.ones((5, 2)),
    "biases": np.zeros(5),
    "labels": [[1], [4]],
    "inputs": np.ones((2, 2)),
    "num_sampled": 2,
    "num_classes": 5,
}
SAMPLE = [1, 2], [[0.5], [0.5]], [0.5, 0.5]

REFUSED = {
    "biases": ({"biases": np.zeros(4)}, ShapeError, r"weights and biases do not belong .* \(5, 2\) and \(4,\)"),
    "inputs": ({"inputs": np.ones((2, 3))}, ShapeError, r"inputs do not fit the weights\. expected \(N, 2\)"),
    "labels": ({"labels": [1, 2, 3]}, ShapeError, r"expected \(2,\) or \(2, num_true\), received shape \(3,\)"),
    "no labels": ({"labels": np.empty((2, 0), int)}, ShapeError, r"or \(2, num_true\), received shape \(2, 0\)"),
    "label": ({"labels": [[1], [5]]}, LabelError, "expected class indices 0 to 4, received 5 at row 1"),
    "fraction": ({"labels": [[1], [0.5]]}, LabelError, "a label is no class index"),
    "num_true": ({"num_true": 2}, ShapeError, "labels do not fit num_true. expected 2 labels per row, received 1"),
    "num_classes": ({"num_classes": 6}, ShapeError, "weights do not fit num_classes. expected 6 rows, received 5"),
    "num_sampled": ({"num_sampled": 6}, ArgumentError, "at most 5 distinct classes, received 6"),
    "none sampled": ({"num_sampled": 0}, ArgumentError, "num_sampled cannot be used"),
    "seed": ({"seed": -1}, ArgumentError, "seed cannot be used"),
    "sizes": (
        {"num_sampled": 3, "sampled_values": SAMPLE},
        ShapeError,
        "sampled_values do not fit num_sampled. expected 3 sampled classes, received 2",
    ),
    "sample": (
        {"sampled_values": ([1, 2], [[0.5]], [0.5, 0.5])},
        ShapeError,
        r"expected shapes \(S,\), \(2, 1\) and \(S,\), received \(2,\), \(1, 1\) and \(2,\)",
    ),
    "sampled class": ({"sampled_values": ([1, 9], *SAMPLE[1:])}, LabelError, "received 9"),
    "never drawn": (
        {"sampled_values": ([1, 2], [[0.5], [0.0]], [0.5, 0.5])},
        LabelError,
        r"class 4 takes part, but its expected count cannot be used\. expected finite expected counts > 0, received 0",
    ),
    "not finite": ({"sampled_values": ([1, 2], [[0.5], [0.5]], [0.5, np.nan])}, LabelError, "class 2 takes part"),
}


@each_loss
@pytest.mark.parametrize(("changed", "error", "text"), REFUSED.values(), ids=REFUSED)
def test_refusals_say_what_is_wrong(loss, changed, error, text):
    with pytest.raises(error, match=text):
        LOSSES[loss](**GIVEN | changed)


@each_loss
def test_expected_counts_of_one_label_a_row_may_be_flat(loss):
    flat, column = (
        LOSSES[loss](**GIVEN, sampled_values=([1, 2], of_true, [0.5, 0.5]))
        for of_true in ([0.5, 0.25], [[0.5], [0.25]])
    )
    np.testing.assert_array_equal(flat, column)
