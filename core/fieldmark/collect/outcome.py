"""What became of one address, kept in a ledger so that collecting can go on where it was."""

from __future__ import annotations

import hashlib
import json
import os
import threading
from collections.abc import Iterator
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, Literal, Self

from fieldmark.catalog.schema import HIDDEN

Status = Literal["arrived", "added", "duplicate", "failed"]
"""arrived: its bytes are here, and the catalog does not have them yet."""

FINAL = frozenset(("added", "duplicate"))


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one photo on offer."""

    url: str
    label: str
    status: Status
    code: str = ""
    """A stable word for programs, of what failed."""
    reason: str = ""
    """A sentence for people."""
    passing: bool = False
    """Whether a failure may have passed next time."""
    hash: str = ""
    """SHA-256 of its bytes, hex."""
    provider: str = ""
    source: str | None = None
    """Who keeps it."""
    licence: str | None = None
    author: str | None = None
    page: str | None = None
    place: str | None = None
    taken: str | None = None
    width: int = 0
    """Of the photo that came, in pixels."""
    height: int = 0
    light: int | None = None
    """Mean brightness, 0 … 255."""
    is_grey: bool = False
    """Whether it has no colour, as infrared pictures of the night."""

    @property
    def is_settled(self) -> bool:
        """Whether asking again would bring nothing new."""
        return self.status in FINAL or (self.status == "failed" and not self.passing)

    def as_dict(self) -> dict[str, Any]:
        """Plain values; what says nothing is left out."""
        return {name: value for name, value in asdict(self).items() if value not in (None, "", 0, False)}

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Self:
        """Read plain values; what this version does not know is left out."""
        known = {field.name for field in fields(cls)}
        return cls(**{name: value for name, value in values.items() if name in known})


def address_key(label: str, url: str) -> str:
    """Name an address that is asked for a class, by 24 hex digits."""
    return hashlib.sha256(f"{label}\n{url}".encode("utf-8", "surrogatepass")).hexdigest()[:24]


class Ledger:
    """The outcomes of one dataset folder, a line each, appended; the last of an address counts."""

    def __init__(self, root: Path) -> None:
        """Read what there is; a line that a killed process left torn is no line."""
        self.path = root / HIDDEN / "collected.jsonl"
        self._lock = threading.Lock()
        self._outcomes = {(outcome.label, outcome.url): outcome for outcome in _read(self.path)}

    def get(self, label: str, url: str) -> Outcome | None:
        """What became of an address for a class; None for a new one."""
        return self._outcomes.get((label, url))

    def write(self, *outcomes: Outcome) -> None:
        """Append outcomes; they outlast the process."""
        lines = "".join(json.dumps(outcome.as_dict(), ensure_ascii=True) + "\n" for outcome in outcomes)
        with self._lock:
            if not self._outcomes:
                self.path.parent.mkdir(parents=True, exist_ok=True)
            self._outcomes |= {(outcome.label, outcome.url): outcome for outcome in outcomes}
            with self.path.open("a+b") as file:
                _end_line(file)
                file.write(lines.encode())

    def outcomes(self) -> list[Outcome]:
        """All outcomes, in the order in which their addresses came up first."""
        return list(self._outcomes.values())


def _end_line(file: Any) -> None:
    """A killed process may have left half a line: what follows begins on its own."""
    if file.seek(0, os.SEEK_END) == 0:
        return
    file.seek(-1, os.SEEK_END)
    if file.read(1) != b"\n":
        file.write(b"\n")


def _read(path: Path) -> Iterator[Outcome]:
    if not path.is_file():
        return
    with path.open("rb") as file:
        for line in file:
            try:
                yield Outcome.from_dict(json.loads(line))
            except (ValueError, TypeError):
                continue
