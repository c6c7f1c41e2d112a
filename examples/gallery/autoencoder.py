"""Digits squeezed through eight numbers and back: an autoencoder against the best linear one.

Claim: with a code of eight numbers its error on new digits is at least 20 % below that of principal components, which
no linear code can beat. The digits are SYNTHETIC (rendered from fonts; not MNIST). Exit status 1: it is not so.
"""

import argparse
import json
import sys
from pathlib import Path

import numpy as np

from cutedl import Dataset, Model, Session, datasets, losses, nn, optimizers

CODE = 8

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("--quick", action="store_true", help="fewer epochs")
parser.add_argument("--seed", type=int, default=0)
parser.add_argument("--json", type=Path, metavar="PATH", help="write the result here too")
parser.add_argument("--picture", metavar="PATH", help="draw some digits here: .png, .svg or .pdf")
args = parser.parse_args()


def draw(path, *rows):
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6, 2.4), layout="constrained")
    FigureCanvasAgg(figure)
    for axes, (name, images) in zip(figure.subplots(len(rows), 1), rows, strict=True):
        axes.imshow(np.hstack(images[:12].reshape(-1, 28, 28)), cmap="gray_r", vmin=0, vmax=1)
        axes.set(xticks=[], yticks=[])
        axes.set_ylabel(name, rotation=0, ha="right", va="center")
    figure.savefig(path, dpi=120)


images, _ = datasets.digits.render(5000, seed=args.seed)
x = images.reshape(len(images), -1).astype("float32") / 255
train, new = x[:4000], x[4000:]

encoder = nn.Sequential([nn.Dense(128, inshape=784, activation="relu"), nn.Dense(CODE)])
decoder = nn.Sequential([nn.Dense(128, activation="relu"), nn.Dense(784, activation="sigmoid")])
model = Model([encoder, decoder])
session = Session(model, losses.MeanSquaredError(), optimizers.Adam(0.004), seed=args.seed)
session.fit(Dataset(train, train), epochs=20 if args.quick else 60, verbose=0)

mean = train.mean(axis=0)
components = np.linalg.svd(train - mean, full_matrices=False)[2][:CODE]
linear = (new - mean) @ components.T @ components + mean
error, linear_error = (float(np.mean((y - new) ** 2)) for y in (model.predict(new), linear))
print(f"SYNTHETIC digits, {CODE} numbers each: squared error {error:.4f}, principal components {linear_error:.4f}")
if args.picture:
    draw(args.picture, ("new digits", new), ("autoencoder", model.predict(new)), ("linear", linear))
if args.json:
    args.json.write_text(json.dumps({"seed": args.seed, "error": error, "linear": linear_error}) + "\n")
if error > 0.8 * linear_error:
    sys.exit("autoencoder: it is not 20 % better than the linear one.")
