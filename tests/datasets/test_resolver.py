"""Which copy of a data file is taken, and what is said when none will do."""

import os
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from cutedl.datasets import cache, download
from cutedl.datasets.resolver import resolve
from cutedl.errors import CorruptDataError, CutedlError, DataNotFoundError

IMAGES, LABELS = "tiny-images", "tiny-labels"


@pytest.fixture
def data(tmp_path, monkeypatch, cache_folder):
    """The folder that $CUTEDL_DATA names, not there yet."""
    monkeypatch.setenv("CUTEDL_DATA", str(tmp_path / "data"))
    return tmp_path / "data"


@pytest.mark.parametrize("suffix", ["", ".gz"], ids=["raw", "gz"])
@pytest.mark.parametrize("subfolder", ["", "tiny"])
def test_a_folder_holds_the_files_itself_or_in_the_subfolder(shelf, tmp_path, subfolder, suffix):
    shelf.lay(tmp_path / "data" / subfolder, suffix=suffix)
    assert shelf.came_as(resolve(shelf.wanted(), tmp_path / "data"))


def test_a_folder_may_mix_raw_and_gz(shelf, tmp_path):
    shelf.lay(tmp_path, only=[IMAGES], suffix="")
    shelf.lay(tmp_path / "tiny", only=[LABELS])
    assert shelf.came_as(resolve(shelf.wanted(), str(tmp_path)))


def test_the_name_says_nothing_about_the_packing(shelf, tmp_path):
    shelf.lay(tmp_path)
    for path in tmp_path.iterdir():
        path.rename(path.with_suffix(""))
    assert shelf.came_as(resolve(shelf.wanted(), tmp_path))


# A damaged file that is looked at gives a warning, and warnings are errors here: so a later place was not looked at.
def test_data_dir_comes_before_all(shelf, tmp_path, data, cache_folder):
    shelf.lay(data, damaged=True)
    shelf.lay(cache_folder, damaged=True)
    assert shelf.came_as(resolve(shelf.wanted(), shelf.lay(tmp_path / "mine")))


def test_cutedl_data_comes_before_the_cache(shelf, data, cache_folder):
    shelf.lay(data)
    shelf.lay(cache_folder, damaged=True)
    assert shelf.came_as(resolve(shelf.wanted()))


def test_the_cache_comes_before_the_mirrors(shelf, data, cache_folder):
    shelf.lay(cache_folder / "tiny")
    assert shelf.came_as(resolve(shelf.wanted("https://localhost:1/")))


def test_a_folder_that_lacks_a_file_is_passed_over(shelf, data, cache_folder):
    shelf.lay(data, only=[IMAGES])
    shelf.lay(cache_folder)
    assert shelf.came_as(resolve(shelf.wanted()))


def test_a_damaged_file_is_passed_over_with_a_warning(shelf, data, cache_folder):
    shelf.lay(data, only=[IMAGES], suffix="")
    shelf.lay(data, only=[LABELS], damaged=True)
    shelf.lay(cache_folder)
    with pytest.warns(UserWarning, match=r"tiny-labels\.gz cannot be used.*Another copy was used") as caught:
        assert shelf.came_as(resolve(shelf.wanted()))
    assert len(caught) == 1


def test_a_damaged_file_beside_a_good_one_warns_too(shelf, tmp_path):
    shelf.lay(tmp_path, suffix="", only=[LABELS], damaged=True)
    shelf.lay(tmp_path)
    with pytest.warns(UserWarning, match=r"tiny-labels cannot be used.*Another copy was used"):
        assert shelf.came_as(resolve(shelf.wanted(), tmp_path))


@pytest.mark.parametrize("only", [[], [LABELS]])
def test_data_dir_must_have_all_files(shelf, tmp_path, data, only):
    shelf.lay(data)
    shelf.lay(tmp_path / "mine", only=only)
    with pytest.raises(DataNotFoundError) as caught:
        resolve(shelf.wanted(), tmp_path / "mine")
    assert str(caught.value) == (
        f"TINY cannot be read from data_dir {tmp_path / 'mine'}. "
        f"expected tiny-images, tiny-labels, each raw or with .gz, "
        f"received {'no tiny-images' if only else 'none of the files'}. "
        "hint: leave data_dir out to search the usual folders and to download."
    )


def test_data_dir_must_exist(shelf, tmp_path, data):
    shelf.lay(data)
    with pytest.raises(DataNotFoundError, match="received no such folder"):
        resolve(shelf.wanted(), tmp_path / "mine")


def test_data_dir_must_not_be_damaged(shelf, tmp_path, data):
    shelf.lay(data)
    shelf.lay(tmp_path / "mine", damaged=True)
    with pytest.raises(CorruptDataError, match=r"tiny-images\.gz cannot be used\. expected SHA-256 \w+ uncompressed"):
        resolve(shelf.wanted(), tmp_path / "mine")


def test_the_error_names_each_place_with_its_reason_and_the_way_out(shelf, data, cache_folder, monkeypatch):
    monkeypatch.setenv("CUTEDL_OFFLINE", "1")
    shelf.lay(cache_folder / "tiny", only=[LABELS], damaged=True)
    with pytest.raises(DataNotFoundError) as caught:
        resolve(shelf.wanted("https://one.invalid/", "https://two.invalid/"))
    assert isinstance(caught.value, CutedlError | OSError)
    what, *places, way_out = str(caught.value).splitlines()
    assert what == "TINY is nowhere to be had."
    checkout = Path(__file__).parents[2] / "datasets"
    damaged = cache_folder / "tiny" / f"{LABELS}.gz"
    expected = [
        f"  {data} ($CUTEDL_DATA): no such folder",
        f"  {checkout} (this checkout): none of the files",
        f"  {cache_folder} (the cache): {damaged} cannot be used. expected SHA-256 ",
        "  https://one.invalid/: not asked, since CUTEDL_OFFLINE is set",
        "  https://two.invalid/: not asked, since CUTEDL_OFFLINE is set",
    ]
    assert len(places) == len(expected)
    assert all(place.startswith(beginning) for place, beginning in zip(places, expected, strict=True))
    assert places[2].endswith("; no tiny-images")
    assert way_out == (
        " expected tiny-images, tiny-labels, each raw or with .gz. "
        f"hint: put them into {cache_folder / 'tiny'}, or set CUTEDL_DATA to the folder that has them."
    )


def as_somebody_else(do):
    """Whether do() is true, done by a user for whom permissions count: root may write everywhere."""
    child = os.fork()
    if not child:
        try:
            if os.getuid() == 0:
                os.setuid(65534)
            os._exit(0 if do() else 1)
        finally:
            os._exit(2)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


@pytest.mark.skipif(not hasattr(os, "fork"), reason="permissions of another kind")
def test_a_cache_that_may_only_be_read_is_read_and_left_alone(shelf, monkeypatch):
    import pooch  # noqa: F401  while we may read it

    def read_then_write():
        whole = shelf.came_as(resolve(shelf.wanted("https://localhost:1/")))
        with pytest.raises(PermissionError):
            download.fetch("https://localhost:1/x", cache.folder() / "tiny" / "x", Path.read_bytes, 1)
        return whole

    with TemporaryDirectory() as folder:  # pytest's own folders are for their owner alone
        monkeypatch.delenv("CUTEDL_DATA", raising=False)
        monkeypatch.setenv("XDG_CACHE_HOME", folder)
        tiny = shelf.lay(cache.folder() / "tiny")
        os.chmod(folder, 0o755)
        os.chmod(tiny, 0o555)
        assert as_somebody_else(read_then_write)
        assert len(list(tiny.iterdir())) == 2
        os.chmod(tiny, 0o755)


NO_SOCKETS = """
import sys

def forbid(event, args):
    if event.startswith("socket."):
        print("SOCKET", event, flush=True)
        raise SystemExit(event)

sys.addaudithook(forbid)
from cutedl.datasets.resolver import resolve
from cutedl.datasets import mnist

try:
    resolve(mnist.FILES._replace(files=(mnist.FILES.files[0]._replace(name="nobody-has-this"),)))
except OSError as error:
    print(error)
"""


@pytest.mark.parametrize(("offline", "opens"), [("1", False), ("yes", False), ("0", True), ("", True)])
def test_offline_opens_no_socket(cache_folder, monkeypatch, offline, opens):
    monkeypatch.setenv("CUTEDL_OFFLINE", offline)
    output = subprocess.run([sys.executable, "-c", NO_SOCKETS], capture_output=True, text=True, timeout=60).stdout
    assert ("SOCKET" in output) == opens
    assert ("CUTEDL_OFFLINE is set" in output) != opens


def test_the_cache_is_where_its_specification_says(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert cache.folder() == tmp_path / "xdg" / "cutedl"
    for nothing in ("", "relative"):
        monkeypatch.setenv("XDG_CACHE_HOME", nothing)
        assert cache.folder() == tmp_path / ".cache" / "cutedl"
    monkeypatch.setattr(sys, "platform", "win32")
    monkeypatch.setenv("LOCALAPPDATA", str(tmp_path / "local"))
    assert cache.folder() == tmp_path / "local" / "cutedl"
