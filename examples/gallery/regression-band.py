"""A regression that says how sure it is: three quantiles at once, by a loss of our own.

Each of three outputs minimises the pinball loss of its quantile, 5 %, 50 % or 95 %. The SYNTHETIC noise grows with x.
Claim: 87 % to 93 % of held-out points lie in the band, and it is more than three times as wide on the right as on the
left. Exit status 1: it is not so.
"""

import argparse
import json
import sys
from pathlib import Path

import numpy as np

from cutedl import Dataset, Model, Session, nn, optimizers
from cutedl.losses.elementwise import ElementLoss

QUANTILES = np.array([0.05, 0.5, 0.95])

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("--quick", action="store_true", help="fewer epochs")
parser.add_argument("--seed", type=int, default=0)
parser.add_argument("--json", type=Path, metavar="PATH", help="write the result here too")
parser.add_argument("--picture", metavar="PATH", help="draw the band here: .png, .svg or .pdf")
args = parser.parse_args()


class Pinball(ElementLoss):
    """max(q e, (q - 1) e) of the error e = y - x, one quantile q per column."""

    def _elements(self, y, x, out):
        error = y - x
        if out is not None:
            out[...] = np.where(error > 0, -QUANTILES, 1 - QUANTILES)
        return np.maximum(QUANTILES * error, (QUANTILES - 1) * error)


def sample(count):
    x = generator.uniform(-3, 3, (count, 1))
    return x, np.sin(x) + generator.normal(0, 1, x.shape) * (0.05 + 0.1 * (x + 3))


def draw(path):
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6, 4), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots()
    grid = np.linspace(-3, 3, 200)
    low, middle, high = model.predict(grid[:, None]).T
    axes.fill_between(grid, low, high, color="#0072B2", alpha=0.25, label="5 % to 95 %")
    axes.plot(grid, middle, color="#0072B2", label="median")
    axes.scatter(*(array[:400] for array in held_out), s=6, color="#595959", label="held-out points")
    axes.set(xlabel="x", ylabel="y", title=f"{inside:.1%} of 2,000 held-out points lie in the band")
    axes.legend()
    figure.savefig(path, dpi=120)


generator = np.random.default_rng(args.seed)
(x, y), held_out = sample(4000), sample(2000)
model = Model([nn.Dense(32, activation="tanh"), nn.Dense(32, activation="tanh"), nn.Dense(3)])
rate = optimizers.schedules.CosineDecay(0.01, decay_steps=63 * (40 if args.quick else 100))
session = Session(model, Pinball(), optimizers.Adam(rate), seed=args.seed)
session.fit(Dataset(x, y.repeat(3, axis=1)), 40 if args.quick else 100, verbose=0)
low, _, high = model.predict(held_out[0]).T
inside = float(((low < held_out[1][:, 0]) & (held_out[1][:, 0] < high)).mean())
left, right = np.diff(model.predict([[-2.5], [2.5]])[:, [0, 2]])[:, 0].tolist()
print(f"SYNTHETIC curve: {inside:.1%} of held-out points in the band, {left:.2f} wide at -2.5, {right:.2f} at 2.5")
if args.picture:
    draw(args.picture)
if args.json:
    args.json.write_text(json.dumps({"seed": args.seed, "inside": inside, "left": left, "right": right}) + "\n")
if not 0.87 < inside < 0.93 or right < 3 * left:
    sys.exit("regression-band: the claim is missed.")
