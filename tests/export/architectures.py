"""What the tests of exports share: models of every kind, samples for them, and how close is close."""

import importlib.util

import numpy as np
from hypothesis import strategies as st

from cutedl import Model, nn
from cutedl.export import export_numpy

ACTIVATIONS = sorted(nn.activations._BY_NAME)


def assembled(layers, inshape, dtype="float32", seed=0):
    """A model whose parameters and statistics are none of those that it starts from."""
    model = Model(layers)
    model.assemble(seed, dtype, inshape)
    generator = np.random.default_rng(seed)
    model.arena.values[...] += generator.normal(scale=0.3, size=model.arena.values.size)
    model.arena.statistics[...] += generator.uniform(size=model.arena.statistics.size)
    return model


def samples(inshape, rows, indices=None, scale=1.0, seed=1):
    generator, shape = np.random.default_rng(seed), (rows, *inshape)
    if indices is not None:
        return generator.integers(indices, size=shape)
    return (scale * generator.normal(size=shape)).astype("float32")


def alike(y, expected):
    """Equal to 1e-5 of the largest output, or of 1 where all are smaller."""
    assert y.shape == expected.shape
    largest = np.max(np.abs(expected), where=np.isfinite(expected), initial=1.0)
    np.testing.assert_allclose(y, expected, rtol=0, atol=1e-5 * largest)


def exported(model, folder):
    """The module of the exported NumPy file."""
    path = folder / "network.py"
    export_numpy(model, path)
    spec = importlib.util.spec_from_file_location("network", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


# Exponential is tested by itself: behind other layers it magnifies their rounding beyond any bound.
_names = st.sampled_from([name for name in ACTIVATIONS if name != "exponential"])
_widths = st.integers(1, 6)

BLOCKS = st.one_of(
    st.builds(nn.Dense, _widths, activation=_names, use_bias=st.booleans()),
    st.builds(nn.Activation, _names),
    st.builds(nn.BatchNormalization, epsilon=st.floats(0.001, 0.1)),
    st.builds(nn.LayerNormalization, epsilon=st.floats(0.001, 0.1)),
    st.builds(nn.Dropout, st.floats(0, 0.9)),
    st.builds(nn.Flatten),
    st.builds(lambda name: nn.Residual([nn.Activation(name)]), _names),
    st.builds(lambda n: nn.Residual([nn.Dense(n), nn.Tanh()], shortcut=nn.Dense(n)), _widths),
    st.builds(lambda n: nn.Sequential([nn.Dense(2 * n), nn.Reshape((n, -1))]), _widths),
)
# Layers that fit together, whatever comes first, for samples of these shapes.
ARCHITECTURES = st.lists(BLOCKS, min_size=1, max_size=5)
INSHAPES = st.sampled_from([(1,), (5,), (2, 3)])
