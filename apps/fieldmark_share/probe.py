"""Starts the real server, visits it, and measures: start, memory of each visitor, and what a stranger is given."""

from __future__ import annotations

import contextlib
import http.client
import http.cookiejar
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from urllib.parse import urlsplit

import psutil

from fieldmark.errors import FieldmarkError
from fieldmark.predictor import Predictor

VISITORS = 3
START_TIMEOUT_S = 120.0
SETTLE_S, LOOK_S, LOOKS, STILL = 30.0, 0.5, 4, 0.01
"""After a page is there its kernel goes on loading: memory is taken once it moved by less than a hundredth over four
looks, half a second apart; or after half a minute, whatever it does."""
FORBIDDEN = {
    "/api/contents": b"",
    "/api/kernels": b"{}",
    "/api/sessions": b"{}",
    "/api/terminals": b"{}",
    "/voila/files/classify.ipynb": b"",
    "/files/classify.ipynb": b"",
    "/lab": b"",
}
"""Addresses that would run code or give files, and what is posted there; empty: it is read."""


@dataclass(frozen=True)
class Measured:
    """What was measured."""

    start_s: float
    """From the command to a server that answers."""
    warm_s: float
    """From the request of a page to all of it, where a kernel was ready."""
    cold_s: float
    """The same where none was."""
    base_mb: float
    """Server, its workers and what it keeps ready, without a visitor."""
    visitor_mb: float
    """Each further visitor, with the page open."""
    counted: str
    """ "PSS", or "RSS" where this system does not count shared memory once."""
    base_files: int
    visitor_files: float
    """Open files of the server for each visitor."""
    open_to_all: bool
    oversize_status: int
    """Answer to somebody who announces a gigabyte; 0 where there came none."""
    photo_ms: float | None
    """One photo on one processor; None without a model."""
    forbidden: dict[str, int] = field(default_factory=dict)
    """Status of each address that must not be open."""


def measure(model: Path | None) -> Measured:
    """Serve on a free port of this computer, with a folder of its own, and look.

    Raises:
        FieldmarkError: `no_start`: the server did not start.
    """
    began = time.monotonic()
    with _server(model) as (process, url):
        start_s = time.monotonic() - began
        forbidden = {path: _status(f"{url}{path}", body) for path, body in FORBIDDEN.items()}
        open_to_all = _status(f"{url}/", b"") == 200
        oversize_status = _announce_a_gigabyte(url)
        _settle(process, kernels=1)  # the one that is kept ready
        base_mb, counted = memory_mb(process)
        base_files = _open_files(process)
        waits = [_visit(f"{url}/classify") for _ in range(VISITORS)]
        _settle(process, kernels=VISITORS + 1)
        full_mb, _ = memory_mb(process)
        files = _open_files(process)
    return Measured(
        start_s=round(start_s, 2),
        warm_s=round(waits[0], 4),
        cold_s=round(max(waits[1:]), 4),
        base_mb=round(base_mb, 1),
        visitor_mb=round(max(1.0, (full_mb - base_mb) / VISITORS), 1),
        counted=counted,
        base_files=base_files,
        visitor_files=max(0.0, (files - base_files) / VISITORS),
        open_to_all=open_to_all,
        oversize_status=oversize_status,
        photo_ms=_time_photo(model) if model is not None else None,
        forbidden=forbidden,
    )


def memory_mb(process: psutil.Process) -> tuple[float, str]:
    """Memory of a process and all below it, and how it was counted."""
    total, counted = 0, "PSS"
    for each in [process, *process.children(recursive=True)]:
        with contextlib.suppress(psutil.NoSuchProcess, psutil.ZombieProcess):
            try:
                total += each.memory_full_info().pss
            except (AttributeError, psutil.AccessDenied):
                total, counted = total + each.memory_info().rss, "RSS"
    return total / 1e6, counted


def _settle(process: psutil.Process, *, kernels: int) -> None:
    """Wait until so many kernels are there, and memory stands still."""
    end, seen = time.monotonic() + SETTLE_S, [0.0]
    while time.monotonic() < end:
        time.sleep(LOOK_S)
        seen = [*seen[-LOOKS:], memory_mb(process)[0]]
        still = len(seen) > LOOKS and max(seen) - min(seen) < STILL * max(seen)
        if still and _count_kernels(process) >= kernels:
            return


def _count_kernels(process: psutil.Process) -> int:
    found = 0
    for each in process.children(recursive=True):
        with contextlib.suppress(psutil.NoSuchProcess, psutil.ZombieProcess):
            found += any("ipykernel" in part for part in each.cmdline())
    return found


@contextlib.contextmanager
def _server(model: Path | None) -> Iterator[tuple[psutil.Process, str]]:
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as home:
        command = [sys.executable, "-m", "fieldmark", "serve", "--no-studio", "--port", str(_free_port())]
        command += ["--model", str(model.resolve())] if model is not None else []
        log = Path(home, "log.txt")
        settings = os.environ | {"FIELDMARK_HOME": home, "PYTHONUNBUFFERED": "1", "PYTHONUTF8": "1"}
        with log.open("wb") as file:
            process = subprocess.Popen(command, env=settings, stdout=file, stderr=subprocess.STDOUT)
            try:
                yield psutil.Process(process.pid), _wait_for_link(process, log)
            finally:
                process.send_signal(signal.SIGINT if os.name == "posix" else signal.SIGTERM)
                try:
                    process.wait(30)
                except subprocess.TimeoutExpired:
                    process.kill()
                    process.wait()


def _wait_for_link(process: subprocess.Popen[bytes], log: Path) -> str:
    end = time.monotonic() + START_TIMEOUT_S
    while time.monotonic() < end and process.poll() is None:
        if found := re.search(r"ready: (http\S+)", log.read_text("utf-8", "replace")):
            return found[1].rstrip("/")
        time.sleep(0.05)
    last = (log.read_text("utf-8", "replace").strip().splitlines() or ["it said nothing"])[-1]
    raise FieldmarkError(
        f"The server did not start: {last}. Run “fieldmark serve” to see all of it.", code="no_start"
    )


def _visit(url: str) -> float:
    """Seconds from the request to the whole page."""
    began = time.monotonic()
    opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar()))
    try:
        with opener.open(url, timeout=START_TIMEOUT_S) as answer:
            answer.read()
    except (OSError, urllib.error.URLError) as exc:
        raise FieldmarkError(
            f"A visit failed ({exc}). Run “fieldmark serve” and open the page.", code="no_visit"
        ) from exc
    return time.monotonic() - began


def _status(url: str, body: bytes) -> int:
    request = urllib.request.Request(url, data=body or None, method="POST" if body else "GET")
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return int(answer.status) if answer.geturl() == request.full_url else 302  # such as to a login
    except urllib.error.HTTPError as error:
        error.close()
        return error.code


def _time_photo(model: Path) -> float:
    """Milliseconds of processor for one photo, by the model alone."""
    predictor = Predictor.load(model)
    spent = []
    for _ in range(5):
        began = time.process_time()
        photos = len(predictor.probe())
        spent.append(1000 * (time.process_time() - began) / photos)
    return round(median(spent), 1)


def _announce_a_gigabyte(url: str) -> int:
    """Only the header is sent; a server that waits for the rest would fill its memory with it."""
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=5)
    try:
        connection.putrequest("POST", "/fieldmark/api/v1/classify")
        connection.putheader("Content-Length", str(10**9))
        connection.endheaders()
        return connection.getresponse().status
    except (OSError, http.client.HTTPException):
        return 0
    finally:
        connection.close()


def _open_files(process: psutil.Process) -> int:
    return int(process.num_fds()) if hasattr(process, "num_fds") else int(process.num_handles())


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("localhost", 0))
        return int(probe.getsockname()[1])
