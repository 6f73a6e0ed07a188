"""Stations, models and workers to measure with."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from core.station.conftest import RULES
from fieldmark.pretrained import build_pretrained
from fieldmark.station.door import ENDPOINT
from fieldmark.station.stations import add_station
from fieldmark.station.store import open_store

CATS = ("tabby", "tiger cat", "Persian cat", "Siamese cat", "Egyptian cat")


def new_station(folder: Path, *, channels: Sequence[Mapping[str, Any]] = (), **rules: Any) -> Path:
    """Make a station that watches for cats; gives its folder."""
    store = open_store(folder, create=True)
    with store.writing() as session:
        wanted = replace(RULES, channels=tuple(channels), **rules)
        add_station(session, "Bench", zone="UTC", rules=wanted, now=datetime.now(UTC))
    store.close()
    return folder


def cat_model(work: Path) -> Path:
    """Build the cat model of the simulated station."""
    path = work / "cats.onnx"
    if not path.exists():
        build_pretrained({"cat": CATS}, path, rest="nothing")
    return path


def start_worker(folder: Path, model: Path) -> subprocess.Popen[bytes]:
    """Start a worker in a process of its own, and wait until its door is open."""
    endpoint = folder / ENDPOINT
    before = endpoint.stat().st_mtime_ns if endpoint.exists() else 0
    command = [sys.executable, "-m", "fieldmark", "station", "run", str(folder), "--model", str(model)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    until(lambda: endpoint.exists() and endpoint.stat().st_mtime_ns != before)
    return process


@contextmanager
def working(folder: Path, model: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A real worker for as long as the block runs."""
    process = start_worker(folder, model)
    try:
        yield process
    finally:
        process.terminate()
        process.wait(30)


def until(true: Callable[[], object], seconds: float = 60) -> None:
    """Wait; AssertionError after so long."""
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it took too long"
        time.sleep(0.02)
