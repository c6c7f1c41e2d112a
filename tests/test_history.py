import math

import pytest

from cutedl.errors import CutedlError
from cutedl.history import History


def test_a_misspelt_key_is_answered_with_a_suggestion():
    history = History(loss=[1.0], val_loss=[1.0])
    with pytest.raises(KeyError) as caught:
        history["vall_loss"]
    assert str(caught.value) == (
        "no history key is named 'vall_loss'. expected one of: loss, val_loss. hint: did you mean 'val_loss'?"
    )
    assert isinstance(caught.value, CutedlError)
    assert isinstance(caught.value, ValueError)


def test_it_stays_a_dict():
    history = History(loss=[1.0])
    assert "val_loss" not in history
    assert history.get("val_loss") is None
    history.setdefault("val_accuracy", []).append(0.5)
    assert dict(history) == {"loss": [1.0], "val_accuracy": [0.5]}


def test_missed_epochs_become_nan():
    history = History()
    history.record(1, loss=3.0)
    history.record(3, loss=1.0, val_loss=2.0)
    assert history["loss"][0] == 3.0
    assert math.isnan(history["loss"][1])
    assert math.isnan(history["val_loss"][1])
    assert history["val_loss"][2] == 2.0


def test_columns_leave_out_what_is_no_list():
    history = History(loss=[1.0], cost_time=3.0)
    assert history.columns == {"loss": [1.0]}
