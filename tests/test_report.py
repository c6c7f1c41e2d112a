import math
import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from itertools import combinations

import matplotlib
import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.text import Text
from PIL import Image

from cutedl.errors import ArgumentError
from cutedl.history import History
from cutedl.report import fit_report

NAN = math.nan
INFO = {
    "data": "MNIST",
    "samples": 60_000,
    "batch_size": 64,
    "model": "784-128-10",
    "parameters": 101_770,
    "loss": "CategoricalCrossentropy",
    "optimizer": "Adam(learning_rate=0.001)",
    "seed": 1_234_567,
}
SYNTHETIC = "SYNTHETIC digits (rendered from fonts; not MNIST)"


def history_of(columns, **info):
    epochs = len(columns["loss"])
    history = History({name: [float(value) for value in column] for name, column in columns.items()})
    history |= {"steps": [938 * (n + 1) for n in range(epochs)], "seconds": [1.5] * epochs, "cost_time": 1.6 * epochs}
    history["val_pred"] = np.zeros((7, 10))
    history.info = INFO | info
    return history


def five_epochs(**info):
    columns = {
        "loss": [0.3412, 0.1582, 0.1097, 0.0831, 0.0652],
        "accuracy": [0.9034, 0.9541, 0.9682, 0.9757, 0.9808],
        "val_loss": [0.1883, 0.1312, 0.1057, 0.1142, 0.1268],
        "val_accuracy": [0.9457, 0.9612, 0.9689, 0.9717, 0.9741],
    }
    return history_of(columns, **info)


def overfitting(epochs=30, rare=1):
    x = np.arange(1, epochs + 1)
    columns = {
        "loss": 1.8 * np.exp(-x / 3) + 0.005,
        "val_loss": np.where(x % rare, NAN, 1.5 * np.exp(-x / 2.5) + 0.08 + 0.009 * np.maximum(x - 6, 0)),
        "val_accuracy": np.where(x % rare, NAN, 0.97 - 0.3 * np.exp(-x / 2.5)),
    }
    return history_of(columns)


def long_run():
    noise = np.random.default_rng(0).random(10_000)
    x = np.arange(1, 10_001)
    return history_of({"loss": (1 + noise) / x, "val_loss": 0.02 + (1 + noise) / x**0.5, "val_accuracy": 1 - 0.5 / x})


def many_metrics():
    history = overfitting()
    for name in ("f1", "top_5_categorical_accuracy", "auc", "area_under_the_precision_recall_curve"):
        history[name] = [0.5 + 0.01 * n for n in range(30)]
        history[f"val_{name}"] = [0.4 + 0.01 * n for n in range(30)]
    history["mae"] = [3.0 - 0.1 * n for n in range(30)]
    history.info |= {"data": "路径/$x^2$_" * 30, "note": "W" * 200, "folder": "a_name_without_any_space" * 4}
    return history


HISTORIES = {
    "five epochs": five_epochs,
    "overfitting": overfitting,
    "synthetic": lambda: five_epochs(data=SYNTHETIC),
    "one epoch": lambda: history_of({"loss": [0.3], "val_loss": [0.2], "accuracy": [0.9], "val_accuracy": [0.95]}),
    "no validation": lambda: history_of({"loss": [0.7, 0.5, 0.4], "accuracy": [0.5, 0.6, 0.7]}),
    "rare validation": lambda: overfitting(rare=5),
    "10,000 epochs": long_run,
    "many metrics": many_metrics,
    "negative": lambda: history_of({"loss": [5.0, 0.0, -3e6], "val_loss": [1e-9, 1.0, 2.0]}),
    "huge": lambda: history_of({"loss": [1e300, 1.5e99, 1e30], "val_loss": [1e38, math.inf, 1e-30]}),
    "not finite": lambda: history_of({"loss": [NAN] * 3, "val_loss": [math.inf] * 3, "accuracy": [1.0] * 3}),
    "constant": lambda: history_of({"loss": [0.0] * 4, "val_loss": [0.0] * 4, "val_accuracy": [1.0] * 4}),
    "plain dict": lambda: {"loss": [0.7, 0.5]},
}


def curves(ax):
    return {line.get_label(): line for line in ax.lines if not line.get_label().startswith("_")}


def words(figure):
    return [text.get_text() for text in figure.findobj(Text) if text.get_text()]


def side_column(figure):
    """The texts beside the panels, line by line from the top."""
    lines = {}
    for text in figure.texts:
        if text.get_text() and text.get_position()[0] > 0.6:
            lines.setdefault(round(text.get_position()[1], 6), []).append((text.get_position()[0], text.get_text()))
    return [tuple(word for _, word in sorted(lines[y])) for y in sorted(lines, reverse=True)]


def drawn_texts(figure):
    """All texts that show: axes keep tick labels beyond their ends, undrawn."""
    hidden = set()
    for ax in figure.axes:
        for axis, place in ((ax.xaxis, 0), (ax.yaxis, 1)):
            low, high = axis.get_view_interval()
            labels = axis.get_ticklabels(which="both")
            hidden |= {label for label in labels if not low <= label.get_position()[place] <= high}
            hidden.add(axis.get_offset_text())
    texts = figure.findobj(Text)
    return [text for text in texts if text.get_text().strip() and text.get_visible() and text not in hidden]


def luminance(colour):
    return float(np.dot(to_rgb(colour), (0.299, 0.587, 0.114)))


# ---- files


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
def test_other_suffixes_are_refused_before_anything_is_made(tmp_path, name):
    with pytest.raises(ArgumentError, match=r"ends in \.png, \.svg, \.pdf, received .*report|png'"):
        fit_report(five_epochs(), tmp_path / "new" / name)
    assert not list(tmp_path.iterdir())


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
    with pytest.raises(OSError, match="no space"):
        fit_report(five_epochs(), path)
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_failure_while_writing_leaves_nothing_behind(tmp_path):
    path = tmp_path / "report.png"
    path.mkdir()
    with pytest.raises(OSError, match="report"):
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


# ---- what is drawn


def test_training_stands_at_mid_epoch_and_validation_at_its_end():
    history = five_epochs()
    loss, metrics = fit_report(history).axes
    assert set(curves(loss)) == {"training loss", "validation loss"}
    assert set(curves(metrics)) == {"training accuracy", "validation accuracy"}
    for ax, name in ((loss, "loss"), (metrics, "accuracy")):
        np.testing.assert_array_equal(curves(ax)[f"training {name}"].get_xdata(), [0.5, 1.5, 2.5, 3.5, 4.5])
        np.testing.assert_array_equal(curves(ax)[f"validation {name}"].get_xdata(), [1, 2, 3, 4, 5])
        np.testing.assert_array_equal(curves(ax)[f"training {name}"].get_ydata(), history[name])
        np.testing.assert_array_equal(curves(ax)[f"validation {name}"].get_ydata(), history[f"val_{name}"])


def best_marks(ax):
    """Position of the hairline, and of the ring."""
    others = [line for line in ax.lines if line not in curves(ax).values()]
    rule = next(line for line in others if len(line.get_xdata()) == 2)
    ring = next(line for line in others if line.get_marker() == "o")
    assert rule.get_xdata()[0] == rule.get_xdata()[1]
    return rule.get_xdata()[0], (ring.get_xdata()[0], ring.get_ydata()[0])


def test_the_best_epoch_is_ruled_ringed_and_named_in_both_panels():
    figure = fit_report(five_epochs())
    loss, metrics = figure.axes
    assert best_marks(loss) == (3, (3, 0.1057))
    assert best_marks(metrics) == (3, (3, 0.9689))
    assert "lowest validation loss: 0.1057, epoch 3" in words(loss)
    assert "validation accuracy: 96.89 %, epoch 3" in words(metrics)


def test_without_val_loss_the_highest_val_accuracy_is_the_best():
    figure = fit_report({"loss": [0.7, 0.5, 0.4], "val_accuracy": [0.8, 0.9, 0.85]})
    assert best_marks(figure.axes[1]) == (2, (2, 0.9))
    assert "highest validation accuracy: 90.00 %, epoch 2" in words(figure.axes[1])


def test_without_validation_no_epoch_is_best():
    figure = fit_report(HISTORIES["no validation"]())
    assert [len(ax.lines) for ax in figure.axes] == [1, 1]
    assert not [word for word in words(figure) if "est" in word and "epoch" in word]


@pytest.mark.parametrize(
    ("loss", "scale"),
    [
        ([2.0, 0.019], "log"),
        ([2.0, 0.021], "linear"),
        ([2.0, 0.0], "linear"),
        ([2.0, -1e-3], "linear"),
        ([NAN, NAN], "linear"),
    ],
)
def test_the_loss_axis_is_logarithmic_above_a_range_of_100(loss, scale):
    assert fit_report({"loss": loss}).axes[0].get_yscale() == scale


def test_gaps_stay_gaps_and_lone_points_are_marked():
    values = [0.5, NAN, 0.4, 0.3, NAN, math.inf, 0.2] + [0.1] * 93
    line = curves(fit_report({"loss": [1.0] * 100, "val_loss": values}).axes[0])["validation loss"]
    np.testing.assert_array_equal(np.isfinite(line.get_ydata()), np.isfinite(values))
    assert 0 in line.get_markevery()
    assert len(line.get_markevery()) < 20


def test_a_single_epoch_is_points():
    for line in curves(fit_report(HISTORIES["one epoch"]()).axes[0]).values():
        assert line.get_markevery() == [0]
        assert line.get_marker() not in ("", "None", None)


def test_rare_validation_stands_where_it_was_measured():
    history = History(loss=[1.0, 0.9, 0.8, 0.7, 0.6, 0.5, 0.4], val_loss=[NAN, NAN, 0.9, NAN, NAN, 0.6])
    history["val_accuracy"] = [0.5, 0.75]  # a val_end callback that appends
    loss, metrics = fit_report(history).axes
    np.testing.assert_array_equal(curves(loss)["validation loss"].get_ydata(), [*history["val_loss"], NAN])
    np.testing.assert_array_equal(
        curves(metrics)["validation accuracy"].get_ydata(), [NAN, NAN, 0.5, NAN, NAN, 0.75, NAN]
    )
    assert best_marks(metrics) == (6, (6, 0.75))


def test_lists_that_are_no_column_are_left_out():
    history = five_epochs()
    expected = words(fit_report(history))
    history |= {
        "short": [0.1, 0.2],
        "long": [0.5] * 9,
        "notes": ["a"] * 5,
        "val_notes": ["b"] * 5,
        "ragged": [[1], [1, 2], 3, 4, 5],
    }
    history |= {
        "none": [None] * 5,
        "empty": [],
        "val_empty": [],
        "complex": [1j] * 5,
        "scalar": 3.0,
        "grid": np.ones((5, 2)),
    }
    assert words(fit_report(history)) == expected


def test_arrays_and_numpy_scalars_are_numbers_too():
    figure = fit_report({"loss": np.array([0.7, 0.5], np.float32), "val_accuracy": [np.float32(0.5), np.int64(1)]})
    np.testing.assert_array_equal(curves(figure.axes[1])["validation accuracy"].get_ydata(), [0.5, 1.0])


def test_metrics_beyond_zero_and_one_stand_in_the_table_only():
    figure = fit_report({"loss": [0.7, 0.5], "mae": [3.0, 2.5], "val_r2": [-0.5, 0.5]})
    assert len(figure.axes) == 1
    assert ("mae", "2.5000", "–") in side_column(figure)
    assert ("r2", "–", "0.5000") in side_column(figure)


def test_ten_thousand_epochs_carry_few_markers():
    for line in curves(fit_report(long_run()).axes[0]).values():
        assert len(line.get_markevery()) < 20
        assert len(line.get_xdata()) == 10_000


def test_epoch_ticks_are_whole_numbers():
    for make in (HISTORIES["one epoch"], five_epochs, overfitting, long_run):
        ax = fit_report(make()).axes[-1]
        assert all(tick == round(tick) for tick in ax.get_xticks())
        assert ax.get_xlabel() == "epoch"


# ---- what is said


def test_the_side_column_gives_the_numbers_and_where_they_come_from():
    from cutedl import __version__

    lines = side_column(fit_report(five_epochs()))
    best, final = lines.index(("Best epoch: 3",)), lines.index(("Final epoch: 5",))
    assert lines[best + 1 : best + 4] == [
        ("training", "validation"),
        ("loss", "0.1097", "0.1057"),
        ("accuracy", "96.82 %", "96.89 %"),
    ]
    assert lines[final + 2 : final + 4] == [("loss", "0.0652", "0.1268"), ("accuracy", "98.08 %", "97.41 %")]
    assert lines[lines.index(("Run",)) + 1 :] == [
        ("epochs", "5"),
        ("steps", "4,690"),
        ("wall time", "8.0 s"),
        ("samples/s", "40,000"),
        ("seed", "1234567"),
        ("Source",),
        ("data", "MNIST"),
        ("samples", "60,000"),
        ("batch size", "64"),
        ("model", "784-128-10"),
        ("parameters", "101,770"),
        ("loss", "CategoricalCrossentropy"),
        ("optimizer", "Adam(learning_rate=0.001)"),
        ("made with", f"cutedl {__version__}, NumPy {np.__version__}"),
    ]


def test_best_and_final_are_one_table_where_they_are_one_epoch():
    lines = side_column(fit_report({"loss": [0.7, 0.5], "val_loss": [0.6, 0.5]}))
    assert [line for line in lines if "epoch:" in line[0]] == [("Best and final epoch: 2",)]


def test_the_title_names_the_data_and_synthetic_data_get_a_band():
    plain, synthetic = fit_report(five_epochs()), fit_report(five_epochs(data=SYNTHETIC))
    assert plain.get_suptitle() == "Fit report: MNIST"
    assert synthetic.get_suptitle() == f"Fit report: {SYNTHETIC}"
    assert fit_report({"loss": [1.0]}).get_suptitle() == "Fit report: data source not recorded"
    assert [artist for artist in plain.get_children() if isinstance(artist, Rectangle)] == [plain.patch]
    _, band = (artist for artist in synthetic.get_children() if isinstance(artist, Rectangle))
    assert band.get_width() == 1
    assert luminance(band.get_facecolor()[:3]) > luminance(synthetic.findobj(Text)[0].get_color()) + 0.5


@pytest.mark.parametrize(
    "history",
    [{}, History(), {"loss": []}, {"loss": "0.5"}, {"loss": ["a"]}, {"val_loss": [0.5]}, {"loss": 0.5}, None, [0.5]],
)
def test_nothing_recorded_yet_is_said(history, tmp_path):
    with pytest.raises(ArgumentError, match=r"nothing recorded yet.*hint: pass what session.fit\(...\) returned"):
        fit_report(history, tmp_path / "new" / "report.png")
    assert not list(tmp_path.iterdir())


# ---- how it looks


@pytest.mark.parametrize("make", HISTORIES.values(), ids=HISTORIES)
def test_every_text_is_legible_whole_and_free_of_others(make):
    figure = fit_report(make())
    figure.canvas.draw()
    left, bottom, right, top = figure.bbox.padded(-2).extents
    boxes = {text: text.get_window_extent() for text in drawn_texts(figure)}
    for text, box in boxes.items():
        assert text.get_fontsize() >= 9
        assert left <= box.x0 < box.x1 <= right, text
        assert bottom <= box.y0 < box.y1 <= top, text
    for (one, a), (other, b) in combinations(boxes.items(), 2):
        # Half a pixel of shared border is rounding.
        overlap = min(a.x1, b.x1) - max(a.x0, b.x0) > 0.5 and min(a.y1, b.y1) - max(a.y0, b.y0) > 0.5
        assert not overlap, (one.get_text(), other.get_text())


def test_dollars_and_glyphs_that_the_font_lacks_are_no_trouble(tmp_path):
    history = five_epochs(data=r"训练 $\frac$ for 5 US$")
    history["a_$\\frac$"] = [0.5] * 5
    figure = fit_report(history, tmp_path / "report.pdf")
    assert figure.get_suptitle() == r"Fit report: □□ $\frac$ for 5 US$"


def test_three_metrics_are_drawn_below_the_loss_without_a_hole():
    figure = fit_report(many_metrics())
    figure.canvas.draw()
    loss, metrics = figure.axes
    assert len(curves(metrics)) == 5  # accuracy has no training column here
    hole = loss.get_window_extent().y0 - metrics.get_legend().get_window_extent().y1
    assert 0 < hole / figure.dpi * 72 < 20


def test_curves_differ_in_grey():
    figure = fit_report(many_metrics())
    for ax in figure.axes:
        lines = list(curves(ax).values())
        assert len({(line.get_linestyle(), line._unscaled_dash_pattern) for line in lines}) == len(lines)
        assert len({line.get_marker() for line in lines}) == len(lines)
        names = [label.split(" ", 1)[1] for label in curves(ax) if label.startswith("training")]
        for name in names:
            training, validation = curves(ax)[f"training {name}"], curves(ax)[f"validation {name}"]
            assert abs(luminance(training.get_color()) - luminance(validation.get_color())) > 0.1
            assert training.get_markerfacecolor() != validation.get_markerfacecolor()


def test_a_dark_style_of_the_user_does_not_leak_in(tmp_path):
    fit_report(five_epochs(), tmp_path / "plain.png")
    with matplotlib.rc_context():
        from matplotlib import style

        style.use("dark_background")
        fit_report(five_epochs(), tmp_path / "dark.png")
    assert (tmp_path / "dark.png").read_bytes() == (tmp_path / "plain.png").read_bytes()


def test_a_report_is_drawn_fast(tmp_path):
    def seconds():
        started = time.perf_counter()
        fit_report(five_epochs(), tmp_path / "report.png")
        return time.perf_counter() - started

    assert min(seconds() for _ in range(3)) < 1.5
