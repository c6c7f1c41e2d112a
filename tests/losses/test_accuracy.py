"""Full float32 accuracy: value and every gradient entry within 1e-6 of the true one, for margins and logits 0 to 80."""

import numpy as np
import pytest

from cutedl import losses
from tests.losses import reference

TINY = float(np.finfo(np.float32).tiny)
LARGEST = float(np.finfo(np.float32).max)


def assert_exact(loss, y, x, tolerance=1e-6):
    """Compare with the twin, whose 100 digits leave nothing to cancel; below float32's range only to its least step."""
    value, gradient = loss.value_and_gradient(y, x)
    twin_value, twin_gradient = reference.value_and_gradient(loss, y, x)
    np.testing.assert_allclose(value, twin_value, rtol=tolerance, atol=TINY)
    np.testing.assert_allclose(gradient, twin_gradient, rtol=tolerance, atol=TINY)


def margin_rows(rng, margin, classes=4, rows=6):
    """Rows whose largest logits lead by about a margin, at any height: differences of these floats are not floats."""
    x = rng.normal(size=(rows, classes))
    x[np.arange(rows), rng.integers(0, classes, rows)] += margin
    return (x + rng.uniform(-30, 30, (rows, 1)) * rng.integers(0, 2, (rows, 1))).astype(np.float32)


CLASS_OPTIONS = {
    "plain": {},
    "class_weight": {"class_weight": [0.3, 1.0, 2.5, 0.7]},
    "smoothing": {"label_smoothing": 0.1},
    "both": {"label_smoothing": 0.1, "class_weight": [0.3, 1.0, 2.5, 0.7]},
}


@pytest.mark.parametrize("options", CLASS_OPTIONS.values(), ids=CLASS_OPTIONS)
@pytest.mark.parametrize("margin", [0, 1, 5, 10, 15, 17, 20, 40, 60, 80])
def test_softmax_margins(margin, options):
    rng = np.random.default_rng(margin)
    x = margin_rows(rng, margin)
    largest = x.argmax(axis=1)
    for y in (largest, (largest + 1) % 4, rng.integers(0, 4, len(x))):
        assert_exact(losses.SparseCategoricalCrossentropy(reduction="none", **options), y, x)
        assert_exact(losses.CategoricalCrossentropy(reduction="sum", **options), np.eye(4)[y], x)
    assert_exact(losses.CategoricalCrossentropy(**options), rng.dirichlet(np.ones(4), len(x)), x)


@pytest.mark.parametrize("height", [-90.0, -60.0, -20.0, -8.0, -7.0, 0.0, 39.0, 41.0, 79.0, 90.0, 1e4])
def test_softmax_at_any_height(height):
    """The fast form takes rows of moderate size, the wide one all others: both are exact, also at the border."""
    x = (np.array([[0.0, -0.37, -3.1], [-79.9, 0.0, -40.3]]) + height).astype(np.float32)
    for y in ([0, 1], [1, 0], [2, 2]):
        assert_exact(losses.SparseCategoricalCrossentropy(reduction="sum"), np.array(y), x)
    # a light row: its share times exp(-m) must not leave float32's range before exp(x) brings it back
    light = losses.SparseCategoricalCrossentropy(reduction="sum", class_weight=np.full(3, 2.0**-20))
    plain = losses.SparseCategoricalCrossentropy(reduction="sum")
    y, x = np.array([0, 1]), x.clip(height - 20)
    twin = reference.value_and_gradient(plain, y, x)[1]
    np.testing.assert_allclose(light.value_and_gradient(y, x)[1], twin * 2.0**-20, rtol=1e-6)


@pytest.mark.parametrize("label", [-43.0, -47.0, -86.0, -88.0, -90.0, -120.0, -1e4])
@pytest.mark.parametrize("largest", [0.0, 38.0, 40.0])
def test_a_label_far_below_the_largest_logit(largest, label):
    """What the fast form divides by is the label's exponential, which may vanish where the largest is moderate."""
    x = np.array([[largest, label, 0.0], [0.3, -0.2, 0.1]], np.float32)
    for y in ([1, 1], [0, 2]):
        assert_exact(losses.SparseCategoricalCrossentropy(reduction="sum"), np.array(y), x)


@pytest.mark.parametrize("loss", [losses.SparseCategoricalCrossentropy(), losses.BinaryCrossentropy()], ids=repr)
@pytest.mark.parametrize("first", [[0.5, -1.0], [500.0, -1000.0], [0.0, -60.0]], ids=["usual", "large", "far label"])
def test_the_gradient_may_take_the_place_of_the_predictions(loss, first):
    """Also where the fast form finds out only after it has begun to write that it cannot have these logits."""
    x = np.array([first, [2.0, 0.0]], np.float32)
    y = np.array([1, 0]) if loss.activation == "softmax" else np.array([[1.0, 0.0], [0.0, 1.0]], np.float32)
    value, gradient = loss.value_and_gradient(y, x.copy())
    same, gradient_in_place = loss.value_and_gradient(y, x, out=x)
    assert gradient_in_place is x
    assert same == value
    np.testing.assert_array_equal(x, gradient)


def test_many_classes_are_summed_without_loss():
    for classes in (127, 128, 129, 1000, 1024, 1025, 100_000):
        x = np.full((2, classes), 0.1, np.float32)
        value, gradient = losses.SparseCategoricalCrossentropy(reduction="sum").value_and_gradient([0, 5], x)
        assert value == pytest.approx(2 * np.log(classes), rel=3e-7)
        np.testing.assert_allclose(gradient[0, 1:], 1 / classes, rtol=1e-6)


BINARY_OPTIONS = {
    "plain": {},
    "pos_weight": {"pos_weight": 2.5},
    "smoothing": {"label_smoothing": 0.1},
    "all": {"pos_weight": [0.3, 4.0], "label_smoothing": 0.2, "class_weight": [0.7, 1.9]},
}


@pytest.mark.parametrize("options", BINARY_OPTIONS.values(), ids=BINARY_OPTIONS)
@pytest.mark.parametrize("z", [0.0, 1.0, 0.3])
def test_sigmoid_logits(options, z):
    sizes = np.array([0.0, 1e-3, 0.7, 5.3, 10.1, 15.7, 17.3, 20.0, 33.3, 60.0, 79.9, 80.0])
    x = np.stack([sizes, -sizes], axis=1).astype(np.float32)
    for k, row in enumerate(x):
        assert_exact(losses.BinaryCrossentropy(reduction="sum", **options), np.full((1, 2), z), row[None]), k


@pytest.mark.parametrize("gamma", [0.0, 0.5, 2.0])
def test_focal_losses(gamma):
    x = np.array([[0.0, 3.3], [-20.7, 20.1], [60.0, -60.0], [80.0, 5.0]], np.float32)
    for z in (0.0, 1.0):
        assert_exact(losses.BinaryFocalCrossentropy(gamma=gamma, reduction="none"), np.full(x.shape, z), x)
    for y in (0, 1):
        labels = np.eye(2)[np.full(len(x), y)]
        assert_exact(losses.CategoricalFocalCrossentropy(gamma=gamma, reduction="none"), labels, x)


@pytest.mark.parametrize(
    "loss", [losses.LogCosh(), losses.Huber(), losses.MeanSquaredError(), losses.MeanAbsoluteError()]
)
def test_small_and_large_errors(loss):
    x = np.array([1e-6, -1e-4, 1e-2, 0.999, -1.001, 30.0, 1e4], np.float32)
    for one in x:
        assert_exact(loss, np.zeros(1), np.array([one]))


@pytest.mark.parametrize("cls", [losses.BinaryCrossentropy, losses.BinaryFocalCrossentropy])
@pytest.mark.parametrize("z", [0.0, 1.0, 0.3])
def test_probabilities_of_one_answer(cls, z):
    for p in (1e-20, 1e-7, 0.3, 0.999, 1 - 6e-8):
        assert_exact(cls(from_logits=False), np.array([z]), np.array([p], np.float32))


def test_probabilities_of_classes():
    for p in (1e-20, 1e-7, 0.3):
        x = np.array([[p, 1 - p]], np.float32)
        for y in (0, 1):
            assert_exact(losses.SparseCategoricalCrossentropy(from_logits=False), np.array([y]), x)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_far_away_logits(dtype):
    x = np.array([[1e4, -1e4, 0.0]] * 3, dtype)
    value, gradient = losses.SparseCategoricalCrossentropy(reduction="none").value_and_gradient([0, 1, 2], x)
    np.testing.assert_array_equal(value, [0.0, 20000.0, 10000.0])
    np.testing.assert_array_equal(gradient, [[0, 0, 0], [1, -1, 0], [1, 0, -1]])
    value, gradient = losses.BinaryCrossentropy(reduction="none").value_and_gradient(
        [0.0, 0, 1, 1], x.flat[[0, 1, 0, 1]]
    )
    np.testing.assert_array_equal(value, [1e4, 0, 0, 1e4])
    np.testing.assert_array_equal(gradient, [1, 0, 0, -1])


def test_the_largest_numbers_there_are():
    x = np.array([[LARGEST, -LARGEST, 0.0]], np.float32)
    for y, expected in ((0, 0.0), (1, 2 * LARGEST), (2, LARGEST)):
        value, gradient = losses.SparseCategoricalCrossentropy().value_and_gradient([y], x)
        assert value == pytest.approx(expected)
        np.testing.assert_array_equal(gradient, np.eye(3)[:1] - np.eye(3)[y])
        assert losses.CategoricalCrossentropy(label_smoothing=0.1)(np.eye(3)[[y]], x) < np.inf
    value, gradient = losses.BinaryCrossentropy().value_and_gradient(
        [0.0, 1.0], np.array([LARGEST, LARGEST], "float32")
    )
    assert value == pytest.approx(LARGEST / 2)
    np.testing.assert_array_equal(gradient, [0.5, 0.0])


def test_shifted_logits_lose_nothing():
    for offset in (1.0, 1e4, 1e6, 1e8):
        for dtype in ("float32", "float64"):
            x = np.full((1, 2), offset, dtype)
            assert losses.SparseCategoricalCrossentropy()([0], x) == pytest.approx(np.log(2), rel=1e-7)
            assert losses.CategoricalCrossentropy()([[0.3, 0.7]], x) == pytest.approx(np.log(2), rel=1e-7)


def test_infinite_logits():
    inf = np.inf
    for loss, rows in (
        (losses.SparseCategoricalCrossentropy(reduction="none"), np.array([0, 0, 0, 1])),
        (losses.CategoricalCrossentropy(reduction="none"), np.eye(2)[[0, 0, 0, 1]]),
    ):
        x = np.array([[0.0, -inf], [inf, 0.0], [0.0, 0.0], [0.0, -inf]], np.float32)
        value, gradient = loss.value_and_gradient(rows, x)
        np.testing.assert_array_equal(value, np.array([0.0, 0.0, np.log(2), inf]))
        np.testing.assert_array_equal(gradient, [[0, 0], [0, 0], [-0.5, 0.5], [1, -1]])
    value, gradient = losses.BinaryCrossentropy(reduction="none").value_and_gradient([1.0, 0.0], np.array([inf, -inf]))
    np.testing.assert_array_equal(value, [0, 0])
    np.testing.assert_array_equal(gradient, [0, 0])
    assert losses.BinaryCrossentropy(label_smoothing=0.1)([1.0], np.array([inf])) == inf


def test_what_has_no_weight_may_be_infinite():
    x = np.array([[0.0, -np.inf, 1.0]])
    smoothed = losses.SparseCategoricalCrossentropy(label_smoothing=0.1, class_weight=[1.0, 0.0, 1.0])
    assert smoothed([0], x) == pytest.approx(0.1 / 3 * np.log1p(np.exp(-1)) + (0.9 + 0.1 / 3) * np.log1p(np.exp(1)))
    assert losses.SparseCategoricalCrossentropy(class_weight=[1.0, 0.0, 1.0])([1], x) == 0.0
    assert losses.Poisson(log_input=True)([0.0], [-np.inf]) == 0.0


def test_curvature_of_probabilities_of_zero():
    p = np.array([[1.0, 0.0]])
    for loss, y in (
        (losses.CategoricalCrossentropy(from_logits=False), [[1.0, 0.0]]),
        (losses.SparseCategoricalCrossentropy(from_logits=False), [0]),
        (losses.SparseCategoricalCrossentropy(from_logits=False, label_smoothing=0.5, class_weight=[1.0, 0.0]), [0]),
    ):
        assert loss.hessian_diagonal(y, p)[0, 1] == 0.0
        assert loss.hessian_vector_product(y, p, [[0.0, 1.0]])[0, 1] == 0.0


def test_curvature_of_an_answer_that_is_wrong_for_certain_is_infinite():
    """In float64 the square of the floor is 0, which must not warn."""
    p, v = np.array([[1.0, 0.0]]), [[0.0, 1.0]]
    for loss, y in (
        (losses.SparseCategoricalCrossentropy(from_logits=False), [1]),
        (losses.BinaryCrossentropy(from_logits=False), [[1.0, 1.0]]),
    ):
        assert loss.hessian_diagonal(y, p)[0, 1] == np.inf
        assert loss.hessian_vector_product(y, p, v)[0, 1] == np.inf


@pytest.mark.parametrize("size", [1e-200, 1e200])
def test_directions_of_very_long_and_very_short_vectors(size):
    loss = losses.CosineSimilarity()
    assert loss([[1.0, 0.0]], np.array([[3.0, 4.0]]) * size) == pytest.approx(-0.6)
    np.testing.assert_allclose(loss.gradient * size, [[-0.128, 0.096]])


def test_vectors_of_zeros_have_no_direction():
    loss = losses.CosineSimilarity(reduction="none")
    np.testing.assert_array_equal(loss([[3.0, 4.0], [0.0, 0.0]], [[0.0, 0.0], [1.0, 2.0]]), [0.0, 0.0])
    np.testing.assert_array_equal(loss.gradient, np.zeros((2, 2)))


def test_squares_of_large_errors_fit():
    loss = losses.MeanSquaredError()
    assert loss([0.0], np.array([1e30], np.float32)) == pytest.approx(1e60)
    assert loss.gradient == np.float32(2e30)


@pytest.mark.parametrize("row", [[-np.inf, -np.inf], [np.nan, 0.0], [0.0, np.nan], [np.inf, np.inf]])
def test_rows_without_a_distribution_are_never_worth_zero(row):
    for dtype in (np.float32, np.float64):
        x = np.array([row], dtype)
        assert np.isnan(losses.SparseCategoricalCrossentropy(check="never")([0], x))
        assert np.isnan(losses.CategoricalCrossentropy(check="never")([[0.5, 0.5]], x))
    for loss in (losses.SparseCategoricalCrossentropy(check="never"), losses.CategoricalCrossentropy(check="never")):
        y = [0] if "Sparse" in repr(loss) else [[1.0]]
        assert np.isnan(loss(y, np.array([[np.nan]])))
        assert np.isnan(loss(y, np.array([[-np.inf]])))
    assert np.isnan(losses.BinaryCrossentropy(check="never")([0.0], np.array([np.nan])))


def test_half_precision_is_computed_wider():
    x = np.array([[10000.0, -10000.0]], np.float16)
    value, gradient = losses.SparseCategoricalCrossentropy().value_and_gradient([1], x)
    assert value == 20000.0
    assert gradient.dtype == np.float32
    wide = np.array([[60000.0, -60000.0]], np.float16)
    assert losses.SparseCategoricalCrossentropy()([1], wide) == 120000.0
    out = np.empty((1, 2), np.float16)
    losses.SparseCategoricalCrossentropy().value_and_gradient([1], x, out=out)
    np.testing.assert_array_equal(out, [[1, -1]])


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_probabilities_of_zero_and_one(dtype):
    sparse, dense = (
        cls(from_logits=False) for cls in (losses.SparseCategoricalCrossentropy, losses.CategoricalCrossentropy)
    )
    binary = losses.BinaryCrossentropy(from_logits=False)
    right, wrong = np.array([[1.0, 0.0]], dtype), np.array([[0.0, 1.0]], dtype)
    for loss, y in ((sparse, [0]), (dense, [[1.0, 0.0]]), (binary, [[1.0, 0.0]])):
        assert loss(y, right) == 0.0
        assert 10 < loss(y, wrong) < 1000
        assert np.isfinite(loss.gradient).all()
        assert loss.gradient[0, 0] < -1e6
    assert binary.gradient[0, 1] > 1e6
    assert sparse([0], wrong) == pytest.approx(-np.log({"float32": 1e-30, "float64": 1e-300}[dtype]))


def test_curvature_of_an_answer_that_is_right_for_certain_is_one():
    y, p = [[1.0, 0.0]], np.array([[1.0, 0.0]])
    assert losses.BinaryCrossentropy(from_logits=False).hessian_diagonal(y, p).tolist() == [[0.5, 0.5]]
    weightless = losses.BinaryCrossentropy(from_logits=False, class_weight=[0.0, 1.0])
    assert weightless.hessian_diagonal(y, p[:, ::-1]).tolist()[0][0] == 0.0
