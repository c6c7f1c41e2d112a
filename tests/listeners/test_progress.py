"""What a log, a terminal and a notebook show while training runs: through a real pipe and a real pseudo-terminal."""

import fcntl
import io
import os
import pty
import re
import struct
import subprocess
import sys
import termios
import time
from contextlib import redirect_stderr

import pytest

from cutedl.listeners import EarlyStopping, LambdaListener, Progress
from cutedl.listeners.fields import Fields
from tests.listeners.runs import Raises, data, new_session, rich_session, scripted

PROGRAM = """
from cutedl.listeners import *
from tests.listeners.runs import *
rich_session().fit(data(10_000), 3, val_data=data())
import sys
assert "IPython" not in sys.modules  # to find out whether this is a notebook
"""


def run_program(program=PROGRAM, **streams):
    environment = {**os.environ, "PYTHONPATH": ".", "COLUMNS": "100"}
    return subprocess.run([sys.executable, "-c", program], check=True, env=environment, **streams)


def in_terminal(program=PROGRAM, lines=24, columns=120):
    """Return the states that the line of a terminal had, and what was written in all."""
    leader, follower = pty.openpty()
    fcntl.ioctl(follower, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))
    run_program(program, stdout=subprocess.DEVNULL, stderr=follower)
    os.close(follower)
    written = b""
    try:
        while piece := os.read(leader, 65536):
            written += piece
    except OSError:  # the other end is closed and everything was read
        pass
    os.close(leader)
    text = written.decode()
    return [state for state in re.split(r"[\r\n]+", text) if state.strip()], text


def plain(session, *listeners, epochs=2, **options):
    with redirect_stderr(io.StringIO()) as stream:
        session.fit(data(), epochs, listeners=listeners, **{"val_data": data(16), "verbose": 2} | options)
    return stream.getvalue().splitlines()


# -- plain lines --


def test_through_a_pipe_there_is_one_plain_line_per_epoch_on_stderr():
    done = run_program(capture_output=True)
    assert done.stdout == b""
    lines = done.stderr.decode().splitlines()
    assert len(lines) == 3
    for number, line in enumerate(lines, start=1):
        number = r"-?\d[\d.e+-]*"
        assert re.fullmatch(
            rf"epoch \d/3  loss {number}  mae {number}  val_loss {number}  val_mae {number}  {number} s", line
        )
        assert len(line) <= 200
        assert line.isprintable()
    assert [line[:9] for line in lines] == ["epoch 1/3", "epoch 2/3", "epoch 3/3"]


def test_verbose_zero_is_silent_and_two_is_plain():
    assert plain(new_session(), verbose=0) == []
    assert len(plain(new_session(), verbose=2)) == 2


def test_a_program_without_a_console_trains_silently(monkeypatch, capsys):
    monkeypatch.setattr(sys, "stderr", None)  # as pythonw and many services start Python
    for verbose in ("auto", 2):
        s = new_session()
        s.fit(data(), 2, verbose=verbose)
        assert s.epoch == 2
    assert capsys.readouterr().out == ""


def test_a_second_fit_counts_its_own_epochs():
    s = new_session()
    plain(s)
    assert [line.split("  ")[0] for line in plain(s, epochs=3)] == ["epoch 1/3", "epoch 2/3", "epoch 3/3"]


def test_an_epoch_that_was_cut_short_is_the_first_of_the_next_fit():
    s = new_session()
    with pytest.raises(OSError, match="disk full"):
        plain(s, Raises("batch_end", 2))
    assert [line.split("  ")[0] for line in plain(s)] == ["epoch 1/2", "epoch 2/2"]


def test_the_last_line_says_why_training_stopped_and_what_was_restored():
    with redirect_stderr(io.StringIO()) as stream:
        scripted([5, 4, 6, 7, 8], EarlyStopping("val_error", patience=2), verbose=2)
    lines = stream.getvalue().splitlines()
    assert len(lines) == 4
    assert lines[-1].startswith("epoch 4/5  loss ")
    assert lines[-1].endswith(
        " s  stopped: val_error no better than 4 of epoch 2, 2 times in a row  best weights of epoch 2 restored"
    )
    with redirect_stderr(io.StringIO()) as stream:
        s = scripted([5, 4, 6], EarlyStopping("val_error", patience=9), verbose=2)
    assert stream.getvalue().splitlines()[-1].endswith("s  best weights of epoch 2 restored")
    assert stream.getvalue().count("restored") == 1
    assert "restored" not in "".join(plain(s))  # what an earlier fit said is not said again


def test_a_line_stays_short_and_plain_whatever_it_is_told():
    def stop(session):
        session.stop_fit("no\n\x1b[31m " + "reason " * 60)

    s = new_session()
    names = [f"a_column_with_a_long_name_{i}" for i in range(20)]
    for name in [*names, "föö\n"]:
        s.history[name] = []

    def fill(session):
        for name in [*names, "föö\n"]:
            session.history[name].append(0.123456789)

    lines = plain(s, LambdaListener(val_end=fill), LambdaListener(epoch_end=stop))
    assert len(lines) == 1
    assert len(lines[0].encode()) < 200
    assert lines[0].isprintable()
    assert re.match(r"epoch 1/2  loss \S+  .*val_loss \S+ .* s", lines[0])


def test_an_error_is_not_followed_by_a_line():
    with redirect_stderr(io.StringIO()) as stream, pytest.raises(OSError, match="disk full"):
        new_session().fit(data(), 3, listeners=[Raises("batch_end", 2)], verbose=2)
    assert len(stream.getvalue().splitlines()) == 1


def test_plain_lines_and_silence_need_no_hook_in_the_batches():
    assert set(Progress(live=False).hooks()) == {"fit_start", "epoch_end", "fit_end"}
    with redirect_stderr(io.StringIO()):
        assert "batch_end" not in Progress().hooks()
    assert "batch_end" in Progress(live=True).hooks()


# -- in a terminal --


@pytest.mark.parametrize(("lines", "columns"), [(24, 120), (24, 0), (0, 0)])  # 0: some terminals do not know
def test_in_a_terminal_there_is_one_live_line(lines, columns):
    states, text = in_terminal(PROGRAM.replace("10_000", "40_000"), lines, columns)
    assert text.count("\n") == 1
    assert "\x1b" not in text  # no colours, and nothing that moves
    assert len(states) > 2
    assert all(len(state) < (columns or 80) for state in states)
    number = r"-?\d[\d.e+-]*"
    assert re.match(rf"epoch 3/3  100%  loss {number}  mae {number}  val_loss {number}  ", states[-1])
    assert "took 00:0" in states[-1]
    if columns == 120:
        assert "val_mae" in states[-1]
        live = [state for state in states[:-1] if "samples/s" in state]
        assert len({re.search(r"loss (\S+)", state)[1] for state in live}) > 1
        assert all(re.search(r"\d\d:\d\d left, fit \d\d:\d\d", state) for state in live)


def test_when_room_gets_scarce_whole_numbers_leave_and_the_rest_stays_whole():
    program = PROGRAM.replace("10_000", "800")
    whole = in_terminal(program, columns=200)[0][-1]
    assert whole.endswith(f"  took 00:00 |{chr(0x2588) * 10}|")  # a full bar
    texts = re.split(r"  +", whole.split("|")[0].strip())
    kept = []
    for columns in (80, 60, 40, 30, 12):
        last = in_terminal(program, columns=columns)[0][-1].split("|")[0].strip()
        shown = re.split(r"  +", last)
        kept.append(len(shown))
        assert len(last) < columns
        for text in shown:
            assert any(re.sub(r"[\d.]+", "0", text) == re.sub(r"[\d.]+", "0", other) for other in texts), (text, texts)
        assert shown[0] == "epoch 3/3"
        if columns >= 30:
            assert shown[1:3] == ["100%", next(text for text in shown if text.startswith("loss "))]
    assert kept == sorted(kept, reverse=True)
    assert kept[-1] == 1


def test_the_terminals_line_says_why_training_stopped():
    program = (
        "from cutedl.listeners import *\nfrom tests.listeners.runs import *\n"
        "scripted([5, 4, 6, 7, 8], EarlyStopping('val_error', patience=2), verbose=1)"
    )
    states, text = in_terminal(program, columns=220)
    assert text.count("\n") == 1
    assert "stopped: val_error no better than 4 of epoch 2, 2 times in a row" in states[-1]
    assert "best weights of epoch 2 restored" in states[-1]
    assert re.match(r"epoch 4/5   80%  loss .*  took 00:00  stopped", states[-1])


def test_an_error_closes_the_line_before_its_own_text():
    program = """
import sys
from tests.listeners.runs import *
try:
    new_session().fit(data(), 3, listeners=[Raises("batch_end", 2)])
except OSError as error:
    print(error, file=sys.stderr)
"""
    states, text = in_terminal(program)
    assert text.endswith("|\r\ndisk full\r\n")
    assert states[-2].startswith("epoch 2/3   40%  loss ")


# -- what it costs --


class Clock:
    """As much of a session as the live line reads in a batch, so that nothing but the listener is timed."""

    def __init__(self, session):
        self.__dict__ |= {"batch": 0, "batches": 10**6, "running": session.running, "loss": session.loss}
        self.__dict__ |= {"epoch": 0, "under_way": False, "epochs": 1}
        self.__dict__ |= {"samples": 10**6, "metrics": [], "history": session.history}


def test_of_a_million_batches_few_look_at_the_clock_and_fewer_draw():
    s = new_session()
    s.fit(data(), 1, verbose=0)
    clock, progress = Clock(s), Progress(live=True)
    clock.running.batches, clock.running.count = 1, 1.0
    with redirect_stderr(io.StringIO()) as stream:
        progress.on_fit_start(clock)
        clock.epoch = 1
        progress.on_epoch_start(clock)
        hook, begun = progress.on_batch_end, time.perf_counter()
        for batch in range(1, 10**6 + 1):
            clock.batch = batch
            hook(clock)
        seconds = time.perf_counter() - begun
        clock.batch, clock.stop_reason = 0, None
        progress.on_fit_end(clock)
    assert progress._stride > 1000  # steps between two looks at the clock
    drawn = stream.getvalue().count("\r")
    assert 2 <= drawn <= 10 * seconds + 4  # it draws, and at most ten times a second


def test_a_line_that_is_slow_to_draw_is_drawn_more_rarely():
    """A metric may take long to be read: the share of the time that goes into drawing stays small."""
    s = rich_session()
    calls = []
    slow = s.metrics[0].results
    s.metrics[0].results = lambda: calls.append(time.sleep(0.01)) or slow()
    wait = LambdaListener(batch_end=lambda session: time.sleep(0.001))
    with redirect_stderr(io.StringIO()):
        s.fit(data(8 * 500), 1, listeners=[Progress(live=True), wait], verbose=0)
    assert len(calls) <= 3


# -- in a notebook --


def test_in_a_notebook_there_is_one_display():
    """In a real kernel, as a notebook runs it."""
    manager = pytest.importorskip("jupyter_client.manager", reason="jupyter_client is not installed")
    pytest.importorskip("ipykernel", reason="ipykernel is not installed")
    kernel, client = manager.start_new_kernel(env={**os.environ, "PYTHONPATH": os.getcwd()})
    messages = []
    try:
        client.execute_interactive(
            "from tests.listeners.runs import *\nrich_session().fit(data(10_000), 3, val_data=data());",
            output_hook=messages.append,
            timeout=60,
        )
    finally:
        client.stop_channels()
        kernel.shutdown_kernel(now=True)
    shown = [message for message in messages if message["msg_type"] not in ("status", "execute_input")]
    assert [message["msg_type"] for message in shown] == ["display_data"] + ["update_display_data"] * (len(shown) - 1)
    assert len({message["content"]["transient"]["display_id"] for message in shown}) == 1
    assert len(shown) > 3
    texts = [message["content"]["data"]["text/plain"] for message in shown]
    assert texts[-1].startswith("epoch 3/3  100%  loss ")


def test_fields_are_kept_by_rank_and_shown_in_order():
    fields = Fields()
    for rank, text in ((3, "dddd"), (0, "aa"), (2, "c" * 9), (1, "b\x1b")):
        fields.add(rank, text)
    assert fields.line(30) == "dddd  aa  ccccccccc  b?"
    assert fields.line(12) == "dddd  aa  b?"
    assert fields.line(6) == "aa  b?"
    assert fields.line(1) == ""
