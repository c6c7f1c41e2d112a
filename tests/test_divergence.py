import numpy as np
import pytest

from cutedl import losses, nn, optimizers
from cutedl.dataset import Dataset
from cutedl.errors import NonFiniteError
from cutedl.losses.elementwise import ElementLoss
from cutedl.model import Model
from cutedl.nn.layer import Layer
from cutedl.session import Session


def fit(layers, loss=None, optimizer=None, x=None, y=None):
    x = np.linspace(-1, 1, 64, dtype="float32").reshape(-1, 1) if x is None else x
    s = Session(Model(layers), loss or losses.MeanSquaredError(), optimizer or optimizers.SGD(0.1), seed=0)
    s.fit(Dataset(x, 2 * x if y is None else y, batch_size=16), 3, verbose=0)


class Overflow(Layer):
    """Infinite from its third batch on: forward, or backward."""

    def __init__(self, where):
        super().__init__()
        self.where, self.batches = where, 0

    def build(self, in_shape, arena):
        return in_shape

    def forward(self, x, out, training):
        self.batches += training
        np.multiply(x, np.inf if self.where == "forward" and self.batches == 3 else 1.0, out=out)
        return out

    def backward(self, dy, out):
        if out is not None:
            np.multiply(dy, np.inf if self.where == "backward" and self.batches == 3 else 1.0, out=out)


def test_a_loss_that_is_no_number_names_layer_step_rate_and_norm():
    with pytest.raises(NonFiniteError) as caught:
        fit([nn.Dense(4, inshape=1), Overflow("forward"), nn.Dense(1)])
    text = str(caught.value)
    assert "at step 3 (epoch 1, batch 3): overflow_0 is the first layer with such outputs." in text
    assert "Nothing was updated" in text
    assert "learning rate 0.1, gradient norm of the step before " in text


def test_a_gradient_that_is_no_number_is_caught_before_the_step_although_the_loss_is_finite():
    model = Model([nn.Dense(4, inshape=1), Overflow("backward"), nn.Dense(1)])
    s = Session(model, losses.MeanSquaredError(), optimizers.Adam(0.1), seed=0)
    x = np.linspace(-1, 1, 64, dtype="float32").reshape(-1, 1)
    with pytest.raises(NonFiniteError, match=r"the gradient diverged at step 3 .*that of dense_0\.\w+ is not finite"):
        s.fit(Dataset(x, x, batch_size=16), 1, verbose=0)
    assert np.isfinite(model.arena.values).all()
    assert s.optimizer.steps == 2
    s.fit(Dataset(x, x, batch_size=16), 1, verbose=0)  # the layer is sane again: training goes on
    assert np.isfinite(s.history["loss"][0])


class Reciprocal(ElementLoss):
    """Infinite where the output is 0."""

    def _elements(self, y, x, out):
        with np.errstate(divide="ignore"):
            return 1 / np.abs(x)


def test_a_loss_that_is_infinite_of_finite_outputs_says_so():
    layers = [nn.Dense(1, inshape=1, kernel_initializer="zeros")]
    with pytest.raises(NonFiniteError, match=r"loss became inf at step 1 .*outputs of all layers are finite"):
        fit(layers, Reciprocal())
