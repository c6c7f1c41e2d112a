"""The summary: its numbers counted by hand, its text and its html."""

from html.parser import HTMLParser

import pytest

from cutedl import Model, nn
from cutedl.errors import ArgumentError
from cutedl.summary import LayerRow, Summary


def mlp():
    return Model([nn.Dense(5, inshape=4, activation="relu"), nn.Dense(3, activation="softmax")])


def test_it_counts_and_prints():
    assert str(mlp().summary()).splitlines() == [
        "layer      kind     output      parameters  bytes  FLOPs",
        "input               (batch, 4)",
        "dense_0    Dense    (batch, 5)          25    100     45",
        "relu_0     Relu     (batch, 5)           0      0      5",
        "dense_1    Dense    (batch, 3)          18     72     33",
        "softmax_0  Softmax  (batch, 3)           0      0     15",
        "total               float32             43    172     98",
    ]


def test_the_totals_are_sums_and_bytes_follow_the_dtype():
    model = mlp()
    assert model.summary().bytes == 4 * 43  # before assemble: float32, the default
    model.assemble(dtype="float64")
    summary = model.summary()
    assert (summary.parameters, summary.bytes, summary.flops) == (4 * 5 + 5 + 5 * 3 + 3, 8 * 43, 45 + 5 + 33 + 15)
    assert summary.dtype == "float64"
    assert "float64" in str(summary).splitlines()[-1]


# Samples of shape (2, 4): eight numbers, two rows.
COUNTED = {
    "dense": (nn.Dense(3), 2 * (2 * 4 * 3 + 3)),
    "dense_without_bias": (nn.Dense(3, use_bias=False), 2 * 2 * 4 * 3),
    "relu": (nn.Relu(), 8),
    "gelu": (nn.Gelu(), 8),
    "linear": (nn.Linear(), 0),
    "softmax": (nn.Softmax(), 5 * 8),
    "log_softmax": (nn.LogSoftmax(), 5 * 8),
    "flatten": (nn.Flatten(), 0),
    "reshape": (nn.Reshape((4, 2)), 0),
    "dropout": (nn.Dropout(0.5), 0),
    "noise": (nn.GaussianNoise(0.1), 0),
    "layer_normalization": (nn.LayerNormalization(), 7 * 8),
    "batch_normalization": (nn.BatchNormalization(), 3 * 8),
    "embedding": (nn.Embedding(9, 3), 0),
    "sequential": (nn.Sequential([nn.Dense(3), nn.Tanh()]), 54 + 6),
    "residual": (nn.Residual([nn.Dense(4), nn.Tanh()]), 2 * (2 * 4 * 4 + 4) + 8 + 8),
    "shortcut": (nn.Residual([nn.Dense(3)], shortcut=nn.Dense(3, use_bias=False)), 54 + 48 + 6),
}


@pytest.mark.parametrize(("layer", "flops"), COUNTED.values(), ids=COUNTED)
def test_operations_counted_by_hand(layer, flops):
    model = Model([layer])
    model.assemble(inshape=(2, 4))
    assert model.summary().flops == flops


def test_the_parameters_of_a_table_count():
    model = Model([nn.Embedding(9, 3, inshape=2)])
    assert model.summary().parameters == 27


def test_a_layer_that_is_not_run_has_no_operations_of_its_own():
    with pytest.raises(ArgumentError, match=r"is not run itself. hint: run the layers that its expand\(\) returns"):
        nn.Activation("relu").flops((4,), (4,))


class Table(HTMLParser):
    """The cells of a page's rows, and every tag and attribute it has."""

    def __init__(self, page):
        super().__init__()
        self.rows, self.tags, self.attributes, self.open = [], set(), set(), []
        self.feed(page)
        self.close()
        assert not self.open

    def handle_starttag(self, tag, attributes):
        self.open.append(tag)
        self.tags.add(tag)
        self.attributes |= set(attributes)
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th"):
            self.rows[-1].append("")

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open[-1] in ("td", "th"):
            self.rows[-1][-1] += data


def test_the_notebook_shows_the_same_table():
    summary = mlp().summary()
    table = Table(summary._repr_html_())
    text = [line.split() for line in str(summary).splitlines()]
    assert [" ".join(row).split() for row in table.rows] == text
    assert table.tags == {"table", "thead", "tbody", "tr", "th", "td"}


def test_the_notebook_table_is_readable_in_any_theme_and_runs_nothing():
    row = LayerRow("<script>alert(1)</script>", 'a"b&c', (2,), 1, 1)
    page = Summary((row,), (2,), "float32", 4)._repr_html_()
    table = Table(page)
    assert table.rows[2][:2] == [row.name, row.kind]
    assert {value for _, value in table.attributes} == {"text-align: left", "text-align: right"}  # so no colour
    assert "<script" not in page
