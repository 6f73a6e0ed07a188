"""What this machine, or the container around this process, may use."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path

import psutil

from fieldmark.errors import DatasetError

CGROUP = Path("/sys/fs/cgroup")
UNITS_MB = {"": 1e-6, "k": 1e-3, "m": 1.0, "g": 1e3, "t": 1e6}
BINARY = 1.048576
"""A MiB in MB."""


@dataclass(frozen=True)
class Machine:
    """Limits to judge by."""

    memory_mb: float
    cpus: float
    open_files: int | None
    """None where the system does not say."""
    given: bool = False
    """Whether memory or processors were given by hand."""


def this_machine(memory: str | None = None, cpus: float | None = None) -> Machine:
    """Look, and let what was given by hand stand above it.

    Raises:
        DatasetError: `memory` is no size such as 2GB.
    """
    return Machine(
        memory_mb=parse_memory(memory) if memory else _memory_mb(),
        cpus=cpus or _cpus(),
        open_files=_open_files(),
        given=bool(memory or cpus),
    )


def parse_memory(text: str) -> float:
    """Read "2GB", "512M" or "1.5 GiB" as MB.

    Raises:
        DatasetError: it is no size.
    """
    found = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([kmgt]?)(i?)b?\s*", text, re.I)
    if not found or float(found[1]) == 0:
        raise DatasetError(f"{text!r} is no size of memory. Write it like 2GB or 512MB.", code="bad_memory")
    power = " kmgt".index(found[2].lower() or " ")
    return float(found[1]) * UNITS_MB[found[2].lower()] * ((1.024**power) if found[3] else 1.0)


def _memory_mb() -> float:
    """What the machine has, or less where the container may use less."""
    limit = _read(CGROUP / "memory.max")
    total = int(psutil.virtual_memory().total)
    return min(total, int(limit)) / 1e6 if limit.isdigit() else total / 1e6


def _cpus() -> float:
    quota, _, period = _read(CGROUP / "cpu.max").partition(" ")
    there = float(len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1)
    return min(there, int(quota) / int(period)) if quota.isdigit() and period.isdigit() else there


def _open_files() -> int | None:
    try:
        import resource  # not on Windows
    except ImportError:
        return None
    return int(resource.getrlimit(resource.RLIMIT_NOFILE)[0])


def _read(path: Path) -> str:
    try:
        return path.read_text("ascii").strip()
    except OSError:
        return ""
