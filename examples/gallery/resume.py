"""Stop, save, come back: a run in two halves, in two processes, against the same run in one.

Claim: weights and history of both are equal to the last bit, with dropout, batch normalisation, Adam and a cosine
schedule, although the first half ends in the middle of an epoch. The digits are SYNTHETIC (rendered from fonts; not
MNIST). Exit status 1: it is not so.
"""

import argparse
import json
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from cutedl import Dataset, Model, Session, datasets, losses, nn, optimizers
from cutedl.listeners import LambdaListener

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("--quick", action="store_true", help="fewer samples")
parser.add_argument("--seed", type=int, default=0)
parser.add_argument("--json", type=Path, metavar="PATH", help="write the result here too")
parser.add_argument("--continue-from", type=Path, help=argparse.SUPPRESS)  # what the second process is started with
args = parser.parse_args()
EPOCHS, COUNT = 4, 1000 if args.quick else 4000

images, labels = datasets.digits.render(COUNT, seed=args.seed)
train = Dataset(images.reshape(COUNT, 784) / 255.0, labels, batch_size=50)


def make():
    hidden = [nn.Dense(64, use_bias=False), nn.BatchNormalization(), nn.Relu(), nn.Dropout(0.3)]
    rate = optimizers.schedules.CosineDecay(0.005, decay_steps=EPOCHS * train.batch_count)
    loss = losses.SparseCategoricalCrossentropy()
    return Session(Model([*hidden, nn.Dense(10)]), loss, optimizers.Adam(rate), metrics=["accuracy"], seed=args.seed)


if args.continue_from:
    session = Session.load(args.continue_from)
    session.fit(train, EPOCHS - session.epoch + (session.batch > 0), verbose=0)
    session.save(args.continue_from)
    sys.exit()


def save_once(session):
    if session.epoch == 2 and session.batch == 7:
        session.save(path)


whole = make()
with TemporaryDirectory() as folder:
    path = Path(folder, "half.safetensors")
    whole.fit(train, EPOCHS, listeners=[LambdaListener(batch_end=save_once)], verbose=0)
    again = [sys.executable, __file__, "--continue-from", path, "--seed", str(args.seed)]
    subprocess.run([*again, "--quick"] if args.quick else again, check=True)
    halves = Session.load(path)

columns = ("epoch", "steps", "loss", "accuracy", "learning_rate", "gradient_norm")
equal = {
    "weights": np.array_equal(whole.model.arena.values, halves.model.arena.values),
    "history": all(whole.history[name] == halves.history[name] for name in columns),
}
print(f"SYNTHETIC digits, {whole.optimizer.steps} steps, cut after {train.batch_count + 7}: {equal}")
if args.json:
    args.json.write_text(json.dumps({"seed": args.seed, "loss": halves.history["loss"][-1], **equal}, indent=2) + "\n")
if not all(equal.values()):
    sys.exit("resume: the two runs differ.")
