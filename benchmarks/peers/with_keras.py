"""Keras: fit on arrays, compiled as by default (jit_compile="auto"); on TensorFlow if it is there, else on JAX.

For small models its documentation recommends several steps per compiled call; that is a peer of its own. One row goes
through model(x), many through predict, as recommended there.
"""

from __future__ import annotations

import os
from importlib.util import find_spec
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.data import Data
from benchmarks.peers.base import Peer
from benchmarks.works import Work

os.environ.setdefault("KERAS_BACKEND", "tensorflow" if find_spec("tensorflow") else "jax")
import keras  # the backend is chosen at import

__all__ = ["Fit"]


class Fit(Peer):
    """A Sequential model and its fit; options go to compile."""

    def __init__(self, work: Work, data: Data, threads: int, **options: int) -> None:
        if keras.backend.backend() == "tensorflow":
            import tensorflow as tf

            tf.config.threading.set_intra_op_parallelism_threads(threads)
            tf.config.threading.set_inter_op_parallelism_threads(threads)
        keras.utils.set_random_seed(0)
        last = len(work.sizes) - 2
        layers = [
            keras.layers.Dense(after, activation=None if i == last else "relu")
            for i, (_, after) in enumerate(pairwise(work.sizes))
        ]
        self.model = keras.Sequential([keras.Input((work.sizes[0],)), *layers])
        loss = (
            keras.losses.BinaryCrossentropy(from_logits=True)
            if work.loss == "sigmoid"
            else keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        )
        rule = (
            keras.optimizers.Adam(work.learning_rate, epsilon=1e-8)
            if work.optimizer == "adam"
            else keras.optimizers.SGD(work.learning_rate)
        )
        self.model.compile(rule, loss, **options)
        self.data, self.batch = data, work.batch

    def epoch(self) -> None:
        self.model.fit(self.data.x, self.data.y, batch_size=self.batch, epochs=1, shuffle=True, verbose=0)

    def predict(self, x: NDArray[Any]) -> NDArray[Any]:
        if len(x) == 1:
            return np.asarray(self.model(x, training=False))
        return self.model.predict(x, batch_size=len(x), verbose=0)

    def facts(self) -> dict[str, str]:
        backend = keras.backend.backend()
        version = __import__(backend).__version__
        return {"keras": keras.__version__, "backend": f"{backend} {version}"}
