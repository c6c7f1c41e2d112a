"""Train a classifier of 1,000,000 classes by sampled softmax, and compare its step with one of the full softmax.

    python examples/sampled/large-vocabulary.py [--quick] [--seed 1]

The stream is SYNTHETIC: class k comes with a frequency proportional to 1 / (k + 1), Zipf's law, and is seen as the 20
binary digits of its number, each ±1, in normal noise. Exit status 1: the full loss on held-out samples is not below
that of the class frequencies alone, or the process took 1.5 GB.
"""

import argparse
import resource
import sys
import time

import numpy as np

from cutedl import nn, optimizers
from cutedl.dataset import Dataset
from cutedl.listeners import FitListener
from cutedl.losses import SampledSoftmax
from cutedl.model import Model
from cutedl.session import Session

CLASSES, DIGITS, UNITS, BATCH, SAMPLED, HELD_OUT, STEPS = 1_000_000, 20, 32, 128, 1000, 1024, 500


def draw(frequencies: np.ndarray, count: int, generator: np.random.Generator) -> Dataset:
    """The next samples of the stream."""
    y = generator.choice(CLASSES, count, p=frequencies)
    digits = 2.0 * (y[:, None] >> np.arange(DIGITS) & 1) - 1.0
    return Dataset((digits + generator.normal(size=digits.shape)).astype("float32"), y, BATCH, source="SYNTHETIC")


def full_softmax_seconds(generator: np.random.Generator) -> float:
    """The time of one step over all classes in plain NumPy, with plain gradient descent."""
    w, b, p = (np.zeros(shape, "float32") for shape in ((CLASSES, UNITS), CLASSES, (BATCH, CLASSES)))
    h, y = generator.normal(size=(BATCH, UNITS)).astype("float32"), generator.integers(CLASSES, size=BATCH)
    ticks = [time.perf_counter()]
    for _ in range(3):
        np.matmul(h, w.T, out=p)
        p += b
        p -= p.max(axis=1, keepdims=True)
        np.exp(p, out=p)
        p /= p.sum(axis=1, keepdims=True)
        p[np.arange(BATCH), y] -= 1.0
        p @ w  # the gradient for the layers below
        w -= p.T @ h * np.float32(0.1 / BATCH)
        b -= p.sum(axis=0) * np.float32(0.1 / BATCH)
        ticks.append(time.perf_counter())
    return float(np.median(np.diff(ticks)))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--quick", action="store_true", help=f"{STEPS} steps instead of {5 * STEPS}")
    args = parser.parse_args()
    generator, weights = np.random.default_rng(args.seed), 1.0 / np.arange(1, CLASSES + 1)
    frequencies = weights / weights.sum()
    held_out = draw(frequencies, HELD_OUT, generator)
    entropy, prior = -frequencies @ np.log(frequencies), -np.log(frequencies[held_out.label]).mean()
    print(f"SYNTHETIC, {CLASSES:,} classes, entropy {entropy:.3f}; loss of the prior on held-out samples {prior:.3f}")
    full = full_softmax_seconds(generator)
    model, ticks = Model([nn.Dense(UNITS, inshape=DIGITS, activation="tanh")]), []
    session = Session(model, SampledSoftmax(CLASSES, SAMPLED), optimizers.Adam(0.01), seed=args.seed)
    clock = FitListener("batch_end", callback=lambda history: ticks.append(time.perf_counter()))
    for _ in range(1 if args.quick else 5):
        history = session.fit(draw(frequencies, STEPS * BATCH, generator), listeners=[clock], verbose=0)
        loss = session.evaluate(held_out)["loss"]
        print(f"{history['steps'][-1]:,} steps: sampled loss {history['loss'][-1]:.3f}, full loss {loss:.3f}")
    step, peak = np.median(np.diff(ticks)), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    peak /= 1e9 if sys.platform == "darwin" else 1e6  # there in bytes, elsewhere in kilobytes
    print(f"step of {BATCH} samples: sampled {step * 1e3:.2f} ms, full {full * 1e3:.0f} ms, {full / step:.0f} times")
    print(f"peak memory {peak:.2f} GB, seed {args.seed}")
    return 0 if loss < prior and peak < 1.5 else 1


if __name__ == "__main__":
    sys.exit(main())
