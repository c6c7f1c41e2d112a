import numpy as np
import pytest

from cutedl import initializers
from cutedl.errors import ArgumentError, UnknownNameError

FAN_IN, FAN_OUT = 300, 200
VARIANCE = {
    "glorot_uniform": 2 / (FAN_IN + FAN_OUT),
    "glorot_normal": 2 / (FAN_IN + FAN_OUT),
    "he_uniform": 2 / FAN_IN,
    "he_normal": 2 / FAN_IN,
}


@pytest.mark.parametrize("name", VARIANCE)
def test_mean_and_variance_are_the_papers(name):
    kernel = np.empty((FAN_IN, FAN_OUT))
    initializers.get(name)(kernel, np.random.default_rng(0))
    assert abs(kernel.mean()) < 4 * (VARIANCE[name] / kernel.size) ** 0.5
    assert kernel.var() == pytest.approx(VARIANCE[name], rel=0.03)


def test_constants():
    out = np.empty(3)
    for name, value in (("zeros", 0), ("ones", 1)):
        initializers.get(name)(out, np.random.default_rng(0))
        assert out.tolist() == [value] * 3


def test_a_function_of_the_users_own():
    def fill(out, generator):
        out[...] = 4

    assert initializers.get(fill) is fill


def test_refusals():
    with pytest.raises(UnknownNameError, match="did you mean 'glorot_uniform'"):
        initializers.get("glorot_unifrom")
    with pytest.raises(ArgumentError, match=r"needs a kernel.*received shape \(3,\)"):
        initializers.get("he_normal")(np.empty(3), np.random.default_rng(0))
