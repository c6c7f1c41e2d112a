"""A program of its own: several processes fill one cache at once, and say as JSON how many got it whole.

python -m tests.datasets.fill COUNT GOOD_MIRROR BAD_MIRROR...
"""

import json
import os
import random
import sys
import warnings

import pooch  # noqa: F401  which is imported here once for all
import requests  # noqa: F401

from cutedl.datasets import download
from cutedl.datasets.resolver import resolve
from tests.datasets.shelf import Shelf


def fill(number, good, bad):
    """What becomes of one process: it downloads after every bad mirror failed, then reads what others may write."""
    shelf, mirrors = Shelf(), random.Random(number).sample(bad, len(bad))
    download.PATIENCE = 1.5
    warnings.simplefilter("error")  # as half a file in the cache would give, before another copy is used
    for _ in range(20):
        if not shelf.came_as(resolve(shelf.wanted(*mirrors, good))):
            return 1
    return 0


def main(count, good, bad):
    children = []
    for number in range(count):
        children.append(os.fork())
        if not children[-1]:
            os._exit(fill(number, good, bad))
    codes = [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children]
    print(json.dumps({"whole": codes.count(0)}))


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2], sys.argv[3:])
