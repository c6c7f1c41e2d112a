"""Regression: fit a noisy curve with a small MLP and compare with the best straight line and with the noise itself.

The data are SYNTHETIC: y = sin(3 x) + x / 2 with normal noise of standard deviation 0.1. Exit status 1: the error on
held-out points is not near the noise, below which no model can go.
"""

import argparse
import sys

import numpy as np

from cutedl import Dataset, Model, Session, fit_report, losses, nn, optimizers

NOISE = 0.1

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("--epochs", type=int, default=800)
parser.add_argument("--seed", type=int, default=0)
parser.add_argument("--report", metavar="PATH", help="write the fit report here: .png, .svg or .pdf")
args = parser.parse_args()


def curve(x):
    return np.sin(3 * x) + x / 2


generator = np.random.default_rng(args.seed)
x = generator.uniform(-3, 3, (1000, 1))
y = curve(x) + generator.normal(0, NOISE, x.shape)
train, held_out = Dataset(x[:800], y[:800], 32, source="SYNTHETIC curve"), Dataset(x[800:], y[800:])

model = Model([nn.Dense(32, activation="tanh"), nn.Dense(32, activation="tanh"), nn.Dense(1)])
session = Session(model, losses.MeanSquaredError(), optimizers.Adam(0.003), seed=args.seed)
history = session.fit(train, args.epochs, val_data=held_out, verbose=0)

line = np.polyval(np.polyfit(x[:800, 0], y[:800, 0], 1), x[800:, 0])
errors = {
    "the best straight line": np.sqrt(np.mean((line - y[800:, 0]) ** 2)),
    "the network": np.sqrt(history["val_loss"][-1]),
    "the true curve, so the noise": np.sqrt(np.mean((curve(x[800:]) - y[800:]) ** 2)),
}
print("SYNTHETIC curve, root mean squared error on 200 held-out points")
for name, error in errors.items():
    print(f"  {name:30s}{error:.4f}")
if args.report:
    fit_report(history, args.report)
if errors["the network"] > 1.25 * errors["the true curve, so the noise"]:
    sys.exit("regression: the network has not found the curve.")
