"""Running: the sums of an epoch under way, so that means over uneven batches are exact and an epoch can be resumed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cutedl.losses import Loss

if TYPE_CHECKING:
    from cutedl.optimizers import Optimizer

__all__ = ["Running"]

_FIELDS = ("total", "count", "penalties", "norms", "batches", "samples", "seconds")


class Running:
    """What the batches of an epoch add up to; seconds are those of training alone.

    >>> running = Running()
    >>> running.batches, running.gradient_norm
    (0, nan)
    """

    __slots__ = _FIELDS

    def __init__(self) -> None:
        self.total = self.count = self.penalties = self.norms = self.seconds = 0.0
        self.batches = self.samples = 0

    def __repr__(self) -> str:
        return f"Running({self.batches} batches, {self.samples} samples)"

    def add(self, loss: Loss, penalty: float, norm: float, samples: int) -> None:
        """Add a batch: what its loss just measured, its penalty, the norm of its gradient, its number of samples."""
        self.total += loss.total
        self.count += loss.count
        self.penalties += penalty
        self.norms += norm
        self.batches += 1
        self.samples += samples

    def loss(self, loss: Loss) -> float:
        """Return the loss over all samples so far, with the mean of the penalties."""
        return loss.reduce(self.total, self.count) + self.penalties / self.batches

    @property
    def gradient_norm(self) -> float:
        """The mean of the gradients' norms; NaN before the first batch."""
        return self.norms / self.batches if self.batches else float("nan")

    @property
    def samples_per_second(self) -> float:
        """Training samples per second; NaN where no time passed."""
        return self.samples / self.seconds if self.seconds else float("nan")

    def row(self, epoch: int, optimizer: Optimizer, measured: dict[str, float]) -> dict[str, float]:
        """Return the columns of the history that an epoch of training fills, measured ones included."""
        return {
            "epoch": epoch,
            "steps": optimizer.steps,
            **measured,
            "learning_rate": optimizer.last_learning_rate,
            "gradient_norm": self.gradient_norm,
        }

    def state(self) -> dict[str, Any]:
        """Return the sums."""
        return {name: getattr(self, name) for name in _FIELDS}

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from these sums."""
        for name in _FIELDS:
            setattr(self, name, state[name])
