"""Summary: a model's layers, shapes, parameters, bytes and operations, as a table that prints."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["LayerRow", "Summary", "batch_shape"]

_HEADINGS = ("layer", "kind", "output", "parameters", "bytes", "FLOPs")
_NAMES = 3  # columns of text; those after them are numbers


@dataclass(frozen=True)
class LayerRow:
    """One layer: its name, what it is, the shape of one output, its parameters, the operations of one sample."""

    name: str
    kind: str
    output_shape: tuple[int, ...]
    parameters: int
    flops: int


@dataclass(frozen=True)
class Summary:
    """What a model is made of; print it, show it in a notebook, or read its rows.

    bytes: of the parameters. flops: operations for one sample, forward in evaluation, a multiply-add being two; what
    each layer counts, its method `flops` says.

    >>> row = LayerRow("dense_0", "Dense", (10,), parameters=7850, flops=15690)
    >>> print(Summary((row,), inshape=(784,), dtype="float32", itemsize=4))
    layer    kind   output        parameters   bytes   FLOPs
    input           (batch, 784)
    dense_0  Dense  (batch, 10)        7,850  31,400  15,690
    total           float32            7,850  31,400  15,690
    """

    rows: tuple[LayerRow, ...]
    inshape: tuple[int, ...]
    dtype: str
    itemsize: int

    @property
    def parameters(self) -> int:
        """How many parameters the model has."""
        return sum(row.parameters for row in self.rows)

    @property
    def bytes(self) -> int:
        """The bytes that the parameters take."""
        return self.parameters * self.itemsize

    @property
    def flops(self) -> int:
        """The operations that one sample takes on its way through the model."""
        return sum(row.flops for row in self.rows)

    def __str__(self) -> str:
        table = [_HEADINGS, *self._body(), self._total()]
        widths = [max(map(len, column)) for column in zip(*table, strict=True)]
        return "\n".join(_line(cells, widths) for cells in table)

    __repr__ = __str__

    def _repr_html_(self) -> str:
        """The table for a notebook; no colour is set, so that it is read in light and in dark."""
        lines = [_html_row(_HEADINGS, "th"), *(_html_row(cells, "td") for cells in [*self._body(), self._total()])]
        return f"<table>\n<thead>\n{lines[0]}\n</thead>\n<tbody>\n" + "\n".join(lines[1:]) + "\n</tbody>\n</table>"

    def _body(self) -> list[tuple[str, ...]]:
        layers = [(row.name, row.kind, batch_shape(row.output_shape), *self._numbers(row)) for row in self.rows]
        return [("input", "", batch_shape(self.inshape), "", "", ""), *layers]

    def _total(self) -> tuple[str, ...]:
        return ("total", "", self.dtype, *self._numbers(self))

    def _numbers(self, counted: LayerRow | Summary) -> tuple[str, ...]:
        parameters = counted.parameters
        return f"{parameters:,}", f"{parameters * self.itemsize:,}", f"{counted.flops:,}"


def batch_shape(shape: tuple[int, ...]) -> str:
    """Return how a batch of such samples is written.

    >>> batch_shape((28, 28))
    '(batch, 28, 28)'
    """
    return f"({', '.join(['batch', *map(str, shape)])})" if shape else "(batch,)"


def _line(cells: tuple[str, ...], widths: list[int]) -> str:
    names = [f"{cell:<{width}}" for cell, width in zip(cells[:_NAMES], widths[:_NAMES], strict=True)]
    numbers = [f"{cell:>{width}}" for cell, width in zip(cells[_NAMES:], widths[_NAMES:], strict=True)]
    return "  ".join([*names, *numbers]).rstrip()


def _html_row(cells: tuple[str, ...], tag: str) -> str:
    from html import escape

    sides = ["left"] * _NAMES + ["right"] * (len(cells) - _NAMES)
    row = (f'<{tag} style="text-align: {side}">{escape(c)}</{tag}>' for c, side in zip(cells, sides, strict=True))
    return f"<tr>{''.join(row)}</tr>"
