"""The learning rate, found in a hundred steps instead of by trying.

Claim: `session.lr_find` leaves the weights as they were, to the bit, and plain gradient descent at the rate that it
suggests ends with a lower loss than at a tenth of it. The digits are SYNTHETIC (rendered from fonts; not MNIST). Exit
status 1: it is not so.
"""

import argparse
import json
import sys
from pathlib import Path

import numpy as np

from cutedl import Dataset, Model, Session, datasets, losses, nn, optimizers

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("--quick", action="store_true", help="fewer samples and epochs")
parser.add_argument("--seed", type=int, default=0)
parser.add_argument("--json", type=Path, metavar="PATH", help="write the result here too")
parser.add_argument("--picture", metavar="PATH", help="draw the curve here: .png, .svg or .pdf")
args = parser.parse_args()

count = 2000 if args.quick else 6000
images, labels = datasets.digits.render(count, seed=args.seed)
train = Dataset(images.reshape(count, 784) / 255.0, labels, batch_size=50)


def make(rate):
    model = Model([nn.Dense(64, activation="relu"), nn.Dense(10)])
    return Session(model, losses.SparseCategoricalCrossentropy(), optimizers.SGD(rate), seed=args.seed)


session = make(0.01)
session.model.assemble(args.seed, inshape=784)
before = session.model.arena.values.copy()
curve = session.lr_find(train)
untouched = np.array_equal(before, session.model.arena.values) and session.optimizer.steps == 0
print(f"SYNTHETIC digits, {curve!r}")
result = {"seed": args.seed, "suggestion": curve.suggestion}
for part in 0.1, 1:
    history = make(part * curve.suggestion).fit(train, 2 if args.quick else 5, verbose=0)
    result[f"loss at {part:g} times it"] = history["loss"][-1]
    print(f"at {part:g} times the suggestion: loss {history['loss'][-1]:.4f}")
if args.picture:
    curve.plot().savefig(args.picture)
if args.json:
    args.json.write_text(json.dumps(result, indent=2) + "\n")
if not untouched or not result["loss at 1 times it"] < result["loss at 0.1 times it"]:
    sys.exit("learning-rate-finder: the claim is missed.")
