"""The second thread of a step: the same bits, the errors and the settings of the caller, and no thread left behind."""

import copy
import itertools
import pickle
import threading
from threading import get_ident

import numpy as np
import pytest

from cutedl.helper import THREAD_VARIABLES
from cutedl.optimizers import SGD, second_thread
from cutedl.optimizers.second_thread import SecondThread
from tests.contracts import OPTIMIZERS
from tests.optimizers.test_optimizers import each_optimizer, gradients, train, vector
from tests.threads import ends

SIZE = 200_000  # four blocks


pytestmark = pytest.mark.usefixtures("several_threads")


def sharing():
    second = SecondThread()
    second.trial.helps = True
    return second


def bound(row, helps, **options):
    """An optimizer whose second thread is past its trial, and its model."""
    arena, optimizer = vector(SIZE, "float32"), row.make(**row.arguments, **options)
    optimizer._bind(arena)
    optimizer._second.trial.helps = helps
    return arena, optimizer


@each_optimizer
@pytest.mark.parametrize(
    "options", [{}, {"weight_decay": 0.01, "ema": 0.9, "clip_global_norm": 1.0}], ids=["", "options"]
)
def test_it_does_not_change_a_bit(row, options):
    g = gradients(SIZE, 4).astype("float32")
    results = []
    for helps in (False, True):
        arena, optimizer = bound(row, helps, **options)
        train(optimizer, arena, g)
        average = optimizer.state()["average"]
        mean = b"" if average is None else average.tobytes()
        results.append((arena.values.tobytes(), optimizer.state_vectors.tobytes(), mean))
    assert results[0] == results[1]


def test_both_threads_take_blocks_and_each_block_is_taken_once():
    both, taken = threading.Barrier(2), []

    def visit(blocks):
        for i, block in enumerate(blocks):
            if i == 0:
                both.wait(10)  # neither goes on before the other has a block
            taken.append((block, get_ident()))

    sharing().walk(list(range(50)), visit)
    assert sorted(block for block, _ in taken) == list(range(50))
    assert len({thread for _, thread in taken}) == 2


def test_an_error_in_either_thread_reaches_the_caller_and_the_next_walk_works():
    here, second = get_ident(), sharing()
    for where in (True, False):
        both = threading.Barrier(2)

        def visit(blocks, where=where, both=both):
            for i, _ in enumerate(blocks):
                if i == 0:
                    both.wait(10)
                if (get_ident() == here) == where:
                    raise ZeroDivisionError("of a rule")

        with pytest.raises(ZeroDivisionError, match="of a rule"):
            second.walk(list(range(50)), visit)
    seen = []
    second.walk([1, 2, 3], seen.extend)
    assert sorted(seen) == [1, 2, 3]


def test_it_works_under_the_callers_errstate():
    states, both = [], threading.Barrier(2)

    def visit(blocks):
        for _ in blocks:
            both.wait(10)
            states.append(np.geterr()["over"])

    with np.errstate(over="ignore"):
        sharing().walk([1, 2], visit)
    assert states == ["ignore", "ignore"]


def test_a_thread_that_comes_late_is_not_waited_for():
    second, begun, free = sharing(), threading.Event(), threading.Event()
    seen = []

    def hold(blocks):
        for _ in blocks:
            if threading.current_thread().name == "cutedl-helper":
                begun.set()
                free.wait(10)
            else:
                begun.wait(10)

    holder = threading.Thread(target=lambda: second.walk([1, 2], hold))
    holder.start()
    begun.wait(10)
    second.walk([1, 2, 3], lambda blocks: seen.extend((block, get_ident()) for block in blocks))
    assert seen == [(1, get_ident()), (2, get_ident()), (3, get_ident())]
    free.set()
    holder.join()


def test_both_ways_are_tried_and_timed(monkeypatch):
    """By a clock that says how long each walk takes."""
    seconds = [1.0] * 64 + [0.1] * 64
    ticks = itertools.chain.from_iterable((0.0, each) for each in seconds)
    monkeypatch.setattr(second_thread, "perf_counter", ticks.__next__)
    second, seen = SecondThread(), []
    for i in range(len(seconds)):
        assert second.trial.second is (i >= 64)
        second.walk([1, 2, 3, 4], seen.extend)
    assert second.trial.helps is True
    assert len(seen) == 4 * len(seconds)


def test_its_thread_ends_with_its_optimizer():
    arena, optimizer = bound(OPTIMIZERS["adam"], True)
    train(optimizer, arena, gradients(SIZE, 2))
    thread = optimizer._second._helper._thread
    assert thread.is_alive()
    del optimizer
    assert ends(thread)


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda pair: pickle.loads(pickle.dumps(pair))])
def test_a_copy_goes_on_alike_with_a_trial_of_its_own(copied):
    g = gradients(SIZE, 4)
    arena, optimizer = bound(OPTIMIZERS["adam"], True)
    train(optimizer, arena, g[:2])
    other, twin = copied((arena, optimizer))
    assert twin._second.trial.helps is None
    np.testing.assert_array_equal(train(twin, other, g[2:]), train(optimizer, arena, g[2:]))


@pytest.mark.parametrize("name", THREAD_VARIABLES)
def test_there_is_none_where_one_thread_is_allowed(name, monkeypatch):
    monkeypatch.setenv(name, "1")
    arena, sgd = vector(SIZE), SGD(0.1)
    sgd.step(arena)
    assert sgd._second is None


@pytest.mark.parametrize(("size", "tried"), [(131_072, False), (131_073, True)])
def test_there_is_none_for_small_models(size, tried):
    arena, sgd = vector(size), SGD(0.1, weight_decay=0.1)
    sgd.step(arena)
    assert (sgd._second is not None) is tried
