"""Files: the formats, the same bytes each time, and what happens when nothing can be written."""

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import matplotlib
import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import Image

from cutedl.errors import ArgumentError, ReportWarning
from cutedl.report import compare_reports, fit_report
from tests.report.histories import INFO, eventful, five_epochs


@pytest.mark.parametrize(
    ("suffix", "magic"), [("png", b"\x89PNG"), ("svg", b"<?xml"), ("pdf", b"%PDF"), ("PNG", b"\x89PNG")]
)
def test_suffix_picks_the_format_and_missing_folders_are_made(tmp_path, suffix, magic):
    path = tmp_path / "neu" / "Übersicht 训练" / f"bericht-ß.{suffix}"
    figure = fit_report(five_epochs(), path)
    assert isinstance(figure, Figure)
    assert type(figure.canvas) is FigureCanvasAgg
    assert path.read_bytes().startswith(magic)
    assert list(path.parent.iterdir()) == [path]


def test_png_is_150_dots_per_inch_wide_enough_and_not_blank(tmp_path):
    fit_report(five_epochs(), str(tmp_path / "report.png"))
    with Image.open(tmp_path / "report.png") as image:
        assert image.width == 1275
        assert 800 < image.height < 1000
        assert image.info["dpi"] == pytest.approx((150, 150), abs=0.1)
        assert np.asarray(image.convert("L")).std() > 10


@pytest.mark.parametrize("name", ["report", "report.txt", "report.jpg", ".png"])
def test_another_suffix_warns_once_and_gets_png_appended(tmp_path, name):
    message = r"written to '.*\.png'\. expected a path that ends in \.png, \.svg, \.pdf, \.html, received '.*'"
    with pytest.warns(ReportWarning, match=message) as caught:
        assert isinstance(fit_report(five_epochs(), tmp_path / "new" / name), Figure)
    assert len(caught) == 1
    assert caught[0].filename == __file__
    assert [file.name for file in (tmp_path / "new").iterdir()] == [f"{name}.png"]
    assert (tmp_path / "new" / f"{name}.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize("path", [5, b"report.png", ["report.png"]])
def test_what_is_no_path_is_an_error(path):
    with pytest.raises(ArgumentError, match=r"path cannot be used. expected a str or a Path"):
        fit_report(five_epochs(), path)


def test_no_path_writes_nothing(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert isinstance(fit_report(five_epochs()), Figure)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("suffix", ["png", "svg", "pdf"])
def test_same_history_gives_the_same_bytes_in_every_process_and_thread(tmp_path, suffix):
    paths = [tmp_path / f"{n}.{suffix}" for n in range(3)]
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda path: fit_report(five_epochs(), path), paths[:2]))
    program = f"""
from cutedl.history import History
from cutedl.report import fit_report
history = History({dict(five_epochs()) | {"val_pred": None}!r})
history.info = {INFO!r}
fit_report(history, {str(paths[2])!r})
"""
    subprocess.run([sys.executable, "-W", "error", "-c", program], check=True, env=os.environ | {"PYTHONHASHSEED": "7"})
    first, *others = (path.read_bytes() for path in paths)
    assert others == [first, first]
    assert b"Date" not in first
    assert b"atplotlib v" not in first
    assert matplotlib.rcParams["svg.hashsalt"] is None


def test_a_failure_while_drawing_leaves_the_old_file_alone(tmp_path, monkeypatch):
    path = tmp_path / "report.png"
    path.write_bytes(b"old")

    def half(self, file, **_):
        file.write(b"half a pic")
        raise OSError("no space left")

    monkeypatch.setattr(Figure, "savefig", half)
    with pytest.warns(ReportWarning, match="could not be written to .* OSError: no space") as caught:
        assert isinstance(fit_report(five_epochs(), path), Figure)
    assert len(caught) == 1
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_failure_while_writing_leaves_nothing_behind(tmp_path):
    path = tmp_path / "report.png"
    path.mkdir()
    with pytest.warns(ReportWarning, match="could not be written to .*IsADirectoryError"):
        fit_report(five_epochs(), path)
    assert list(tmp_path.iterdir()) == [path]


def test_an_old_file_is_replaced_never_overwritten(tmp_path):
    path, reader = tmp_path / "report.png", tmp_path / "opened by a reader"
    path.write_bytes(b"old")
    os.link(path, reader)
    fit_report(five_epochs(), path)
    assert path.read_bytes().startswith(b"\x89PNG")
    assert reader.read_bytes() == b"old"


def test_neither_pyplot_nor_rcparams_are_touched(tmp_path):
    program = f"""
import sys
import cutedl.report
assert "matplotlib" not in sys.modules
import matplotlib
before = matplotlib.rcParams.copy()  # dict() would look up the backend, through pyplot
for suffix in ("png", "svg", "pdf"):
    cutedl.report.fit_report({{"loss": [0.7, 0.5], "val_loss": [0.6, 0.5]}}, {str(tmp_path)!r} + "/report." + suffix)
assert "matplotlib.pyplot" not in sys.modules
assert matplotlib.rcParams.copy() == before
"""
    subprocess.run([sys.executable, "-W", "error", "-c", program], check=True)


def test_a_bug_in_drawing_costs_a_warning_and_nothing_else(tmp_path, monkeypatch):
    def wrong(*_, **__):
        raise ZeroDivisionError("a bug")

    monkeypatch.setattr(Figure, "add_axes", wrong)
    path = tmp_path / "report.png"
    for draw in (lambda: fit_report(five_epochs(), path), lambda: compare_reports([five_epochs()], "a", path)):
        with pytest.warns(ReportWarning, match=r"could not be drawn; nothing was written\. received ZeroDivisionError"):
            assert draw() is None
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "damage", [{"info": {"samples": "many"}}, {"info": None}, {"events": ["stop"]}, {"events": 5}, {"trace": "loss"}]
)
def test_a_history_whose_marginalia_are_damaged_costs_a_warning(damage):
    history = eventful(3)
    vars(history).update(damage)
    with pytest.warns(ReportWarning, match="could not be drawn"):
        assert fit_report(history) is None


def test_without_matplotlib_the_program_goes_on():
    program = """
import sys, warnings
sys.modules["matplotlib"] = None
from cutedl import fit_report
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    assert fit_report({"loss": [0.7, 0.5]}, "report.png") is None
[warning] = caught
assert "matplotlib" in str(warning.message), warning
"""
    subprocess.run([sys.executable, "-W", "error", "-c", program], check=True)
