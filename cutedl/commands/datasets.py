"""`datasets`: the data sets that cutedl knows by name, and where their files are."""

from __future__ import annotations

import argparse
from typing import Any

from cutedl.commands.answer import Answer
from cutedl.datasets import cache, digits, mnist, resolver
from cutedl.errors import CorruptDataError, DataNotFoundError

__all__ = ["HELP", "add_arguments", "run"]

HELP = "list the data sets that are known by name, and where they are"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """`datasets` has no arguments of its own."""


def run(args: argparse.Namespace) -> Answer:
    """Look into the folders where files are searched, and verify what is there; nothing is downloaded."""
    folders = [_state(mnist.FILES, *place) for place in resolver.places()]
    files = [{"name": file.name, "shape": file.shape, "sha256": file.sha256} for file in mnist.FILES.files]
    data = {
        "mnist": {"title": mnist.FILES.title, "folders": folders, "files": files, "mirrors": mnist.FILES.mirrors},
        "digits": {"title": digits.SOURCE, "folder": str(cache.folder())},
    }
    lines = ["mnist   60,000 + 10,000 handwritten digits, 28 x 28"]
    lines += [f"        {place['state']}: {place['folder']} ({place['name']})" for place in folders]
    lines += [f"        {file['sha256']}  {file['name']}" for file in files]
    lines += [f"digits  {digits.SOURCE}", f"        made at the first use, kept in {cache.folder()}"]
    return Answer("\n".join(lines), data)


def _state(wanted: resolver.FileSet, folder: Any, name: str) -> dict[str, str]:
    try:
        resolver.resolve(wanted, folder)
        state = "verified"
    except DataNotFoundError:
        state = "not there"
    except CorruptDataError as error:
        state = f"damaged, {error}"
    return {"folder": str(folder), "name": name, "state": state}
