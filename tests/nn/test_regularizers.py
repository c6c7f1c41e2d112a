"""Penalties are part of the loss, of its gradient and of what is reported; constraints hold after every step."""

import tracemalloc

import numpy as np
import pytest

from cutedl import losses, nn, optimizers
from cutedl.dataset import Dataset
from cutedl.errors import ArgumentError, GradientError, UnknownNameError
from cutedl.gradcheck import check_gradients
from cutedl.listeners import Listener
from cutedl.model import Model
from cutedl.nn.constraints import MaxNorm, NonNegative, UnitNorm
from cutedl.nn.regularizers import L1, L1L2, L2, Regularizer
from cutedl.session import Session

GENERATOR = np.random.default_rng(0)
X, Y = GENERATOR.normal(size=(60, 4)), GENERATOR.normal(size=(60, 3))
REGULARIZERS = [L1(0.3), L2(0.2), L1L2(0.1, 0.4)]
CONSTRAINTS = [MaxNorm(0.5), NonNegative(), UnitNorm()]

each_regularizer = pytest.mark.parametrize("regularizer", REGULARIZERS, ids=repr)
each_constraint = pytest.mark.parametrize("constraint", CONSTRAINTS, ids=repr)


def session(optimizer=None, **options):
    model = Model([nn.Dense(5, inshape=4, activation="tanh", **options), nn.Dense(3)])
    return Session(model, losses.MeanSquaredError(), optimizer or optimizers.SGD(0.1), seed=0)


@each_regularizer
def test_the_penalty_is_the_naive_sum(regularizer):
    w = GENERATOR.normal(size=(4, 5))
    naive = sum(regularizer.l1 * abs(v) + regularizer.l2 * v * v for row in w for v in row)
    assert regularizer.penalty(w) == pytest.approx(naive, rel=1e-13)


@each_regularizer
@pytest.mark.parametrize("where", ["kernel_regularizer", "bias_regularizer"])
def test_gradients_with_penalties_are_confirmed_by_differences(regularizer, where):
    model = session(bias_initializer="ones", **{where: regularizer}).model
    model.assemble(0, "float64")
    assert check_gradients(model, losses.MeanSquaredError(), X[:6], Y[:6]) < 1e-8


def test_a_wrong_penalty_gradient_is_caught():
    class Wrong(L2):
        def gradient(self, w):
            return self.l2 * w  # the 2 is forgotten

    model = session(kernel_regularizer=Wrong(0.5)).model
    model.assemble(0, "float64")
    with pytest.raises(GradientError, match=r"the gradient of dense_0\.kernel"):
        check_gradients(model, losses.MeanSquaredError(), X[:6], Y[:6])


def test_a_step_is_the_naive_one():
    plain, penalised = session(), session(kernel_regularizer=L2(0.3))
    for s in (plain, penalised):
        s.model.assemble(0, "float64")
    kernel = plain.model.parameters["dense_0.kernel"].value.copy()
    loss = plain.batch_train(X, Y)
    assert penalised.batch_train(X, Y) == pytest.approx(loss + 0.3 * (kernel**2).sum(), rel=1e-12)
    expected = plain.model.parameters["dense_0.kernel"].value - 0.1 * 2 * 0.3 * kernel
    np.testing.assert_allclose(penalised.model.parameters["dense_0.kernel"].value, expected, rtol=1e-12)
    for name in ("dense_0.bias", "dense_1.kernel", "dense_1.bias"):
        np.testing.assert_array_equal(penalised.model.parameters[name].value, plain.model.parameters[name].value)


def test_what_is_reported_includes_the_penalty():
    s = session(optimizers.SGD(1e-30), kernel_regularizer=L2(0.3))
    history = s.fit(Dataset(X, Y, 16), 1, val_data=Dataset(X, Y), verbose=0)
    kernel = s.model.parameters["dense_0.kernel"].value
    expected = losses.MeanSquaredError()(Y.astype("float32"), s.predict(X)) + 0.3 * float((kernel**2).sum())
    assert history["loss"][0] == pytest.approx(expected, rel=1e-5)
    assert history["val_loss"][0] == pytest.approx(expected, rel=1e-5)


def test_l2_shrinks_and_no_regularizer_changes_nothing():
    def norm(**options):
        s = session(**options)
        s.fit(Dataset(X, Y, 16), 20, verbose=0)
        return np.linalg.norm(s.model.parameters["dense_0.kernel"].value), s.model.arena.values.tobytes()

    assert norm(kernel_regularizer=L2(0.1))[0] < 0.7 * norm()[0]
    assert norm(kernel_regularizer=L2(0.0))[1] == norm()[1]


@each_constraint
def test_a_constraint_holds_after_every_step(constraint):
    class Watch(Listener):
        def on_batch_end(self, session):
            kernel = session.model.parameters["dense_0.kernel"].value
            norms = np.linalg.norm(kernel, axis=0)
            assert {
                MaxNorm: (norms <= 0.5 * (1 + 1e-6)).all(),
                NonNegative: (kernel >= 0).all(),
                UnitNorm: np.allclose(norms, 1, rtol=1e-6),
            }[type(constraint)]

    s = session(optimizers.Adam(0.1), kernel_constraint=constraint)
    s.fit(Dataset(X, Y, 16), 3, listeners=[Watch()], verbose=0)


@each_constraint
def test_what_satisfies_a_constraint_stays(constraint):
    w = GENERATOR.normal(size=(4, 5))
    constraint.apply(w)
    again = w.copy()
    constraint.apply(again)
    np.testing.assert_allclose(again, w, rtol=1e-15)


def test_a_penalty_allocates_nothing_of_the_parameters_size():
    w, g = np.ones((1000, 1000), "float32"), np.zeros((1000, 1000), "float32")
    tracemalloc.start()
    L1L2(0.1, 0.1).add_gradient(w, g)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < w.nbytes / 10
    np.testing.assert_allclose(g, 0.3, rtol=1e-6)


def test_refusals():
    for make in (L1, L2, MaxNorm):
        with pytest.raises(ArgumentError, match=r"expected a number in [\[(]0, inf\), received -1"):
            make(-1)
    with pytest.raises(UnknownNameError, match="no regularizer is named 'l22'"):
        nn.Dense(3, kernel_regularizer="l22")
    with pytest.raises(ArgumentError, match="regularizer cannot be used"):
        nn.Dense(3, kernel_regularizer=0.1)
    with pytest.raises(ArgumentError, match="constraint cannot be used"):
        nn.Dense(3, kernel_constraint="max_norm")
    assert isinstance(nn.Dense(3, kernel_regularizer="l2").kernel_regularizer, Regularizer)
