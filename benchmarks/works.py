"""The works that every peer does: sizes, batch, optimizer, data."""

from __future__ import annotations

from dataclasses import dataclass, replace

__all__ = ["WORKS", "Work"]

_QUICK_BATCHES = 4


@dataclass(frozen=True, slots=True)
class Work:
    """A chain of dense layers with relu between them, trained by the epoch or, with predict, asked for outputs.

    sizes: inputs, hidden widths, outputs. optimizer: "sgd" or "adam" (0.9, 0.999, 1e-8). loss: "softmax" or "sigmoid"
    cross entropy, of logits. data: "table" or "digits". batches: at most so many of an epoch, None for all.
    predict: rows of one call, 0 for training. epochs: of one turn; a turn of the fastest takes a
    few tenths of a second, not only the time in which idle processors wake up. Fits are of many epochs, too.
    """

    name: str
    title: str
    sizes: tuple[int, ...]
    batch: int
    optimizer: str
    learning_rate: float
    loss: str
    data: str
    predict: int = 0
    batches: int | None = None
    epochs: int = 1

    @property
    def unit(self) -> str:
        if self.predict:
            return "seconds per call"
        return "seconds per epoch" + (f", {self.epochs} a turn" if self.epochs > 1 else "")

    @property
    def shape(self) -> str:
        sizes = "-".join(map(str, self.sizes))
        if self.predict:
            return f"{sizes}, outputs of {self.predict:,} row{'s' * (self.predict > 1)}"
        return f"{sizes}, batch {self.batch}, {self.optimizer} {self.learning_rate:g}"

    def rows(self, available: int) -> int:
        """How many rows an epoch has: whole batches, the same rows for every peer."""
        batches = available // self.batch
        return self.batch * (batches if self.batches is None else min(batches, self.batches))

    def quick(self) -> Work:
        """The same with a few batches, to see that everything runs."""
        return replace(self, batches=_QUICK_BATCHES, epochs=1)


def _digits(name: str, title: str, sizes: tuple[int, ...], batch: int, predict: int = 0, epochs: int = 1) -> Work:
    return Work(name, title, sizes, batch, "adam", 0.001, "softmax", "digits", predict, epochs=epochs)


WORKS = {
    work.name: work
    for work in (
        Work("w0", "small table", (20, 64, 64, 1), 32, "adam", 0.001, "sigmoid", "table", epochs=10),
        Work("w1", "softmax regression", (784, 10), 64, "sgd", 0.1, "softmax", "digits", epochs=5),
        _digits("w2", "classic MLP", (784, 128, 10), 64, epochs=2),
        _digits("w3", "wide MLP", (784, 512, 512, 10), 128),
        _digits("w4", "large MLP", (784, 2048, 2048, 10), 1024),
        _digits("predict-1", "predict, one row", (784, 128, 10), 64, predict=1),
        _digits("predict-10000", "predict, 10,000 rows", (784, 128, 10), 64, predict=10_000),
    )
}
