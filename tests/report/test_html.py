"""The html report: what stands in it, and what a reader sees of it in a real browser."""

import json
import math
import re
from base64 import b64encode
from hashlib import sha256
from html.parser import HTMLParser

import numpy as np
import pytest

from cutedl.history import History
from cutedl.report import fit_report
from cutedl.report.chart import RIGHT
from cutedl.report.look import STYLES
from tests.report import browser as browsers

HOSTILE = '<script>alert(1)</script> & "digits" </script>\''


def history_of(epochs=12, validation=True, **info):
    x = np.arange(1, epochs + 1)
    history = History(epoch=x.tolist(), steps=(100 * x).tolist())
    noise = 1 + 0.02 * np.random.default_rng(0).random(epochs)
    history["loss"] = ((2.2 * np.exp(-x / 3) + 0.05) * noise).tolist()
    history["accuracy"] = (1 - 0.5 * np.exp(-x / 4)).tolist()
    history["mae"] = (3 * noise).tolist()
    if validation:
        history["val_loss"] = (2.0 * np.exp(-x / 3) + 0.1 + 0.006 * x).tolist()
        history["val_accuracy"] = (0.97 - 0.4 * np.exp(-x / 4)).tolist()
        history["val_mae"] = (3.3 * noise).tolist()
    history["learning_rate"] = (0.1 * 0.5 ** (x // 4)).tolist()
    history["gradient_norm"] = (noise / x).tolist()
    history["seconds"] = [0.5] * epochs
    history.info = {"data": "mnist", "model": "Dense(10)", "seed": 3, **info}
    return history


def six_curves():
    history = history_of()
    history.update({"f1": [0.5] * 12, "val_f1": [0.4] * 12, "auc": [0.6] * 12, "val_auc": [0.7] * 12})
    return history


def page_of(tmp_path, history, **arguments):
    fit_report(history, tmp_path / "report.html", **arguments)
    return (tmp_path / "report.html").read_text("utf-8")


def data_of(page):
    """What the script reads."""
    return json.loads(re.search(r'type="application/json">(.*?)</script>', page)[1])


class Reader(HTMLParser):
    """Every tag with its attributes, and the text of each kind of element; refuses what is not closed."""

    VOID = ("meta", "img", "input", "wbr")

    def __init__(self, page):
        super().__init__()
        self.tags, self.texts, self.open = [], {}, []
        self.feed(page)
        self.close()
        assert not self.open

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open:
            self.texts.setdefault(self.open[-1], []).append(data)

    def all(self, tag):
        return [attributes for name, attributes in self.tags if name == tag]


@pytest.fixture(scope="module")
def standard(tmp_path_factory):
    return page_of(tmp_path_factory.mktemp("standard"), history_of())


# -- the text --------------------------------------------------------------------------------------------------------


def test_the_page_is_whole_and_asks_for_nothing(standard):
    reader = Reader(standard)
    named = [value for _, attributes in reader.tags for name, value in attributes.items() if name in ("src", "href")]
    assert [value.split(",")[0] for value in named] == ["data:image/png;base64"]
    assert not {tag for tag, _ in reader.tags} & {"link", "iframe", "object", "embed", "form", "base"}
    names = {name for _, attributes in reader.tags for name in attributes}
    assert not [name for name in names if name.startswith("on") or name == "style"]


def test_the_policy_allows_this_style_and_this_script_alone(standard):
    policy = Reader(standard).all("meta")[1]["content"]
    digests = {}
    for name in ("style", "script"):
        text = re.search(f"<{name}>(.*?)</{name}>", standard, re.DOTALL)[1]
        digests[name] = f"'sha256-{b64encode(sha256(text.encode()).digest()).decode()}'"
    assert policy == (
        f"default-src 'none'; img-src data:; style-src {digests['style']}; script-src {digests['script']}; "
        "base-uri 'none'; form-action 'none'"
    )


def test_text_is_text(tmp_path):
    history = history_of(data=HOSTILE, model=HOSTILE)
    history[HOSTILE] = [0.5] * 12
    reader = Reader(page_of(tmp_path, history))
    assert "".join(reader.texts["h1"]) == f"Fit report: {HOSTILE}"
    assert len(reader.all("script")) == 2
    assert "".join(reader.texts["td"]).count(HOSTILE) == 2  # between <wbr>, where it may be broken


def test_the_same_history_gives_the_same_bytes(tmp_path, standard):
    assert page_of(tmp_path, history_of()) == standard


def test_it_says_what_the_picture_says(tmp_path):
    history = history_of()
    history.note(4, "rate", "learning rate 0.1 -> 0.05")
    reader = Reader(page_of(tmp_path, history))
    caption = "".join(reader.texts["caption"])
    assert all(word in caption for word in ("Run", "Events", "Source"))
    assert "learning rate 0.1 -> 0.05" in reader.texts["td"]
    assert "learning rate 0.1 -> 0.05" in reader.texts["title"]
    assert reader.texts["p"] != [""]
    labels = [attributes["aria-label"] for attributes in reader.all("svg") if "aria-label" in attributes]
    assert labels[0] == "loss by epoch: training loss, validation loss"


def test_colours_and_dashes_are_those_of_the_picture(tmp_path):
    history = six_curves()
    curves = [a for a in Reader(page_of(tmp_path, history)).all("path") if a.get("class", "").startswith("curve tone")]
    seen = {(a["stroke"], a.get("stroke-dasharray") or "") for a in curves}
    assert {color for color, _ in seen} == {style["color"] for pair in STYLES for style in pair}
    assert len({dash for _, dash in seen}) == 6


def test_ten_thousand_epochs_stay_below_a_megabyte(tmp_path):
    page = page_of(tmp_path, history_of(10_000))
    assert len(page.encode()) < 1_000_000
    lengths = [path["d"].count("L") + path["d"].count("M") for path in Reader(page).all("path")]
    assert 1000 < max(lengths) <= 2000
    assert page.count('"epochs"') == 1
    assert 1000 < len(re.search(r'"epochs":\[(.*?)\]', page)[1].split(",")) <= 2000


@pytest.mark.parametrize("epochs", [1, 2, 40, 41, 500])
@pytest.mark.parametrize("validation", [True, False])
def test_any_length(tmp_path, epochs, validation):
    Reader(page_of(tmp_path, history_of(epochs, validation)))


def test_a_gap_breaks_the_line_and_a_lonely_value_has_a_marker(tmp_path):
    loss = [0.9, 0.8, math.nan, 0.6, math.nan, *np.linspace(0.5, 0.1, 45)]
    history = History(loss=loss)
    reader = Reader(page_of(tmp_path, history))
    curve = next(path for path in reader.all("path") if path.get("class") == "curve tone0" and len(path["d"]) > 50)
    assert curve["d"].count("M") == 3
    assert reader.texts["title"][1:] == ["epoch 4: training loss 0.6000"]
    assert not re.search(r"\bnan\b", page_of(tmp_path, history), re.IGNORECASE)


def test_an_accuracy_in_per_cent_is_taken_as_it_is(tmp_path):
    page = page_of(tmp_path, History(loss=[0.7, 0.5], accuracy=[80.0, 97.5]))
    assert "training accuracy <b>97.5000</b>" in page
    assert [chart["percent"] for chart in data_of(page)["charts"]] == [False, False]


@pytest.mark.parametrize("values", [[0.6931471, 0.6931469, 0.6931472], [1.0, 1.00001, 1.000004], [0.99991, 0.999987]])
@pytest.mark.parametrize("name", ["loss", "accuracy"])
def test_dots_lie_on_curves_that_hardly_move(tmp_path, name, values):
    page = page_of(tmp_path, History({"loss": [1.0] * len(values)} | {name: values}))
    chart = data_of(page)["charts"][-1]
    error = np.abs(np.array(chart["values"][0]) - values).max() / (chart["high"] - chart["low"])
    assert error < 0.01
    grid = re.findall(r'text-anchor="end">(.*?)</text>', page.rpartition("<figcaption>")[2])
    assert len(set(grid)) == len(grid) >= 2


def test_the_loss_of_each_step_lies_faintly_behind(tmp_path):
    history = history_of(3)
    for step in range(300):
        history.trace.add(2.0 / (1 + step))
    reader = Reader(page_of(tmp_path, history))
    faint = [path["d"] for path in reader.all("path") if path["class"] == "faint tone0"]
    assert [path.count("L") for path in faint] == [299]
    last = float(faint[0].rsplit("L", 1)[1].split()[0])
    assert last == pytest.approx(RIGHT, abs=1)  # the last step is the end of the last epoch


def test_no_finite_value(tmp_path):
    assert "<p>no finite value</p>" in page_of(tmp_path, History(loss=[math.nan, math.inf]))


def test_predictions_open_the_picture(tmp_path, standard):
    labels = np.arange(20) % 3
    shown = page_of(tmp_path, history_of(3), predictions=((np.zeros((20, 4, 4)), labels), np.eye(3)[labels]))
    assert "open" in Reader(shown).all("details")[0]
    assert "open" not in Reader(standard).all("details")[0]


# -- the browser -----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    executable = browsers.find()
    if executable is None:
        pytest.skip("no browser: name one in CUTEDL_BROWSER, or install '.[browser]' and run tests/report/browser.py")
    with browsers.Browser(executable, tmp_path_factory.mktemp("browser")) as started:
        yield started


@pytest.fixture
def opened(browser, standard, tmp_path):
    """Open the report of a history, the standard one where none is given."""

    def open_page(history=None, **arguments):
        path = tmp_path / "report.html"
        path.write_text(standard if history is None else page_of(tmp_path, history), "utf-8")
        return browsers.Page(browser, path, **arguments)

    return open_page


WHEN = "document.getElementById('when').textContent"
SHOWN = """Object.fromEntries([...document.querySelectorAll("figcaption span")]
    .map((span) => [span.firstChild.nextSibling.textContent.trim(), span.querySelector("b").textContent]))"""


PLOT = """(() => {
    const box = document.querySelectorAll(".chart svg:not(.key) .outline")[%d].getBoundingClientRect();
    return [box.left, box.right, (box.top + box.bottom) / 2];
})()"""
DISTANCES = """(() => {
    const circles = [...document.querySelectorAll("circle")].filter((c) => !c.hasAttribute("hidden"));
    const at = (c) => [Number(c.getAttribute("cx")), Number(c.getAttribute("cy"))];
    const dots = circles.filter((c) => c.classList.contains("dot")).map(at);
    const marks = circles.filter((c) => !c.classList.contains("dot")).map(at);
    return dots.map(([x, y]) => Math.min(...marks.map(([a, b]) => Math.hypot(a - x, b - y))));
})()"""


def point_at(page, part, chart=0):
    """Move the mouse to a place in the plot area of a chart, from 0 at its left to 1."""
    left, right, middle = page.evaluate(PLOT % chart)
    page.point(left + (right - left) * part, middle)


def expected(history, epoch):
    values = {}
    for key, column in history.items():
        if key not in ("epoch", "steps", "seconds"):
            value, name = column[epoch - 1], key.removeprefix("val_").replace("_", " ")
            role = "" if name in ("learning rate", "gradient norm") else "training "
            role = "validation " if key.startswith("val_") else role
            values[role + name] = f"{100 * value:.2f} %" if "accuracy" in name else float(f"{value:.5g}")
    return values


def shown(page):
    return {name: text if "%" in text else float(text) for name, text in page.evaluate(SHOWN).items()}


def test_it_asks_for_nothing_and_nothing_complains(opened):
    page = opened()
    assert page.evaluate("document.querySelector('.chooser').hidden") is False  # the script has run
    assert page.requests == []
    assert page.complaints == []


def test_the_policy_refuses_what_is_not_the_pages_own(opened):
    page = opened()
    page.evaluate("document.body.append(Object.assign(new Image(), {src: 'https://example.org/x.png'}))")
    page.evaluate("document.body.append(Object.assign(document.createElement('script'), {text: 'window.ran = 1'}))")
    page.evaluate("new Promise((done) => setTimeout(done, 100))")
    assert page.evaluate("window.ran === undefined")
    assert "Content Security Policy" in str(page.complaints)


@pytest.mark.parametrize(("epoch", "chart"), [(1, 0), (5, 0), (12, 0), (3, 1)])
def test_the_mouse_reads_the_values_of_all_curves(opened, epoch, chart):
    history, page = history_of(), opened()
    point_at(page, (epoch - 0.5) / 12, chart)
    assert page.evaluate(WHEN) == f"epoch {epoch}, {epoch / 2:g} s"
    assert shown(page) == expected(history, epoch)


def test_the_dots_lie_on_the_curves(opened):
    page = opened(history_of(30))
    point_at(page, 6.5 / 30)
    distances = page.evaluate(DISTANCES)
    assert len(distances) == 8
    assert max(distances) < 0.1


def test_a_logarithmic_axis_has_its_dots_in_place_too(opened):
    page = opened(History(loss=[100.0, 1.0, 0.01, 0.5]))
    page.press("ArrowLeft")
    center = page.evaluate("Number(document.querySelector('.dot').getAttribute('cy'))")
    marker = page.evaluate("Number(document.querySelectorAll('circle.filled')[2].getAttribute('cy'))")
    assert center == pytest.approx(marker, abs=0.06)
    assert shown(page) == {"training loss": 0.01}


def test_arrow_keys_move_through_the_epochs(opened):
    history, page = history_of(), opened()
    assert shown(page) == expected(history, 12)
    for key, epochs in {"ArrowLeft": (11, 10, 9), "ArrowRight": (10, 11, 12, 12)}.items():
        for epoch in epochs:
            page.press(key)
            assert shown(page) == expected(history, epoch)
    page.evaluate("document.getElementById('epoch').focus()")
    for key, epoch in (("Home", 1), ("ArrowRight", 2), ("End", 12)):
        page.press(key)
        assert shown(page) == expected(history, epoch)


def test_a_screen_reader_hears_all_values(opened):
    page = opened(history_of(3))
    spoken = page.evaluate("document.getElementById('epoch').getAttribute('aria-valuetext')")
    parts = [f"{name} {value}" for name, value in expected(history_of(3), 3).items()]
    assert spoken.startswith("epoch 3, 1.5 s: training loss ")
    assert all(part in spoken for part in parts)


def test_ten_thousand_epochs_can_be_pointed_at(opened):
    history = history_of(10_000)
    page = opened(history)
    point_at(page, 0.4)
    epoch = int(re.match(r"epoch ([\d,]+), ", page.evaluate(WHEN))[1].replace(",", ""))
    assert abs(epoch - 4000) <= 10
    assert shown(page) == expected(history, epoch)
    assert page.complaints == []


def test_without_scripts_the_last_epoch_stands_there(opened):
    page = opened(scripts=False)
    assert page.evaluate("getComputedStyle(document.querySelector('.chooser')).display") == "none"
    for name, value in expected(history_of(), 12).items():
        assert shown(page)[name] == (value if isinstance(value, str) else pytest.approx(value, rel=1e-3))


COLORS = "[getComputedStyle(document.body).color, getComputedStyle(document.body).backgroundColor]"


def brightness(color):
    return sum(map(int, re.findall(r"\d+", color)[:3])) / 765


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_light_and_dark(opened, scheme):
    page = opened(six_curves(), scheme=scheme)
    ink, paper = map(brightness, page.evaluate(COLORS))
    assert (ink > 0.9, paper < 0.1) == ((True, True) if scheme == "dark" else (False, False))
    assert abs(ink - paper) > 0.8
    curves = page.evaluate("""[...document.querySelectorAll("path.curve")].map((p) => getComputedStyle(p).stroke)""")
    assert all(abs(brightness(color) - paper) > 0.2 for color in curves)


LINES = """[...document.querySelectorAll(".numbers td, .numbers thead th")].map((cell) => {
    const text = document.createRange();
    text.selectNodeContents(cell);
    return text.getClientRects().length;
})"""


@pytest.mark.parametrize("width", [1200, 800, 390])
def test_numbers_stand_on_one_line_beside_any_name(opened, width):
    history = history_of()
    history |= {HOSTILE: [0.5] * 12, "val_" + 60 * "w": [0.5] * 12}
    page = opened(history, width=width)
    assert max(page.evaluate(LINES)) == 1
    assert page.evaluate("document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize("width", [1200, 800, 390])
def test_no_width_needs_scrolling_sideways(opened, width):
    history = history_of(data="mnist", loss="SparseCategoricalCrossentropyWithAVeryLongName(label_smoothing=0.1)")
    page = opened(history, width=width)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
