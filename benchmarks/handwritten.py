"""The floor: the training of work w2 (784-128-10, batch 64, Adam) written out by hand in NumPy.

Flat vectors, `out=` everywhere, the same flush of subnormals: the arithmetic that the framework does, without the
framework. Nothing here is imported from cutedl.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

BATCH, INPUTS, HIDDEN, CLASSES = 64, 784, 128, 10
RATE, BETA1, BETA2, EPSILON = 0.001, 0.9, 0.999, 1e-8
FLUSH_EVERY, FLUSH_BELOW = 64, 1e-25


class HandWritten:
    """Weights, moments and buffers of one 784-128-10 network."""

    def __init__(self, seed: int = 0) -> None:
        sizes = (INPUTS * HIDDEN, HIDDEN * CLASSES, HIDDEN, CLASSES)
        ends = np.cumsum(sizes)
        self.w, self.g, self.m, self.v = (np.zeros(ends[-1], np.float32) for _ in range(4))
        shapes = ((INPUTS, HIDDEN), (HIDDEN, CLASSES), (HIDDEN,), (CLASSES,))
        places = [slice(end - size, end) for size, end in zip(sizes, ends, strict=True)]
        self.W1, self.W2, self.b1, self.b2 = (
            self.w[place].reshape(shape) for place, shape in zip(places, shapes, strict=True)
        )
        self.dW1, self.dW2, self.db1, self.db2 = (
            self.g[place].reshape(shape) for place, shape in zip(places, shapes, strict=True)
        )
        generator = np.random.default_rng(seed)
        for W in (self.W1, self.W2):
            limit = (6 / sum(W.shape)) ** 0.5
            W[...] = generator.uniform(-limit, limit, W.shape)
        self.generator = generator
        self.steps = 0
        self.x = np.empty((BATCH, INPUTS), np.float32)
        self.label = np.empty(BATCH, np.int64)
        self.h, self.dh = (np.empty((BATCH, HIDDEN), np.float32) for _ in range(2))
        self.logits = np.empty((BATCH, CLASSES), np.float32)
        self.mask = np.empty((BATCH, HIDDEN), bool)
        self.rows = np.arange(BATCH)

    def epoch(self, data: NDArray[Any], labels: NDArray[Any]) -> float:
        """Train one epoch over whole batches and return the mean loss."""
        order = self.generator.permutation(len(data))
        total, batches = 0.0, len(data) // BATCH
        for start in range(0, batches * BATCH, BATCH):
            rows = order[start : start + BATCH]
            np.take(data, rows, axis=0, out=self.x, mode="clip")
            np.take(labels, rows, out=self.label, mode="clip")
            total += self.step()
        return total / batches

    def step(self) -> float:
        """One training step on the batch in x and label."""
        h, logits = self.h, self.logits
        np.matmul(self.x, self.W1, out=h)
        h += self.b1
        np.maximum(h, 0, out=h)
        np.matmul(h, self.W2, out=logits)
        logits += self.b2

        logits -= logits.max(axis=1, keepdims=True)  # softmax cross entropy and its gradient
        at_label = logits[self.rows, self.label]
        np.exp(logits, out=logits)
        sums = logits.sum(axis=1, keepdims=True)
        loss = float((np.log(sums[:, 0]) - at_label).mean())
        logits /= sums
        logits[self.rows, self.label] -= 1
        logits *= 1 / BATCH

        np.matmul(h.T, logits, out=self.dW2)
        np.add.reduce(logits, axis=0, out=self.db2)
        np.matmul(logits, self.W2.T, out=self.dh)
        np.greater(h, 0, out=self.mask)
        self.dh *= self.mask
        np.matmul(self.x.T, self.dh, out=self.dW1)
        np.add.reduce(self.dh, axis=0, out=self.db1)
        self.adam()
        return loss

    def adam(self) -> None:
        """Ten passes over the flat vectors, the gradient as scratch."""
        self.steps += 1
        w, g, m, v = self.w, self.g, self.m, self.v
        root = ((1 - BETA2) / (1 - BETA2**self.steps)) ** 0.5
        rate = RATE * (1 - BETA1) / (1 - BETA1**self.steps) / root
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
            for moment in (m, v):
                np.abs(moment, out=g)
                np.greater_equal(g, FLUSH_BELOW, out=g)
                moment *= g
