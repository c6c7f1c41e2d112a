"""What every loss keeps to, whatever it computes: one table, one test per promise."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cutedl.errors import NotBuiltError, ShapeError
from cutedl.losses.derivatives import CrossEntropy
from cutedl.losses.explanation import explain
from tests.losses import reference
from tests.losses.table import LOSSES, problems, takes_probabilities

pytestmark = pytest.mark.parametrize("name", LOSSES)


def drawn(examples):
    return settings(max_examples=examples, deadline=None, derandomize=True)


def close(actual, expected, tolerance):
    """Compare by norm: single entries may cancel to nothing."""
    return np.linalg.norm(actual - expected) <= tolerance * max(np.linalg.norm(expected), 1e-8)


@drawn(40)
@given(data=st.data())
def test_it_equals_its_naive_twin(name, data):
    loss, y, x, weight, mask = data.draw(problems(name))
    value, gradient = loss.value_and_gradient(y, x, weight, mask)
    twin_value, twin_gradient = reference.value_and_gradient(loss, y, x, weight, mask)
    np.testing.assert_allclose(value, twin_value, rtol=1e-12, atol=1e-14)
    assert close(gradient, twin_gradient, 1e-12)


@drawn(40)
@given(data=st.data())
def test_all_ways_to_the_value_agree(name, data):
    loss, y, x, weight, mask = data.draw(problems(name))
    value, gradient = loss.value_and_gradient(y, x, weight, mask)
    total, count = loss.total, loss.count
    assert loss.gradient is gradient
    assert (total, count) == loss.total_and_count(y, x, weight, mask)
    np.testing.assert_array_equal(loss(y, x, weight, mask), value)
    np.testing.assert_array_equal(loss.gradient, gradient)
    np.testing.assert_allclose(np.sum(loss.per_example(y, x, weight, mask)), total, rtol=1e-12)
    assert np.sum(value) == pytest.approx(loss.reduce(total, count), rel=1e-12)
    if loss.reduction != "none":
        assert type(value) is float


@drawn(20)
@given(data=st.data())
def test_inputs_are_read_and_never_written(name, data):
    problem = data.draw(problems(name))
    arrays = [a for a in problem[1:] if a is not None]
    copies = [a.copy() for a in arrays]
    for a in arrays:
        a.setflags(write=False)
    problem.loss.value_and_gradient(*problem[1:])
    problem.loss.total_and_count(*problem[1:])
    for a, copy in zip(arrays, copies, strict=True):
        np.testing.assert_array_equal(a, copy)


@drawn(20)
@given(data=st.data())
def test_layout_and_out_change_nothing(name, data):
    loss, y, x, weight, mask = data.draw(problems(name))
    value, gradient = loss.value_and_gradient(y, x, weight, mask)
    strided = np.repeat(x, 2, axis=-1)[..., ::2]
    for other in (np.asfortranarray(x), strided):
        for out in (np.full(x.shape, np.nan), np.full(x.shape, np.nan, order="F")):
            again, same = loss.value_and_gradient(y, other, weight, mask, out=out)
            assert same is out
            np.testing.assert_allclose(again, value, rtol=1e-13)
            np.testing.assert_allclose(out, gradient, rtol=1e-12, atol=1e-300)


@drawn(20)
@given(data=st.data())
def test_single_precision_in_is_single_precision_out(name, data):
    loss, y, x, weight, mask = data.draw(problems(name))
    x = x.astype(np.float32)
    value, gradient = loss.value_and_gradient(y, x.astype(np.float64), weight, mask)
    value32, gradient32 = loss.value_and_gradient(y, x, weight, mask)
    assert gradient32.dtype == np.float32
    np.testing.assert_allclose(value32, value, rtol=1e-6, atol=1e-6)
    assert close(gradient32, gradient, 1e-6)
    assert loss.value_and_gradient(y, x.astype(np.float16), weight, mask)[1].dtype == np.float32


@drawn(20)
@given(data=st.data())
def test_batches_merge(name, data):
    loss, y, x, weight, mask = data.draw(problems(name).filter(lambda p: getattr(p.loss, "axis", -1) % p.x.ndim > 0))
    total, count = loss.total_and_count(y, x, weight, mask)
    parts = []
    for rows in (slice(0, 1), slice(1, None)):
        some = [None if a is None or a.ndim == 0 else a[rows] for a in (weight, mask)]
        if weight is not None and weight.ndim == 0:
            some[0] = weight
        parts.append(loss.total_and_count(y[rows], x[rows], *some))
    totals, counts = zip(*parts, strict=True)
    assert sum(totals) == pytest.approx(total, rel=1e-12, abs=1e-14)
    assert sum(counts) == pytest.approx(count, rel=1e-12)


@drawn(12)
@given(data=st.data())
def test_what_is_masked_is_nothing_even_if_it_is_nan(name, data):
    loss, y, x, _, _ = data.draw(
        problems(name, options=("from_logits",) if "from_logits" in LOSSES[name].options else ())
    )
    if not takes_probabilities(loss):
        x = np.full(x.shape, np.nan)
    shape = loss.per_example(y, x).shape
    value, gradient = loss.value_and_gradient(y, x, mask=np.zeros(shape))
    assert np.all(value == 0.0)
    assert np.all(gradient == 0.0)
    value, gradient = loss.value_and_gradient(y, x, sample_weight=0.0)
    assert np.all(value == 0.0)
    assert np.all(gradient == 0.0)


@drawn(12)
@given(data=st.data())
def test_nan_is_not_hidden(name, data):
    loss, y, x, _, _ = data.draw(problems(name, options=()))
    x = x.copy()
    x[tuple(0 for _ in x.shape)] = np.nan
    assert np.isnan(np.sum(loss(y, x)))


SPECIAL = [0.0, 1.0, -40.0, 1e4, -1e4, 3.4e38, -3.4e38, np.inf, -np.inf, np.nan]


@drawn(40)
@given(data=st.data())
def test_no_number_raises_a_warning(name, data):
    loss, y, x, weight, mask = data.draw(problems(name))
    if name == "poisson" or takes_probabilities(loss):
        return
    x = np.random.default_rng(x.size).choice(SPECIAL, x.shape).astype(data.draw(st.sampled_from(["f4", "f8"])))
    assert loss.value_and_gradient(y, x, weight, mask)[1].shape == x.shape
    if isinstance(loss, CrossEntropy):
        loss.hessian_diagonal(y, x, weight, mask)
        loss.hessian_vector_product(y, x, np.ones_like(x), weight, mask)
        loss.label_gradient(y, x, weight, mask)


@pytest.mark.parametrize("from_logits", [True, False])
def test_no_warning_where_outputs_are_at_their_ends(name, from_logits):
    """The largest float64 and infinity; of probabilities and rates, 0 and 1."""
    row, rng = LOSSES[name], np.random.default_rng(0)
    options = {"from_logits": from_logits} if "from_logits" in row.options else {}
    loss = row.make(**row.arguments(), **options, check="never")
    y = row.labels(rng, (30, 3), -1, loss)
    x = rng.choice([0.0, 1e4, -1e4, 1.7e308, -1.7e308, np.inf, -np.inf], (30, 3))
    if takes_probabilities(loss) or name == "poisson":
        x = np.eye(3)[rng.integers(0, 3, 30)]
    assert loss.value_and_gradient(y, x)[1].shape == x.shape
    assert str(explain(loss, y, x))
    if isinstance(loss, CrossEntropy):
        loss.hessian_diagonal(y, x)
        loss.hessian_vector_product(y, x, np.ones_like(x))
        loss.label_gradient(y, x)


def test_no_shape_is_broadcast(name):
    problem = LOSSES[name]
    loss = problem.make(**problem.arguments())
    rng = np.random.default_rng(0)
    y = problem.labels(rng, (3, 4), -1, loss)
    x = problem.predictions(rng, (3, 4), -1, loss, problem.labels(rng, (3, 4), -1, loss) if y.ndim == 1 else y)
    loss(y, x)
    for wrong in (y[:1], y[:, :1] if y.ndim > 1 else y[None], y[None], y[..., None][..., None]):
        with pytest.raises(ShapeError, match="received shape"):
            loss(wrong, x)
    with pytest.raises(ShapeError, match="sample_weight does not fit the losses"):
        loss(y, x, sample_weight=np.ones((3, 4)))
    with pytest.raises(ShapeError, match="mask does not fit the losses"):
        loss(y, x, mask=np.ones(4))
    with pytest.raises(ShapeError, match="out does not fit y_pred"):
        loss.value_and_gradient(y, x, out=np.empty((3, 3)))


def test_the_gradient_comes_after_the_first_call(name):
    problem = LOSSES[name]
    loss = problem.make(**problem.arguments())
    with pytest.raises(NotBuiltError, match="there is no gradient yet"):
        _ = loss.gradient
    assert repr(loss).startswith(type(loss).__name__ + "(")
    assert "reduction='sum_over_batch_size'" in repr(loss)


def test_an_empty_batch_costs_nothing(name):
    problem = LOSSES[name]
    loss = problem.make(**problem.arguments())
    y = np.zeros((0,)) if name == "sparse" else np.zeros((0, 4))
    value, gradient = loss.value_and_gradient(y, np.zeros((0, 4)))
    assert value == 0.0
    assert gradient.shape == (0, 4)
