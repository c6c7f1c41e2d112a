"""A program of its own: kill training at random moments, resume it, and say as JSON how many runs ended in other bits.

python -m tests.robust.training_kills KILLS SEED FOLDER

Every run is killed twice, if it lives long enough, and then resumed to its end.
"""

import json
import os
import random
import signal
import sys
import time
import traceback
from pathlib import Path

from cutedl.listeners import Checkpoint, Listener, ReduceLROnPlateau
from cutedl.session import Session
from tests.saved.runs import start
from tests.saved.sessions import data, digest_of_file

EPOCHS = 4  # of six batches
SAVED, ENDED = Path("run.safetensors"), Path("ended.safetensors")


class EveryBatch(Listener):
    saves = True

    def on_batch_end(self, session):
        session.save(SAVED)


SAVERS = {"batch": EveryBatch, "epoch": lambda: Checkpoint(SAVED, save="latest")}


def train(saver, folder):
    """Train to the end in a folder, from the file that is there, or from the beginning."""
    os.chdir(folder)
    run = Session.load(SAVED) if SAVED.exists() else start("adam", "cosine", "both")
    left = EPOCHS - run.epoch + run.under_way
    if left:
        plateau = ReduceLROnPlateau(monitor="loss", factor=0.5, patience=1)
        run.fit(data(), left, val_data=data(20), listeners=[plateau, SAVERS[saver]()], verbose=0)
    run.save(ENDED)


def in_a_child(saver, folder, wait=None):
    """Whether the child that trains there had to be killed, after so many seconds."""
    child = os.fork()
    if not child:
        try:
            train(saver, folder)
        except BaseException:
            traceback.print_exc()
            os._exit(1)
        os._exit(0)
    if wait is not None:
        time.sleep(wait)
        os.kill(child, signal.SIGKILL)
    status = os.waitpid(child, 0)[1]
    assert status in (0, signal.SIGKILL), status
    return status != 0


def main(count, seed, folder):
    rng, straight, seconds = random.Random(seed), {}, {}
    for saver in SAVERS:
        (there := Path(folder, saver)).mkdir()
        started = time.perf_counter()
        in_a_child(saver, there)
        seconds[saver], straight[saver] = time.perf_counter() - started, digest_of_file(there / ENDED)
    kills = resumed = other = number = 0
    while kills < count:
        number += 1
        saver = list(SAVERS)[number % 2]
        (there := Path(folder, str(number))).mkdir()
        for _ in range(2):
            kills += in_a_child(saver, there, rng.uniform(0, seconds[saver]))
            resumed += (there / SAVED).exists()
        in_a_child(saver, there)
        other += digest_of_file(there / ENDED) != straight[saver]
    print(json.dumps({"kills": kills, "runs": number, "resumed": resumed, "other": other}))


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3])
