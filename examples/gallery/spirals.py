"""Three spirals, wound into each other, and the map of what the model decides where.

Claim: an MLP classifies at least 97 % of held-out points, softmax regression, whose borders are straight lines, at most
60 %. With --picture the map is drawn: a colour per class, blended where it is unsure. Exit status 1: it is not so.
"""

import argparse
import json
import sys
from pathlib import Path

import numpy as np

from cutedl import Dataset, Model, Session, dlmath, losses, nn, optimizers

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("--quick", action="store_true", help="fewer epochs")
parser.add_argument("--seed", type=int, default=0)
parser.add_argument("--json", type=Path, metavar="PATH", help="write the result here too")
parser.add_argument("--picture", metavar="PATH", help="draw the map here: .png, .svg or .pdf")
args = parser.parse_args()
COLOURS = np.array([[0.00, 0.45, 0.70], [0.84, 0.37, 0.00], [0.00, 0.62, 0.45]])  # Okabe and Ito's


def spirals(count):
    """Return points (count, 2) and their spirals, 0, 1 or 2."""
    label = generator.integers(3, size=count)
    radius = np.sqrt(generator.uniform(0.01, 1, count))
    angle = 7 * radius + label * 2 * np.pi / 3 + generator.normal(0, 0.12, count)
    return radius[:, None] * np.c_[np.cos(angle), np.sin(angle)], label


def train(*hidden):
    model = Model([*hidden, nn.Dense(3)])
    loss, optimizer = losses.SparseCategoricalCrossentropy(), optimizers.Adam(0.01)
    session = Session(model, loss, optimizer, metrics=["accuracy"], seed=args.seed)
    session.fit(Dataset(*points, batch_size=50), epochs=60 if args.quick else 150, verbose=0)
    return model, session.evaluate(Dataset(*held_out))["accuracy"]


def draw(model, path):
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(5, 5), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots()
    grid = np.linspace(-1.2, 1.2, 300)
    x = np.stack(np.meshgrid(grid, grid), axis=-1).reshape(-1, 2)
    shares = dlmath.prob_distribution(model.predict(x))
    axes.imshow((0.3 + 0.7 * shares @ COLOURS).reshape(300, 300, 3), origin="lower", extent=(-1.2, 1.2, -1.2, 1.2))
    for label, marker in enumerate("o^s"):
        place = held_out[0][held_out[1] == label]
        axes.scatter(*place.T, s=14, marker=marker, color=COLOURS[label], edgecolors="white", linewidths=0.5)
    axes.set(title=f"three spirals: {result['the MLP']:.1%} of 600 held-out points", xticks=[], yticks=[])
    figure.savefig(path, dpi=120)


generator = np.random.default_rng(args.seed)
points, held_out = spirals(1500), spirals(600)
model, accuracy = train(nn.Dense(48, activation="tanh"), nn.Dense(48, activation="tanh"))
result = {"seed": args.seed, "the MLP": accuracy, "straight lines": train()[1]}
print(f"600 held-out points: MLP {accuracy:.2%}, straight lines {result['straight lines']:.2%}")
if args.picture:
    draw(model, args.picture)
if args.json:
    args.json.write_text(json.dumps(result, indent=2) + "\n")
if accuracy < 0.97 or result["straight lines"] > 0.6:
    sys.exit("spirals: the claim is missed.")
