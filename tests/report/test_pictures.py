"""The single pictures: each takes axes, returns its figure, and shows the numbers it was given."""

from types import SimpleNamespace

import matplotlib
import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from cutedl import Dataset, Model, losses, nn
from cutedl.errors import ArgumentError, NotBuiltError
from cutedl.report import (
    compare_reports,
    fit_report,
    plot_confusion_matrix,
    plot_gradients,
    plot_lr_find,
    plot_mistakes,
    plot_weights,
)
from cutedl.report.decisions import Decisions
from tests.report.histories import HISTORIES, eventful, five_epochs, overfitting
from tests.report.looking import assert_texts_are_free, luminance, words

Y_TRUE = np.array([0, 0, 1, 1, 2, 2, 2])
SCORES = np.log(
    [
        [0.9, 0.05, 0.05],
        [0.2, 0.7, 0.1],  # a mistake, 70 % sure
        [0.1, 0.8, 0.1],
        [0.05, 0.05, 0.9],  # a mistake, 90 % sure
        [0.2, 0.2, 0.6],
        [0.1, 0.1, 0.8],
        [0.6, 0.2, 0.2],  # a mistake, 60 % sure
    ]
)
IMAGES = np.arange(7 * 16, dtype=np.float32).reshape(7, 4, 4)


def assembled(inshape=(4, 4)):
    model = Model([nn.Flatten(), nn.Dense(5, activation="tanh"), nn.Dense(3)])
    model.assemble(seed=0, inshape=inshape)
    return model


def after_backward():
    model = assembled()
    y_pred = model.forward(IMAGES / 100)
    _, gradient = losses.SparseCategoricalCrossentropy().value_and_gradient(Y_TRUE, y_pred)
    model.backward(gradient)
    return model


def curve():
    rates = np.geomspace(1e-6, 1, 50)
    return SimpleNamespace(learning_rates=rates, losses=(np.log10(rates) + 3) ** 2 + 0.5, suggestion=1e-4)


PICTURES = {
    "confusion": lambda ax: plot_confusion_matrix(Y_TRUE, SCORES, ax=ax),
    "names": lambda ax: plot_confusion_matrix(Y_TRUE, SCORES, class_names=["a short one", "$b$", "c" * 40], ax=ax),
    "mistakes": lambda ax: plot_mistakes(IMAGES, Y_TRUE, SCORES, ax=ax),
    "no mistakes": lambda ax: plot_mistakes(IMAGES, SCORES.argmax(axis=1), SCORES, ax=ax),
    "weights": lambda ax: plot_weights(assembled(), ax=ax),
    "gradients": lambda ax: plot_gradients(after_backward(), ax=ax),
    "lr_find": lambda ax: plot_lr_find(curve(), ax=ax),
}
PAGES = {
    "report": lambda path: fit_report(eventful(), path, predictions=((IMAGES, Y_TRUE), SCORES)),
    "compare": lambda path: compare_reports([five_epochs(), overfitting()], ["five", "thirty"], path),
}


@pytest.mark.parametrize("draw", PICTURES.values(), ids=PICTURES)
def test_a_picture_has_a_figure_of_its_own_with_texts_that_can_be_read(draw):
    figure = draw(None)
    assert type(figure.canvas) is FigureCanvasAgg
    assert_texts_are_free(figure)


@pytest.mark.parametrize("draw", PICTURES.values(), ids=PICTURES)
def test_a_picture_goes_into_given_axes(draw):
    figure = Figure(figsize=(9, 5))
    left, right = figure.subplots(1, 2)
    assert draw(right) is figure
    assert right.has_data() or right.texts
    assert not left.has_data()
    figure.canvas.draw()


@pytest.mark.parametrize("draw", PICTURES.values(), ids=PICTURES)
def test_a_picture_is_the_same_each_time_whatever_the_style_of_the_user(draw, tmp_path):
    from matplotlib import style

    def drawn():
        path = tmp_path / "picture.png"
        draw(None).savefig(path, facecolor="white", dpi=150)
        return path.read_bytes()

    plain = drawn()
    with matplotlib.rc_context():
        style.use("dark_background")
        matplotlib.rcParams["image.interpolation"] = "bilinear"
        assert drawn() == plain
        assert draw(None).get_facecolor() == (1, 1, 1, 1)


@pytest.mark.parametrize("suffix", ["png", "svg", "pdf"])
@pytest.mark.parametrize("draw", PAGES.values(), ids=PAGES)
def test_a_page_is_the_same_each_time_in_every_format(draw, suffix, tmp_path):
    paths = [tmp_path / f"{n}.{suffix}" for n in range(2)]
    for path in paths:
        draw(path)
    assert paths[0].read_bytes() == paths[1].read_bytes()


@pytest.mark.parametrize("draw", PAGES.values(), ids=PAGES)
def test_the_texts_of_a_page_can_be_read(draw):
    assert_texts_are_free(draw(None))


SHAPES = [(4, 4), (32, 8), (8, 32), (100, 2)]


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("count", [1, 2, 4, 16])
def test_mistakes_of_any_shape_and_number_can_be_told_apart(shape, count):
    truth = np.arange(16) % 3
    x, decided = np.random.default_rng(0).random((16, *shape)), (truth + 1) % 3
    assert_texts_are_free(plot_mistakes(x, truth, decided, count=count))


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_mistakes_of_any_shape_can_be_told_apart_in_a_report(shape):
    truth = np.arange(16) % 3 + 1000  # the numbers of two such classes are wider than a picture
    predictions = (np.random.default_rng(0).random((16, *shape)), truth), (truth + 1)
    assert_texts_are_free(fit_report(five_epochs(), predictions=predictions))


@pytest.mark.parametrize("ratios", [(3.0,), (3.0, 4.0), (1e-20, 1.5e-5, 0.0, np.nan), (1e-7, 1.1e8)])
def test_gradients_of_any_size_have_numbers_and_an_axis(ratios):
    model = Model([nn.Dense(4, inshape=4, use_bias=False) for _ in ratios])
    model.assemble(seed=0)
    for parameter, ratio in zip(model.parameters.values(), ratios, strict=True):
        parameter.gradient[...] = ratio * parameter.value
    figure = plot_gradients(model)
    assert_texts_are_free(figure)
    low, high = figure.axes[0].get_xlim()
    assert any(low <= tick <= high for tick in figure.axes[0].get_xticks())


def test_a_picture_of_weights_is_no_higher_than_a_page_can_hold():
    model = Model([nn.Flatten(inshape=(784, 1)), nn.Dense(64)])
    model.assemble(seed=0)
    figure = plot_weights(model)
    assert figure.get_figheight() < 40
    assert_texts_are_free(figure)


# ---- what they show


def test_the_confusion_matrix_counts():
    figure = plot_confusion_matrix(Y_TRUE, SCORES)
    texts = {text.get_position(): text.get_text() for text in figure.axes[0].texts}
    assert texts == {(0, 0): "1", (1, 0): "1", (1, 1): "1", (2, 1): "1", (2, 2): "2", (0, 2): "1"}
    [image] = figure.axes[0].images
    np.testing.assert_allclose(image.get_array() ** 2, [[1 / 2, 1 / 2, 0], [0, 1 / 2, 1 / 2], [1 / 3, 0, 2 / 3]])


def test_counts_stand_out_from_their_cells_in_grey():
    y = np.repeat(np.arange(4), 100)
    figure = plot_confusion_matrix(y, np.where(np.arange(400) % 100 < [[30]] * 1, 0, y).ravel())
    [image] = figure.axes[0].images
    for text in figure.axes[0].texts:
        column, row = text.get_position()
        cell = image.cmap(image.norm(image.get_array()[row, column]))[:3]
        assert abs(luminance(cell) - luminance(text.get_color())) > 0.4


def test_too_many_classes_are_colours_only():
    y = np.arange(300)
    axes = plot_confusion_matrix(y, y).axes[0]
    assert not axes.texts
    assert len(axes.get_xticks()) == 20


def test_mistakes_are_the_most_confident_first():
    figure = plot_mistakes(IMAGES, Y_TRUE, SCORES, count=2)
    axes = figure.axes[0]
    assert [text.get_text() for text in axes.texts] == ["2 not 1", "1 not 0"]
    np.testing.assert_array_equal([image.get_array() for image in axes.images], IMAGES[[3, 1]])
    assert [image.get_clim() for image in axes.images] == [(x.min(), x.max()) for x in IMAGES[[3, 1]]]
    assert "Most confident mistakes: 90.0 % to 70.0 % sure" in words(figure)


def test_images_may_be_flat_or_in_colour():
    for x in (IMAGES.reshape(7, 16), IMAGES[..., None], np.stack([IMAGES] * 3, axis=-1)):
        assert len(plot_mistakes(x, Y_TRUE, SCORES).axes[0].images) == 3


@pytest.mark.parametrize(
    ("y_pred", "decided", "confidence"),
    [
        ([0.9, 0.2], [1, 0], [0.9, 0.8]),
        ([[0.9], [0.2]], [1, 0], [0.9, 0.8]),
        ([np.log(9.0), -np.log(4.0)], [1, 0], [0.9, 0.8]),
        ([1, 0], [1, 0], [1.0, 1.0]),
        ([[0.1, 0.9], [0.8, 0.2]], [1, 0], [0.9, 0.8]),
        (np.log([[0.1, 0.9], [0.8, 0.2]]), [1, 0], [0.9, 0.8]),
        ([[np.nan, np.nan], [np.inf, 0]], [0, 0], [0.5, 1.0]),
        ([[np.inf, np.inf], [-np.inf, np.inf]], [0, 1], [0.5, 1.0]),
        ([np.inf, -np.inf], [1, 0], [1.0, 1.0]),
    ],
)
def test_scores_of_every_kind_become_decisions(y_pred, decided, confidence):
    decisions = Decisions.between([1, 0], y_pred)
    np.testing.assert_array_equal(decisions.decided, decided)
    np.testing.assert_allclose(decisions.confidence, confidence)
    assert decisions.classes == 2


def test_labels_may_be_one_hot():
    np.testing.assert_array_equal(Decisions.between(np.eye(3)[Y_TRUE], SCORES).truth, Y_TRUE)


def test_weights_are_the_columns_of_the_first_kernel():
    model = assembled()
    axes = plot_weights(model).axes[0]
    kernel = next(iter(model.parameters.values())).value
    np.testing.assert_array_equal([image.get_array() for image in axes.images], kernel.T.reshape(5, 4, 4))
    assert {image.get_clim() for image in axes.images} == {(-np.abs(kernel).max(), np.abs(kernel).max())}


def test_gradients_are_ratios_of_norms():
    model = after_backward()
    axes = plot_gradients(model).axes[0]
    kernels = [p for p in model.parameters.values() if len(p.shape) == 2]  # biases are 0 at the start
    expected = [np.linalg.norm(p.gradient) / np.linalg.norm(p.value) for p in kernels]
    np.testing.assert_allclose(axes.lines[0].get_xdata(), expected, rtol=1e-6)
    assert [label.get_text() for label in axes.get_yticklabels()] == list(model.parameters)
    assert [text.get_text().strip() for text in axes.texts].count("all values are 0") == 2


def test_the_suggested_rate_is_ringed_on_the_curve():
    figure = plot_lr_find(SimpleNamespace(learning_rates=[1e-4, 1e-2], losses=[2.0, 1.0], suggestion=1e-3))
    ring = next(line for line in figure.axes[0].lines if line.get_label() == "_suggestion")
    assert (ring.get_xdata()[0], ring.get_ydata()[0]) == (1e-3, pytest.approx(1.5))
    assert "Suggested learning rate: 0.001" in words(figure)


def test_where_the_loss_fell_nowhere_no_rate_is_suggested():
    figure = plot_lr_find(SimpleNamespace(learning_rates=[1e-4, 1e-2], losses=[1.0, 2.0], suggestion=np.nan))
    assert len(figure.axes[0].lines) == 1
    assert "No learning rate to suggest: the loss fell nowhere" in words(figure)
    assert_texts_are_free(figure)


@pytest.mark.parametrize("make", [five_epochs, HISTORIES["no validation"]])
def test_the_labels_of_six_runs_stay_on_the_page_whatever_they_are(make):
    labels = ["_old", "W" * 40, "a label that is much too long for a legend", "训练", "$x$", ""]
    figure = compare_reports([make()] * 6, labels)
    assert_texts_are_free(figure)
    shown = [text.get_text() for text in figure.axes[0].get_legend().get_texts()]
    assert len(shown) == 6
    assert shown[0].split()[0] == "_old"


def test_a_comparison_has_a_curve_and_a_row_for_each_run():
    histories = [five_epochs(), overfitting(), HISTORIES["no validation"]()]
    figure = compare_reports(histories, ["one", "$two$", "three"])
    loss, accuracy = figure.axes
    assert [line.get_label() for line in loss.lines if line.get_label() != "_training"] == [
        "one",
        "$two$",
        "three (training)",
    ]
    assert len([line for line in accuracy.lines if line.get_label() != "_training"]) == 3
    assert {"3 of 5", "11 of 30", "3 of 3", "0.1057", "96.89 %"} <= set(words(figure))


def test_six_runs_differ_in_grey():
    loss = compare_reports([five_epochs()] * 6, "abcdef").axes[0]
    lines = [line for line in loss.lines if line.get_label() != "_training"]
    assert len({(line.get_linestyle(), line._unscaled_dash_pattern) for line in lines}) == 6
    assert len({line.get_marker() for line in lines}) == 6


def test_predictions_of_what_is_no_image_are_told_in_words():
    figure = fit_report(five_epochs(), predictions=(Dataset(IMAGES[:, 0, :3], Y_TRUE), SCORES))
    assert "row 3: 2 not 1, 90.0 % sure" in words(figure)
    assert "Predictions: 57.14 % of 7 right" in words(figure)
    assert_texts_are_free(figure)


# ---- what they refuse


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: plot_confusion_matrix([0.5, 1.5], [0, 1]), "y_true holds no classes.*regression"),
        (lambda: plot_confusion_matrix([0, -1], [0, 1]), "y_true holds no classes"),
        (lambda: plot_confusion_matrix([0, 1], [0, 1, 1]), "2 labels and y_pred of shape"),
        (lambda: plot_confusion_matrix([], []), "at least one"),
        (lambda: plot_confusion_matrix([0, 1], np.zeros((2, 3, 4))), "y_pred holds no classes"),
        (lambda: plot_confusion_matrix([0, 1], [0, 1], class_names=["a"]), "class_names does not fit.*2 names"),
        (lambda: plot_mistakes(np.zeros((2, 5)), [0, 1], [1, 0]), r"as images.*received shape \(2, 5\)"),
        (lambda: plot_mistakes(np.zeros((3, 4)), [0, 1], [1, 0]), "samples and labels differ"),
        (lambda: plot_mistakes(np.zeros((2, 4)), [0, 1], [1, 0], count=0), "count cannot be used"),
        (lambda: plot_weights(assembled((2, 5))), None),
        (lambda: plot_weights(assembled((5,))), r"as images.*samples of shape \(5,\)"),
        (lambda: plot_gradients(assembled()), "no gradients to show.*backward"),
        (lambda: compare_reports([], []), "1 to 6 histories"),
        (lambda: compare_reports([five_epochs()], ["a", "b"]), "1 histories and 2 labels"),
        (lambda: compare_reports([{}], ["a"]), "nothing recorded yet"),
        (lambda: fit_report(five_epochs(), predictions=(([[1.0]], [0.5]), [0.5])), "y_true holds no classes"),
        (lambda: fit_report(five_epochs(), predictions=5), "predictions cannot be used"),
        (lambda: fit_report(five_epochs(), predictions=(5, SCORES)), "predictions cannot be used"),
    ],
)
def test_what_cannot_be_shown_is_said(call, message):
    if message is None:
        assert isinstance(call(), Figure)
        return
    with pytest.raises(ArgumentError, match=message):
        call()


def test_before_assemble_there_is_nothing_to_see():
    for plot in (plot_weights, plot_gradients):
        with pytest.raises(NotBuiltError):
            plot(Model([nn.Dense(3, inshape=4)]))
