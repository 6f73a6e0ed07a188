"""`fieldmark deploy-check`: how many visitors this machine, or a given one, has room for; and what is not safe yet.

Nothing is guessed that can be measured: the real server is started, visited, and its memory looked at (PSS: what
processes share is counted once). Linux counts PSS; elsewhere it is RSS, which counts too much, and that is said.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from typing import Any, Literal

from packaging.version import Version

from fieldmark_share.machine import Machine
from fieldmark_share.probe import Measured

FLOORS = {
    "pillow": "13.0",
    "jupyter_server": "2.20",
    "tornado": "6.5.8",
    "voila": "0.5.6",
    "nbconvert": "7.17.1",
}
"""Below these a known hole is open."""
OPTIONAL_FLOORS = {"torch": "2.10", "pillow-heif": "1.8"}
KEPT_FREE = 0.15
"""Share of the memory that is left for photos on their way and for the system."""
FILES_FLOOR = 1024
PHOTO_EVERY_S = 5.0
"""How often a busy visitor adds a photo."""

Level = Literal["ok", "look", "fix"]


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at."""

    level: Level
    what: str
    text: str


@dataclass(frozen=True)
class Report:
    """What came of all of it."""

    machine: Machine
    measured: Measured | None
    seats: int | None
    """Visitors at a time that fit into the memory; None where nothing was measured."""
    findings: tuple[Finding, ...]

    @property
    def safe(self) -> bool:
        """Whether nothing has to be mended first."""
        return all(finding.level != "fix" for finding in self.findings)

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return {**asdict(self), "findings": [asdict(each) for each in self.findings], "safe": self.safe}


def report(machine: Machine, measured: Measured | None) -> Report:
    """Judge a machine by what was measured on it."""
    seats = count_seats(machine, measured) if measured else None
    findings = [*check_versions(), *_check_machine(machine)]
    if measured is not None and seats is not None:
        findings += [*_check_access(measured), *_check_room(machine, measured, seats)]
    return Report(machine, measured, seats, tuple(findings))


def count_seats(machine: Machine, measured: Measured) -> int:
    """How many visitors fit: what is left of the memory after the server, by what each takes."""
    left = machine.memory_mb * (1 - KEPT_FREE) - measured.base_mb
    return max(0, int(left / max(1.0, measured.visitor_mb)))


def check_versions() -> Iterator[Finding]:
    """Compare what is installed with the floors."""
    for name, floor in {**FLOORS, **OPTIONAL_FLOORS}.items():
        try:
            found = version(name)
        except PackageNotFoundError:
            if name in FLOORS:
                yield Finding(
                    "fix", name, f"{name} is not installed. pip install 'fieldmark[app]' brings it."
                )
            continue
        if Version(found).release < Version(floor).release:
            yield Finding(
                "fix",
                name,
                f"{name} {found} has a known hole; {floor} or newer has not. pip install -U {name}",
            )
        else:
            yield Finding("ok", name, f"{name} {found}, and {floor} is needed.")


def _check_machine(machine: Machine) -> Iterator[Finding]:
    if machine.open_files is None:
        yield Finding("look", "open files", "This system does not say how many files may be open.")
    elif machine.open_files < FILES_FLOOR:
        yield Finding(
            "fix",
            "open files",
            f"{machine.open_files} files may be open; raise it to {FILES_FLOOR} (ulimit -n).",
        )
    else:
        yield Finding("ok", "open files", f"{machine.open_files} files may be open.")


def _check_access(measured: Measured) -> Iterator[Finding]:
    """What a stranger was given, asking without a login."""
    for path, status in measured.forbidden.items():
        if status < 400:
            yield Finding(
                "fix", "access", f"A stranger gets {path} (status {status}). Update Fieldmark before serving."
            )
    if all(status >= 400 for status in measured.forbidden.values()):
        yield Finding(
            "ok",
            "access",
            f"None of {len(measured.forbidden)} addresses that run code or give files is open.",
        )
    if measured.open_to_all:
        yield Finding(
            "look",
            "login",
            "Anybody with the link may classify. For a closed circle set a password, here or in nginx.",
        )
    else:
        yield Finding("ok", "login", "A password is asked for.")
    if measured.oversize_status in (400, 413):
        yield Finding("ok", "uploads", "A body of a gigabyte is refused before it is sent.")
    else:
        yield Finding(
            "look",
            "uploads",
            "A body of a gigabyte is not refused at once: let nginx do it (client_max_body_size).",
        )


def _check_room(machine: Machine, measured: Measured, seats: int) -> Iterator[Finding]:
    if seats < 1:
        text = (
            f"{machine.memory_mb:.0f} MB hold not one visitor beside the server ({measured.base_mb:.0f} MB)."
        )
        yield Finding(
            "fix", "seats", f"{text} Give it {measured.base_mb + measured.visitor_mb:.0f} MB at least."
        )
        return
    yield Finding(
        "ok",
        "seats",
        f"{seats} visitors at a time fit ({measured.visitor_mb:.0f} MB each, {measured.counted}).",
    )
    if measured.photo_ms is not None:
        rate = machine.cpus * 1000 / measured.photo_ms
        busy = int(rate * PHOTO_EVERY_S)
        level: Level = "ok" if busy >= seats else "look"
        yield Finding(
            level,
            "speed",
            f"{rate:.0f} photos a second at most: {busy} visitors with a photo every {PHOTO_EVERY_S:g} s.",
        )
    needed = int(measured.base_files + seats * measured.visitor_files)
    if machine.open_files is not None and machine.open_files < needed:
        yield Finding(
            "fix",
            "open files",
            f"{seats} visitors need {needed} open files in the server; {machine.open_files} are allowed.",
        )
