"""The range of every number that a loss is made with, and the tolerance of sums: what mutation testing asks for."""

import re

import numpy as np
import pytest

from cutedl import losses
from cutedl.errors import ArgumentError, CheckpointMismatchError, LabelError, ProbabilityError
from cutedl.losses.probabilities import distributions, off_one

UNIT, NOT_NEGATIVE, COUNT = "a number in [0, 1]", "a number in [0, inf)", "an int >= 1"
CLASS, AXIS = f"an int >= {-(2**62)}", "an int >= -64"
HEAD = {"num_classes": COUNT, "num_sampled": COUNT, "num_true": COUNT, "seed": "an int >= 0"}
RANGES = {
    losses.CategoricalCrossentropy: {"label_smoothing": UNIT, "axis": AXIS},
    losses.SparseCategoricalCrossentropy: {"ignore_class": CLASS, "axis": AXIS},
    losses.BinaryCrossentropy: {"label_smoothing": UNIT, "ignore_class": CLASS},
    losses.BinaryFocalCrossentropy: {"alpha": UNIT, "gamma": NOT_NEGATIVE},
    losses.CategoricalFocalCrossentropy: {"gamma": NOT_NEGATIVE},
    losses.Huber: {"delta": "a number in (0, inf)"},
    losses.SampledSoftmax: HEAD,
    losses.NCE: HEAD,
    losses.LogUniformSampler: {"num_classes": COUNT},
    losses.FixedUnigramSampler: {"distortion": NOT_NEGATIVE, "num_reserved_ids": "an int >= 0"},
}
REQUIRED = {
    losses.SampledSoftmax: {"num_classes": 9, "num_sampled": 3},
    losses.NCE: {"num_classes": 9, "num_sampled": 3},
    losses.LogUniformSampler: {"num_classes": 9},
    losses.FixedUnigramSampler: {"counts": [1, 2]},
}


@pytest.mark.parametrize("make", RANGES, ids=lambda make: make.__name__)
def test_what_is_no_number_is_told_the_whole_range(make):
    required = REQUIRED.get(make, {})
    make(**required)
    for name, expected in RANGES[make].items():
        with pytest.raises(ArgumentError, match=re.escape(f"{name} cannot be used. expected {expected}, received '?'")):
            make(**required | {name: "?"})


@pytest.mark.parametrize(("total", "is_off"), [(0.9991, False), (1.0009, False), (0.9989, True), (1.0011, True)])
def test_probabilities_sum_to_one_within_a_thousandth(total, is_off):
    p = np.array([[0.25, 0.75], [0.25, total - 0.25]])
    assert (off_one(p, 1.0) == (1, total)) == is_off
    assert off_one(p, np.array([1.0, 0.0])) is None  # a row that does not count
    rows, sums = distributions(p)
    assert (sums is not None) == is_off
    np.testing.assert_allclose(rows[1], p[1] / total if is_off else p[1], rtol=1e-15)


def test_the_row_of_zeros_comes_first_of_those_that_are_off():
    assert off_one(np.array([[0.5, 0.9], [0.0, 0.0], [0.5, 0.5]]), 1.0) == (1, 0.0)
    assert off_one(np.array([[0.5, 0.5], [0.5, 0.9], [0.9, 0.9]]), 1.0) == (1, 1.4)


@pytest.mark.parametrize("make", [losses.BinaryCrossentropy, losses.BinaryFocalCrossentropy])
def test_yes_begins_at_a_half_or_at_the_logit_of_it(make):
    assert make(from_logits=True).threshold == 0.0
    assert make(from_logits=False).threshold == 0.5


@pytest.mark.parametrize(
    ("counts", "fits"), [([1, 99], True), ([1, (1 << 53) - 2], True), ([1, (1 << 53) - 1], False), ([0, 9], False)]
)
def test_counts_of_labels_add_up_to_less_than_two_to_the_53(counts, fits):
    sampler = losses.LearnedUnigramSampler(2)
    state = {"counts": np.array(counts, np.int64)}
    if fits:
        sampler.restore(state)
        assert sampler.state()["counts"].tolist() == counts
    else:
        with pytest.raises(CheckpointMismatchError, match=r"counts of labels cannot be used. expected 1 and more each"):
            sampler.restore(state)


def test_a_rate_just_below_zero_is_refused():
    with pytest.raises(ProbabilityError, match=r"received -0\.5 in row 1"):
        losses.Poisson()([1.0, 2.0], [0.0, -0.5])


def test_a_class_that_is_never_drawn_does_not_disturb_the_counts_of_the_others():
    values = losses.FixedUnigramSampler([3, 0, 1]).sample(np.random.default_rng(0), [[0], [2]], 1)
    np.testing.assert_allclose(values.true_expected_count, [[0.75], [0.25]], rtol=1e-12)


def test_explaining_huge_outputs_raises_no_warning(capsys):
    losses.MeanSquaredError().explain(np.array([[0.0], [1.0]]), np.array([[1e200], [-1e200]]))
    assert capsys.readouterr().out


def test_the_first_label_that_is_never_drawn_is_named():
    sampler = losses.FixedUnigramSampler([3, 0, 0, 1])
    with pytest.raises(LabelError, match="(class|received|label) 2"):
        sampler.sample(np.random.default_rng(0), [[0], [2], [1]], 1)
