"""The record of a contest as a picture: a panel for each work, bars of seconds on a log axis."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from benchmarks.peers import PEERS
from benchmarks.table import duration

__all__ = ["draw"]

_SIZE = 9
_OURS, _HAND, _PEER = "#1a1a1a", "#6e6e6e", "#b8b8b8"
_LINE_HEIGHT = 0.24  # inches of one bar


def draw(record: dict[str, Any], path: Path) -> None:
    """Write the picture; everything in it can be told apart in grey."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    works = {name: _measured(work) for name, work in record["works"].items()}
    works = {name: bars for name, bars in works.items() if bars}
    rows = -(-len(works) // 2)
    heights = [max(len(bars) for bars in list(works.values())[i : i + 2]) + 4 for i in range(0, len(works), 2)]
    figure = Figure(figsize=(11, _LINE_HEIGHT * sum(heights) + 0.7), layout="constrained")
    FigureCanvasAgg(figure)
    grid = figure.subplots(rows, 2 if len(works) > 1 else 1, squeeze=False, height_ratios=heights)
    for axes in grid.flat[len(works) :]:
        axes.axis("off")
    for axes, (name, bars) in zip(grid.flat, works.items(), strict=False):
        _panel(axes, f"{name}  {record['works'][name]['title']}", record["works"][name], bars)
    machine, settings = record["machine"], record["settings"]
    figure.supxlabel(
        f"medians of {settings['rounds']} rounds, lines from fastest to slowest; {machine['processor']}, "
        f"{settings['threads']} threads" + "; --quick: these numbers mean nothing" * settings["quick"],
        fontsize=_SIZE,
    )
    figure.savefig(path, dpi=144)


def _measured(work: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    """The peers that took part, the fastest first."""
    taking_part = [(name, result) for name, result in work["peers"].items() if "absent" not in result]
    return sorted(taking_part, key=lambda pair: pair[1]["median"])


def _panel(axes: Any, title: str, work: dict[str, Any], bars: list[tuple[str, dict[str, Any]]]) -> None:
    colours = {"cutedl": _OURS, "numpy": _HAND}
    medians = [result["median"] for _, result in bars]
    places = range(len(bars))
    axes.barh(places, medians, color=[colours.get(name, _PEER) for name, _ in bars], height=0.72)
    for place, (_, result) in zip(places, bars, strict=True):
        low, high = min(result["seconds"]), max(result["seconds"])
        axes.plot([low, high], [place, place], color="white", linewidth=2.4, solid_capstyle="butt")
        axes.plot([low, high], [place, place], color="black", linewidth=1, solid_capstyle="butt")
        axes.text(max(high, result["median"]) * 1.08, place, duration(result["median"]), va="center", fontsize=_SIZE)
    axes.set_yticks(places, [PEERS[name].title for name, _ in bars], fontsize=_SIZE)
    for label, (name, _) in zip(axes.get_yticklabels(), bars, strict=True):
        label.set_fontweight("bold" if name == "cutedl" else "normal")
    axes.invert_yaxis()
    axes.set_xscale("log")
    axes.set_xlim(min(medians) / 4, max(max(result["seconds"]) for _, result in bars) * 4)
    axes.set_title(f"{title}\n{work['shape']}; {work['data']}", fontsize=_SIZE + 1, loc="left")
    axes.set_xlabel(f"{work['unit']} (log)", fontsize=_SIZE)
    axes.tick_params(labelsize=_SIZE, which="both")
    axes.xaxis.set_minor_formatter("")
    axes.spines[["top", "right"]].set_visible(False)
