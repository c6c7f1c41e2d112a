"""The fit report: one page that says how a training run went and where its numbers come from.

It is a matplotlib figure of its own: no pyplot, no backend chosen, no setting changed. Lengths are points (1/72 inch).
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from io import BytesIO
from itertools import zip_longest
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from cutedl.errors import ArgumentError
from cutedl.files import publish
from cutedl.version import __version__

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["fit_report"]

Column = NDArray[np.float64]  # one number per epoch, NaN where nothing was measured
Pairs = dict[str, tuple[Column, Column]]  # training and validation, by the name of what was measured
Rows = list[tuple[str, ...]]  # (heading,) or (name, value) or (name, training, validation)

# Training and validation in Okabe and Ito's colours, for colour-blind readers; in grey, dashes and markers differ.
_STYLES: tuple[tuple[dict[str, Any], dict[str, Any]], ...] = (
    ({"color": "#0072B2", "ls": "-", "marker": "o"}, {"color": "#D55E00", "ls": "--", "marker": "s"}),
    ({"color": "#009E73", "ls": ":", "marker": "^"}, {"color": "#CC79A7", "ls": "-.", "marker": "D"}),
    ({"color": "#000000", "ls": (0, (8, 2)), "marker": "v"}, {"color": "#E69F00", "ls": (0, (2, 1)), "marker": "P"}),
)
_INK, _MUTED, _FAINT, _ALERT = "#1A1A1A", "#595959", "#E3E3E3", "#F5C04E"
_FONT, _SIZE, _LINE = "DejaVu Sans", 9, 14  # the font ships with matplotlib: same line breaks on every machine
_WIDTH, _HEIGHT, _MARGIN, _PANEL_LEFT, _PANEL_RIGHT, _SIDE = 612, 400, 20, 58, 376, 402
_TABS = {  # by the number of cells in a row: where each stands, how it is aligned, how wide it may be
    1: ((_SIDE, "left", 190),),
    2: ((_SIDE, "left", 58), (463, "left", 129)),
    3: ((_SIDE, "left", 84), (538, "right", 48), (592, "right", 50)),
}
_NOT_MEASURED = {"steps", "seconds", "epoch", "learning rate", "pred"}  # columns that are neither loss nor metric
# The formats, each with the metadata that would make its bytes depend on the day or on matplotlib's version.
_FORMATS = {"png": ["Software"], "svg": ["Date", "Creator"], "pdf": ["CreationDate", "Creator", "Producer"]}
_SALTING = Lock()  # svg ids are random unless rcParams holds a salt: two threads must not restore each other's


def fit_report(history: Mapping[str, Any], path: str | os.PathLike[str] | None = None) -> Figure:
    """Draw what fit recorded on one page, and write it to path if one is given: .png, .svg or .pdf.

    Training loss is a mean over an epoch and stands at its middle (x = epoch - 1/2); validation is measured with the
    weights of the epoch's end and stands there. The loss axis is logarithmic where max > 100 min > 0. Metrics within
    [0, 1] have a panel of their own. The best epoch has the lowest val_loss, or without one the highest val_accuracy.
    The same history gives the same bytes. Missing folders are made; a file is replaced whole or not at all.

    history: what Session.fit returned, or a dict with a list `loss`, one number per epoch; other lists that do not fit
    the epochs are left out. Raises ArgumentError for a history without epochs and for another suffix.

    >>> figure = fit_report({"loss": [0.7, 0.4, 0.3], "val_loss": [0.5, 0.45, 0.47]})
    >>> print(figure.axes[0].lines[0].get_xdata())
    [0.5 1.5 2.5]
    """
    suffix = "" if path is None else Path(path).suffix.lower().removeprefix(".")
    if path is not None and suffix not in _FORMATS:
        formats = ", ".join(f".{known}" for known in _FORMATS)
        raise ArgumentError(
            "the report has no such format.", expected=f"a path that ends in {formats}", received=repr(os.fspath(path))
        )
    figure = _page(history, _pairs(history))
    if path is not None:
        _write(figure, Path(path), suffix)
    return figure


def _write(figure: Figure, path: Path, suffix: str) -> None:
    """Draw in memory, write beside the old file, then take its place."""
    import matplotlib

    drawn = BytesIO()
    with _SALTING, matplotlib.rc_context({"svg.hashsalt": "cutedl"}):
        figure.savefig(drawn, format=suffix, dpi=150, facecolor="white", metadata=dict.fromkeys(_FORMATS[suffix]))
    with publish(path) as temporary:
        temporary.write_bytes(drawn.getbuffer())


def _pairs(history: Mapping[str, Any]) -> Pairs:
    """Return the lists of a history that hold numbers of its epochs, paired by name."""
    lists = {str(key): _numbers(values) for key, values in history.items()} if isinstance(history, Mapping) else {}
    epochs = len(lists.get("loss", ()))
    if not epochs:
        raise ArgumentError(
            "there is no fit to report: nothing recorded yet.",
            expected="a history with a list 'loss', one number per epoch",
            received=type(history).__name__,
            hint="pass what session.fit(...) returned.",
        )
    validated = lists.get("val_loss", np.zeros(0))[:epochs]
    measured = np.flatnonzero(np.isfinite(validated))
    # Validation may be rarer than epochs: fit leaves out the NaNs after the last, a val_end callback leaves out all.
    places = {len(measured): measured, len(validated): np.arange(len(validated)), epochs: np.arange(epochs)}
    pairs: Pairs = {}
    for key, numbers in lists.items():
        validation, name = key.startswith("val_"), key.removeprefix("val_").replace("_", " ")
        fits = len(numbers) == epochs or (validation and 0 < len(numbers) in places)
        if fits and name not in _NOT_MEASURED:
            pair = pairs.setdefault(name, (np.full(epochs, np.nan), np.full(epochs, np.nan)))
            pair[validation][places[len(numbers)]] = numbers
    return pairs


def _numbers(values: object) -> Column:
    """Return a list of numbers as floats, NaN for what no axis can show; nothing for anything else."""
    if isinstance(values, np.ndarray):
        values = values.tolist()
    if not isinstance(values, list) or not all(isinstance(v, int | float | np.floating | np.integer) for v in values):
        return np.zeros(0)
    numbers = np.array(values, np.float64)
    return np.where(np.abs(numbers) < 1e100, numbers, np.nan)


def _best(pairs: Pairs) -> tuple[int | None, str]:
    """Return the index of the best epoch, and what says so."""
    for name, place in (("loss", np.nanargmin), ("accuracy", np.nanargmax)):
        if name in pairs and np.isfinite(pairs[name][1]).any():
            return int(place(pairs[name][1])), name
    return None, ""


def _rows(history: Mapping[str, Any], pairs: Pairs, best: int | None) -> Rows:
    """Return the tables beside the panels."""
    info = dict(getattr(history, "info", {}))
    seed, samples = info.pop("seed", ""), info.get("samples", 0)
    steps, spent = _numbers(history.get("steps")), _numbers(history.get("seconds"))  # spent on validation, too
    total, last = float(history.get("cost_time", spent.sum())), len(pairs["loss"][0]) - 1
    rows: Rows = []
    for epoch, which in {best: "Best", last: "Best and final" if best == last else "Final"}.items():
        if epoch is not None:
            rows += [(f"{which} epoch: {epoch + 1:,}",), ("", "training", "validation")]
            rows += [(name, *(_value(name, column[epoch]) for column in pair)) for name, pair in pairs.items()]
    whole = [
        ("epochs", f"{last + 1:,}"),
        ("steps", f"{steps[-1]:,.0f}" if len(steps) else ""),
        ("wall time", f"{total / 60:,.1f} min" if total >= 120 else f"{total:.1f} s" if total else ""),
        ("samples/s", f"{samples * len(spent) / spent.sum():,.0f}" if samples and spent.any() else ""),
        ("seed", str(seed)),
    ]
    source = [(key.replace("_", " "), f"{v:,}" if isinstance(v, int) else str(v)) for key, v in info.items()]
    versions = f"cutedl {__version__}, NumPy {np.__version__}"
    return [*rows, ("Run",), *(row for row in whole if row[1]), ("Source",), *source, ("made with", versions)]


def _value(name: str, value: float) -> str:
    if not np.isfinite(value):
        return "–"
    if "accuracy" in name and 0 <= value <= 1:
        return f"{100 * value:.2f} %"
    return f"{value:.4f}" if 0.01 <= abs(value) < 1000 else f"{value:.3g}"


def _bounded(pair: tuple[Column, Column]) -> bool:
    return bool(np.fmin.reduce(pair, axis=None) >= 0 and np.fmax.reduce(pair, axis=None) <= 1)


def _wrap(text: str, width: float, size: float = _SIZE, lines: int = 4) -> list[str]:
    """Break text into lines no wider than width points; □ stands for what the font cannot draw."""
    from textwrap import wrap

    from matplotlib.font_manager import FontProperties, findfont, get_font
    from matplotlib.textpath import text_to_path

    font = FontProperties(family=_FONT, size=size, weight="bold" if size > _SIZE else "normal")
    glyphs = get_font(findfont(font)).get_charmap()
    text = "".join(c if ord(c) in glyphs else "□" for c in " ".join(text.split())[:1000])
    for characters in range(80, 0, -1):  # "( " lets a line end behind a parenthesis
        broken = wrap(text.replace("(", "( "), characters, max_lines=lines, placeholder="…", break_on_hyphens=False)
        broken = [line.replace("( ", "(") for line in broken]
        if all(text_to_path.get_text_width_height_descent(line, font, False)[0] <= width for line in broken):
            break
    return broken or [""]


def _lines(rows: Rows) -> list[list[dict[str, Any]]]:
    """Return the side column line by line, each a list of texts with their places and looks."""
    lines: list[list[dict[str, Any]]] = []
    for row in rows:
        cells = [_wrap(text, width) for text, (_, _, width) in zip(row, _TABS[len(row)], strict=True)]
        looks = [{"x": x / _WIDTH, "ha": side, "color": _INK} for x, side, _ in _TABS[len(row)]]
        if len(row) == 1:
            lines += [[]] if lines else []
            looks[0]["weight"] = "bold"
        for look in looks if row[0] == "" else looks[: len(row) > 1]:
            look["color"] = _MUTED
        for texts in zip_longest(*cells, fillvalue=""):
            lines.append([look | {"s": text} for look, text in zip(looks, texts, strict=True)])
    return lines


def _page(history: Mapping[str, Any], pairs: Pairs) -> Figure:
    """Lay out title, side column and panels on a page as high as its side column."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    from matplotlib.patches import Rectangle
    from matplotlib.text import Text

    source = str(getattr(history, "info", {}).get("data", "data source not recorded"))
    title = _wrap(f"Fit report: {source}", _WIDTH - 2 * _MARGIN, size=13)
    best, judge = _best(pairs)
    lines, top = _lines(_rows(history, pairs, best)), 22 + 16 * len(title)
    height = max(_HEIGHT, top + 6 + _LINE * len(lines) + _MARGIN)
    figure = Figure(figsize=(_WIDTH / 72, height / 72), dpi=150, facecolor="white")
    FigureCanvasAgg(figure)
    for number, line in enumerate(lines, start=1):
        for look in line:
            figure.text(y=1 - (top + 6 + _LINE * number) / height, **look)
    metrics = [item for item in pairs.items() if item[0] != "loss" and _bounded(item[1])][: len(_STYLES)]
    panels = [{"loss": pairs["loss"]}, dict(metrics)][: 1 + bool(metrics)]
    room = (height - top - 40) / len(panels)
    for number, panel in enumerate(panels, start=1):
        size = (_PANEL_RIGHT - _PANEL_LEFT) / _WIDTH, (room - 20 - _LINE * len(panel)) / height
        ax = figure.add_axes((_PANEL_LEFT / _WIDTH, 1 - (top + 4 + room * number) / height, *size))
        _draw(ax, panel)
        _mark_best(ax, panel, best, judge)
        ax.tick_params(labelbottom=number == len(panels))
    ax.set_xlabel("epoch", color=_INK)
    if "synthetic" in source.lower():
        figure.add_artist(Rectangle((0, 1 - top / height), 1, top / height, color=_ALERT))
    heading = figure.suptitle("\n".join(title), x=_MARGIN / _WIDTH, y=1 - 12 / height, ha="left", va="top")
    for text in figure.findobj(Text):
        text.set(family=_FONT, size=_SIZE, parse_math=False)
    heading.set(size=13, weight="bold", color=_INK)
    return figure


def _draw(ax: Axes, panel: Pairs) -> None:
    """Draw the curves of a panel and their axes; a line breaks where nothing was measured."""
    for role, word in enumerate(("training", "validation")):
        for (name, pair), styles in zip(panel.items(), _STYLES, strict=False):
            x, seen = np.arange(len(pair[role])) + (role + 1) / 2, np.isfinite(pair[role])
            if seen.any():
                line = ax.plot(x, pair[role], lw=1.5, mew=1.1, clip_on=False, **styles[role])[0]
                line.set(label=f"{word} {_wrap(name, 76, lines=1)[0]}", markevery=_markers(seen))
                line.set(mfc="white" if role else line.get_color(), ms=4.5 if len(_markers(seen)) < 100 else 2.5)
    columns = np.concatenate(list(panel.values()))
    low, high = float(np.fmin.reduce(columns, axis=None)), float(np.fmax.reduce(columns, axis=None))
    if "loss" not in panel:
        ax.set_ylim(max(0, ax.get_ylim()[0]), min(1, ax.get_ylim()[1]))
    elif 0 < 100 * low < high:
        ax.set_yscale("log")
    if all("accuracy" in name for name in panel):
        ax.yaxis.set_major_formatter(lambda y, _: f"{100 * y:g} %")
    elif -1e5 < low < high < 1e5 and high - low > 1e-3 and ax.get_yscale() == "linear":
        ax.ticklabel_format(useOffset=False)
    else:
        ax.yaxis.set_major_formatter("{x:g}")
    if not ax.lines:
        ax.text(0.5, 0.5, "no finite value", ha="center", color=_MUTED, transform=ax.transAxes)
    ax.yaxis.set_minor_formatter("")
    ax.locator_params(axis="x", nbins=6, integer=True, steps=[1, 2, 5, 10])
    ax.xaxis.set_major_formatter("{x:,.0f}")
    ax.set(xlim=(0, columns.shape[1]), facecolor="white")
    ax.tick_params(which="both", color=_MUTED, labelcolor=_INK, labelsize=_SIZE, labelfontfamily=_FONT)
    ax.grid(axis="y", color=_FAINT, lw=0.6)
    ax.spines[["top", "right"]].set_visible(False)
    ax.spines[["left", "bottom"]].set_color(_MUTED)
    above = (0, 1 + _LINE / 72 * ax.figure.dpi / ax.bbox.height)
    look: dict[str, Any] = {"labelspacing": 0.35, "handlelength": 3.2, "borderaxespad": 0, "borderpad": 0.2}
    ax.legend(handles=ax.lines, loc="lower left", bbox_to_anchor=above, ncols=2, frameon=False, labelcolor=_INK, **look)


def _markers(seen: NDArray[np.bool_]) -> list[int]:
    """Return which points of a curve carry a marker: all of a short one, else a dozen and each that stands alone."""
    marked = seen & ~np.append(False, seen[:-1]) & ~np.append(seen[1:], False)
    marked[np.flatnonzero(seen)[:: 1 if len(seen) <= 40 else len(seen) // 12]] = True
    return np.flatnonzero(marked).tolist()


def _mark_best(ax: Axes, panel: Pairs, best: int | None, judge: str) -> None:
    """Rule a hairline at the best epoch, ring the validation there and say its value above the panel."""
    if best is None:
        return
    name = judge if judge in panel else next(iter(panel))
    x, y, epochs = best + 1, float(panel[name][1][best]), len(panel[name][1])
    ax.axvline(x, color=_MUTED, lw=0.8, zorder=1.9, clip_on=False)
    if np.isfinite(y):
        ax.plot([x], [y], ls="", marker="o", ms=10, mfc="none", mec=_INK, mew=1.2, clip_on=False)
        which = {"loss": "lowest ", "accuracy": "highest "}[judge] if name == judge else ""
        text = f"{which}validation {_wrap(name, 76, lines=1)[0]}: {_value(name, y)}, epoch {x:,}"
        side = "left" if x < epochs / 3 else "right" if x > epochs * 2 / 3 else "center"
        ax.annotate(text, (x, 1), (0, 3), ax.get_xaxis_transform(), "offset points", ha=side, color=_INK)
