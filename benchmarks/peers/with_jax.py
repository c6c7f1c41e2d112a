"""JAX: the whole training step as one compiled function, called per batch or scanned over an epoch; buffers donated."""

from __future__ import annotations

from functools import partial
from itertools import pairwise
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from numpy.typing import NDArray

from benchmarks.data import Data
from benchmarks.peers.base import Peer
from benchmarks.works import Work

__all__ = ["Scan", "Step"]

BETA1, BETA2, EPSILON = 0.9, 0.999, 1e-8
Layers = list[tuple[jax.Array, jax.Array]]
State = tuple[Layers, Layers, Layers, jax.Array]


def start(sizes: tuple[int, ...], generator: np.random.Generator) -> State:
    """Weights, two moments of each, and the number of steps made."""
    layers = []
    for before, after in pairwise(sizes):
        limit = (6 / (before + after)) ** 0.5
        W = generator.uniform(-limit, limit, (before, after))
        layers.append((jnp.asarray(W, jnp.float32), jnp.zeros(after, jnp.float32)))
    moments = [jax.tree.map(jnp.zeros_like, layers) for _ in range(2)]
    return layers, moments[0], moments[1], jnp.int32(0)


def outputs(layers: Layers, x: jax.Array) -> jax.Array:
    for W, b in layers[:-1]:
        x = jax.nn.relu(x @ W + b)
    W, b = layers[-1]
    return x @ W + b


def softmax(layers: Layers, x: jax.Array, y: jax.Array) -> jax.Array:
    logp = jax.nn.log_softmax(outputs(layers, x))
    return -jnp.take_along_axis(logp, y[:, None], axis=1).mean()


def sigmoid(layers: Layers, x: jax.Array, y: jax.Array) -> jax.Array:
    z = outputs(layers, x)
    return (jnp.logaddexp(z, 0) - z * y).mean()


def adam(state: State, gradients: Layers, rate: float) -> State:
    w, m, v, step = state
    step += 1
    m = jax.tree.map(lambda m, g: BETA1 * m + (1 - BETA1) * g, m, gradients)
    v = jax.tree.map(lambda v, g: BETA2 * v + (1 - BETA2) * g * g, v, gradients)
    first, second = 1 / (1 - BETA1**step), 1 / (1 - BETA2**step)
    w = jax.tree.map(lambda w, m, v: w - rate * (m * first) / (jnp.sqrt(v * second) + EPSILON), w, m, v)
    return w, m, v, step


def sgd(state: State, gradients: Layers, rate: float) -> State:
    w, m, v, step = state
    return jax.tree.map(lambda w, g: w - rate * g, w, gradients), m, v, step


class Step(Peer):
    """One compiled call per batch: rows gathered, forward, backward, optimizer."""

    def __init__(self, work: Work, data: Data, threads: int) -> None:
        self.generator = np.random.default_rng(0)
        self.state = start(work.sizes, self.generator)
        self.x, self.y, self.batch = jnp.asarray(data.x), jnp.asarray(data.y), work.batch
        loss = {"softmax": softmax, "sigmoid": sigmoid}[work.loss]
        rule = {"adam": adam, "sgd": sgd}[work.optimizer]

        def step(state: State, x: jax.Array, y: jax.Array, rows: jax.Array) -> State:
            return rule(state, jax.grad(loss)(state[0], x[rows], y[rows]), work.learning_rate)

        self.step = step
        self.compiled = jax.jit(step, donate_argnums=0)
        self.outputs = jax.jit(outputs)

    def order(self) -> NDArray[Any]:
        """The rows of each batch of the next epoch."""
        return self.generator.permutation(len(self.x)).astype(np.int32).reshape(-1, self.batch)

    def epoch(self) -> None:
        state, x, y, compiled = self.state, self.x, self.y, self.compiled
        for rows in self.order():
            state = compiled(state, x, y, rows)
        self.state = jax.block_until_ready(state)

    def predict(self, x: NDArray[Any]) -> NDArray[Any]:
        return np.asarray(self.outputs(self.state[0], x))

    def facts(self) -> dict[str, str]:
        return {"jax": jax.__version__, "device": str(jax.devices()[0])}


class Scan(Step):
    """One compiled call per epoch."""

    def __init__(self, work: Work, data: Data, threads: int) -> None:
        super().__init__(work, data, threads)
        step = self.step

        @partial(jax.jit, donate_argnums=0)
        def scan(state: State, x: jax.Array, y: jax.Array, order: jax.Array) -> State:
            return jax.lax.scan(lambda state, rows: (step(state, x, y, rows), None), state, order)[0]

        self.scan = scan

    def epoch(self) -> None:
        self.state = jax.block_until_ready(self.scan(self.state, self.x, self.y, self.order()))
