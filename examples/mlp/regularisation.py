"""Overfitting, and what each remedy does against it: a large MLP on 1,000 digits of MNIST.

Without a remedy the training loss goes to 0 while the validation loss turns and rises. Where MNIST cannot be had it
trains on the synthetic stand-in and says so. Exit status 1: nothing overfits, or a remedy neither lowers the
validation loss nor raises the accuracy.
"""

import argparse
import sys

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from cutedl import Dataset, Model, Session, datasets, losses, nn, optimizers
from cutedl.errors import DatasetError
from cutedl.session import FitListener

REMEDIES = {
    "none": {},
    "dropout": {"before": lambda: [nn.Dropout(0.2)], "between": lambda: [nn.Dropout(0.5)]},
    "Gaussian noise on the input": {"before": lambda: [nn.GaussianNoise(0.4)]},
    "weight decay": {"weight_decay": 1.0},
    "label smoothing": {"label_smoothing": 0.2},
    "fewer epochs": {"epochs": 8},
}
STYLES = ["-", "--", "-.", ":", "-", "--"]

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("--epochs", type=int, default=30)
parser.add_argument("--seed", type=int, default=0)
parser.add_argument("--picture", default="regularisation.png", metavar="PATH")
args = parser.parse_args()

try:
    train, test = datasets.mnist.load(one_hot=False)
except DatasetError as error:
    print(f"{error}\nMNIST cannot be had: training on the SYNTHETIC stand-in instead.", file=sys.stderr)
    train, test = datasets.digits.load(one_hot=False)
test = Dataset(test.data[:2000], test.label[:2000], source=test.source)
few = Dataset(train.data[:1000], train.label[:1000], batch_size=50, source=train.source)


def curves(before=list, between=list, units=256, label_smoothing=0.0, epochs=args.epochs, **options):
    """Train with a remedy; return the plain loss on training and test data after each epoch, and the last accuracy."""
    hidden = [part for _ in range(2) for part in (nn.Dense(units, activation="relu"), *between())]
    model = Model([*before(), *hidden, nn.Dense(10)])
    loss = losses.SparseCategoricalCrossentropy(label_smoothing=label_smoothing)
    session = Session(model, loss, optimizers.AdamW(0.001, **options), seed=args.seed)
    judge = Session(model, losses.SparseCategoricalCrossentropy(), optimizers.SGD(), metrics=["accuracy"])
    seen = []
    watch = FitListener("epoch_end", lambda history: seen.append((judge.evaluate(few), judge.evaluate(test))))
    session.fit(few, epochs, listeners=[watch], verbose=0)
    return [a["loss"] for a, _ in seen], [b["loss"] for _, b in seen], seen[-1][1]["accuracy"]


figure = Figure(figsize=(8, 5), layout="constrained")
FigureCanvasAgg(figure)
axes = figure.subplots()
last, failed = {}, []
print(f"1,000 of {train.source}\n{'remedy':30s}{'training loss':>14s}{'validation loss':>17s}{'accuracy':>10s}")
for index, (name, options) in enumerate(REMEDIES.items()):
    training, validation, accuracy = curves(**options)
    last[name] = validation[-1], -accuracy
    failed += [name] if name != "none" and all(a >= b for a, b in zip(last[name], last["none"], strict=True)) else []
    print(f"{name:30s}{training[-1]:>14.4f}{validation[-1]:>17.4f}{accuracy:>10.2%}")
    axes.plot(range(1, len(validation) + 1), validation, STYLES[index], label=name, linewidth=1 + (index == 0))
    if name == "none" and validation[-1] < 1.1 * min(validation):
        sys.exit("regularisation: nothing overfits here.")
axes.set(xlabel="epoch", ylabel="validation loss", title=f"1,000 of {train.source}: what helps against overfitting")
axes.grid(alpha=0.3)
axes.legend()
figure.savefig(args.picture, dpi=150)
if failed:
    sys.exit(f"regularisation: of no help here: {', '.join(failed)}.")
