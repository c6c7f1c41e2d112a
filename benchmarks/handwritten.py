"""The floor: the training of a chain of dense layers with relu between them, written out by hand in NumPy.

Flat vectors, `out=` everywhere, blocks that stay in cache, the same flush of subnormals: the arithmetic that the
framework does, without the framework. Nothing here is imported from cutedl.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

BETA1, BETA2, EPSILON = 0.9, 0.999, 1e-8
FLUSH_EVERY, FLUSH_BELOW = 64, 1e-25
BLOCK, ONE_BLOCK = 1 << 16, 1 << 17


class HandWritten:
    """Weights, moments and buffers of one network; by default work w2.

    sizes: inputs, hidden widths, outputs. loss: "softmax" on class indices (B,) or "sigmoid" on targets (B, 1), both of
    logits. optimizer: "adam" or "sgd".
    """

    def __init__(
        self,
        sizes: tuple[int, ...] = (784, 128, 10),
        batch: int = 64,
        optimizer: str = "adam",
        loss: str = "softmax",
        rate: float = 0.001,
        seed: int = 0,
    ) -> None:
        self.batch, self.rate, self.steps = batch, rate, 0
        self.loss = {"softmax": self.softmax, "sigmoid": self.sigmoid}[loss]
        self.update = {"adam": self.adam, "sgd": self.sgd}[optimizer]
        self.generator = np.random.default_rng(seed)
        self.allocate(list(pairwise(sizes)))
        for W in self.W:
            limit = (6 / sum(W.shape)) ** 0.5
            W[...] = self.generator.uniform(-limit, limit, W.shape)
        self.x = np.empty((batch, sizes[0]), np.float32)
        self.label = np.empty(batch, np.int64) if loss == "softmax" else np.empty((batch, sizes[-1]), np.float32)
        self.h = [np.empty((batch, size), np.float32) for size in sizes[1:]]
        self.dh = [np.empty_like(h) for h in self.h[:-1]]
        self.mask = [np.empty(h.shape, bool) for h in self.h[:-1]]
        self.rows = np.arange(batch)

    def allocate(self, shapes: list[tuple[int, int]]) -> None:
        """Four flat vectors, matrices first, and the views into them."""
        sizes = [a * b for a, b in shapes] + [b for _, b in shapes]
        ends = np.cumsum(sizes)
        places = [slice(end - size, end) for size, end in zip(sizes, ends, strict=True)]
        self.w, self.g, self.m, self.v = (np.zeros(ends[-1], np.float32) for _ in range(4))
        depth = len(shapes)
        self.W = [self.w[place].reshape(shape) for place, shape in zip(places[:depth], shapes, strict=True)]
        self.dW = [self.g[place].reshape(shape) for place, shape in zip(places[:depth], shapes, strict=True)]
        self.b = [self.w[place] for place in places[depth:]]
        self.db = [self.g[place] for place in places[depth:]]
        length = len(self.w) if len(self.w) <= ONE_BLOCK else BLOCK
        cuts = [slice(start, start + length) for start in range(0, len(self.w), length)]
        self.blocks = [(self.w[cut], self.g[cut], self.m[cut], self.v[cut]) for cut in cuts]

    def epoch(self, data: NDArray[Any], labels: NDArray[Any]) -> float:
        """Train one epoch over whole batches and return the mean loss."""
        order = self.generator.permutation(len(data))
        total, batches = 0.0, len(data) // self.batch
        for start in range(0, batches * self.batch, self.batch):
            rows = order[start : start + self.batch]
            np.take(data, rows, axis=0, out=self.x, mode="clip")
            np.take(labels, rows, axis=0, out=self.label, mode="clip")
            total += self.step()
        return total / batches

    def step(self) -> float:
        """One training step on the batch in x and label."""
        x = self.x
        for i, (W, b, h) in enumerate(zip(self.W, self.b, self.h, strict=True)):
            np.matmul(x, W, out=h)
            h += b
            if i < len(self.dh):
                np.maximum(h, 0, out=h)
            x = h
        loss = self.loss(self.h[-1])
        self.backward(self.h[-1])
        self.update()
        return loss

    def softmax(self, logits: NDArray[Any]) -> float:
        """Softmax cross entropy; its gradient takes the place of the logits."""
        logits -= logits.max(axis=1, keepdims=True)
        at_label = logits[self.rows, self.label]
        np.exp(logits, out=logits)
        sums = logits.sum(axis=1, keepdims=True)
        loss = float((np.log(sums[:, 0]) - at_label).mean())
        logits /= sums
        logits[self.rows, self.label] -= 1
        logits *= 1 / self.batch
        return loss

    def sigmoid(self, z: NDArray[Any]) -> float:
        """Sigmoid cross entropy, log(1 + e^z) - z y; its gradient takes the place of the logits."""
        loss = float((np.logaddexp(0, z) - z * self.label).mean())
        z *= 0.5  # p = tanh(z / 2) / 2 + 1/2
        np.tanh(z, out=z)
        z *= 0.5
        z += 0.5
        z -= self.label
        z *= 1 / self.batch
        return loss

    def backward(self, dy: NDArray[Any]) -> None:
        """Write the gradients of all weights."""
        for i in range(len(self.W) - 1, -1, -1):
            below = self.h[i - 1] if i else self.x
            np.matmul(below.T, dy, out=self.dW[i])
            np.add.reduce(dy, axis=0, out=self.db[i])
            if i:
                dh, mask = self.dh[i - 1], self.mask[i - 1]
                np.matmul(dy, self.W[i].T, out=dh)
                np.greater(below, 0, out=mask)
                dh *= mask
                dy = dh

    def sgd(self) -> None:
        """Two passes over the flat vectors."""
        for w, g, _, _ in self.blocks:
            g *= self.rate
            w -= g

    def adam(self) -> None:
        """Ten passes over the flat vectors, the gradient as scratch."""
        self.steps += 1
        root = ((1 - BETA2) / (1 - BETA2**self.steps)) ** 0.5
        rate = self.rate * (1 - BETA1) / (1 - BETA1**self.steps) / root
        for w, g, m, v in self.blocks:
            m *= BETA1
            m += g
            g *= g
            v *= BETA2
            v += g
            np.sqrt(v, out=g)
            g += EPSILON / root
            np.divide(m, g, out=g)
            g *= rate
            w -= g
        if self.steps % FLUSH_EVERY == 0:
            self.flush()

    def flush(self) -> None:
        """Moments that have faded to nearly nothing become nothing, before they are subnormal."""
        for _, g, m, v in self.blocks:
            for moment in (m, v):
                np.abs(moment, out=g)
                np.greater_equal(g, FLUSH_BELOW, out=g)
                moment *= g

    def predict(self, x: NDArray[Any]) -> NDArray[Any]:
        """Return the logits of any number of rows."""
        for i, (W, b) in enumerate(zip(self.W, self.b, strict=True)):
            x = x @ W
            x += b
            if i < len(self.W) - 1:
                np.maximum(x, 0, out=x)
        return x
