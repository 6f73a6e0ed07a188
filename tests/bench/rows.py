"""What measurements leave behind: one row a run, kept in docs/benchmarks.json, so that longer ones can go on."""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field, fields
from datetime import UTC, datetime
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

import psutil

DOCS = Path(__file__).parents[2] / "docs"
FILE = DOCS / "benchmarks.json"
ALONE = 0.2
"""Cores that others may take of a run whose seconds count."""
PACKAGES = ("numpy", "openvino", "scikit-learn", "timm", "torch")


@dataclass(frozen=True)
class Row:
    """What one system did once, in a process of its own."""

    system: str
    photos: str
    """The set, by its folder's name."""
    seed: int
    """Draws the split, and whatever else the system draws."""
    seconds: float
    """From the start of the process to its end."""
    cpu_seconds: float
    """Of the processor; other work on the machine disturbs it less."""
    n: int
    """Photos held out."""
    wrong: tuple[str, ...]
    """Those that came out wrong, by their path in the set."""
    n_train: int = 0
    training_s: float | None = None
    """Of these seconds, in the call that trains; None where there is no such call."""
    figures: dict[str, float] = field(default_factory=dict)
    """What else was measured."""
    others: float | None = None
    """Cores that other work took meanwhile, on the average; None where that was not measured."""
    machine: str = ""
    versions: dict[str, str] = field(default_factory=dict)
    when: str = ""
    """Date and time, UTC."""

    @property
    def key(self) -> tuple[str, str, int, str]:
        """A later row with the same key takes the place of this one."""
        return (self.system, self.photos, self.seed, self.machine)

    @property
    def is_alone(self) -> bool:
        """Whether it had the machine as good as to itself, so that its seconds say something."""
        return self.others is not None and self.others <= ALONE


def load_rows(path: Path = FILE) -> list[Row]:
    """Read the rows that there are; none where there is no file."""
    if not path.is_file():
        return []
    known = {f.name for f in fields(Row)}
    return [
        Row(**{name: tuple(v) if name == "wrong" else v for name, v in raw.items() if name in known})
        for raw in json.loads(path.read_text("utf-8"))
    ]


def save_rows(rows: Iterable[Row], path: Path = FILE) -> list[Row]:
    """Keep the latest row of each key, one a line, and give them back."""
    latest = {row.key: row for row in rows}
    kept = sorted(latest.values(), key=lambda row: (row.machine, row.photos, row.seed, row.system))
    lines = ",\n".join(json.dumps(asdict(row), ensure_ascii=False) for row in kept)
    unfinished = path.with_suffix(".unfinished")
    unfinished.write_text(f"[\n{lines}\n]\n", "utf-8")
    unfinished.replace(path)
    return kept


def done(rows: Iterable[Row], system: str, photos: str, seed: int) -> bool:
    """Whether this was measured on this machine before."""
    return any(row.key == (system, photos, seed, machine()) for row in rows)


@cache
def machine() -> str:
    """Say what this machine is, as far as speed goes."""
    from fieldmark.models.engine import native_precision

    coarse = "with" if native_precision() == "bf16" else "without"
    return f"{_processor()}, {os.cpu_count()} cores, {platform.system()}, {coarse} bfloat16"


def _processor() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.is_file():
        for line in cpuinfo.read_text("utf-8", "replace").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


@cache
def versions(python: str = sys.executable, packages: Sequence[str] = PACKAGES) -> dict[str, str]:
    """Versions that an interpreter has, ours or the peers'."""
    if python == sys.executable:
        return {"python": platform.python_version(), **{name: version(name) for name in packages}}
    code = (
        "import json, platform; from importlib.metadata import version\n"
        f"print(json.dumps({{'python': platform.python_version(), **{{n: version(n) for n in {packages!r}}}}}))"
    )
    found: dict[str, str] = json.loads(subprocess.check_output([python, "-c", code], text=True))
    return found


def now() -> str:
    """Date and time, to the minute."""
    return datetime.now(UTC).strftime("%Y-%m-%d %H:%M")


def busy_seconds() -> float:
    """Processor time that this machine has spent since its start, for whomever; that of other guests on it too."""
    spent = psutil.cpu_times()
    counted_elsewhere = ("idle", "iowait", "guest", "guest_nice")
    return float(sum(spent) - sum(getattr(spent, name, 0.0) for name in counted_elsewhere))


def timed(rows: Iterable[Row]) -> list[Row]:
    """Those that had the machine to themselves."""
    return [row for row in rows if row.is_alone]


def plain(row: Row) -> dict[str, Any]:
    """Plain values, for printing."""
    return {"system": row.system, "set": row.photos, "seed": row.seed, "seconds": row.seconds,
            "cpu": row.cpu_seconds, "wrong": len(row.wrong), "n": row.n, **row.figures}  # fmt: skip
