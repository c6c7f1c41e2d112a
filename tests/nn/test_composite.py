"""Residual and Sequential beyond the contract of every layer."""

import numpy as np
import pytest

from cutedl import losses, nn
from cutedl.errors import ArgumentError, ShapeError
from cutedl.gradcheck import check_gradients
from cutedl.model import Model


def test_a_sequential_is_the_same_as_its_layers_in_the_models_own_list():
    def layers():
        return [nn.Dense(5, inshape=4, activation="relu"), nn.Dropout(0.5), nn.Dense(2)]

    plain, nested = Model(layers()), Model([nn.Sequential(layers())])
    x = np.random.default_rng(0).normal(size=(7, 4)).astype("float32")
    outputs = []
    for model in (plain, nested):
        model.assemble(0)
        outputs.append(model.forward(x).copy())
    assert list(plain.parameters) == list(nested.parameters)
    np.testing.assert_array_equal(*outputs)


def test_names_inside_carry_the_name_of_the_residual():
    model = Model([
        nn.Dense(3, inshape=2),
        nn.Residual([nn.Dense(3), nn.Residual([nn.Dense(3)])], shortcut=nn.Dense(3, use_bias=False)),
        nn.Residual([nn.Dense(3, use_bias=False)], name="mine"),
    ])  # fmt: skip
    model.assemble(0)
    assert [name for name in model.parameters if name.endswith("kernel")] == [
        "dense_0.kernel", "residual_0.dense_0.kernel", "residual_0.residual_0.dense_0.kernel",
        "residual_0.dense_1.kernel", "mine.dense_0.kernel",
    ]  # fmt: skip
    assert [row.parameters for row in model.summary().rows] == [9, 12 + 12 + 9, 9]


@pytest.mark.parametrize("after", ["relu", "tanh", "softmax"])
@pytest.mark.parametrize("before", ["relu", "tanh", "linear"])
def test_gradients_through_layers_in_place_on_either_side(before, after):
    """Neither the input, which the first layer inside keeps, nor what an activation needs may be written over."""
    model = Model([
        nn.Dense(4, inshape=3, activation=before),
        nn.Residual([nn.Activation(after), nn.Dense(4), nn.BatchNormalization(), nn.Dropout(0.2)]),
        nn.Activation(after),
        nn.Residual([nn.LayerNormalization(), nn.Dense(2, activation=before)], shortcut=nn.Dense(2)),
        nn.Activation(after),
    ])  # fmt: skip
    model.assemble(1, "float64")
    x = np.random.default_rng(0).normal(size=(6, 3))
    assert check_gradients(model, losses.MeanSquaredError(), x, np.ones((6, 2))) < 1e-7


def test_shapes_that_cannot_be_added_are_refused_with_a_hint():
    with pytest.raises(
        ShapeError, match=r"residual_0 cannot add .* expected \(batch, 3\), received \(batch, 2\). hint"
    ):
        Model([nn.Residual([nn.Dense(3)])]).assemble(inshape=2)
    with pytest.raises(ShapeError, match=r"residual_0.dense_0 cannot take this input"):
        Model([nn.Dense(4, inshape=2), nn.Residual([nn.Tanh(), nn.Dense(4, inshape=5)])]).assemble()


def test_one_layer_in_two_places_is_refused():
    tanh = nn.Tanh()
    with pytest.raises(ArgumentError, match=r"Tanh\(\) is used twice"):
        Model([nn.Dense(3, inshape=2, activation=tanh), nn.Dense(3, activation=tanh)]).assemble()
