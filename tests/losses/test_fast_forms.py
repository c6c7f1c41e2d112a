"""Which batches the fast forms take: all usual ones, and none at which they would overflow or lose digits.

The exact cores take all others and give the same losses, so only here would be noticed that nothing goes the fast way.
"""

import numpy as np
import pytest

from cutedl import losses
from cutedl.losses import sigmoid, softmax

# With two classes: the largest logit, the least label beside it, and the least height of both.
SOFTMAX = {"float32": (40.0, -45.0, -6.9), "float64": (300.0, -402.0, -299.0)}


@pytest.mark.parametrize("dtype", SOFTMAX)
def test_softmax_takes_logits_up_to_where_their_exponentials_stay_normal(dtype):
    highest, least_label, least_height = SOFTMAX[dtype]
    taken = [highest, 0.0], [highest, least_label], [least_height, least_height]
    refused = [highest + 1.0, 0.0], [highest, least_label - 1.0], [least_height - 0.5, least_height - 0.5]
    for rows, takes in ((taken, True), (refused, False), ([[np.nan, 0.0]], False)):
        for row in rows:
            found = softmax.hard_cross_entropy(np.array([1]), np.array([row], dtype), 1.0, None)
            assert (found is not None) == takes, row


@pytest.mark.parametrize(("dtype", "limit"), [("float32", 80.0), ("float64", 700.0)])
def test_sigmoid_takes_logits_up_to_where_their_exponentials_stay_normal(dtype, limit):
    for x, takes in ((limit, True), (-limit, True), (limit + 1.0, False), (-limit - 1.0, False), (np.nan, False)):
        found = sigmoid.hard_cross_entropy(np.ones((2, 1)), np.array([[0.0], [x]], dtype), None, None)
        assert (found is not None) == takes, x


def test_only_hard_labels_of_logits_take_the_fast_form_of_yes_or_no_answers():
    z, x = np.arange(600).reshape(300, 2) % 2.0, np.linspace(-5.0, 5.0, 600).reshape(300, 2)
    assert losses.BinaryCrossentropy()._quick(z, x, None) is not None
    assert losses.BinaryCrossentropy(pos_weight=2.0)._quick(z, x, None) is not None
    assert losses.BinaryCrossentropy()._quick(0.5 * z, x, None) is None
    assert losses.BinaryCrossentropy(label_smoothing=0.1)._quick(z, x, None) is None
    assert losses.BinaryCrossentropy(from_logits=False)._quick(z, np.abs(x) / 5.0, None) is None


def test_only_one_hot_rows_count_as_classes():
    loss = losses.CategoricalCrossentropy()
    assert loss._hard(np.eye(3)[[2, 0]]).tolist() == [2, 0]
    for row in ([1.0, 1.0, 0.0], [0.0, 0.5, 0.5], [0.0, 0.0, 0.0], [0.0, 2.0, 0.0]):
        assert loss._hard(np.array([[0.0, 1.0, 0.0], row])) is None
