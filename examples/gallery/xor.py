"""Why a hidden layer: "one or the other, not both" is beyond any straight line.

Claim: on the four points of XOR a model without a hidden layer ends where guessing is, at the loss log 2 = 0.6931; with
four hidden units it gets all four right and its loss falls below 0.01. Exit status 1: it is not so.
"""

import argparse
import json
import math
import sys
from pathlib import Path

import numpy as np

from cutedl import Dataset, Model, Session, dlmath, losses, nn, optimizers

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("--quick", action="store_true", help="half the epochs")
parser.add_argument("--seed", type=int, default=0)
parser.add_argument("--json", type=Path, metavar="PATH", help="write the result here too")
args = parser.parse_args()

x = np.array([[0, 0], [0, 1], [1, 0], [1, 1]])
y = np.array([[0], [1], [1], [0]])
result = {"seed": args.seed}
for name, hidden in ("a line", []), ("a hidden layer", [nn.Dense(4, activation="tanh")]):
    model = Model([*hidden, nn.Dense(1)])
    session = Session(model, losses.BinaryCrossentropy(), optimizers.Adam(0.05), metrics=["accuracy"], seed=args.seed)
    session.fit(Dataset(x, y, batch_size=4), epochs=500 if args.quick else 1000, verbose=0)
    result[name] = session.evaluate(Dataset(x, y))
    says = zip(x, dlmath.sigmoid(model.predict(x))[:, 0], strict=True)
    answers = ", ".join(f"{a} xor {b}: {p:.2f}" for (a, b), p in says)
    print(f"{name:15s} loss {result[name]['loss']:.4f}   {answers}")
if args.json:
    args.json.write_text(json.dumps(result, indent=2) + "\n")
if abs(result["a line"]["loss"] - math.log(2)) > 0.001:
    sys.exit("xor: a line does better than guessing, or worse.")
if result["a hidden layer"]["accuracy"] < 1 or result["a hidden layer"]["loss"] > 0.01:
    sys.exit("xor: the hidden layer has not learned it.")
