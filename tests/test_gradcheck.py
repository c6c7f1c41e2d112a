"""The tester tested: what is right passes closely, what is wrong by one in ten thousand is caught and named."""

import numpy as np
import pytest

from cutedl import losses, nn
from cutedl.errors import GradientError
from cutedl.gradcheck import check_gradients
from cutedl.model import Model


class SlightlyWrong(nn.Dense):
    """A Dense whose gradients are off by a factor."""

    def __init__(self, *args, kernel=1.0, bias=1.0, input=1.0, **kwargs):
        super().__init__(*args, **kwargs)
        self.factors = kernel, bias, input

    def backward(self, dy, out):
        super().backward(dy, out)
        kernel, bias, input = self.factors
        self.W.gradient[...] *= kernel
        self.b.gradient[...] *= bias
        if out is not None:
            out *= input
        return out


def data(dtype="float64"):
    generator = np.random.default_rng(0)
    return generator.normal(size=(6, 5)).astype(dtype), generator.integers(0, 3, 6)


def model(**wrong):
    model = Model([SlightlyWrong(7, inshape=5, activation="tanh", **wrong), nn.Dense(3)])
    model.assemble(0)
    return model


def test_a_right_gradient_passes_closely():
    assert check_gradients(model(), losses.SparseCategoricalCrossentropy(), *data()) < 1e-9


@pytest.mark.parametrize(("wrong", "name"), [
    ("kernel", "slightly_wrong_0.kernel"), ("bias", "slightly_wrong_0.bias"), ("input", "the input"),
])  # fmt: skip
@pytest.mark.parametrize("seed", range(5))
def test_a_gradient_wrong_by_one_in_ten_thousand_is_caught_and_named(wrong, name, seed):
    with pytest.raises(GradientError, match=f"the gradient of {name} is not what differences of the loss give"):
        check_gradients(model(**{wrong: 1.0001}), losses.SparseCategoricalCrossentropy(), *data(), seed=seed)


def test_a_forgotten_gradient_is_caught():
    with pytest.raises(GradientError, match="bias"):
        check_gradients(model(bias=0.0), losses.SparseCategoricalCrossentropy(), *data())


def test_the_measured_error_is_the_error_made():
    error = check_gradients(model(kernel=1.001), losses.SparseCategoricalCrossentropy(), *data(), tolerance=1)
    assert 0.0003 < error < 0.003


def test_nothing_of_the_users_is_changed():
    m, loss = model(), losses.SparseCategoricalCrossentropy()
    x, y = data("float32")
    before = m.arena.values.copy(), x.copy(), y.copy(), dict(vars(loss))
    check_gradients(m, loss, x, y)
    np.testing.assert_array_equal(before[0], m.arena.values)
    np.testing.assert_array_equal(before[1], x)
    np.testing.assert_array_equal(before[2], y)
    assert before[3] == vars(loss)
    assert m.dtype == np.float32


def test_kinks_do_not_spoil_it():
    m = Model([nn.Dense(40, inshape=5, activation="relu"), nn.Dense(40, activation="relu"), nn.Dense(3)])
    m.assemble(0)
    for seed in range(5):
        assert check_gradients(m, losses.SparseCategoricalCrossentropy(), *data(), seed=seed) < 1e-7
