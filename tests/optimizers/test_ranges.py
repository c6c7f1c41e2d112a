"""The range of every hyper-parameter, and how vectors are cut: what mutation testing found that no other test sees."""

import re

import pytest

from cutedl import optimizers
from cutedl.errors import ArgumentError
from cutedl.optimizers import base, blocks, schedules

BELOW_ONE, INSIDE, FRACTION = "a number in [0, 1)", "a number in (0, 1)", "a number in (0, 1]"
POSITIVE, NOT_NEGATIVE, COUNT = "a number in (0, inf)", "a number in [0, inf)", "an int >= 1"
MOMENTS = {"beta1": BELOW_ONE, "beta2": BELOW_ONE, "epsilon": POSITIVE}
CURVE = {"learning_rate": POSITIVE, "decay_steps": COUNT}
RANGES = {
    optimizers.SGD: {
        "learning_rate": POSITIVE, "momentum": BELOW_ONE, "weight_decay": NOT_NEGATIVE, "accumulate": COUNT,
        "ema": BELOW_ONE, "clip_norm": POSITIVE,
    },
    optimizers.Momentum: {"momentum": BELOW_ONE},
    optimizers.Adagrad: {"initial_accumulator_value": NOT_NEGATIVE, "epsilon": POSITIVE},
    optimizers.RMSProp: {"rho": BELOW_ONE, "momentum": BELOW_ONE, "epsilon": POSITIVE},
    optimizers.Adadelta: {"rho": BELOW_ONE, "epsilon": POSITIVE},
    optimizers.Adam: MOMENTS,
    optimizers.Adamax: MOMENTS,
    optimizers.Nadam: MOMENTS | {"beta1": INSIDE, "momentum_decay": NOT_NEGATIVE},
    optimizers.Lion: {"beta1": BELOW_ONE, "beta2": BELOW_ONE},
    schedules.StepDecay: CURVE | {"decay_rate": FRACTION},
    schedules.ExponentialDecay: CURVE | {"decay_rate": FRACTION},
    schedules.PolynomialDecay: CURVE | {"end_learning_rate": NOT_NEGATIVE, "power": POSITIVE},
    schedules.CosineDecay: CURVE | {"end_learning_rate": NOT_NEGATIVE},
    schedules.CosineRestarts: CURVE | {
        "t_mul": "a number in [1, inf)", "m_mul": FRACTION, "end_learning_rate": NOT_NEGATIVE,
    },
    schedules.OneCycle: {
        "total_steps": "an int >= 2", "warmup_fraction": INSIDE, "start_factor": FRACTION, "end_factor": FRACTION,
    },
}  # fmt: skip
REQUIRED = {"learning_rate": 0.1, "decay_steps": 5, "decay_rate": 0.5, "total_steps": 5}


@pytest.mark.parametrize("make", RANGES, ids=lambda make: make.__name__)
def test_what_is_no_number_is_told_the_whole_range(make):
    required = {name: REQUIRED[name] for name in REQUIRED if name in make.__init__.__annotations__}
    make(**required)
    for name, expected in RANGES[make].items():
        with pytest.raises(ArgumentError, match=re.escape(f"{name} cannot be used. expected {expected}, received '?'")):
            make(**required | {name: "?"})


@pytest.mark.parametrize(
    ("length", "sizes"),
    [
        (0, []),
        (1, [1]),
        (1 << 17, [1 << 17]),  # two blocks in one piece
        ((1 << 17) + 1, [1 << 16, 1 << 16, 1]),
        (3 << 16, [1 << 16] * 3),
    ],
)
def test_a_vector_is_cut_into_blocks_of_64k_if_it_is_longer_than_two_of_them(length, sizes):
    cut = blocks._pieces(slice(7, 7 + length))
    assert [part.stop - part.start for part in cut] == sizes
    assert [part.start for part in cut] == [7 + sum(sizes[:number]) for number in range(len(sizes))]


@pytest.mark.parametrize(
    ("decay", "steps"), [(0.0, 64), (1.0, 64), (0.5, 43), (0.9, 284), (0.999, 29918), (1e-13, 1), (1e-20, 1)]
)
def test_state_above_the_gap_is_normal_for_so_many_steps(decay, steps):
    assert base._steps_to_fade(decay) == steps
    if 0 < decay < 1 and steps > 1:
        assert decay**steps >= 1e-13 > decay ** (steps + 1)
