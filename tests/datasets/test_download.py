"""Downloads from a server of our own, which speaks TLS and misbehaves on demand."""

import gzip
import shutil
import socket
import ssl
import subprocess
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from cutedl.datasets import download
from cutedl.datasets.resolver import resolve
from cutedl.errors import DataNotFoundError
from tests.datasets.shelf import Shelf

FILES = {f"{name}.gz": gzip.compress(content) for name, content in zip(Shelf.names, Shelf.contents, strict=True)}


class Mirror(BaseHTTPRequestHandler):
    """The first folder of the path says how to behave."""

    def do_HEAD(self):
        self.answer()

    def do_GET(self):
        self.server.asked.append(self.path)
        body = self.answer()
        if body:
            self.wfile.write(body)

    def answer(self):
        manner, name = self.path.strip("/").split("/")
        body = FILES[name]
        if manner == "missing":
            self.send_error(404)
            return None
        if manner == "moved":
            self.send_response(302)
            self.send_header("Location", f"http://localhost/{name}")
        else:
            self.send_response(200)
        if manner == "damaged":
            body = gzip.compress(gzip.decompress(body)[:-1] + b"\xff")
        self.send_header("Content-Length", str(len(body) + 100 * (manner == "broken")))
        self.end_headers()
        return body[:50] if manner == "broken" else body

    def log_message(self, *args):
        """Keep quiet."""


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
    server = ThreadingHTTPServer(("localhost", 0), Mirror)
    server.asked = []
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate / "cert.pem", certificate / "key.pem")
    server.socket = context.wrap_socket(server.socket, server_side=True)
    server.url = f"https://localhost:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


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
}


@pytest.mark.parametrize("manner", REASONS)
def test_a_bad_mirror_leaves_nothing_behind_and_gives_its_reason(server, shelf, cache_folder, manner):
    mirror = f"{server.url}/{manner}/"
    with pytest.raises(DataNotFoundError) as caught:
        resolve(shelf.wanted(mirror))
    assert f"  {mirror}: {REASONS[manner]}" in str(caught.value)
    assert cached(cache_folder) == []


def test_the_next_mirror_is_asked(server, shelf, cache_folder):
    assert shelf.came_as(resolve(shelf.wanted(*(f"{server.url}/{manner}/" for manner in [*REASONS, "good"]))))
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
