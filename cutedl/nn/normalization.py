"""Normalization: activations of mean 0 and variance 1, over the batch or over the features of a sample."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cutedl import checks
from cutedl.arena import Arena
from cutedl.errors import ShapeError
from cutedl.initializers import ones, zeros
from cutedl.nn.layer import Layer, Shape
from cutedl.nn.rows import rows, sum_rows

__all__ = ["BatchNormalization", "LayerNormalization"]


class _Normalization(Layer):
    """What both share: y = γ n + β, with γ and β vectors over the last axis and n of mean 0 and variance 1."""

    inplace = True

    def __init__(self, epsilon: float, name: str | None):
        super().__init__(name)
        self.epsilon = checks.number("epsilon", epsilon, low=0, above=True)

    def build(self, in_shape: Shape, arena: Arena) -> Shape:
        """Declare scale γ and offset β, (I,), and what backward needs."""
        if not in_shape:
            raise ShapeError(
                f"{self.name} needs an axis of features.", expected="(batch, ..., features)", received="(batch,)"
            )
        self.scale = arena.parameter(f"{self.name}.scale", in_shape[-1:], ones)
        self.offset = arena.parameter(f"{self.name}.offset", in_shape[-1:], zeros)
        self._normalized, self._scratch = arena.buffer(in_shape), arena.buffer(in_shape)
        self._ones = arena.buffer((), fill=1.0)
        return in_shape


class LayerNormalization(_Normalization):
    """Each row of features by its own mean and variance: y = γ (x - mean) / sqrt(variance + epsilon) + β.

    Shapes: x (B, ..., I) -> y the same; scale γ and offset β (I,). The variance is Σ (x - mean)² / I.
    Gradients: dγ = Σ dy n, dβ = Σ dy over all rows; dx = (g - mean(g) - n mean(g n)) / sqrt(variance + epsilon)
    with g = γ dy and n the normalized x.

    epsilon: > 0, in the units of x²; 0.001 as in Keras, where PyTorch has 0.00001.

    Raises ArgumentError for an epsilon that is not above 0, ShapeError at assemble for samples without an axis.
    Source: Ba, Kiros and Hinton, "Layer normalization" (2016); equals keras.layers.LayerNormalization, and
    torch.nn.LayerNorm(I, eps=epsilon).

    >>> from cutedl.model import Model
    >>> model = Model([LayerNormalization()])
    >>> model.assemble(inshape=2)
    >>> print(model.predict([[1.0, 3.0]]).round(3))
    [[-1.  1.]]
    """

    def __init__(self, epsilon: float = 0.001, name: str | None = None):
        super().__init__(epsilon, name)

    def __repr__(self) -> str:
        return f"LayerNormalization(epsilon={self.epsilon:g})"

    def build(self, in_shape: Shape, arena: Arena) -> Shape:
        """Declare also one mean and one deviation for each row."""
        super().build(in_shape, arena)
        self._mean, self._deviation = (arena.buffer((*in_shape[:-1], 1)) for _ in range(2))
        return in_shape

    def flops(self, in_shape: Shape, out_shape: Shape) -> int:
        """Seven for each number: two sums, difference, square, quotient, product with γ, sum with β."""
        return 7 * math.prod(out_shape)

    def forward(self, x: NDArray[Any], out: NDArray[Any], training: bool) -> NDArray[Any]:
        if training:
            count = len(x)
            n, mean, deviation = (b.rows(count) for b in (self._normalized, self._mean, self._deviation))
        else:
            n, mean, deviation = np.empty_like(out), *np.empty((2, *x.shape[:-1], 1), x.dtype)
        # n = (x - mean) / sqrt(mean (x - mean)² + epsilon); x may be out, and is not needed after its mean is off.
        np.mean(x, axis=-1, keepdims=True, out=mean)
        np.subtract(x, mean, out=n)
        np.multiply(n, n, out=out)
        np.mean(out, axis=-1, keepdims=True, out=deviation)
        deviation += self.epsilon
        np.sqrt(deviation, out=deviation)
        n /= deviation
        np.multiply(n, self.scale.value, out=out)
        out += self.offset.value
        return out

    def backward(self, dy: NDArray[Any], out: NDArray[Any] | None) -> NDArray[Any] | None:
        count = len(dy)
        n, product = self._normalized.rows(count), self._scratch.rows(count)
        np.multiply(dy, n, out=product)
        ones = self._ones.rows(len(rows(dy)))
        sum_rows(rows(product), ones, out=self.scale.gradient)  # dγ = Σ dy n
        sum_rows(rows(dy), ones, out=self.offset.gradient)  # dβ = Σ dy
        if out is not None:
            mean = self._mean.rows(count)
            product *= self.scale.value
            np.mean(product, axis=-1, keepdims=True, out=mean)
            np.multiply(n, mean, out=product)  # n mean(g n)
            np.multiply(dy, self.scale.value, out=out)
            np.mean(out, axis=-1, keepdims=True, out=mean)
            out -= mean
            out -= product
            out /= self._deviation.rows(count)  # dx = (g - mean(g) - n mean(g n)) / deviation
        return out


class BatchNormalization(_Normalization):
    """Each feature by its mean and variance: y = γ (x - mean) / sqrt(variance + epsilon) + β.

    In training they are those of the batch, over all axes but the last, the variance Σ (x - mean)² / rows; in
    evaluation they are the moving ones, so that y does not depend on the other samples. backward, a part of a step
    that is really made, moves them: moving = momentum moving + (1 - momentum) batch; they start from 0 and 1.

    Shapes: x (B, ..., I) -> y the same; scale γ, offset β and the moving statistics (I,).
    Gradients: dγ = Σ dy n, dβ = Σ dy over all rows; dx = γ (dy - dβ / rows - n dγ / rows) / sqrt(variance + epsilon)
    with n the normalized x. A batch of one row gives y = β and dx = 0.

    momentum: of the moving statistics, in [0, 1). epsilon: > 0, in the units of x².

    Defaults and conventions are those of Keras. PyTorch's momentum is 1 - momentum, its epsilon 0.00001, its features
    are axis 1, and its moving variance is that of Σ (x - mean)² / (rows - 1).

    Raises ArgumentError for a hyper-parameter outside its range, ShapeError at assemble for samples without an axis.
    Source: Ioffe and Szegedy, "Batch normalization" (2015); equals keras.layers.BatchNormalization.

    >>> from cutedl.model import Model
    >>> model = Model([BatchNormalization()])
    >>> model.assemble(inshape=1)
    >>> print(model.forward(np.array([[1.0], [3.0]], "float32")).round(3).tolist())
    [[-1.0], [1.0]]
    """

    def __init__(self, momentum: float = 0.99, epsilon: float = 0.001, name: str | None = None):
        super().__init__(epsilon, name)
        self.momentum = checks.number("momentum", momentum, low=0, high=1, below=True)

    def __repr__(self) -> str:
        return f"BatchNormalization(momentum={self.momentum:g}, epsilon={self.epsilon:g})"

    def build(self, in_shape: Shape, arena: Arena) -> Shape:
        """Declare also the moving mean and variance, which are kept but not learned."""
        super().build(in_shape, arena)
        self.moving_mean = arena.statistic(f"{self.name}.moving_mean", in_shape[-1:], 0.0)
        self.moving_variance = arena.statistic(f"{self.name}.moving_variance", in_shape[-1:], 1.0)
        return in_shape

    def flops(self, in_shape: Shape, out_shape: Shape) -> int:
        """Three for each number, the moving statistics being known: difference, product, sum with β."""
        return 3 * math.prod(out_shape)

    def forward(self, x: NDArray[Any], out: NDArray[Any], training: bool) -> NDArray[Any]:
        if training:
            return self._forward_batch(x, out)
        # y = γ (x - mean) / deviation + β; the mean goes first: in γ x / deviation + ... large means would cancel.
        np.subtract(x, self.moving_mean.value, out=out)
        out *= self.scale.value / np.sqrt(self.moving_variance.value + self.epsilon)
        out += self.offset.value
        return out

    def _forward_batch(self, x: NDArray[Any], out: NDArray[Any]) -> NDArray[Any]:
        n = self._normalized.rows(len(x))
        # n = (x - mean) / sqrt(mean (x - mean)² + epsilon); x may be out, and is not needed after its mean is off.
        self._mean = _mean_rows(x)
        np.subtract(x, self._mean, out=n)
        np.multiply(n, n, out=out)
        self._variance = _mean_rows(out)
        n /= np.sqrt(self._variance + self.epsilon)
        np.multiply(n, self.scale.value, out=out)
        out += self.offset.value
        return out

    def backward(self, dy: NDArray[Any], out: NDArray[Any] | None) -> NDArray[Any] | None:
        n, product, count = self._normalized.rows(len(dy)), self._scratch.rows(len(dy)), max(1, dy.size // dy.shape[-1])
        np.multiply(dy, n, out=product)
        ones = self._ones.rows(len(rows(dy)))
        sum_rows(rows(product), ones, out=self.scale.gradient)  # dγ = Σ dy n
        sum_rows(rows(dy), ones, out=self.offset.gradient)  # dβ = Σ dy
        if out is not None:
            np.multiply(n, self.scale.gradient / -count, out=out)
            out += dy
            out -= self.offset.gradient / count
            out *= self.scale.value / np.sqrt(self._variance + self.epsilon)  # dx = γ (dy - ...) / deviation
        # Only here: a batch whose loss is not finite never comes so far, and leaves the statistics as they were.
        if not len(dy):  # a rank without a sample
            return out
        for moving, batch in ((self.moving_mean, self._mean), (self.moving_variance, self._variance)):
            moving.value[...] += (1 - self.momentum) * (batch - moving.value)
        return out


def _mean_rows(x: NDArray[Any]) -> NDArray[Any]:
    """(B, ..., I) -> (I,), the mean over all rows.

    Summed in float64, even a short column: an error in a mean far from 0 is large beside a small deviation.
    """
    total = np.add.reduce(rows(x), axis=0, dtype=np.float64)
    mean: NDArray[Any] = (total / max(1, x.size // x.shape[-1])).astype(x.dtype)
    return mean
