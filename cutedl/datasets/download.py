"""One file from a mirror into the cache: by https alone, verified before it gets its name."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO, TypeVar

from cutedl.errors import CorruptDataError, needed
from cutedl.files import publish

__all__ = ["PATIENCE", "fetch", "knock", "offline", "reason"]

PATIENCE = 10.0  # seconds without a byte after which a mirror is given up

T = TypeVar("T")


def offline() -> bool:
    """Whether $CUTEDL_OFFLINE forbids to open a socket: it is set, to something other than 0.

    >>> offline() in (True, False)
    True
    """
    return os.environ.get("CUTEDL_OFFLINE", "0") not in ("", "0")


def knock(url: str, patience: float = PATIENCE) -> None:
    """Return when the server of url says that it has the file, or raise OSError with its reason within patience.

    On a thread of its own, because no time-out of a socket bounds the look-up of a name or the tries of one address
    after another. A url that is not https, or leads to another one, is refused.

    >>> knock("http://example.org/file")
    Traceback (most recent call last):
    ...
    OSError: refused, since it is not https
    """
    from queue import Empty, SimpleQueue
    from threading import Thread

    import requests

    if not url.startswith("https://"):
        raise OSError("refused, since it is not https")
    answers: SimpleQueue[Exception | None] = SimpleQueue()

    def ask() -> None:
        try:
            response = requests.head(url, timeout=patience, allow_redirects=False)
            response.raise_for_status()
            if response.is_redirect:
                raise OSError(f"refused, since it leads to {response.headers['location']}")
            answers.put(None)
        except Exception as error:  # handed to the caller, who raises it
            answers.put(error)

    Thread(target=ask, daemon=True).start()
    try:
        error = answers.get(timeout=patience)
    except Empty:
        raise TimeoutError(f"no answer within {patience:g} s") from None
    if error is not None:
        raise error


class _Bounded:
    """A file that takes so many bytes and no more, whatever the server says about the length."""

    def __init__(self, file: BinaryIO, most: int):
        self.file, self.most, self.flush = file, most, file.flush

    def write(self, chunk: bytes) -> int:
        if self.file.tell() + len(chunk) > self.most:
            raise OSError(f"sends more than {self.most} bytes")
        return self.file.write(chunk)


def fetch(url: str, path: Path, read: Callable[[Path], T], most: int) -> T:
    """Download url to path and return what read makes of the file; path appears only if read does not raise.

    most: the bytes after which the download is given up.
    Progress is shown on stderr when that is a terminal.
    Raises OSError if the download fails or path cannot be written, and whatever read raises.
    """
    with needed("pooch", "downloading"):
        from pooch import HTTPDownloader

    visible = sys.stderr is not None and sys.stderr.isatty()
    download = HTTPDownloader(progressbar=visible, chunk_size=1 << 16, timeout=PATIENCE, allow_redirects=False)
    with publish(path) as temporary:
        with open(temporary, "wb") as file:
            download(url, _Bounded(file, most), None)
        return read(temporary)


def reason(error: Exception) -> str:
    """Say in one line why a mirror failed.

    >>> reason(CorruptDataError("/cache/x.part cannot be used.", expected="8 bytes", received=3))
    'sent a damaged file: expected 8 bytes, received 3'
    """
    if isinstance(error, CorruptDataError):
        return f"sent a damaged file: expected {error.expected}, received {error.received}"
    # requests wraps the reason in the text of a pool, urllib3 in that of a connection: "HTTPSConnection(...): reason"
    return str(getattr(next(iter(error.args), None), "reason", error)).split("): ", 1)[-1]
