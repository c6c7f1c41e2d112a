"""The helper: what it returns and raises, whose settings it works under, and that no thread is left behind."""

import copy
import gc
import os
import pickle
import subprocess
import sys
import textwrap
import threading
import time
import weakref

import numpy as np
import pytest

from cutedl.helper import THREAD_VARIABLES, Helper, one_thread_asked
from tests.threads import ends

HERE = threading.get_ident()


def begun(helper, work=lambda: None):
    """A job that the helper has begun."""
    event = threading.Event()

    def announced():
        event.set()
        return work()

    job = helper.start(announced)
    assert event.wait(10)
    return job


def test_it_works_beside_the_caller_and_returns_what_the_work_returns():
    helper = Helper()
    threads = [begun(helper, threading.get_ident).result() for _ in range(3)]
    assert len(set(threads)) == 1
    assert HERE not in threads


def test_an_error_reaches_the_caller_and_the_next_job_works():
    def fails():
        raise ZeroDivisionError("of the work")

    helper = Helper()
    with pytest.raises(ZeroDivisionError, match="of the work"):
        begun(helper, fails).result()
    assert helper.start(lambda: 42).result() == 42


def test_the_caller_does_what_the_helper_has_not_begun():
    helper, free = Helper(), threading.Event()
    busy = begun(helper, lambda: free.wait(10))
    done = []
    waiting = helper.start(lambda: done.append(threading.get_ident()))
    waiting.result()
    assert done == [HERE]
    free.set()
    assert busy.result() is True
    begun(helper).result()  # after the job that was taken from it
    assert done == [HERE]


def test_it_works_under_the_callers_errstate():
    helper = Helper()
    with np.errstate(over="ignore", under="raise"):
        state = begun(helper, np.geterr).result()
    assert (state["over"], state["under"]) == ("ignore", "raise")


def test_its_thread_ends_with_it():
    helper = Helper()
    begun(helper).result()
    thread = helper._thread
    assert thread.is_alive()
    del helper
    assert ends(thread)


def test_it_keeps_nothing_alive_that_it_has_worked_on():
    class Data:
        pass

    helper, data = Helper(), Data()
    gone = weakref.ref(data)
    begun(helper, lambda data=data: None).result()
    del data
    until = time.monotonic() + 5  # the helper may still be on its way back to its wait
    while gone() is not None and time.monotonic() < until:
        gc.collect()
    assert gone() is None


@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy, lambda helper: pickle.loads(pickle.dumps(helper))])
def test_a_copy_has_a_thread_of_its_own(copied):
    helper = Helper()
    thread = begun(helper, threading.get_ident).result()
    assert begun(copied(helper), threading.get_ident).result() not in (thread, HERE)


@pytest.mark.parametrize("name", THREAD_VARIABLES)
def test_whether_one_thread_was_asked_for(name, several_threads, monkeypatch):
    assert not one_thread_asked()
    monkeypatch.setenv(name, "2")
    assert not one_thread_asked()
    monkeypatch.setenv(name, "1")
    assert one_thread_asked()


def program(text):
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(text)], capture_output=True, text=True, timeout=60, check=False
    )
    return done.returncode, done.stdout, done.stderr


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_the_child_of_a_fork_has_a_thread_of_its_own():
    text = """
        import os, threading, warnings
        from cutedl.helper import Helper
        warnings.simplefilter("ignore", DeprecationWarning)  # of forking with threads, which is what is tried
        helper = Helper()
        first = helper.start(os.getpid).result()
        child = os.fork()
        if child == 0:
            done = threading.Event()
            helper.start(done.set)  # whose result nobody here asks for: only a thread of the child can do it
            os._exit(0 if done.wait(10) else 1)
        print(os.waitpid(child, 0)[1], helper.start(os.getpid).result() == first)
    """
    assert program(text) == (0, "0 True\n", "")


def test_a_program_may_end_while_it_works():
    text = """
        import time
        from cutedl.helper import Helper
        helper = Helper()
        job = helper.start(lambda: time.sleep(60))
        print("end")
    """
    assert program(text) == (0, "end\n", "")
