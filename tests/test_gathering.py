"""Batches gathered by a helper: the same ones, in the same order, and no trace of it but the time."""

import pickle
import subprocess
import sys
import textwrap
import threading

import numpy as np
import pytest

from cutedl import gathering
from cutedl.dataset import Dataset
from cutedl.gathering import Gathering
from tests.threads import ends

pytestmark = pytest.mark.usefixtures("several_threads")


@pytest.fixture(params=[(1, 1), (1, 300), (200, 1000), (1 << 16, 2 << 20)], ids=str)
def parts(request, monkeypatch):
    """Bytes gathered at a time, here and by the helper: a batch, several, more than there are."""
    monkeypatch.setattr(gathering, "_HERE", request.param[0])
    monkeypatch.setattr(gathering, "_AHEAD", request.param[1])


def table(count=203, **options):
    generator = np.random.default_rng(count)
    data, label = generator.normal(size=(count, 5)), generator.integers(0, 3, count)
    return Dataset(data, label, batch_size=4, sample_weight=generator.random(count) + 0.5, **options)


def copies(batches):
    return [tuple(array.copy() for array in batch) for batch in batches]


def naive(dataset, order, dtype):
    """The batches, one expression each."""
    stop = len(order) - len(order) % dataset.batch_size if dataset.drop_remainder else len(order)
    for start in range(0, stop, dataset.batch_size):
        rows = order[start : min(start + dataset.batch_size, stop)]
        yield dataset.data[rows].astype(dtype), dataset.label[rows], dataset.sample_weight[rows]


@pytest.mark.parametrize("helps", [None, False, True])
@pytest.mark.parametrize("drop", [False, True])
def test_the_batches_are_the_naive_ones(parts, helps, drop):
    dataset = table(drop_remainder=drop)
    for epoch in (1, 2):
        dataset._gathering.trial.helps = helps
        order = dataset.order(0, epoch)[epoch:]  # the second epoch begins elsewhere
        given, expected = copies(dataset.batches(order, "float32")), naive(dataset, order, "float32")
        for batch, twin in zip(given, expected, strict=True):
            for array, other in zip(batch, twin, strict=True):
                assert array.dtype == other.dtype
                np.testing.assert_array_equal(array, other)


@pytest.mark.parametrize("layout", ["C", "strided", "sparse"])
def test_rows_of_any_layout_can_be_gathered_ahead(layout, monkeypatch):
    monkeypatch.setattr(gathering, "_AHEAD", 1)
    data = np.arange(120.0).reshape(40, 3)
    given = {"C": data, "strided": np.repeat(data, 2, axis=1)[:, ::2]}.get(layout)
    if given is None:
        given = pytest.importorskip("scipy.sparse").csr_array(data)
    dataset = Dataset(given, np.arange(40), batch_size=4)
    dataset._gathering.trial.helps = True
    order = dataset.order(0, 1)
    batches = copies(dataset.batches(order, "float32"))
    np.testing.assert_array_equal(np.concatenate([x for x, _ in batches]), data[order])


def test_a_batch_stays_whole_until_the_next_is_asked_for(monkeypatch):
    """While the helper has long gathered the one after."""
    monkeypatch.setattr(gathering, "_AHEAD", 1)
    dataset, seen = table(), []
    dataset._gathering.trial.helps = True
    order = dataset.order(0, 1)
    for batch, twin in zip(dataset.batches(order, "float32"), naive(dataset, order, "float32"), strict=True):
        dataset._gathering._helper.start(lambda: None).result()
        seen.append(all((array == other).all() for array, other in zip(batch, twin, strict=True)))
    assert all(seen)
    assert len(seen) == 51


def test_the_helper_gathers_only_where_it_was_found_to_help():
    for helps in (False, True):
        dataset = Dataset(np.zeros((3000, 784), "float32"), np.zeros(3000, int), batch_size=64)
        dataset._gathering.trial.helps = helps
        for _ in dataset.batches(dataset.order(0, 1)):
            pass
        assert (dataset._gathering._helper._thread is not None) is helps


@pytest.mark.parametrize(("rows", "tried"), [(640, False), (641, True)])
def test_there_is_none_for_little_data(rows, tried):
    """10 batches of 64 rows of 784 numbers and a label are the last that fit into 2 MB."""
    dataset = Dataset(np.zeros((rows, 784), "float32"), np.zeros(rows, int), batch_size=64)
    dataset._gathering.trial.helps = True
    for _ in dataset.batches(dataset.order(0, 1)):
        pass
    assert (dataset._gathering._helper._thread is not None) is tried


def test_there_is_none_where_one_thread_is_allowed(monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    dataset = Dataset(np.zeros((3000, 784), "float32"), np.zeros(3000, int), batch_size=64)
    dataset._gathering.trial.helps = True
    for _ in dataset.batches(dataset.order(0, 1)):
        pass
    assert dataset._gathering._helper._thread is None


@pytest.mark.parametrize(("ahead", "helps"), [(0.94, True), (0.96, False)])
def test_it_goes_on_if_steps_take_a_twentieth_less(ahead, helps, monkeypatch):
    """By a clock that says how long each part takes. The one while which the helper begins counts for neither way."""
    monkeypatch.setattr(gathering, "_HERE", 1)
    monkeypatch.setattr(gathering, "_AHEAD", 1)
    alone, later = [9.0] * 4 + [1.0] * 4, [0.1] * 4 + [ahead] * 4
    clock = [tick for each in alone for tick in (0.0, each)] + [0.0] + [tick for each in later for tick in (0.0, each)]
    monkeypatch.setattr(gathering, "perf_counter", iter(clock).__next__)
    dataset = Dataset(np.zeros((17, 3)), np.zeros(17), batch_size=1)
    assert len(list(dataset.batches(np.arange(17)))) == 17
    assert dataset._gathering.trial.helps is helps


def test_times_are_compared_by_the_sample(monkeypatch):
    """Epochs of a part of 4 rows and one of 1, which alone the helper has gathered: slower, though it took less."""
    monkeypatch.setattr(gathering, "_AHEAD", 4 * 32)
    dataset = Dataset(np.zeros((5, 3)), np.zeros(5), batch_size=1)
    epochs = [0.0, 4.0, 0.0, 1.0] * 4 + [0.0, 0.0, 1.5] * 8
    monkeypatch.setattr(gathering, "perf_counter", iter(epochs).__next__)
    for _ in range(12):
        assert dataset._gathering.trial.helps is None
        assert len(list(dataset.batches(np.arange(5)))) == 5
    assert dataset._gathering.trial.helps is False


def test_an_error_while_gathering_is_raised_where_the_batch_is_asked_for(monkeypatch):
    monkeypatch.setattr(gathering, "_AHEAD", 1)
    dataset = table()
    dataset._gathering.trial.helps = True
    order = dataset.order(0, 1)
    batches = dataset.batches(order)
    next(batches)

    def fails(self, rows):
        raise OSError("the disk is gone")

    monkeypatch.setattr(gathering._Rows, "take", fails)
    with pytest.raises(OSError, match="the disk is gone"):
        list(batches)
    monkeypatch.undo()
    assert len(list(dataset.batches(order))) == 51


def test_an_epoch_left_half_way_disturbs_no_other(monkeypatch):
    monkeypatch.setattr(gathering, "_AHEAD", 1)
    dataset = table()
    dataset._gathering.trial.helps = True
    order = dataset.order(0, 1)
    left = dataset.batches(order, "float32")
    next(left)
    both = zip(copies(dataset.batches(order, "float32")), naive(dataset, order, "float32"), strict=True)
    assert all((batch[0] == twin[0]).all() for batch, twin in both)
    left.close()


def test_two_threads_may_go_through_the_same_data(monkeypatch):
    monkeypatch.setattr(gathering, "_AHEAD", 1)
    dataset, wrong = table(2003), []

    def read(epoch):
        order = dataset.order(0, epoch)
        for batch, twin in zip(dataset.batches(order, "float32"), naive(dataset, order, "float32"), strict=True):
            if any((array != other).any() for array, other in zip(batch, twin, strict=True)):
                wrong.append(epoch)

    threads = [threading.Thread(target=read, args=(epoch,)) for epoch in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert wrong == []


def test_a_data_set_can_still_be_pickled_and_its_thread_ends_with_it(monkeypatch):
    monkeypatch.setattr(gathering, "_AHEAD", 1)
    dataset = table()
    dataset._gathering.trial.helps = True
    order = dataset.order(0, 1)
    expected = copies(dataset.batches(order))
    given = copies(pickle.loads(pickle.dumps(dataset)).batches(order))
    assert all((a[0] == b[0]).all() for a, b in zip(given, expected, strict=True))
    thread = dataset._gathering._helper._thread
    assert thread.is_alive()
    del dataset
    assert ends(thread)


def test_training_ends_in_the_same_bits_whether_it_helps_or_not():
    from cutedl import losses, nn, optimizers
    from cutedl.model import Model
    from cutedl.session import Session

    generator, ends = np.random.default_rng(0), []
    data, label = generator.normal(size=(3000, 784)).astype("float32"), generator.integers(0, 10, 3000)
    for helps in (False, True):
        dataset = Dataset(data, label)
        dataset._gathering.trial.helps = helps
        session = Session(Model([nn.Dense(10)]), losses.SparseCategoricalCrossentropy(), optimizers.SGD(0.1), seed=0)
        session.fit(dataset, 2, verbose=0)
        ends.append(session.model.arena.values.tobytes())
    assert ends[0] == ends[1]


def test_a_program_may_end_in_the_middle_of_an_epoch():
    program = """
        import numpy as np
        from cutedl import gathering
        from cutedl.dataset import Dataset
        gathering._AHEAD = 1
        dataset = Dataset(np.zeros((4000, 784), "float32"), np.zeros(4000, int))
        dataset._gathering.trial.helps = True
        batches = dataset.batches(dataset.order(0, 1))
        print(len(next(batches)[0]))
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program)], capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "64\n", "")


def test_it_says_what_it_found():
    assert repr(Gathering()) == "Gathering(helps=None)"
