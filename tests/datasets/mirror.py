"""A server of our own, which speaks TLS and misbehaves on demand."""

import gzip
import ssl
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from tests.datasets.shelf import Shelf

FILES = {f"{name}.gz": gzip.compress(content) for name, content in zip(Shelf.names, Shelf.contents, strict=True)}
LIES = {"broken": 100, "short": -20}  # what is added to the Content-Length


class Mirror(BaseHTTPRequestHandler):
    """The first folder of the path says how to behave."""

    def do_HEAD(self):
        self.answer()

    def do_GET(self):
        self.server.asked.append(self.path)
        body = self.answer()
        if body:
            self.wfile.write(body)
        if self.path.startswith("/stalled"):
            self.server.closing.wait()
        if self.path.startswith("/endless"):
            for _ in range(1000):  # 64 MB: the other side has had enough long before
                self.wfile.write(bytes(1 << 16))

    def answer(self):
        manner, name = self.path.strip("/").split("/")
        body = FILES[name]
        if manner == "missing":
            self.send_error(404)
            return None
        if manner == "moved" or (manner == "moved-later" and self.command == "GET"):
            self.send_response(302)
            self.send_header("Location", f"http://localhost/{name}")
            body = b""
        else:
            self.send_response(200)
        if manner == "damaged":
            body = gzip.compress(gzip.decompress(body)[:-1] + b"\xff")
        if manner not in ("endless", "cut"):
            self.send_header("Content-Length", str(len(body) + LIES.get(manner, 0)))
        self.end_headers()
        return body[:50] if manner in ("broken", "cut", "stalled") else body

    def log_message(self, *args):
        """Keep quiet."""


class Server(ThreadingHTTPServer):
    """Notes what it was asked for."""

    def __init__(self, certificate):
        super().__init__(("localhost", 0), Mirror)
        self.asked, self.closing = [], threading.Event()
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate / "cert.pem", certificate / "key.pem")
        self.socket = context.wrap_socket(self.socket, server_side=True)
        self.url = f"https://localhost:{self.server_port}"

    def handle_error(self, request, client_address):
        """Whoever hangs up in the middle is part of the game."""


@contextmanager
def serving(certificate):
    server = Server(certificate)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield server
    finally:
        server.closing.set()
        server.shutdown()
        server.server_close()
        thread.join()
