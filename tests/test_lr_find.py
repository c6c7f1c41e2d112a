import numpy as np
import pytest

from cutedl import losses, nn, optimizers
from cutedl.dataset import Dataset
from cutedl.errors import ArgumentError
from cutedl.lr_find import LearningRateCurve
from cutedl.model import Model
from cutedl.optimizers.schedules import CosineDecay
from cutedl.session import Session
from tests.test_resuming import data, session
from tests.test_session import digest


def test_the_rates_grow_geometrically_and_the_suggestion_is_one_at_which_the_loss_falls():
    curve = session().lr_find(data(), low=1e-6, high=10, steps=80)
    assert isinstance(curve, LearningRateCurve)
    assert len(curve.learning_rates) == len(curve.losses) <= 80
    ratios = curve.learning_rates[1:] / curve.learning_rates[:-1]
    np.testing.assert_allclose(ratios, ratios[0])
    assert 1e-4 < curve.suggestion < 1
    assert curve.suggestion < curve.learning_rates[np.argmin(curve.losses)]


def test_the_suggestion_trains():
    s = session()
    s.optimizer.learning_rate = s.lr_find(data()).suggestion
    history = s.fit(data(), 10, verbose=0)
    assert history["loss"][-1] < 0.8 * history["loss"][0]


@pytest.mark.parametrize("before", [0, 2], ids=["fresh", "after two epochs"])
def test_it_leaves_no_trace(before):
    looked, straight = session(), session()
    for s in (looked, straight):
        if before:
            s.fit(data(), before, verbose=0)
    looked.lr_find(data())
    assert looked.epoch == before
    assert len(looked.history.get("loss", [])) == before
    for s in (looked, straight):
        s.fit(data(), 2, verbose=0)
    assert digest(looked) == digest(straight)
    assert looked.history["loss"] == straight.history["loss"]
    assert looked.history.trace.values.tolist() == straight.history.trace.values.tolist()


def test_a_schedule_is_there_again_afterwards():
    s = Session(
        Model([nn.Dense(2, inshape=2)]), losses.SparseCategoricalCrossentropy(),
        optimizers.SGD(CosineDecay(0.1, 30)), seed=0,
    )  # fmt: skip
    expected = repr(s.optimizer)
    s.lr_find(data())
    assert repr(s.optimizer) == expected


def test_the_table_of_a_sampled_head_is_there_again_afterwards():
    rng = np.random.default_rng(0)
    words = Dataset(rng.normal(size=(64, 4)).astype(np.float32), rng.integers(0, 1000, 64), 8)

    def trained(look):
        s = Session(Model([nn.Dense(8, inshape=4)]), losses.SampledSoftmax(1000, 16), optimizers.SGD(0.1), seed=0)
        if look:
            s.lr_find(words)
        return s.fit(words, 2, verbose=0)["loss"]

    assert trained(look=True) == trained(look=False)


def test_refusals():
    with pytest.raises(ArgumentError, match="high cannot be used"):
        session().lr_find(data(), low=1.0, high=0.1)
    with pytest.raises(ArgumentError, match="steps cannot be used"):
        session().lr_find(data(), steps=3)
    x = np.full((64, 2), 1e15)
    s = Session(Model([nn.Dense(1)]), losses.MeanSquaredError(), optimizers.SGD(), seed=0)
    with pytest.raises(ArgumentError, match=r"the loss diverged within \d batches.*begin lower: low=0.001"):
        s.lr_find(Dataset(x, x[:, :1], 8), low=1.0)
    assert np.isfinite(s.model.arena.values).all()
