"""Layers against PyTorch in float64: recorded values, and live ones where torch is installed."""

import json

import numpy as np
import pytest

from cutedl import nn
from cutedl.model import Model
from tests.golden import record_layers

GOLDEN = json.loads(record_layers.FILE.read_text())
MAKERS = {
    "dense": lambda: nn.Dense(2),
    "dense_3d": lambda: nn.Dense(2),
    "dense_no_bias": lambda: nn.Dense(2, use_bias=False),
    "flatten": nn.Flatten,
    "reshape": lambda: nn.Reshape((2, 3)),
    "layer_normalization": lambda: nn.LayerNormalization(epsilon=record_layers.EPSILON),
    "batch_normalization": lambda: nn.BatchNormalization(epsilon=record_layers.EPSILON),
    "batch_normalization_3d": lambda: nn.BatchNormalization(epsilon=record_layers.EPSILON),
    "residual": lambda: nn.Residual([nn.Dense(3, activation="tanh")]),
    "residual_projected": lambda: nn.Residual([nn.Dense(2, activation="tanh")], nn.Dense(2, use_bias=False)),
}


def equal(mine, theirs):
    np.testing.assert_allclose(mine, theirs, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("name", MAKERS)
def test_output_and_all_gradients_equal_pytorch(name):
    case = GOLDEN[name]
    x, dy = np.array(case["x"]), np.array(case["dy"])
    model = Model([MAKERS[name]()])
    model.assemble(0, "float64", x.shape[1:])
    for parameter, value in zip(model.parameters.values(), case["parameters"].values(), strict=True):
        parameter.value[...] = value
    equal(model.forward(x), case["y"])
    dx = np.empty_like(x)
    model.backward(dy, out=dx)
    equal(dx, case["dx"])
    for parameter, gradient in zip(model.parameters.values(), case["gradients"].values(), strict=True):
        equal(parameter.gradient, gradient)


def test_moving_statistics_and_evaluation_equal_pytorch():
    case = GOLDEN["moving_statistics"]
    model = Model([nn.BatchNormalization(momentum=case["momentum"], epsilon=record_layers.EPSILON)])
    model.assemble(0, "float64", 4)
    for batch in np.array(case["batches"]):
        model.forward(batch)
        model.backward(np.zeros_like(batch))
    equal(model.arena.statistics, [*case["mean"], *case["variance"]])
    equal(model.predict(case["batches"][0]), case["evaluated"])


def test_embedding_equals_pytorch():
    case = GOLDEN["embedding"]
    x, table = np.array(case["x"]), np.array(case["table"])
    model = Model([nn.Embedding(*table.shape)])
    model.assemble(0, "float64", x.shape[1:])
    (mine,) = model.arena.tables.values()
    mine.values[...] = table
    equal(model.forward(x), case["y"])
    model.backward(np.array(case["dy"]))
    gradient = np.zeros_like(table)
    gradient[mine.rows] = mine.row_gradients
    equal(gradient, case["gradient"])


def test_the_recorded_values_are_pytorchs():
    pytest.importorskip("torch")
    for name, case in record_layers.record().items():
        for key, live in case.items():
            for mine, theirs in zip(leaves(GOLDEN[name][key]), leaves(live), strict=True):
                equal(mine, theirs)


def leaves(tree):
    return [np.array(leaf) for leaf in tree.values()] if isinstance(tree, dict) else [np.array(tree)]
