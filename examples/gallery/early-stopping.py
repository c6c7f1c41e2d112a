"""Early stopping: a model that learns 80 points by heart, with and without a listener that stops in time.

Claim: EarlyStopping ends the fit before half of the epochs, puts the best epoch's weights back, bit for bit, and leaves
a validation loss less than half as large as training to the end does. The points are SYNTHETIC: two half-moons that
overlap. Exit status 1: it is not so.
"""

import argparse
import json
import sys
from pathlib import Path

import numpy as np

from cutedl import Dataset, Model, Session, fit_report, losses, nn, optimizers
from cutedl.listeners import EarlyStopping

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("--quick", action="store_true", help="fewer epochs")
parser.add_argument("--seed", type=int, default=0)
parser.add_argument("--json", type=Path, metavar="PATH", help="write the result here too")
parser.add_argument("--picture", metavar="PATH", help="write the fit report of the stopped run here")
args = parser.parse_args()
EPOCHS = 150 if args.quick else 200


def moons(count):
    y = generator.integers(2, size=count)
    angle = np.pi * generator.random(count)
    upper, lower = np.c_[np.cos(angle), np.sin(angle)], np.c_[1 - np.cos(angle), 0.5 - np.sin(angle)]
    return np.where(y[:, None], lower, upper) + generator.normal(0, 0.3, (count, 2)), y


def train(*listeners):
    model = Model([nn.Dense(256, activation="relu"), nn.Dense(256, activation="relu"), nn.Dense(2)])
    loss, optimizer = losses.SparseCategoricalCrossentropy(), optimizers.Adam(0.003)
    session = Session(model, loss, optimizer, metrics=["accuracy"], seed=args.seed)
    session.fit(few, EPOCHS, val_data=validation, listeners=listeners, verbose=0)
    return session, session.evaluate(validation)["loss"]


generator = np.random.default_rng(args.seed)
few, validation = Dataset(*moons(80), batch_size=16, source="SYNTHETIC moons"), Dataset(*moons(2000))
_, loss_at_the_end = train()
session, loss = train(EarlyStopping("val_loss", patience=15))
result = {"seed": args.seed, "to the end": loss_at_the_end, "stopped": loss, "epochs": session.epoch}
print(f"SYNTHETIC moons, validation loss after {EPOCHS} epochs {loss_at_the_end:.3f}")
print(f"stopped after {session.epoch} ({session.stop_reason}): {loss:.3f}, of epoch {session.best_epoch}")
if args.picture:
    fit_report(session.history, args.picture)
if args.json:
    args.json.write_text(json.dumps(result, indent=2) + "\n")
if session.epoch >= EPOCHS / 2 or loss != session.history.best("val_loss").value or loss > loss_at_the_end / 2:
    sys.exit("early-stopping: the claim is missed.")
