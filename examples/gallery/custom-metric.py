"""Metrics of your own: a function of labels and outputs, and one that sums, for data that does not fit in memory.

Claim: what the history records equals the function called on all predictions at once, for batches of any size; and a
metric may be watched like any column: training stops when the mistakes cost no less. The task is SYNTHETIC: parts are
fine or faulty, and a fault that goes unseen costs fifty false alarms. Exit status 1: it is not so.
"""

import argparse
import json
import sys
from pathlib import Path

import numpy as np

from cutedl import Dataset, Model, Session, losses, nn, optimizers
from cutedl.listeners import EarlyStopping
from cutedl.metrics import Metric

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("--quick", action="store_true", help="fewer samples")
parser.add_argument("--seed", type=int, default=0)
parser.add_argument("--json", type=Path, metavar="PATH", help="write the result here too")
args = parser.parse_args()


def cost(y_true, y_pred):
    """The mean cost of a decision: 1 for a false alarm, 50 for a fault that goes unseen."""
    alarm = y_pred > 0  # logits: above 0 is above one half
    return np.where(y_true == 1, 50 * ~alarm, alarm).mean()


class AlarmRate(Metric):
    """The share of parts that raise an alarm, as two sums."""

    name = "alarm_rate"
    gathered = ("alarms", "parts")

    def reset(self):
        self.alarms = self.parts = 0

    def update(self, y_true, y_pred):
        self.alarms += int(np.count_nonzero(y_pred > 0))
        self.parts += len(y_pred)

    def result(self):
        return self.alarms / self.parts


def parts(count):
    faulty = generator.random((count, 1)) < 0.05
    return generator.normal(size=(count, 4)) + 1.5 * faulty, faulty.astype(int)


generator = np.random.default_rng(args.seed)
train, (x, y) = Dataset(*parts(2000 if args.quick else 10_000)), parts(4000)
model, loss = Model([nn.Dense(16, activation="relu"), nn.Dense(1)]), losses.BinaryCrossentropy(pos_weight=50)
session = Session(model, loss, optimizers.Adam(0.01), metrics=[cost, AlarmRate()], seed=args.seed)
stop = EarlyStopping("val_cost", mode="min", patience=5)
history = session.fit(train, 40, val_data=Dataset(x, y), listeners=[stop], verbose=0)

result = {size: session.evaluate(Dataset(x, y, batch_size=size)) for size in (7, 64, 4000)}
logits = session.predict(x)
never = cost(y, np.full_like(logits, -1))
print(f"SYNTHETIC parts, stopped after {session.epoch} epochs; never an alarm would cost {never:.3f} per part")
print(f"cost {result[7]['cost']:.3f} per part, {result[7]['alarm_rate']:.1%} of the parts raise an alarm")
if args.json:
    args.json.write_text(json.dumps({"seed": args.seed, "never": never, **result[7]}, indent=2) + "\n")
same = result[7] == result[64] == result[4000] and result[7]["alarm_rate"] == (logits > 0).mean()
if not same or abs(result[7]["cost"] - cost(y, logits)) > 1e-12 or result[7]["cost"] > never / 3:
    sys.exit("custom-metric: the claim is missed.")
