"""Summary: a model's layers, shapes, parameters and bytes, as a table that prints."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["LayerRow", "Summary", "batch_shape"]


@dataclass(frozen=True)
class LayerRow:
    """One layer: its name, what it is, the shape of one output, how many parameters it holds."""

    name: str
    kind: str
    output_shape: tuple[int, ...]
    parameters: int


@dataclass(frozen=True)
class Summary:
    """What a model is made of; print it, or read its rows.

    >>> print(Summary((LayerRow("dense_0", "Dense", (10,), 7850),), inshape=(784,), dtype="float32", itemsize=4))
    layer    kind   output       parameters  bytes
    input           (batch, 784)
    dense_0  Dense  (batch, 10)       7,850  31,400
    total                             7,850  31,400  float32
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

    def __str__(self) -> str:
        table = [
            ("layer", "kind", "output", "parameters", "bytes"),
            ("input", "", batch_shape(self.inshape), "", ""),
            *((row.name, row.kind, batch_shape(row.output_shape), *self._counts(row.parameters)) for row in self.rows),
            ("total", "", "", *self._counts(self.parameters)),
        ]
        widths = [max(len(line[column]) for line in table) for column in range(5)]
        left = [f"{a:<{widths[0]}}  {b:<{widths[1]}}  {c:<{widths[2]}}" for a, b, c, _, _ in table]
        right = [f"  {d:>{widths[3]}}  {e:>{widths[4]}}" for _, _, _, d, e in table]
        lines = [(x + y).rstrip() for x, y in zip(left, right, strict=True)]
        return "\n".join([*lines[:-1], f"{lines[-1]}  {self.dtype}"])

    __repr__ = __str__

    def _counts(self, parameters: int) -> tuple[str, str]:
        return (f"{parameters:,}", f"{parameters * self.itemsize:,}") if parameters else ("0", "0")


def batch_shape(shape: tuple[int, ...]) -> str:
    """Return how a batch of such samples is written.

    >>> batch_shape((28, 28))
    '(batch, 28, 28)'
    """
    return f"({', '.join(['batch', *map(str, shape)])})" if shape else "(batch,)"
