"""Train an MLP on MNIST with as many processes as mpiexec starts, or alone: the program is the same.

    python examples/distributed/mnist.py
    mpiexec -n 2 python -m mpi4py examples/distributed/mnist.py

Where MNIST cannot be had it trains on a synthetic stand-in and says so. Exit status 1: below 93 % test accuracy.
"""

import argparse
import sys

from cutedl import Model, Session, datasets, distributed, losses, nn, optimizers
from cutedl.errors import DatasetError

BAR = 0.93

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("--batch-size", type=int, default=64, help="samples per rank and step (default 64)")
parser.add_argument("--epochs", type=int, default=3)
parser.add_argument("--scale", choices=("none", "sqrt", "linear"), default="none", help="of the rate to the batch")
parser.add_argument("--seed", type=int, default=0)
parser.add_argument("--quick", action="store_true", help="one epoch on the synthetic stand-in")
args = parser.parse_args()

comm = distributed.world()


def load():
    if not args.quick:
        try:
            return datasets.mnist.load(args.batch_size, one_hot=False)
        except DatasetError as error:
            if comm.rank == 0:
                print(f"{error}\nMNIST cannot be had: training on the SYNTHETIC stand-in instead.", file=sys.stderr)
    return datasets.digits.load(args.batch_size, one_hot=False)


train, test = load()
rate = 0.003
if args.scale != "none":
    rate = distributed.scaled_rate(rate, args.batch_size, comm, tuned_for=64, rule=args.scale)
model = Model([nn.Dense(128, activation="relu"), nn.Dense(10)])
session = Session(
    model,
    losses.SparseCategoricalCrossentropy(),
    optimizers.Adam(rate),
    metrics=["accuracy"],
    seed=args.seed,
    comm=comm,
)
history = session.fit(train, 1 if args.quick else args.epochs, val_data=test)

accuracy = history["val_accuracy"][-1]
if comm.rank == 0:
    ranks = f"{comm.size} rank{'s' * (comm.size > 1)} × {args.batch_size}"
    speed = f"{history['samples_per_second'][-1]:,.0f} samples/s"
    print(f"{test.source}: test accuracy {accuracy:.2%}, {ranks}, {history['steps'][-1]:,} steps, {speed}")
    if accuracy < BAR:
        sys.exit(f"mnist: {accuracy:.2%} is below the bar of {BAR:.0%}.")
