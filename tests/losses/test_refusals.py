"""What is refused, and in which words."""

import numpy as np
import pytest

from cutedl import losses
from cutedl.errors import (
    ArgumentError,
    CutedlError,
    DataTypeError,
    InputWarning,
    LabelError,
    NonFiniteError,
    ProbabilityError,
    ShapeError,
)

X = np.zeros((2, 3))
SPARSE, DENSE = losses.SparseCategoricalCrossentropy, losses.CategoricalCrossentropy
BINARY = losses.BinaryCrossentropy

CALLS = {
    "column against vector": (
        lambda: losses.MeanSquaredError()(np.zeros(3), np.zeros((3, 1))),
        ShapeError,
        "y_true does not fit y_pred. expected y_pred's shape (3, 1), received shape (3,). "
        "hint: if they belong together, reshape one: y_true.reshape(3, 1).",
    ),
    "vector against column": (
        lambda: BINARY()(np.zeros((3, 1)), np.zeros(3)),
        ShapeError,
        "hint: if they belong together, reshape one: y_true.reshape(3).",
    ),
    "other size": (
        lambda: losses.Huber()(np.zeros((2, 2)), X),
        ShapeError,
        "expected y_pred's shape (2, 3), received shape (2, 2).",
    ),
    "indices given as rows": (
        lambda: DENSE()([0, 1], X),
        ShapeError,
        "class indices go with SparseCategoricalCrossentropy.",
    ),
    "rows given as indices": (
        lambda: SPARSE()(np.eye(3)[:2], X),
        ShapeError,
        "the labels do not fit y_pred. expected class indices of shape (2,), received shape (2, 3). "
        "hint: one-hot rows go with CategoricalCrossentropy, or take y_true.argmax over the classes.",
    ),
    "label too large": (
        lambda: SPARSE()([0, 3], X),
        LabelError,
        "a label is out of range. expected class indices 0 to 2, received 3 at row 1. "
        "hint: classes are counted from 0; labels to be left out are named with ignore_class.",
    ),
    "labels from 1": (
        lambda: SPARSE()([1, 3], X),
        LabelError,
        "received 3 at row 1. hint: these labels start at 1: subtract 1.",
    ),
    "negative label": (lambda: SPARSE()([0, -1], X), LabelError, "received -1 at row 1."),
    "unsigned label": (lambda: SPARSE()(np.array([0, 255], "uint8"), X), LabelError, "received 255 at row 1."),
    "fractional label": (
        lambda: SPARSE()([0.0, 0.7], X),
        LabelError,
        "a label is no class index. expected whole numbers, received 0.7 at row 1.",
    ),
    "NaN label": (lambda: SPARSE()([0.0, np.nan], X), LabelError, "received nan at row 1."),
    "label in a picture": (
        lambda: SPARSE()([[0, 1], [7, 0]], np.zeros((2, 2, 3))),
        LabelError,
        "received 7 at row 1, column 0.",
    ),
    "negative class probability": (
        lambda: DENSE()([[0.5, 0.5, 0.0], [-1.0, 2.0, 0.0]], X),
        LabelError,
        "a label is out of range. expected class probabilities in [0, inf), received -1 at row 1, column 0.",
    ),
    "NaN class probability": (
        lambda: DENSE()([[0.5, np.nan, 0.0]] * 2, X),
        NonFiniteError,
        "received nan at row 0, column 1.",
    ),
    "NaN class probability in focal": (
        lambda: losses.CategoricalFocalCrossentropy()([[0.5, np.nan, 0.0]] * 2, X),
        NonFiniteError,
        "received nan at row 0, column 1.",
    ),
    "binary label": (
        lambda: BINARY()([[0.0, 2.0]], [[1.0, 1.0]]),
        LabelError,
        "expected labels in [0, 1], received 2 at row 0",
    ),
    "hinge label": (
        lambda: losses.Hinge()([[1.0, 0.5]], [[1.0, 1.0]]),
        LabelError,
        "a label is neither side of a margin. expected 1 and -1, or 1 and 0, received 0.5 in row 0.",
    ),
    "hinge label below": (
        lambda: losses.Hinge()([[1.0, -2.0]], [[1.0, 1.0]]),
        LabelError,
        "a label is out of range. expected 1 and -1, or 1 and 0, in [-1, 1], received -2 at row 0, column 1.",
    ),
    "categorical hinge label": (
        lambda: losses.CategoricalHinge()([[1.0, -0.5]], [[1.0, 1.0]]),
        LabelError,
        "expected labels in [0, 1], received -0.5 at row 0, column 1.",
    ),
    "count": (lambda: losses.Poisson()([-1.0], [1.0]), LabelError, "expected counts in [0, inf), received -1 at row 0"),
    "rate": (
        lambda: losses.Poisson()([1.0, 2.0], [1.0, -2.0]),
        ProbabilityError,
        "y_pred holds a rate below 0. expected rates >= 0, received -2 in row 1. "
        "hint: for logarithms of rates, set log_input=True.",
    ),
    "logits as probabilities": (
        lambda: BINARY(from_logits=False)([[1.0]], [[3.0]]),
        ProbabilityError,
        "y_pred holds a value that is no probability. expected values in [0, 1], received 3 at index (0, 0). "
        "hint: for logits, leave from_logits=True.",
    ),
    "negative probability": (
        lambda: SPARSE(from_logits=False)([0, 0], [[0.5, 0.5], [1.2, -0.2]]),
        ProbabilityError,
        "received 1.2 at index (1, 0).",
    ),
    "NaN probability": (
        lambda: DENSE(from_logits=False)(X, X * np.nan),
        ProbabilityError,
        "received nan at index (0, 0).",
    ),
    "row of zeros": (
        lambda: SPARSE(from_logits=False)([0, 0], [[0.5, 0.5], [0.0, 0.0]]),
        ProbabilityError,
        "a row of y_pred is all zeros. expected a distribution, received row 1.",
    ),
    "words": (lambda: SPARSE()(["a", "b"], X), DataTypeError, "y_true cannot be used as numbers."),
    "complex": (lambda: SPARSE()([0, 1], X * 1j), DataTypeError, "y_pred cannot be used as numbers."),
    "integer out": (
        lambda: SPARSE().value_and_gradient([0, 1], X, out=np.zeros((2, 3), int)),
        DataTypeError,
        "out cannot hold a gradient. expected a floating dtype, received dtype int64.",
    ),
    "no classes": (lambda: SPARSE()([0], np.zeros((1, 0))), ShapeError, "y_pred holds no vectors."),
    "no axis": (
        lambda: DENSE(axis=2)(X, X),
        ShapeError,
        "expected at least one value along axis 2, received shape (2, 3).",
    ),
    "no columns": (lambda: losses.MeanSquaredError()(X[:, :0], X[:, :0]), ShapeError, "y_pred is empty."),
    "class_weight of other length": (
        lambda: SPARSE(class_weight=[1.0, 2.0])([0, 1], X),
        ShapeError,
        "class_weight does not fit y_pred. expected 3 weights, one per class, received 2.",
    ),
    "pos_weight of other length": (
        lambda: BINARY(pos_weight=[1.0, 2.0])(X, X),
        ShapeError,
        "pos_weight does not fit y_pred. expected 3 weights, one per class, or a single one, received 2.",
    ),
    "alpha of other length": (
        lambda: losses.CategoricalFocalCrossentropy(alpha=[1.0, 2.0])(X, X),
        ShapeError,
        "alpha does not fit y_pred.",
    ),
    "weights per class": (
        lambda: DENSE()(X, X, sample_weight=np.ones((2, 3))),
        ShapeError,
        "sample_weight does not fit the losses. expected shape (2,), (2, 1), or 1 in place of any axis, "
        "received shape (2, 3). hint: the classes have been summed by then: give one value per loss.",
    ),
    "weights of another length": (
        lambda: DENSE()(X, X, sample_weight=np.ones(3)),
        ShapeError,
        "sample_weight does not fit the losses. expected shape (2,), (2, 1), or 1 in place of any axis, "
        "received shape (3,).",
    ),
    "too few weights": (
        lambda: DENSE()(np.eye(3), np.eye(3), sample_weight=np.ones(2)),
        ShapeError,
        "received shape (2,).",
    ),
    "label_smoothing": (
        lambda: DENSE(label_smoothing=2.0),
        ArgumentError,
        "label_smoothing cannot be used. expected a number in [0, 1], received 2.0 (float).",
    ),
    "negative class_weight": (lambda: SPARSE(class_weight=[1.0, -1.0]), ArgumentError, "class_weight cannot be used."),
    "pos_weight": (lambda: losses.WeightedBinaryCrossentropy(np.nan), ArgumentError, "pos_weight cannot be used."),
    "ignore_class": (lambda: SPARSE(ignore_class=0.5), ArgumentError, "ignore_class cannot be used."),
    "axis": (lambda: DENSE(axis="last"), ArgumentError, "axis cannot be used."),
    "delta": (lambda: losses.Huber(delta=0.0), ArgumentError, "delta cannot be used. expected a number in (0, inf)"),
    "gamma": (lambda: losses.BinaryFocalCrossentropy(gamma=-1), ArgumentError, "gamma cannot be used."),
    "alpha": (lambda: losses.BinaryFocalCrossentropy(alpha=2.0), ArgumentError, "alpha cannot be used."),
}


@pytest.mark.parametrize(("call", "error", "message"), CALLS.values(), ids=CALLS)
def test_a_call_is_refused(call, error, message):
    with pytest.raises(error) as refusal:
        call()
    assert message in str(refusal.value)
    assert isinstance(refusal.value, CutedlError)
    assert isinstance(refusal.value, ValueError)


DOOR = {
    "label too large": (SPARSE(), [0, 1, 10], (10,), LabelError, "received 10 at row 2."),
    "label far down": (
        SPARSE(),
        np.r_[np.zeros(3_000_000, "int8"), np.int8(-1)],
        (10,),
        LabelError,
        "received -1 at row 3000000.",
    ),
    "fraction far down": (
        SPARSE(),
        np.r_[np.zeros(1_500_000, "float32"), np.float32(0.5)],
        (10,),
        LabelError,
        "received 0.5 at row 1500000.",
    ),
    "one-hot to sparse": (SPARSE(), np.eye(10), (10,), ShapeError, "one-hot rows go with CategoricalCrossentropy"),
    "indices to dense": (
        DENSE(),
        np.arange(10),
        (10,),
        ShapeError,
        "the labels do not fit the model's output. expected shape (samples, 10), received shape (10,). "
        "hint: class indices go with SparseCategoricalCrossentropy; a column of targets is y.reshape(-1, 1).",
    ),
    "negative soft label": (DENSE(), [[1.0, 0.0], [-1.0, 2.0]], (2,), LabelError, "received -1 at row 1, column 0."),
    "vector of targets": (losses.MeanSquaredError(), np.zeros(4), (1,), ShapeError, "received shape (4,)."),
    "NaN target": (
        losses.MeanSquaredError(),
        [[1.0], [np.nan]],
        (1,),
        NonFiniteError,
        "received nan at row 1, column 0.",
    ),
    "binary label": (BINARY(), [[0], [1], [2]], (1,), LabelError, "expected labels in [0, 1], received 2 at row 2"),
    "hinge label": (losses.SquaredHinge(), [[1], [3]], (1,), LabelError, "received 3 at row 1"),
    "count": (losses.Poisson(), [[1], [-3]], (1,), LabelError, "received -3 at row 1"),
    "categorical hinge": (losses.CategoricalHinge(), [[1, 2]], (2,), LabelError, "received 2 at row 0, column 1"),
    "focal": (losses.CategoricalFocalCrossentropy(), [[1, -2]], (2,), LabelError, "received -2 at row 0, column 1"),
    "words": (SPARSE(), ["a"], (2,), DataTypeError, "y_true cannot be used as numbers."),
    "segmentation": (
        SPARSE(),
        [[[0, 1], [1, 9]]],
        (2, 2, 3),
        LabelError,
        "a label is out of range. expected class indices 0 to 2, received 9 at index (0, 1, 1).",
    ),
}


@pytest.mark.parametrize(("loss", "y", "shape", "error", "message"), DOOR.values(), ids=DOOR)
def test_the_door_refuses_labels(loss, y, shape, error, message):
    with pytest.raises(error) as refusal:
        loss.check_labels(y, shape)
    assert message in str(refusal.value)


@pytest.mark.parametrize(
    ("loss", "y", "shape"),
    [
        (SPARSE(), np.arange(10, dtype="uint8"), (10,)),
        (SPARSE(), np.arange(10.0)[:, None], (10,)),
        (SPARSE(ignore_class=-1), [0, -1, 2], (3,)),
        (SPARSE(axis=1), np.zeros((5, 4, 4), int), (3, 4, 4)),
        (SPARSE(axis=1), np.zeros((5, 1, 4, 4), int), (3, 4, 4)),
        (SPARSE(), np.ones(3, bool), (2,)),
        (DENSE(), np.eye(3, dtype=bool), (3,)),
        (DENSE(), [[0.2, 0.8]], (2,)),
        (BINARY(ignore_class=-1), [[0], [-1], [1]], (1,)),
        (losses.Hinge(), [[0], [1], [-1]], (1,)),
        (losses.Poisson(), [[0], [7]], (1,)),
        (losses.MeanSquaredError(), np.zeros((3, 2, 2)), (2, 2)),
        (losses.CosineSimilarity(), np.zeros((3, 2)), (2,)),
    ],
)
def test_the_door_lets_good_labels_in(loss, y, shape):
    loss.check_labels(y, shape)


def test_labels_of_any_numeric_type_mean_the_same():
    x = np.random.default_rng(0).normal(size=(4, 2)).astype(np.float32)
    y = np.array([0, 1, 1, 0])
    sparse, dense, binary = SPARSE(), DENSE(), BINARY()
    for dtype in ("int8", "uint8", "int32", "uint64", "float16", "float32", "float64", "bool"):
        assert sparse(y.astype(dtype), x) == sparse(y, x)
        assert sparse(y.astype(dtype)[:, None], x) == sparse(y, x)
        assert dense(np.eye(2)[y].astype(dtype), x) == dense(np.eye(2)[y], x)
        assert binary(np.eye(2)[y].astype(dtype), x) == binary(np.eye(2)[y], x)
        for loss in (losses.MeanSquaredError(), losses.Hinge(), losses.CategoricalHinge(), losses.CosineSimilarity()):
            assert loss(np.eye(2)[y].astype(dtype), x) == pytest.approx(loss(np.eye(2)[y], x), rel=1e-6)
            np.testing.assert_allclose(
                loss.gradient.sum(), loss.value_and_gradient(np.eye(2)[y], x)[1].sum(), rtol=1e-5
            )


def with_row_300(row, others):
    """Return 400 rows, of which one is different: further down than the rows that are worked through at once."""
    rows = np.tile(np.asarray(others, dtype=float), (400, 1))
    rows[300] = row
    return rows


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: DENSE()(with_row_300([-1.0, 2.0], [0.5, 0.5]), np.zeros((400, 2))),
            "received -1 at row 300, column 0",
        ),
        (lambda: BINARY()(with_row_300([0.0, 2.0], [0.5, 0.5]), np.zeros((400, 2))), "received 2 at row 300, column 1"),
        (
            lambda: losses.CategoricalHinge()(with_row_300([0.0, 2.0], [0.0, 1.0]), np.zeros((400, 2))),
            "received 2 at row 300, column 1",
        ),
        (
            lambda: SPARSE(from_logits=False)(np.zeros(400), with_row_300([0.0, 0.0], [0.5, 0.5])),
            "a row of y_pred is all zeros. expected a distribution, received row 300.",
        ),
        (
            lambda: SPARSE(from_logits=False)(np.zeros(400), with_row_300([0.0, 1.5], [0.5, 0.5])),
            "received 1.5 at index (300, 1)",
        ),
    ],
)
def test_rows_are_counted_from_the_start_of_the_batch(call, message):
    with pytest.raises(CutedlError) as refusal:
        call()
    assert message in str(refusal.value)


def test_rows_off_one_are_reported_with_their_sum_and_once():
    loss = DENSE(from_logits=False, check="never")
    p = with_row_300([0.99, 1.0], [0.5, 0.5])
    y = with_row_300([0.0, 1.0], [1.0, 0.0])
    with pytest.warns(
        InputWarning, match=r"row 300 of y_pred sums to 1.99, not to 1: it is divided by its sum. hint: end"
    ) as caught:
        value = loss(y, p)
    assert caught[0].filename == __file__
    assert loss(y, p) == value == pytest.approx((399 * np.log(2) + np.log(1.99)) / 400)


def test_rows_that_do_not_count_need_not_be_distributions():
    for loss, y in (
        (SPARSE(from_logits=False), np.zeros(400)),
        (DENSE(from_logits=False), with_row_300([1, 0], [1, 0])),
    ):
        for row in ([0.0, 0.0], [1.0, 1.0]):
            assert loss(y, with_row_300(row, [0.5, 0.5]), mask=np.arange(400) != 300) == pytest.approx(np.log(2))
            assert not loss.gradient[300].any()


def test_the_usual_mistakes_get_the_hint_that_helps():
    with pytest.raises(LabelError, match=r"received -1 at row 0, column 0. hint: labels 1 and -1 become 1 and 0"):
        losses.BinaryCrossentropy()([[-1.0], [1.0]], [[0.5], [0.5]])
    with pytest.raises(LabelError, match=r"a model with one output answers yes or no: that is BinaryCrossentropy"):
        losses.SparseCategoricalCrossentropy()([0, 1], [[0.5], [0.5]])
