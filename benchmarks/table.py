"""The record of a contest as text."""

from __future__ import annotations

from typing import Any

from benchmarks.peers import PEERS

__all__ = ["machine_line", "work_table"]

_COLUMNS = "{:<24}{:>11}  {:<26}{:>9}{:>9}{:>9}  {}"


def machine_line(machine: dict[str, Any], threads: int) -> str:
    """One line about the machine."""
    return (
        f"{machine['processor']}, {machine['processors']} processors, {threads} threads, Python "
        f"{machine['python']}, NumPy {machine['numpy']} on {machine['blas']}, load {machine['load']:.1f} at the start"
    )


def work_table(name: str, record: dict[str, Any]) -> str:
    """The table of one work: a row for each peer, the absent ones with their reason."""
    lines = [f"{name}  {record['title']}: {record['shape']}; {record['data']}; {record['unit']}, medians"]
    lines.append(_COLUMNS.format("", "time", "peer/cutedl (range)", "accuracy", "loss", "peak MB", "bar").rstrip())
    for peer, result in record["peers"].items():
        title = PEERS[peer].title
        if "absent" in result:
            lines.append(f"{title:<24}     absent  {result['absent']}")
            continue
        lines.append(
            _COLUMNS.format(
                title,
                duration(result["median"]),
                _ratio(result.get("ratio")),
                f"{result['accuracy']:.2%}" if "accuracy" in result else "",
                f"{result['loss']:.4f}" if "loss" in result else "",
                f"{result['peak_mb']:.0f}",
                _bar(result.get("bar")),
            ).rstrip()
        )
    return "\n".join(lines)


def duration(seconds: float) -> str:
    """Seconds in the unit that suits them."""
    if seconds < 1e-3:
        return f"{seconds * 1e6:.1f} us"
    return f"{seconds * 1e3:.2f} ms" if seconds < 0.02 else f"{seconds:.3f} s"


def _ratio(ratio: dict[str, float] | None) -> str:
    return f"{ratio['median']:.2f} ({ratio['low']:.2f} to {ratio['high']:.2f})" if ratio else ""


def _bar(bar: dict[str, Any] | None) -> str:
    return f">= {bar['at_least']:g} {'met' if bar['met'] else 'MISSED'}" if bar else ""
