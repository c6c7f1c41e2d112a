"""Train the article's model, softmax regression on MNIST, with every optimizer, and draw one picture of them all.

Where MNIST cannot be had it trains on the synthetic stand-in and says so, in the output and in the picture's title.
Exit status 1: an optimizer does not reach the accuracy that the article's plain gradient descent reached, 90 %.
"""

import argparse
import sys

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from cutedl import Model, Session, datasets, losses, nn, optimizers
from cutedl.errors import DatasetError

OPTIMIZERS = {
    "SGD": lambda: optimizers.SGD(0.1),
    "Momentum": lambda: optimizers.Momentum(0.02),
    "Nesterov": lambda: optimizers.SGD(0.02, momentum=0.9, nesterov=True),
    "Adagrad": lambda: optimizers.Adagrad(0.02),
    "RMSProp": lambda: optimizers.RMSProp(0.001),
    "Adadelta": lambda: optimizers.Adadelta(1.0),
    "Adam": lambda: optimizers.Adam(0.001),
    "AMSGrad": lambda: optimizers.AMSGrad(0.001),
    "AdamW": lambda: optimizers.AdamW(0.001),
    "Nadam": lambda: optimizers.Nadam(0.001),
    "Adamax": lambda: optimizers.Adamax(0.002),
    "Lion": lambda: optimizers.Lion(0.0001),
}
MARKS = "os^Dv<>pP*Xh"

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("--epochs", type=int, default=5)
parser.add_argument("--seed", type=int, default=0)
parser.add_argument("--picture", default="optimizers.png", metavar="PATH")
args = parser.parse_args()

try:
    train, test = datasets.mnist.load(one_hot=True)
except DatasetError as error:
    print(f"{error}\nMNIST cannot be had: training on the SYNTHETIC stand-in instead.", file=sys.stderr)
    train, test = datasets.digits.load(one_hot=True)

figure = Figure(figsize=(8, 5), layout="constrained")
FigureCanvasAgg(figure)
axes = figure.subplots()
lowest = 1.0
print(f"{test.source}\n{'optimizer':12s}{'accuracy':>10s}{'loss':>9s}{'seconds':>9s}")
for index, (name, make) in enumerate(OPTIMIZERS.items()):
    session = Session(
        Model([nn.Dense(10)]), losses.CategoricalCrossentropy(), make(), metrics=["accuracy"], seed=args.seed
    )
    history = session.fit(train, args.epochs, val_data=test, verbose=0)
    accuracy, loss = history["val_accuracy"][-1], history["val_loss"][-1]
    lowest = min(lowest, accuracy)
    print(f"{name:12s}{accuracy:>10.2%}{loss:>9.4f}{history['cost_time']:>9.2f}")
    style = {"marker": MARKS[index], "color": f"C{index % 6}", "linestyle": "-" if index < 6 else "--"}
    axes.plot(range(1, args.epochs + 1), history["val_loss"], label=name, **style)
axes.set(xlabel="epoch", ylabel="validation loss", title=f"Softmax regression, {test.source}")
axes.set_xticks(range(1, args.epochs + 1))
axes.set_yscale("log")
axes.yaxis.set_major_formatter("{x:.2f}")
axes.yaxis.set_minor_formatter("{x:.2f}")
axes.grid(alpha=0.3, which="both")
axes.legend(ncols=2)
figure.savefig(args.picture, dpi=150)
if lowest < (0.9 if test.source == "MNIST" else 0.8):
    sys.exit(f"optimizers: the worst reached {lowest:.2%}.")
