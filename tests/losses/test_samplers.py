"""Samplers: what they draw, how often, and how often they say it was to be expected."""

import numpy as np
import pytest

from cutedl.errors import ArgumentError, CutedlError, LabelError, ShapeError
from cutedl.losses import samplers
from cutedl.losses.inclusion import inclusion_probabilities
from cutedl.losses.samplers import FixedUnigramSampler, LearnedUnigramSampler, LogUniformSampler, UniformSampler


def learned(classes):
    """A learned unigram sampler that has seen Zipf-like labels."""
    sampler = LearnedUnigramSampler(classes)
    seen = np.repeat(np.arange(classes), 20 // (np.arange(classes) + 1))
    sampler.sample(np.random.default_rng(0), seen, 1)
    return sampler


MAKE = {
    "log_uniform": LogUniformSampler,
    "uniform": UniformSampler,
    "fixed_unigram": lambda classes: FixedUnigramSampler(np.arange(1, classes + 1) ** 2, distortion=0.75),
    "learned_unigram": learned,
}

each_sampler = pytest.mark.parametrize("make", MAKE.values(), ids=MAKE)


def enumerated(p, count):
    """The inclusion probabilities by going through every order of draws, set by set."""
    sets = {frozenset(): 1.0}
    for _ in range(count):
        grown = {}
        for have, chance in sets.items():
            left = 1.0 - sum(p[k] for k in have)
            for k in set(range(len(p))) - have:
                grown[have | {k}] = grown.get(have | {k}, 0.0) + chance * p[k] / left
        sets = grown
    return np.array([sum(chance for have, chance in sets.items() if k in have) for k in range(len(p))])


def chi_square(observed, expected):
    return float(((observed - expected) ** 2 / expected).sum())


# -- exact inclusion probabilities -----------------------------------------------------------------------------------


@pytest.mark.parametrize("classes", [2, 5, 9])
@pytest.mark.parametrize("kind", ["log_uniform", "skewed", "random"])
def test_inclusion_probabilities_equal_the_enumeration(classes, kind):
    p = {
        "log_uniform": LogUniformSampler(classes).probability(np.arange(classes)),
        "skewed": np.r_[1e6, np.ones(classes - 1)] / (1e6 + classes - 1),
        "random": np.random.default_rng(classes).dirichlet(np.full(classes, 0.3)),
    }[kind]
    for count in range(1, classes):
        exact = inclusion_probabilities(p, count)
        np.testing.assert_allclose(exact, enumerated(p, count), rtol=1e-9)
        assert exact.sum() == pytest.approx(count, rel=1e-12)


def test_inclusion_probabilities_of_as_many_classes_as_are_exact_sum_to_the_count():
    p = LogUniformSampler(64).probability(np.arange(64))
    for count in (1, 32, 63):
        assert inclusion_probabilities(p, count).sum() == pytest.approx(count, rel=1e-9)


@pytest.mark.parametrize("seed", range(20))
def test_three_of_five_classes_have_the_same_exact_counts_whatever_is_drawn(seed):
    """Where the shortcut n p for a draw without collisions would give class 0 a count of 1.16."""
    sampler = LogUniformSampler(5)
    values = sampler.sample(np.random.default_rng(seed), [[0, 1], [2, 4]], 3)
    exact = enumerated(sampler.probability(np.arange(5)), 3)
    assert exact[0] == pytest.approx(0.86185, abs=1e-5)
    np.testing.assert_allclose(values.true_expected_count, exact[[[0, 1], [2, 4]]], rtol=1e-12)
    np.testing.assert_allclose(values.sampled_expected_count, exact[values.sampled], rtol=1e-12)


# -- every sampler ---------------------------------------------------------------------------------------------------


@each_sampler
@pytest.mark.parametrize(("classes", "count"), [(1, 1), (2, 1), (7, 5), (65, 64), (300, 10), (300, 290), (5000, 400)])
def test_distinct_classes_in_range_with_counts_of_at_most_one(make, classes, count):
    sampler, labels = make(classes), np.arange(classes)
    for seed in range(3):
        values = sampler.sample(np.random.default_rng(seed), labels, count)
        assert values.sampled.shape == values.sampled_expected_count.shape == (count,)
        assert len(set(values.sampled.tolist())) == count
        assert set(values.sampled.tolist()) <= set(labels.tolist())
        for counts in (values.true_expected_count, values.sampled_expected_count):
            assert (counts > 0).all()
            assert (counts <= 1).all()


@each_sampler
@pytest.mark.parametrize("classes", [1, 5, 64, 65, 1000])
def test_all_classes_sampled_are_expected_exactly_once(make, classes):
    values = make(classes).sample(np.random.default_rng(1), [0], classes)
    assert sorted(values.sampled) == list(range(classes))
    assert (values.sampled_expected_count == 1.0).all()
    assert (values.true_expected_count == 1.0).all()


@each_sampler
def test_with_replacement_the_expected_count_is_n_p(make):
    sampler = make(6)
    p = sampler.probability(np.arange(6))
    assert p.sum() == pytest.approx(1.0, rel=1e-14)
    values = sampler.sample(np.random.default_rng(2), [[5], [0]], 40, unique=False)
    np.testing.assert_allclose(values.true_expected_count, 40 * p[[[5], [0]]], rtol=1e-14)
    np.testing.assert_allclose(values.sampled_expected_count, 40 * p[values.sampled], rtol=1e-14)


@each_sampler
@pytest.mark.parametrize("classes", [1, 2, 10, 100])
def test_frequencies_with_replacement_are_the_probabilities(make, classes):
    sampler, draws = make(classes), 200_000
    expected = draws * sampler.probability(np.arange(classes))
    sampled = sampler.sample(np.random.default_rng(3), [0], draws, unique=False).sampled
    freedom = classes - 1
    assert chi_square(np.bincount(sampled, minlength=classes), expected) <= freedom + 5 * (2 * freedom) ** 0.5


@pytest.mark.parametrize("count", [1, 3, 4])
def test_distinct_classes_come_up_as_often_as_they_are_expected(count):
    """Draws that collide are completed by the race, so that both ways to a sample are seen here."""
    sampler, draws, generator = FixedUnigramSampler([30, 10, 3, 2, 1]), 20_000, np.random.default_rng(4)
    seen = np.zeros(5)
    for _ in range(draws):
        seen[sampler.sample(generator, [0], count).sampled] += 1
    pi = enumerated(sampler.probability(np.arange(5)), count)
    assert (abs(seen - draws * pi) <= 4.5 * np.sqrt(draws * pi * (1 - pi)) + 1e-9).all()


@pytest.mark.parametrize("count", [2, 3, 1000, 9999])
def test_the_race_is_won_by_those_that_come_first(count):
    sampler = LogUniformSampler(10_000)
    for seed in range(5):
        won, tries = sampler._race(np.random.default_rng(seed), np.array([7]), count, 5.0)
        times = np.random.default_rng(seed).standard_exponential(10_000) / sampler.probability(np.arange(10_000))
        times[7] = np.inf
        order = np.argsort(times)[: count - 1]
        assert won.tolist() == [7, *order.tolist()]
        assert tries == 5.0 + times[order[-1]]


@pytest.mark.parametrize(("count", "weights"), [(20, "zipf"), (100, "zipf"), (20, "one huge")])
def test_counts_from_the_number_of_tries_agree_with_the_frequencies(count, weights):
    classes, draws, generator = 200, 3000, np.random.default_rng(5)
    sampler = FixedUnigramSampler(1 / np.arange(1.0, 201) if weights == "zipf" else np.r_[1e5, np.ones(199)])
    seen, expected = np.zeros(classes), np.zeros(classes)
    for _ in range(draws):
        values = sampler.sample(generator, np.arange(classes), count)
        seen[values.sampled] += 1
        expected += values.true_expected_count
    groups = np.array_split(np.arange(classes), [1, 2, 5, 20, 100])
    for group in groups:
        assert expected[group].sum() == pytest.approx(seen[group].sum(), rel=0.06)


@each_sampler
def test_the_generator_alone_decides(make):
    a, b, c = (make(500).sample(np.random.default_rng(seed), [1, 2], 50).sampled for seed in (6, 6, 7))
    np.testing.assert_array_equal(a, b)
    assert set(a) != set(c)


@pytest.mark.parametrize("name", ["log_uniform", "uniform", "learned_unigram"])
def test_a_million_classes(name):
    sampler = samplers.get(name, 1_000_000)
    values = sampler.sample(np.random.default_rng(8), [0, 999_999], 4000)
    assert len(np.unique(values.sampled)) == 4000
    assert values.sampled.max() < 1_000_000
    assert values.sampled_expected_count.max() <= 1


def test_an_empty_batch_has_no_labels_to_expect():
    values = LogUniformSampler(10).sample(np.random.default_rng(0), np.empty((0, 1), int), 4)
    assert values.true_expected_count.shape == (0, 1)


# -- single samplers -------------------------------------------------------------------------------------------------


def test_uniform_counts_are_exact_for_any_number_of_classes():
    values = UniformSampler(10_000).sample(np.random.default_rng(9), [3], 2500)
    assert values.true_expected_count == 0.25


def test_log_uniform_probabilities_are_the_published_formula():
    k = np.arange(50)
    np.testing.assert_allclose(LogUniformSampler(50).probability(k), np.log((k + 2) / (k + 1)) / np.log(51), rtol=1e-13)


def test_learned_unigram_follows_the_labels_after_each_draw():
    sampler, generator = LearnedUnigramSampler(6), np.random.default_rng(10)
    first = sampler.sample(generator, [[4, 4], [4, 1]], 3, unique=False)
    np.testing.assert_allclose(first.true_expected_count, 3 / 6)
    np.testing.assert_allclose(sampler.probability(np.arange(6)), np.array([1, 2, 1, 1, 4, 1]) / 10)
    for _ in range(200):
        sampler.sample(generator, np.full(50, 2), 1)
    drawn = sampler.sample(generator, [2], 1000, unique=False).sampled
    assert (drawn == 2).mean() > 0.99


def test_fixed_unigram_reserves_ids_and_bends_counts():
    sampler = FixedUnigramSampler([16, 0, 81], distortion=0.25, num_reserved_ids=2)
    assert (sampler.num_classes, sampler.drawable) == (5, 2)
    np.testing.assert_allclose(sampler.probability(np.arange(5)), [0, 0, 0.4, 0, 0.6])
    drawn = sampler.sample(np.random.default_rng(11), [2], 500, unique=False).sampled
    assert set(drawn) == {2, 4}
    values = sampler.sample(np.random.default_rng(12), [2, 4], 2)
    assert sorted(values.sampled) == [2, 4]
    assert values.true_expected_count.tolist() == [1.0, 1.0]
    flat = FixedUnigramSampler([16, 0, 81], distortion=0)
    np.testing.assert_allclose(flat.probability(np.arange(3)), [0.5, 0, 0.5])


def test_a_sampler_shows_its_options():
    shown = repr(FixedUnigramSampler([1, 2], 0.75, 1))
    assert shown == "FixedUnigramSampler(3 classes, distortion=0.75, num_reserved_ids=1)"


# -- refusals --------------------------------------------------------------------------------------------------------

GENERATOR = np.random.default_rng(0)

REFUSED = {
    "never drawn": (
        lambda: FixedUnigramSampler([5, 0, 2], num_reserved_ids=1).sample(GENERATOR, [[1], [2]], 1),
        LabelError,
        r"class 2 is a label, but FixedUnigramSampler never draws it\. expected labels of a probability > 0",
    ),
    "reserved": (
        lambda: FixedUnigramSampler([5, 1], num_reserved_ids=1).sample(GENERATOR, [0], 1),
        LabelError,
        "class 0 is a label",
    ),
    "too many": (
        lambda: LogUniformSampler(5).sample(GENERATOR, [0], 6),
        ArgumentError,
        r"larger than what it is drawn from\. expected at most 5 distinct classes, received 6\. hint: sample fewer",
    ),
    "too many of the drawable": (
        lambda: FixedUnigramSampler([5, 0, 2]).sample(GENERATOR, [0], 3),
        ArgumentError,
        "at most 2 distinct classes, received 3",
    ),
    "label out of range": (
        lambda: UniformSampler(5).sample(GENERATOR, [2, 5], 3),
        LabelError,
        "expected class indices 0 to 4, received 5 at row 1",
    ),
    "no count": (lambda: UniformSampler(5).sample(GENERATOR, [2], 0), ArgumentError, "count cannot be used"),
    "no classes": (lambda: LogUniformSampler(0), ArgumentError, "num_classes cannot be used. expected an int >= 1"),
    "counts all 0": (lambda: FixedUnigramSampler([0, 0]), ArgumentError, "not all 0, received 0 to 0"),
    "counts negative": (lambda: FixedUnigramSampler([1, -1]), ArgumentError, "not all 0, received -1 to 1"),
    "counts infinite": (lambda: FixedUnigramSampler([1, np.inf]), ArgumentError, "received 1 to inf"),
    "counts 2-D": (lambda: FixedUnigramSampler([[1, 1]]), ShapeError, r"expected one per class, .* shape \(1, 2\)"),
    "counts empty": (lambda: FixedUnigramSampler([]), ShapeError, r"expected one per class, received shape \(0,\)"),
    "distortion": (lambda: FixedUnigramSampler([1], -1), ArgumentError, "distortion cannot be used"),
    "misspelt": (lambda: samplers.get("log_unifrom", 3), CutedlError, "did you mean 'log_uniform'"),
    "other classes": (
        lambda: samplers.get(UniformSampler(4), 3),
        ArgumentError,
        r"expected 3 classes, received UniformSampler\(num_classes=4\)",
    ),
}


@pytest.mark.parametrize(("call", "error", "text"), REFUSED.values(), ids=REFUSED)
def test_refusals_say_what_is_wrong(call, error, text):
    with pytest.raises(error, match=text):
        call()
