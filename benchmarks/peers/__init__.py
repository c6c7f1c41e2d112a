"""Who takes part: every peer, the module that runs it, and how it is configured.

Nothing is imported here; a peer's library is imported in the process of that peer alone.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from benchmarks.data import Data
    from benchmarks.peers.base import Peer
    from benchmarks.works import Work

__all__ = ["PEERS", "Entry"]


@dataclass(frozen=True, slots=True)
class Entry:
    """A peer: title for people; place "module.Class" in this package; group whose bar it has to stand by.

    predicts: False for a way of training that another peer with the same predictions stands for.
    """

    title: str
    place: str
    group: str
    options: dict[str, Any] = field(default_factory=dict)
    predicts: bool = True

    def make(self, work: Work, data: Data, threads: int) -> Peer:
        """Import the library and build the network."""
        module, name = self.place.split(".")
        peer: Peer = getattr(import_module(f"benchmarks.peers.{module}"), name)(work, data, threads, **self.options)
        return peer


PEERS = {
    "cutedl": Entry("cutedl", "with_cutedl.Framework", "cutedl"),
    "numpy": Entry("NumPy, hand-written", "with_numpy.Loop", "numpy"),
    "torch": Entry("PyTorch, eager", "with_torch.Eager", "torch"),
    "torch-foreach": Entry("PyTorch, foreach=True", "with_torch.Eager", "torch", {"foreach": True}, predicts=False),
    "torch-fused": Entry("PyTorch, fused=True", "with_torch.Eager", "torch", {"fused": True}, predicts=False),
    "torch-compile": Entry("PyTorch, compile", "with_torch.Compiled", "torch", {"fused": True}),
    "jax-step": Entry("JAX, step", "with_jax.Step", "jax-step"),
    "jax-scan": Entry("JAX, scan", "with_jax.Scan", "jax-scan", predicts=False),
    "keras": Entry("Keras, fit", "with_keras.Fit", "keras"),
    "keras-steps": Entry(
        "Keras, 32 steps a call", "with_keras.Fit", "keras", {"steps_per_execution": 32}, predicts=False
    ),
    "scikit-learn": Entry("scikit-learn", "with_sklearn.Classifier", "scikit-learn"),
}
