"""The page: what is drawn, what is said, how it looks."""

import math
import re
import time

import matplotlib
import numpy as np
import pytest
from matplotlib.patches import Rectangle
from matplotlib.text import Text

from cutedl.errors import ArgumentError
from cutedl.history import History
from cutedl.report import compare_reports, fit_report
from cutedl.trace import Trace
from tests.report.histories import HISTORIES, SYNTHETIC, eventful, five_epochs, long_run, many_metrics, overfitting
from tests.report.looking import assert_texts_are_free, curves, luminance, side_column, words

NAN = math.nan


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


@pytest.mark.parametrize("loss", [[0.6931471, 0.6931469], [1.0, 1.00001], [9.99999, 9.99998], [-3e4, -30000.01]])
def test_the_ticks_of_a_loss_that_hardly_moves_differ(loss):
    figure = fit_report({"loss": loss})
    figure.canvas.draw()
    low, high = figure.axes[0].get_ylim()
    assert low < min(loss) < max(loss) < high
    ticks = [label for label in figure.axes[0].get_yticklabels() if low <= label.get_position()[1] <= high]
    assert len({label.get_text() for label in ticks}) == len(ticks) > 2


def test_accuracy_is_a_share_or_what_it_is_given_as():
    columns = {"loss": [0.7, 0.5], "val_loss": [0.7, 0.5]}
    for scale, ticks in ((1, r"\d+ %"), (100, r"\d+")):
        history = columns | {"accuracy": [0.6 * scale, 0.9 * scale], "val_accuracy": [0.5 * scale, 0.8 * scale]}
        for figure in (fit_report(history), compare_reports([history], ["one"])):
            figure.canvas.draw()
            labels = [label.get_text() for label in figure.axes[1].get_yticklabels()]
            assert all(re.fullmatch(ticks, label) for label in labels)
            assert all(int(label.removesuffix(" %")) <= 100 for label in labels)


def test_the_loss_of_the_steps_lies_behind_and_leaves_the_axes_alone():
    history = eventful()
    loss = fit_report(history).axes[0]
    [steps] = [line for line in loss.lines if line.get_label() == "_steps"]
    x, y = steps.get_data()
    assert 200 < len(x) <= 400
    for epoch in (0, 5, 11):
        within = (epoch < x) & (x < epoch + 1)
        assert y[within].mean() == pytest.approx(history["loss"][epoch], rel=0.1)
    assert y.max() > loss.get_ylim()[1]  # the first steps lie above the first epoch's mean
    history.trace = Trace()
    assert fit_report(history).axes[0].get_ylim() == loss.get_ylim()


def test_events_are_ruled_in_every_panel_and_named_once():
    figure = fit_report(eventful())
    for ax in figure.axes:
        assert [line.get_xdata()[0] for line in ax.lines if line.get_label() == "_event"] == [6, 9, 12]
    named = [word for word in words(figure) if word in ("rate drop", "stopped, best restored")]
    assert sorted(named) == ["rate drop", "stopped, best restored"]  # a second drop would run into the end


def test_time_stands_above_where_it_passed():
    loss = fit_report(eventful()).axes[0]
    [axis] = loss.child_axes
    assert [label.get_text() for label in axis.get_xticklabels()] == ["5 s", "10 s", "15 s"]
    np.testing.assert_allclose(axis.get_xticks(), np.array([5, 10, 15]) / 1.5)
    assert not fit_report({"loss": [0.7, 0.5]}).axes[0].child_axes


def test_learning_rate_and_gradient_norm_have_panels_speed_only_without_them():
    history = eventful()
    assert [ax.texts[0].get_text() for ax in fit_report(history).axes[2:]] == ["learning rate", "gradient norm"]
    del history["gradient_norm"]
    assert [ax.texts[0].get_text() for ax in fit_report(history).axes[2:]] == ["learning rate", "samples per second"]


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


def test_metrics_beyond_zero_and_one_have_a_panel_of_their_own():
    figure = fit_report({"loss": [0.7, 0.5], "mae": [3.0, 2.5], "val_r2": [-0.5, 0.5], "accuracy": [0.5, 0.6]})
    assert [set(curves(ax)) for ax in figure.axes] == [
        {"training loss"},
        {"training accuracy"},
        {"training mae", "validation r2"},
    ]
    assert ("mae", "2.5000", "–") in side_column(figure)
    assert ("r2", "–", "0.5000") in side_column(figure)


def test_ten_thousand_epochs_are_few_points_and_markers_and_keep_their_extremes():
    history = long_run()
    loss = fit_report(history).axes[0]
    for line in curves(loss).values():
        assert len(line.get_markevery()) < 20
    assert all(len(line.get_xdata()) < 2000 for line in loss.lines)
    faint = [line for line in loss.lines if line.get_label() == "_epochs"]
    assert [(min(line.get_ydata()), max(line.get_ydata())) for line in faint] == [
        (min(history[key]), max(history[key])) for key in ("loss", "val_loss")
    ]


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
    assert_texts_are_free(figure)


def test_dollars_and_glyphs_that_the_font_lacks_are_no_trouble(tmp_path):
    history = five_epochs(data=r"训练 $\frac$ for 5 US$")
    history["a_$\\frac$"] = [0.5] * 5
    figure = fit_report(history, tmp_path / "report.pdf")
    assert figure.get_suptitle() == r"Fit report: □□ $\frac$ for 5 US$"


def test_three_metrics_are_drawn_below_the_loss_without_a_hole():
    figure = fit_report(many_metrics())
    figure.canvas.draw()
    loss, metrics, _ = figure.axes
    assert len(curves(metrics)) == 5  # accuracy has no training column here
    hole = loss.get_window_extent().y0 - metrics.get_legend().get_window_extent().y1
    assert 0 < hole / figure.dpi * 72 < 20


def test_curves_differ_in_grey():
    figure = fit_report(many_metrics())
    for ax in figure.axes:
        lines = list(curves(ax).values())
        assert len({(line.get_linestyle(), line._unscaled_dash_pattern) for line in lines}) == len(lines)
        assert len({line.get_marker() for line in lines}) == len(lines)
        names = {label.split(" ", 1)[1] for label in curves(ax)}
        names = [name for name in names if {f"training {name}", f"validation {name}"} <= set(curves(ax))]
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


def test_a_report_with_the_predictions_of_all_test_images_is_drawn_fast(tmp_path):
    generator = np.random.default_rng(0)
    x, y_true = generator.random((10_000, 784), np.float32), generator.integers(0, 10, 10_000)
    predictions = (x, y_true), generator.standard_normal((10_000, 10)) + 5 * np.eye(10)[y_true]

    def seconds():
        started = time.perf_counter()
        fit_report(five_epochs(), tmp_path / "report.png", predictions=predictions)
        return time.perf_counter() - started

    assert min(seconds() for _ in range(3)) < 1.5


@pytest.mark.parametrize(("names", "caption"), [
    (["cat", "dog"], "cat not dog"),
    (["Iris versicolor", "Iris virginica"], "0 not 1"),  # too wide below a picture
    (["one name for two classes"], "0 not 1"),
    (["猫", "dog"], "0 not 1"),  # the font has no such glyph
    ([" cat\n", "dog"], "cat not dog"),
])  # fmt: skip
def test_classes_are_called_by_their_names(names, caption):
    history = five_epochs()
    history.info["classes"] = names
    y_true, y_pred = [0, 1, 1], [[0.9, 0.1], [0.8, 0.2], [0.3, 0.7]]
    figure = fit_report(history, predictions=((np.random.default_rng(0).random((3, 64)), y_true), y_pred))
    matrix, mistakes = figure.axes[-2:]
    shown = [name.strip() for name in names] if len(names) == 2 and names[0].isascii() else ["0", "1"]
    assert [text.get_text() for text in matrix.get_yticklabels()] == shown
    assert [text.get_text() for text in mistakes.texts] == [caption]
    assert_texts_are_free(figure)
    figure = fit_report(history, predictions=((np.zeros((3, 2)), y_true), y_pred))
    assert f"row 1: {shown[0]} not {shown[1]}, 80.0 % sure" in [text.get_text() for text in figure.texts]
