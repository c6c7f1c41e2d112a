"""The sentence under the title: each rule speaks where it should, is silent where it should, and never claims."""

import math

import numpy as np
import pytest

from cutedl.report.data import ReportData
from cutedl.report.reading import reading
from tests.report.histories import HISTORIES, eventful

NAN = math.nan
FALLING = [2.0, 1.2, 0.8, 0.6, 0.5, 0.45, 0.42, 0.4]
FLAT_END = [2.0, 1.0, 0.5, 0.41, 0.4, 0.4, 0.4, 0.4]
HEDGES = ("may", "likely", "often", "only validation data can tell", "Too few")

CASES = {
    "overfitting": (FALLING, [1.5, 0.9, 0.7, 0.65, 0.72, 0.8, 0.9, 1.0], "risen since epoch 4 .* likely overfitting"),
    "a bump is no overfitting": (FLAT_END, [1.5, 0.9, 0.7, 0.65, 0.652, 0.65, 0.651, 0.652], "levelled off"),
    "rising with training is no overfitting": ([2.0, 1.0, 0.5, 0.8, 1.2, 1.5], [2.0, 1.0, 0.5, 0.9, 1.3, 1.6], "jumps"),
    "both rise a little": ([2.0, 1.0, 0.5, 0.52, 0.54, 0.56], [2.0, 1.0, 0.5, 0.6, 0.7, 0.8], "levelled off"),
    "rare validation": (FALLING, [NAN, 0.9, NAN, 0.7, NAN, 0.8, NAN, 1.0], "risen since epoch 4"),
    "both fall": (
        FALLING[:5],
        [2.1, 1.3, 0.9, 0.7, 0.6],
        "and validation loss still fall: more epochs may",
    ),
    "training falls": (FALLING[:5], [NAN] * 5, "Training loss still falls: more epochs may help; only validation"),
    "too slow": ([2.302, 2.301, 2.300, 2.299], [2.30, 2.30, 2.30, 2.30], "hardly falls: .* too small"),
    "constant": ([0.7] * 6, [NAN] * 6, "hardly falls"),
    "jumps": ([2.0, 0.9, 1.6, 0.7, 1.5, 0.8, 1.4, 0.6], [NAN] * 8, "jumps up and down: .* too large"),
    "rises": ([2.0, 2.5, 3.5, 5.0], [2.0, 3.0, 4.0, 5.0], "ends above where it began: .* too large"),
    "below": ([2.0, 1.4, 1.2, 1.1, 1.05], [1.2, 0.9, 0.8, 0.75, 0.7], "lies below training loss: dropout"),
    "levelled off": (FLAT_END, [2.1, 1.1, 0.6, 0.5, 0.5, 0.5, 0.5, 0.5], "The losses have levelled off"),
    "validation levelled off": (FALLING, [2, 0.9, 0.61, 0.61, 0.6, 0.6, 0.6, 0.6], "Validation loss has levelled off"),
    "no validation": (FLAT_END, [NAN] * 8, "Training loss has levelled off"),
    "diverged": (
        [2.0, 1.0, 0.5, 0.3, NAN, NAN],
        [2.0, 1.1, 0.6, 0.4, NAN, NAN],
        "no longer a finite number: .* too large",
    ),
    "diverged at once": ([2.0, NAN, NAN], [NAN] * 3, "no longer a finite number"),
    "zero": ([0.0] * 5, [0.0] * 5, "levelled off"),
    "two epochs": ([2.0, 1.0], [2.0, 1.0], "^Too few epochs to read a trend.$"),
    "nothing finite": ([NAN] * 9, [NAN] * 9, "Too few epochs"),
    "negative": ([-1.0, -2.0, -2.9, -3.0, -3.0, -3.0], [NAN] * 6, "levelled off"),
}


@pytest.mark.parametrize(("training", "validation", "sentence"), CASES.values(), ids=CASES)
def test_each_rule_speaks_in_its_case(training, validation, sentence):
    import re

    said = reading(np.array(training), np.array(validation, float))
    assert re.search(sentence, said), said


@pytest.mark.parametrize("make", HISTORIES.values(), ids=HISTORIES)
def test_every_history_gets_one_hedged_sentence(make):
    said = ReportData.of(make()).reading
    assert any(hedge in said for hedge in HEDGES), said
    assert said.endswith(".")
    assert said.count(". ") == 0
    assert len(said) < 150


def test_restored_weights_are_said_and_advice_is_given_without():
    training, validation = (np.array(losses) for losses in CASES["overfitting"][:2])
    assert reading(training, validation, restored=True).endswith("likely overfitting; best weights restored.")
    assert "stopping earlier" in reading(training, validation)
    assert "best weights restored" in ReportData.of(eventful()).reading


def test_scale_and_a_little_noise_change_nothing():
    noise = 1 + 0.002 * np.random.default_rng(0).standard_normal((2, 8))
    for training, validation, _ in CASES.values():
        if len(training) == 8:
            a, b = np.array(training), np.array(validation, float)
            assert reading(1000 * a, 1000 * b) == reading(a, b)
            assert reading(a * noise[0], b * noise[1]).split(":")[0] == reading(a, b).split(":")[0]
