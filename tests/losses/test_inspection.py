"""What looks like a mistake is said once, with where, what and the fix; what does not is left in peace."""

import warnings

import numpy as np
import pytest

from cutedl import losses, nn, optimizers
from cutedl.dataset import Dataset
from cutedl.dlmath import prob_distribution, sigmoid
from cutedl.errors import InputWarning, NonFiniteError, UnknownNameError
from cutedl.model import Model
from cutedl.session import Session

GENERATOR = np.random.default_rng(0)
LOGITS = GENERATOR.normal(size=(40, 5)) * 3
INDICES = GENERATOR.integers(0, 5, 40)
ONE_HOT = np.eye(5)[INDICES]
YES_NO = GENERATOR.integers(0, 2, (40, 5)).astype(float)

CCE, SCCE, BCE = losses.CategoricalCrossentropy, losses.SparseCategoricalCrossentropy, losses.BinaryCrossentropy
SEVERAL = np.maximum(YES_NO, [1, 1, 0, 0, 0])
P = prob_distribution(LOGITS)

SUSPICIOUS = {
    "softmax twice": (CCE, ONE_HOT, P, "looks like probabilities.*softmax"),
    "softmax twice, sparse": (SCCE, INDICES, P, "every row sums to 1"),
    "sigmoid twice": (BCE, YES_NO, sigmoid(LOGITS), "looks like probabilities.*set from_logits=False"),
    "relu on the logits": (CCE, ONE_HOT, np.maximum(LOGITS, 0), "looks like the output of a relu"),
    "several classes at once": (CCE, SEVERAL, LOGITS, "row 0 sums to.*BinaryCross"),
    "labels from 1": (SCCE, np.arange(80) % 4 + 1, np.tile(LOGITS, (2, 1)), "may start at 1.*subtract 1"),
    "two labels from 1": (SCCE, np.arange(80) % 2 + 1, np.tile(LOGITS[:, :3], (2, 1)), "may start at 1.*subtract 1"),
}  # fmt: skip
PLAIN = {
    "logits": (CCE, ONE_HOT, LOGITS),
    "logits, sparse": (SCCE, INDICES, LOGITS),
    "logits, binary": (BCE, YES_NO, LOGITS),
    "all zeros at the start": (CCE, ONE_HOT, np.zeros((40, 5))),
    "one row that happens to be one": (SCCE, [1], [[0.25, 0.75]]),
    "soft labels": (CCE, P, LOGITS),
    "a class that is rare": (SCCE, np.arange(40) % 3 + 2, LOGITS),
    "one class of two": (SCCE, np.ones(80, int), np.tile(LOGITS[:, :2], (2, 1))),
    "any numbers": (losses.MeanSquaredError, np.abs(LOGITS), np.maximum(LOGITS, 0)),
}


@pytest.mark.parametrize(("make", "y", "x", "message"), SUSPICIOUS.values(), ids=SUSPICIOUS)
def test_a_probable_mistake_is_warned_of_once(make, y, x, message):
    loss = make()
    with pytest.warns(InputWarning, match=message) as caught:
        value = loss(y, x)
    assert len(caught) == 1
    assert "hint: " in str(caught[0].message)
    assert caught[0].filename == __file__
    with warnings.catch_warnings(action="error"):
        assert loss(y, x) == value
        assert make(check="never")(y, x) == value
    always = make(check="always")
    for _ in range(2):
        with pytest.warns(InputWarning):
            always(y, x)


@pytest.mark.parametrize(("make", "y", "x"), PLAIN.values(), ids=PLAIN)
def test_what_is_in_order_is_left_in_peace(make, y, x):
    with warnings.catch_warnings(action="error"):
        make(check="always")(y, x)


def test_labels_that_start_at_1_are_seen_at_the_door_in_the_whole_data_set():
    y = np.arange(200) % 4 + 1
    with pytest.warns(InputWarning, match="of 5 classes, 0 is the only one that does not occur in 200 labels"):
        SCCE().check_labels(y, (5,))
    with warnings.catch_warnings(action="error"):
        SCCE(check="never").check_labels(y, (5,))
        SCCE(ignore_class=0).check_labels(y, (5,))
        SCCE().check_labels(y % 4, (5,))


def test_nan_is_an_error_that_names_the_place_and_changes_nothing():
    x = LOGITS.copy()
    x[7, 3] = np.nan
    out = np.full_like(x, 5.0)
    with pytest.raises(NonFiniteError, match="y_pred is not a number.*nan at row 7, column 3"):
        losses.CategoricalCrossentropy().value_and_gradient(ONE_HOT, x, out=out)
    assert (out == 5).all()


def test_rows_that_do_not_count_are_not_looked_at():
    x, weight = LOGITS.copy(), np.ones(40)
    x[7], weight[7] = np.nan, 0
    assert np.isfinite(losses.CategoricalCrossentropy()(ONE_HOT, x, sample_weight=weight))
    labels = ONE_HOT.copy()
    labels[7] = 0
    losses.CategoricalCrossentropy()(labels, LOGITS, mask=weight)


def test_a_session_warns_at_its_first_batch_and_trains_on():
    model = Model([nn.Dense(5, activation="softmax")])
    session = Session(model, losses.SparseCategoricalCrossentropy(), optimizers.SGD(0.1), seed=0)
    data = Dataset(GENERATOR.normal(size=(64, 3)), GENERATOR.integers(0, 5, 64), batch_size=16)
    with pytest.warns(InputWarning, match="a softmax applied twice learns slowly") as caught:
        session.fit(data, 2, verbose=0)
    assert len(caught) == 1
    assert session.epoch == 2


def test_a_misspelt_check_is_refused():
    with pytest.raises(UnknownNameError, match="no check is named 'frist'.*did you mean 'first'"):
        losses.CategoricalCrossentropy(check="frist")
