"""A real server in a process of its own, for the tests that need one."""

from __future__ import annotations

import os
import re
import secrets
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import httpx
import psutil

SERVE = """
import sys
from pathlib import Path

import httpx
from traitlets.config import Config
from fieldmark_server.app import App

app = App.instance(port=int(sys.argv[1]), ip="localhost", open_browser=False, config=Config(eval(sys.argv[2])))
app.on_ready = lambda link: print(f"ready {link}", flush=True)
app.initialize()
app.start()
"""


class RunningServer:
    """The server's address and what it wrote."""

    def __init__(self, process: subprocess.Popen[bytes], output: Path) -> None:
        self.process = process
        self.url = ""
        self._output = output
        self._last = ""

    @property
    def log(self) -> str:
        """All that it wrote so far."""
        if self._output.exists():  # it is gone with the server
            self._last = self._output.read_text("utf-8")
        return self._last

    def wait_until_ready(self) -> None:
        for _ in range(600):
            if found := re.search(r"ready:? (http\S+)", self.log):
                self.url = found[1].rstrip("/")
                return
            assert self.process.poll() is None, self.log
            time.sleep(0.1)
        raise TimeoutError(self.log)


@contextmanager
def run_server(model: Path, **traits: object) -> Iterator[RunningServer]:
    """Serve the apps on a free port; `traits` are those of App, and the hash of a password."""
    login = {"hashed_password": hashed} if (hashed := traits.pop("hashed_password", "")) else {}
    config = {"App": traits, "PasswordIdentityProvider": login}
    command = [sys.executable, "-c", SERVE, str(free_port()), repr(config)]
    with run(command, FIELDMARK_MODEL=str(model)) as server:
        yield server


@contextmanager
def run(command: list[str], **environment: str) -> Iterator[RunningServer]:
    """Run a command that serves, until the test is over."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        output = Path(folder, "output.txt")
        with output.open("wb") as file:
            settings = os.environ | {"PYTHONUNBUFFERED": "1", "PYTHONUTF8": "1"} | environment
            process = subprocess.Popen(command, env=settings, stdout=file, stderr=subprocess.STDOUT)
            server = RunningServer(process, output)
            try:
                server.wait_until_ready()
                yield server
            finally:
                stop(process)
                _ = server.log


def stop(process: subprocess.Popen[bytes]) -> None:
    """End it as Ctrl-C would."""
    process.send_signal(signal.SIGINT if os.name == "posix" else signal.SIGTERM)
    try:
        process.wait(20)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def children_of(process: int, word: str) -> list[psutil.Process]:
    """The processes below one whose command has this word; another may end while it is looked at."""
    found = []
    for child in psutil.Process(process).children(recursive=True):
        with suppress(psutil.NoSuchProcess):
            if word in " ".join(child.cmdline()):
                found.append(child)
    return found


def free_port() -> int:
    """One below those that systems give to whoever asks for any (from 32768): kernels of other tests ask all the time."""
    while True:
        port = 20_000 + secrets.randbelow(12_000)
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("localhost", port))
            return port


def wait_for_model(api: httpx.Client) -> None:
    """Until the service says that a model answers."""
    for _ in range(600):
        if api.get("/ready").status_code == 200:
            return
        time.sleep(0.05)
    raise TimeoutError("no model answers")
