"""Recognise handwritten digits: train softmax regression or an MLP on MNIST, print the accuracy, write the fit report.

Where MNIST cannot be had it trains on a synthetic stand-in and says so. Exit status 1: below 91 % test accuracy.
"""

import argparse
import json
import sys
from pathlib import Path

from cutedl import Model, Session, datasets, fit_report, losses, nn, optimizers
from cutedl.errors import DatasetError
from cutedl.session import FitListener

BAR = 0.91
OPTIMIZERS = {"adam": (optimizers.Adam, 0.003), "momentum": (optimizers.Momentum, 0.05), "sgd": (optimizers.SGD, 0.1)}
RESULT = (
    "{dataset}: test accuracy {accuracy:.2%}, loss {loss:.4f}, {epochs} epochs, {steps:,} steps, {seconds:.1f} s, "
    "seed {seed}; report {report}"
)

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("--model", choices=("softmax", "mlp"), default="mlp")
parser.add_argument("--hidden", type=int, default=128, help="units of the MLP's hidden layer (default 128)")
parser.add_argument("--optimizer", choices=OPTIMIZERS, default="adam")
parser.add_argument("--learning-rate", type=float, help="halved after each epoch (adam 0.003, momentum 0.05, sgd 0.1)")
parser.add_argument("--batch-size", type=int, default=64)
parser.add_argument("--epochs", type=int, default=5)
parser.add_argument("--data", choices=("mnist", "digits", "auto"), default="auto", help="digits is the synthetic one")
parser.add_argument("--data-dir", help="folder with the four MNIST files")
parser.add_argument("--seed", type=int, default=0)
parser.add_argument("--report", default="fit-report.png", metavar="PATH", help=".png, .svg or .pdf")
parser.add_argument("--json", type=Path, metavar="PATH", help="write the result here too")
parser.add_argument("--quick", action="store_true", help="one epoch")
args = parser.parse_args()


def load():
    if args.data != "digits":
        try:
            return datasets.mnist.load(args.batch_size, one_hot=False, data_dir=args.data_dir)
        except DatasetError as error:
            if args.data == "mnist" or args.data_dir:
                sys.exit(f"mnist-recognize: {error}")
            print(f"{error}\nMNIST cannot be had: training on the SYNTHETIC stand-in instead.", file=sys.stderr)
    return datasets.digits.load(args.batch_size, one_hot=False)


def halve_the_rate(history):
    optimizer.learning_rate /= 2


train, test = load()
hidden = [nn.Dense(args.hidden, activation="relu")] if args.model == "mlp" else []
model = Model([*hidden, nn.Dense(10)])
make, usual_rate = OPTIMIZERS[args.optimizer]
optimizer = make(usual_rate if args.learning_rate is None else args.learning_rate)
session = Session(model, losses.SparseCategoricalCrossentropy(), optimizer, metrics=["accuracy"], seed=args.seed)

epochs = 1 if args.quick else args.epochs
history = session.fit(train, epochs, val_data=test, listeners=[FitListener("epoch_end", halve_the_rate)])
result = {
    "dataset": test.source, "accuracy": history["val_accuracy"][-1], "loss": history["val_loss"][-1],
    "epochs": session.epoch, "steps": history["steps"][-1], "seconds": history["cost_time"],
    "seed": args.seed, "report": args.report,
}  # fmt: skip
print(RESULT.format(**result))
fit_report(history, args.report)
if args.json:
    args.json.write_text(json.dumps(result, indent=2) + "\n")
if result["accuracy"] < BAR:
    sys.exit(f"mnist-recognize: {result['accuracy']:.2%} is below the bar of {BAR:.0%}.")
