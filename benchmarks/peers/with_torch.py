"""PyTorch: tensors in memory indexed by the batch, no DataLoader.

Plain eager, and the settings that its documentation names for speed: optimizers with foreach=True or fused=True,
set_flush_denormal, torch.compile, inference_mode for prediction.
"""

from __future__ import annotations

import shutil
from itertools import pairwise
from typing import Any

import torch
from numpy.typing import NDArray
from torch.nn import functional

from benchmarks.data import Data
from benchmarks.peers.base import Peer
from benchmarks.works import Work

__all__ = ["Compiled", "Eager"]


class Eager(Peer):
    """One operation after another; options go to the optimizer."""

    def __init__(self, work: Work, data: Data, threads: int, **options: bool) -> None:
        torch.set_num_threads(threads)
        torch.set_flush_denormal(bool(options))
        torch.manual_seed(0)
        layers: list[torch.nn.Module] = []
        for before, after in pairwise(work.sizes):
            layers += [torch.nn.Linear(before, after), torch.nn.ReLU()]
        self.model = torch.nn.Sequential(*layers[:-1])
        self.criterion = {
            "softmax": functional.cross_entropy,
            "sigmoid": functional.binary_cross_entropy_with_logits,
        }[work.loss]
        rule = {"adam": torch.optim.Adam, "sgd": torch.optim.SGD}[work.optimizer]
        self.optimizer = rule(self.model.parameters(), lr=work.learning_rate, **options)
        self.x, self.y, self.batch = torch.from_numpy(data.x), torch.from_numpy(data.y), work.batch

    def loss(self, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        return self.criterion(self.model(x), y)

    def epoch(self) -> None:
        for rows in torch.randperm(len(self.x)).split(self.batch):
            x, y = self.x.index_select(0, rows), self.y.index_select(0, rows)
            self.optimizer.zero_grad()
            self.loss(x, y).backward()
            self.optimizer.step()

    def predict(self, x: NDArray[Any]) -> NDArray[Any]:
        with torch.inference_mode():
            return self.model(torch.from_numpy(x)).numpy()

    def facts(self) -> dict[str, str]:
        return {"torch": torch.__version__, "threads": str(torch.get_num_threads())}


class Compiled(Eager):
    """The network and its loss through torch.compile; a fused optimizer is one operation already."""

    def __init__(self, work: Work, data: Data, threads: int, **options: bool) -> None:
        if not (shutil.which("g++") or shutil.which("clang++")):
            raise RuntimeError("torch.compile needs a C++ compiler, and there is none")
        super().__init__(work, data, threads, **options)
        self.loss = torch.compile(super().loss, dynamic=False)  # type: ignore[method-assign]
        self.forward = torch.compile(self.model, dynamic=False)

    def predict(self, x: NDArray[Any]) -> NDArray[Any]:
        with torch.inference_mode():
            return self.forward(torch.from_numpy(x)).numpy()
