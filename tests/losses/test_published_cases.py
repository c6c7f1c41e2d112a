"""Every published case: values, gradients and refusals of TensorFlow, Keras, PyTorch, optax and scikit-learn."""

import json
import pathlib
import warnings

import numpy as np
import pytest

from cutedl import losses
from cutedl.errors import CutedlError
from cutedl.losses.sampled import nce_gradients, nce_loss, sampled_softmax_gradients, sampled_softmax_loss

CASES = pathlib.Path(__file__).parents[3] / "shared" / "cases" / "loss_cases.json"


def dense(cls, **defaults):
    """Run a case of a loss class: options, layout, and the kind of answer that the case is about."""

    def run(case, dtype):
        # The cases are about arithmetic: what probably is a mistake is looked for elsewhere.
        options = defaults | {"check": "never"} | case["kwargs"]
        per_element = options.pop("per_element", False)
        mask, component = options.pop("mask", None), options.pop("grad_component", slice(None))
        is_log = options.pop("y_pred_is_log", False)
        options["reduction"] = REDUCTIONS.get(options.get("reduction"), options.get("reduction", "sum_over_batch_size"))
        y, x = np.asarray(case["y_true"]), numbers(case["y_pred"]).astype(dtype)
        if is_log:
            x = np.exp(x)
        if cls is not losses.SparseCategoricalCrossentropy:
            y = y.astype(dtype)
        shape = x.shape
        if per_element:
            y, x = y[..., None], x[..., None]
        loss = cls(**options)
        if case["kind"] == "hessian_diag":
            return loss.hessian_diagonal(y, x, case["sample_weight"], mask).reshape(shape)
        value, gradient = loss.value_and_gradient(y, x, case["sample_weight"], mask)
        return gradient.reshape(shape)[..., component] if case["kind"] == "grad" else value

    return run


def sampled(loss, gradients):
    """Run a case of a sampled loss, whose sample and expected counts are given."""

    def run(case, dtype):
        k = case["kwargs"]
        w, b = np.array(k["weights"], dtype), np.array(k["biases"], dtype)
        x = np.array(case["y_pred"], dtype)
        values = k["sampled"], k["true_expected_count"], k["sampled_expected_count"]
        hits = k["remove_accidental_hits"]
        if case["kind"] == "value":
            return loss(w, b, case["y_true"], x, len(k["sampled"]), k["num_classes"], k["num_true"], values, hits)
        of_rows = gradients(w, b, case["y_true"], x, values, hits)
        if k["grad_wrt"] == "inputs":
            return of_rows.inputs
        whole = np.zeros_like(w if k["grad_wrt"] == "weights" else b)
        whole[of_rows.rows] = getattr(of_rows, k["grad_wrt"])
        return whole

    return run


REDUCTIONS = {"class_weighted_mean": "weighted_mean", "mean_over_valid": "sum_over_batch_size"}

# One row per loss: a function of (case, dtype) that returns what the case expects, or raises.
RUNNERS = {
    "binary_crossentropy": dense(losses.BinaryCrossentropy),
    "binary_focal_crossentropy": dense(losses.BinaryFocalCrossentropy),
    "categorical_crossentropy": dense(losses.CategoricalCrossentropy),
    "categorical_focal_crossentropy": dense(losses.CategoricalFocalCrossentropy),
    "categorical_hinge": dense(losses.CategoricalHinge),
    "cosine_similarity": dense(losses.CosineSimilarity),
    "hinge": dense(losses.Hinge),
    "huber": dense(losses.Huber),
    "kl_divergence": dense(losses.KLDivergence, from_logits=False),
    "log_cosh": dense(losses.LogCosh),
    "mean_absolute_error": dense(losses.MeanAbsoluteError),
    "mean_squared_error": dense(losses.MeanSquaredError),
    "nce": sampled(nce_loss, nce_gradients),
    "poisson": dense(losses.Poisson),
    "sampled_softmax": sampled(sampled_softmax_loss, sampled_softmax_gradients),
    "sparse_categorical_crossentropy": dense(losses.SparseCategoricalCrossentropy),
    "squared_hinge": dense(losses.SquaredHinge),
    "weighted_binary_crossentropy": dense(losses.WeightedBinaryCrossentropy),
}


def numbers(values):
    """Return an array of a case's numbers; inf and nan are strings there."""
    return np.asarray(values).astype(np.float64)


def run(case, dtype):
    if case["loss"] not in RUNNERS:
        raise LookupError(f"no runner for {case['loss']}")
    with warnings.catch_warnings():
        # Keras divides rows of probabilities by their sums; cutedl does so too, but says it.
        warnings.filterwarnings("ignore", message=".*it is divided by its sum")
        return RUNNERS[case["loss"]](case, dtype)


def load():
    return json.loads(CASES.read_text()) if CASES.exists() else []


@pytest.mark.skipif(not CASES.exists(), reason="the published cases are not beside this checkout")
def test_there_are_cases():
    assert len(load()) > 50


@pytest.mark.parametrize("case", load(), ids=lambda case: case["id"])
def test_published_case(case):
    if case["kind"] == "error":
        with pytest.raises(CutedlError) as refusal:
            run(case, "float64")
        assert isinstance(refusal.value, ValueError)
        return
    expected = numbers(case["expected"])
    for dtype in {"float64", case["dtype"]}:
        np.testing.assert_allclose(run(case, dtype), expected, rtol=case["rtol"], atol=case["atol"], err_msg=dtype)
    precise = numbers(case.get("precise", case["expected"]))
    np.testing.assert_allclose(run(case, "float32"), precise, rtol=1e-5, atol=1e-37)
