"""Where the files of a data set come from: the folders searched, in their order, then the mirrors."""

from __future__ import annotations

import math
import os
import warnings
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

from numpy.typing import NDArray

from cutedl.datasets import cache, download, idx
from cutedl.errors import CorruptDataError, DataNotFoundError

__all__ = ["DataFile", "FileSet", "places", "resolve"]

Found: TypeAlias = dict[str, NDArray[Any]]  # arrays by the names of their files
Tried: TypeAlias = list[tuple[str, str]]  # a folder or mirror, and why it did not do


class DataFile(NamedTuple):
    """An IDX file of uint8: its name without .gz, the array's shape, the SHA-256 of its uncompressed bytes."""

    name: str
    shape: tuple[int, ...]
    sha256: str

    def read(self, path: Path) -> NDArray[Any]:
        """Return the array in path, verified; raises as idx.read does."""
        return idx.read(path, self.shape, self.sha256)

    @property
    def most_bytes(self) -> int:
        """What a download may take: gzip adds a little to what it cannot compress, and a name."""
        return 2 * math.prod(self.shape) + 1024


class FileSet(NamedTuple):
    """The files of a data set, the subfolder that they may be in, and the mirrors, https and ending in /."""

    title: str
    subfolder: str
    files: tuple[DataFile, ...]
    mirrors: tuple[str, ...]


def resolve(wanted: FileSet, data_dir: str | Path | None = None) -> list[NDArray[Any]]:
    """Return the arrays of the files wanted, in their order, from the first source that has them all undamaged.

    data_dir: the only folder to look at. Without it: $CUTEDL_DATA, the folder datasets of a checkout, the user's cache
    folder, then the mirrors, which fill the cache. A folder holds the files itself or in the subfolder, raw or .gz.

    Warns of each damaged file that a good copy had to stand in for.
    Raises DataNotFoundError, with a reason for each source, if none has them; CorruptDataError for a damaged file in
    data_dir.
    """
    found, damaged = _search(wanted) if data_dir is None else _demand(wanted, Path(data_dir).expanduser())
    for problem in damaged:
        warnings.warn(f"{problem} Another copy was used.", stacklevel=3)
    return [found[file.name] for file in wanted.files]


def _demand(wanted: FileSet, folder: Path) -> tuple[Found, list[Exception]]:
    found, problems = _look(wanted, folder)
    if len(found) == len(wanted.files):
        return found, problems
    for problem in problems:
        if isinstance(problem, CorruptDataError):
            raise problem
    raise DataNotFoundError(
        f"{wanted.title} cannot be read from data_dir {folder}.",
        expected=_names(wanted),
        received=_joined(problems),
        hint="leave data_dir out to search the usual folders and to download.",
    )


def _search(wanted: FileSet) -> tuple[Found, list[Exception]]:
    tried: Tried = []
    damaged: list[Exception] = []
    found: Found = {}
    for folder, name in places():
        found, problems = _look(wanted, folder)
        damaged += [problem for problem in problems if not isinstance(problem, DataNotFoundError)]
        if len(found) == len(wanted.files):
            return found, damaged
        tried.append((f"{folder} ({name})", _joined(problems)))
    # the cache was the last folder: what it has need not come again
    tried += _download(wanted, found)
    if len(found) < len(wanted.files):
        reasons = "".join(f"\n  {place}: {reason}" for place, reason in tried)
        raise DataNotFoundError(
            f"{wanted.title} is nowhere to be had.{reasons}\n",
            expected=_names(wanted),
            hint=f"put them into {cache.folder() / wanted.subfolder}, or set CUTEDL_DATA to the folder that has them.",
        )
    return found, damaged


def places() -> list[tuple[Path, str]]:
    """Return the folders that are searched, in their order, each with a word on where it comes from.

    >>> places()[-1][1]
    'the cache'
    """
    found = []
    if folder := os.environ.get("CUTEDL_DATA"):
        found.append((Path(folder).expanduser(), "$CUTEDL_DATA"))
    root = Path(__file__).resolve().parents[2]
    # an installed package lies among others, where a folder named datasets is somebody else's
    if (root / "pyproject.toml").is_file():
        found.append((root / "datasets", "this checkout"))
    return [*found, (cache.folder(), "the cache")]


def _look(wanted: FileSet, folder: Path) -> tuple[Found, list[Exception]]:
    """Return what the folder has, and what is wrong: a DataNotFoundError for what it lacks, others for damage."""
    if not os.path.isdir(folder):
        return {}, [DataNotFoundError("no such folder")]
    found: Found = {}
    problems: list[Exception] = []
    missing = []
    for file in wanted.files:
        names = [Path(wanted.subfolder, file.name), Path(file.name)]
        copies = [folder / f"{name}{suffix}" for name in names for suffix in ("", ".gz")]
        copies = [copy for copy in copies if os.path.isfile(copy)]
        for copy in copies:
            try:
                found[file.name] = file.read(copy)
                break
            except (OSError, CorruptDataError) as problem:
                problems.append(problem)
        if not copies:
            missing.append(file.name)
    if len(missing) == len(wanted.files):
        problems.append(DataNotFoundError("none of the files"))
    elif missing:
        problems.append(DataNotFoundError("no " + ", no ".join(missing)))
    return found, problems


def _download(wanted: FileSet, found: Found) -> Tried:
    """Add to found what it lacks, mirror after mirror; return the mirrors that failed."""
    if download.offline():
        return [(mirror, "not asked, since CUTEDL_OFFLINE is set") for mirror in wanted.mirrors]
    tried: Tried = []
    for mirror in wanted.mirrors:
        missing = [file for file in wanted.files if file.name not in found]
        try:
            download.knock(f"{mirror}{missing[0].name}.gz")
            for file in missing:
                name = f"{file.name}.gz"
                path = cache.folder() / wanted.subfolder / name
                found[file.name] = download.fetch(mirror + name, path, file.read, file.most_bytes)
            break
        except (OSError, CorruptDataError) as error:
            tried.append((mirror, download.reason(error)))
    return tried


def _names(wanted: FileSet) -> str:
    return ", ".join(file.name for file in wanted.files) + ", each raw or with .gz"


def _joined(problems: list[Exception]) -> str:
    return "; ".join(map(str, problems))
