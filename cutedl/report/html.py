"""The fit report as one html page: nothing is fetched, and the browser is told to refuse if anything were.

page.html is the template: its style and script stand in it as they are, so that their digests can be allowed by name.
"""

from __future__ import annotations

import re
from base64 import b64encode
from html import escape
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from cutedl.report.chart import LEFT, RIGHT, Chart, Curve, key
from cutedl.report.columns import Column
from cutedl.report.curves import bounded
from cutedl.report.data import ReportData
from cutedl.report.look import STYLES
from cutedl.report.table import Rows, formatted

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["html_page"]

_POINTS = 2000  # more epochs than one can point at


def html_page(data: ReportData, figure: Figure) -> str:
    """Return the report as one self-contained page: charts to point at, the tables, and the figure as a picture.

    Charts are inline svg; mouse, finger or arrow keys move through the epochs, and the values of all curves follow.
    Without scripts the values of the last epoch stand there, and short curves say their values at each marker. Light
    and dark follow the reader's setting. Of more than 2,000 epochs 2,000 can be pointed at. The same data and figure
    give the same text.

    >>> from cutedl.report.look import canvas
    >>> page = html_page(ReportData.of({"loss": [0.7, 0.4, 0.3]}), canvas(300, 200))
    >>> print(page.count('<figure class="chart">'), "training loss <b>0.3000</b>" in page)
    1 True
    """
    from string import Template

    template = Template(Path(__file__).with_name("page.html").read_text("utf-8"))
    charts, events = _charts(data), _events(data)
    fixed = template.substitute(dict.fromkeys(template.get_identifiers(), ""))
    return template.substitute(
        policy=_policy(fixed),
        title=escape(data.title),
        alert="synthetic" if data.synthetic else "",
        reading=escape(data.reading),
        charts="\n".join(_figure(chart, data.best, events) for chart in charts) or "<p>no finite value</p>",
        last=len(_shown(data)) - 1,
        tables=_tables(data.rows),
        open=" open" if any(ax.images for ax in figure.axes) else "",  # what predictions show is in the picture alone
        picture=_picture(figure),
        data=_json(data, charts),
    )


def _charts(data: ReportData) -> list[Chart]:
    """Return loss, shares in [0, 1] up to three at a time, each other metric, and what has no validation."""
    metrics = {name: pair for name, pair in data.pairs.items() if name != "loss"}
    shares = [name for name, pair in metrics.items() if bounded(pair)]
    groups = [shares[i : i + len(STYLES)] for i in range(0, len(shares), len(STYLES))]
    groups += [[name] for name in metrics if name not in shares]
    charts = [Chart("loss", Curve.pair({"loss": data.pairs["loss"]}), 250, trace=data.trace)]
    for names in groups:
        curves = Curve.pair({name: metrics[name] for name in names})
        charts.append(Chart(", ".join(names), curves, 200, share=names[0] in shares))
    charts += [Chart(name, [Curve.single(name, column)], 130) for name, column in data.singles.items()]
    return [chart for chart in charts if chart.curves]


def _events(data: ReportData) -> dict[float, str]:
    texts: dict[float, list[str]] = {}
    for epoch, _, text in data.events:
        texts.setdefault(float(epoch), []).append(text)
    return {epoch: "; ".join(said) for epoch, said in texts.items()}


def _figure(chart: Chart, best: int | None, events: dict[float, str]) -> str:
    legend = "\n".join(
        f"<span>{key(curve)}{escape(curve.name)} <b>{formatted(curve.name, float(curve.y[-1]))}</b></span>"
        for curve in chart.curves
    )
    return f'<figure class="chart">\n<figcaption>\n{legend}\n</figcaption>\n{chart.svg(best, events)}\n</figure>'


def _tables(rows: Rows) -> str:
    """Return a table for each heading, and its rows."""
    tables: list[str] = []
    for row in rows:
        cells = [_breakable(cell) for cell in row]
        if len(row) == 1:
            tables.append(f"<table>\n<caption>{cells[0]}</caption>\n")
        elif len(row) == 3 and not row[0]:
            tables[-1] = tables[-1].replace("<table>", '<table class="numbers">')
            heads = "".join(f'<th scope="col">{cell}</th>' for cell in cells[1:])
            tables[-1] += f"<thead><tr><th></th>{heads}</tr></thead>\n"
        else:
            values = "".join(f"<td>{cell}</td>" for cell in cells[1:])
            tables[-1] += f'<tr><th scope="row">{cells[0]}</th>{values}</tr>\n'
    return "\n".join(f"{table}</table>" for table in tables)


def _shown(data: ReportData) -> NDArray[np.intp]:
    """Return the indices of the epochs that can be pointed at: all, or evenly spread ones and the best."""
    last = data.epochs - 1
    spread = np.linspace(0, last, min(data.epochs, _POINTS - 1)).round()
    return np.unique(np.append(spread, last if data.best is None else data.best)).astype(np.intp)


def _json(data: ReportData, charts: list[Chart]) -> str:
    """Return what the script reads; no < may end the element it stands in."""
    import json

    shown = _shown(data)
    content: dict[str, Any] = {
        "left": LEFT,
        "right": RIGHT,
        "last": data.epochs,
        "epochs": (shown + 1).tolist(),
        "seconds": [float(f"{second:.4g}") for second in data.seconds[shown]] if len(data.seconds) else [],
        "names": [[curve.name for curve in chart.curves] for chart in charts],
        "charts": [
            chart.scale() | {"values": [_values(curve.y[shown], chart) for curve in chart.curves]} for chart in charts
        ],
    }
    return json.dumps(content, separators=(",", ":"), allow_nan=False).replace("<", "\\u003c")


def _values(column: Column, chart: Chart) -> list[float | None]:
    """Return the digits that are shown: hundredths of a per cent, or five; more where a dot would miss its curve."""
    axis = chart.axis
    close = axis.high - axis.low < 0.02 * max(abs(axis.low), abs(axis.high))
    form = (".6f" if close else ".4f") if chart.percent else (".8g" if close else ".5g")
    return [float(f"{value:{form}}") if np.isfinite(value) else None for value in column.tolist()]


def _picture(figure: Figure) -> str:
    drawn = BytesIO()
    figure.savefig(drawn, format="png", dpi=100, facecolor="white", metadata={"Software": None})
    return b64encode(drawn.getvalue()).decode()


def _policy(page: str) -> str:
    """Return the page's security policy: nothing is loaded, and only its own style and script take effect."""
    allowed = {name: _digest(page.split(f"<{name}>")[1].split(f"</{name}>")[0]) for name in ("style", "script")}
    return (
        f"default-src 'none'; img-src data:; style-src {allowed['style']}; script-src {allowed['script']}; "
        "base-uri 'none'; form-action 'none'"
    )


def _digest(text: str) -> str:
    from hashlib import sha256

    return f"'sha256-{b64encode(sha256(text.encode()).digest()).decode()}'"


def _breakable(text: str) -> str:
    """Escape a text and let a long name be broken between its words.

    >>> _breakable("Adam(learning_rate=0.1)")
    'Adam(<wbr>learning_<wbr>rate=<wbr>0.1)'
    """
    return re.sub(r"(?<=[a-z])(?=[A-Z])|(?<=[(_/,=])(?=\w)", "<wbr>", escape(text))
