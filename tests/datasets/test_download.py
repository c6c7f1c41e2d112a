"""Downloads from a server of our own, which speaks TLS and misbehaves on demand."""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import time

import pytest

from cutedl.datasets import download
from cutedl.datasets.resolver import resolve
from cutedl.errors import DataNotFoundError
from tests.datasets.mirror import serving
from tests.programs import ROOT, program


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    if shutil.which("openssl") is None:
        pytest.skip("no openssl command to make a certificate with")
    folder = tmp_path_factory.mktemp("tls")
    command = "openssl req -x509 -newkey rsa:2048 -nodes -keyout key.pem -out cert.pem -days 2 -subj /CN=localhost"
    subprocess.run(
        [*command.split(), "-addext", "subjectAltName=DNS:localhost"], cwd=folder, check=True, capture_output=True
    )
    return folder


@pytest.fixture
def server(certificate, cache_folder, monkeypatch):
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate / "cert.pem"))
    monkeypatch.setenv("NO_PROXY", "localhost")
    with serving(certificate) as server:
        yield server


def cached(folder):
    return sorted(path.name for path in folder.rglob("*") if path.is_file())


def test_a_download_fills_the_cache_and_is_not_repeated(server, shelf, cache_folder):
    wanted = shelf.wanted(f"{server.url}/good/")
    assert shelf.came_as(resolve(wanted))
    assert cached(cache_folder) == ["tiny-images.gz", "tiny-labels.gz"]
    assert server.asked == ["/good/tiny-images.gz", "/good/tiny-labels.gz"]
    assert shelf.came_as(resolve(wanted))
    assert len(server.asked) == 2


def test_what_the_cache_has_is_not_downloaded_again(server, shelf, cache_folder):
    shelf.lay(cache_folder / "tiny", only=["tiny-images"])
    assert shelf.came_as(resolve(shelf.wanted(f"{server.url}/good/")))
    assert server.asked == ["/good/tiny-labels.gz"]


def test_a_damaged_cache_is_mended(server, shelf, cache_folder):
    shelf.lay(cache_folder / "tiny", damaged=True)
    with pytest.warns(UserWarning, match="Another copy was used"):
        assert shelf.came_as(resolve(shelf.wanted(f"{server.url}/good/")))
    assert shelf.came_as(resolve(shelf.wanted()))


REASONS = {
    "missing": "404 Client Error: Not Found for url",
    "damaged": "sent a damaged file: expected SHA-256 ",
    "broken": "('Connection broken: IncompleteRead(50 bytes read, ",
    "moved": "refused, since it leads to http://localhost/tiny-images.gz",
    "moved-later": "sent a damaged file: expected an IDX file",
    "cut": "sent a damaged file: expected a complete gzip file, received",
    "short": "sent a damaged file: expected a complete gzip file, received",
    "endless": "sends more than 8864 bytes",
    "stalled": "Read timed out.",
}


@pytest.mark.parametrize("manner", REASONS)
def test_a_bad_mirror_leaves_nothing_behind_and_gives_its_reason(server, shelf, cache_folder, monkeypatch, manner):
    if manner == "stalled":
        monkeypatch.setattr(download, "PATIENCE", 0.3)
    mirror = f"{server.url}/{manner}/"
    with pytest.raises(DataNotFoundError) as caught:
        resolve(shelf.wanted(mirror))
    assert f"  {mirror}: {REASONS[manner]}" in str(caught.value)
    assert cached(cache_folder) == []


def test_the_next_mirror_is_asked(server, shelf, cache_folder, monkeypatch):
    monkeypatch.setattr(download, "PATIENCE", 1)
    assert shelf.came_as(resolve(shelf.wanted(*(f"{server.url}/{manner}/" for manner in [*REASONS, "good"]))))
    assert cached(cache_folder) == ["tiny-images.gz", "tiny-labels.gz"]


def test_processes_fill_one_cache_at_once(server, shelf, cache_folder):
    """Eight of them, each let down by all bad mirrors in an order of its own and reading on while others write."""
    mirrors = [f"{server.url}/{manner}/" for manner in REASONS]
    result = program("datasets.fill", 8, f"{server.url}/good/", *mirrors)
    assert result == {"whole": 8}
    assert cached(cache_folder) == ["tiny-images.gz", "tiny-labels.gz"]
    assert shelf.came_as(resolve(shelf.wanted()))


def wait_for_the_end_of(process):
    """A killed process is there until init, its parent by then, has taken note of it."""
    with contextlib.suppress(ProcessLookupError):
        while True:
            os.kill(process, 0)
            time.sleep(0.01)


def test_what_a_killed_download_left_is_removed_by_the_next_one(server, shelf, cache_folder):
    command = [sys.executable, "-m", "tests.datasets.fill", "1", f"{server.url}/stalled/"]
    child = subprocess.Popen(command, cwd=ROOT, env=os.environ | {"PYTHONPATH": str(ROOT)}, start_new_session=True)
    while not server.asked:
        assert child.poll() is None
        time.sleep(0.01)
    os.killpg(child.pid, signal.SIGKILL)
    child.wait()
    (half,) = cached(cache_folder)
    assert half.endswith(".part")
    wait_for_the_end_of(int(half.split("-")[-2]))
    assert shelf.came_as(resolve(shelf.wanted(f"{server.url}/good/")))
    assert cached(cache_folder) == ["tiny-images.gz", "tiny-labels.gz"]


def test_a_server_that_cannot_prove_who_it_is_is_refused(server, shelf, cache_folder, monkeypatch):
    monkeypatch.delenv("REQUESTS_CA_BUNDLE")
    monkeypatch.delenv("CURL_CA_BUNDLE", raising=False)
    with pytest.raises(DataNotFoundError, match="certificate verify failed"):
        resolve(shelf.wanted(f"{server.url}/good/"))
    assert server.asked == []


def test_a_cache_that_cannot_be_written_is_a_reason(server, shelf, cache_folder):
    cache_folder.parent.mkdir()
    cache_folder.write_text("a file where the folder should be")
    with pytest.raises(DataNotFoundError, match=r"good/: \[Errno \d+\] .*cutedl"):
        resolve(shelf.wanted(f"{server.url}/good/"))


def test_http_is_refused(shelf, cache_folder):
    with pytest.raises(DataNotFoundError, match="http://localhost:1/: refused, since it is not https"):
        resolve(shelf.wanted("http://localhost:1/"))


def test_a_closed_port_fails_at_once(shelf, cache_folder):
    start = time.monotonic()
    with pytest.raises(DataNotFoundError, match="https://localhost:1/: Failed to establish a new connection"):
        resolve(shelf.wanted("https://localhost:1/"))
    assert time.monotonic() - start < 5


def test_a_server_that_never_answers_is_given_up():
    with socket.socket() as silent:
        silent.bind(("localhost", 0))
        silent.listen()
        start = time.monotonic()
        with pytest.raises(OSError, match=r"no answer within 0\.3 s|timed out"):
            download.knock(f"https://localhost:{silent.getsockname()[1]}/file", patience=0.3)
        assert time.monotonic() - start < 2
