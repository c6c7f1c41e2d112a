"""Files: how one gets to its place, whole or not at all."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

__all__ = ["publish"]


@contextmanager
def publish(path: Path) -> Iterator[Path]:
    """Yield a temporary file beside path; it becomes path if the block ends well and is removed if it raises.

    Each call has a temporary name of its own and renaming is atomic, so that several processes may publish the same
    file at once and none ever reads half of one. Makes the folder. Raises OSError if it cannot be written.

    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as directory:
    ...     with publish(Path(directory, "new", "five.txt")) as temporary:
    ...         _ = temporary.write_text("5")
    ...     print([file.name for file in Path(directory, "new").iterdir()])
    ['five.txt']
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f"{path.name}.{os.urandom(6).hex()}.part")
    # The user's umask decides who may read it, as for any file.
    os.close(os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666))
    try:
        yield temporary
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)
