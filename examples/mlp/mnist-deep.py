"""MNIST further up: 784-512-512-10 with dropout or batch normalisation and a cosine schedule, to 98.4 % and beyond.

Exit status 1: below 98.4 % test accuracy after the last epoch. Needs the real MNIST.
"""

import argparse
import sys

from cutedl import Model, Session, datasets, fit_report, losses, nn, optimizers
from cutedl.errors import DatasetError
from cutedl.optimizers.schedules import CosineDecay

BAR = 0.984

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("--remedy", choices=("dropout", "batch-normalisation"), default="dropout")
parser.add_argument("--epochs", type=int, default=15)
parser.add_argument("--seed", type=int, default=0)
parser.add_argument("--report", metavar="PATH", help="write the fit report here: .png, .svg or .pdf")
args = parser.parse_args()

try:
    train, test = datasets.mnist.load(batch_size=128, one_hot=False)
except DatasetError as error:
    sys.exit(f"mnist-deep: {error}")


def hidden():
    dense = {"units": 512, "kernel_initializer": "he_normal"}
    if args.remedy == "dropout":
        return [nn.Dense(**dense, activation="relu"), nn.Dropout(0.3)]
    return [nn.Dense(**dense, use_bias=False), nn.BatchNormalization(), nn.Relu()]


before = [nn.Dropout(0.1)] if args.remedy == "dropout" else []
model = Model([*before, *hidden(), *hidden(), nn.Dense(10)])
schedule = CosineDecay(0.001, train.batch_count * args.epochs)
session = Session(
    model, losses.SparseCategoricalCrossentropy(), optimizers.Adam(schedule), metrics=["accuracy"], seed=args.seed
)
history = session.fit(train, args.epochs, val_data=test)
accuracy = history["val_accuracy"][-1]
print(
    f"{test.source}, {args.remedy}: test accuracy {accuracy:.2%} after {history['cost_time']:.0f} s, seed {args.seed}"
)
if args.report:
    fit_report(history, args.report)
if accuracy < BAR:
    sys.exit(f"mnist-deep: {accuracy:.2%} is below the bar of {BAR:.1%}.")
