"""Which of two ways is taken, and when that is asked again."""

import pytest

from cutedl.trial import Trial


def told(trial, seconds):
    """Tell the trial what each way took, as often as there are numbers; return which way it went."""
    ways = []
    for each in seconds:
        ways.append(trial.second)
        trial.add(trial.second, each)
    return ways


@pytest.mark.parametrize(("second", "helps"), [(0.89, True), (0.9, False), (1.5, False)])
def test_the_second_way_has_to_save_a_share_once_it_has_settled(second, helps):
    trial = Trial(tries=4, bar=0.9, again=10)
    ways = told(trial, [9.0, 9.0, 1.0, 1.0, 0.1, 0.1, second, second])
    assert ways == [False] * 4 + [True] * 4
    assert trial.helps is trial.second is helps


def test_one_slow_time_of_many_decides_nothing():
    trial = Trial(tries=6, bar=0.9, again=10)
    told(trial, [1.0] * 6 + [0.5, 0.5, 0.5, 0.5, 0.5, 99.0])
    assert trial.helps is True


@pytest.mark.parametrize("helps", [True, False])
def test_it_is_tried_again_now_and_then(helps):
    trial = Trial(tries=2, bar=0.9, again=5)
    for _ in range(3):
        assert told(trial, [1.0, 1.0, *[0.5 if helps else 2.0] * 2]) == [False, False, True, True]
        assert told(trial, [0.0] * 5) == [helps] * 5
        assert trial.helps is None


def test_times_of_two_threads_at_once_do_not_disturb_it():
    """Both may have asked for the same way before either has told."""
    trial = Trial(tries=2, bar=0.9, again=5)
    for way in (False, False, False, True, True, True):
        trial.add(way, 1.0)
    assert trial.helps is False
