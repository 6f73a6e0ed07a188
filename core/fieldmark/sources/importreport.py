"""What came of an import, as plain values and as sentences."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fieldmark.dataset import Rejected
from fieldmark.labels import UNLABELLED, escape_surrogates

MOST_NAMED = 10
"""Photos of each kind that `lines` names; `as_dict` has all."""


@dataclass(frozen=True)
class Doubled:
    """A photo that was not taken, because the dataset has its bytes already."""

    name: str
    """In the source."""
    label: str
    of: str
    """The one that is kept: its path in the dataset, or its name in the source where both came from there."""
    of_label: str

    @property
    def is_conflict(self) -> bool:
        """Whether the same picture came under two labels: one of them must be wrong."""
        return self.label != self.of_label and UNLABELLED not in (self.label, self.of_label)


@dataclass(frozen=True)
class Renamed:
    """A photo whose file is called otherwise than it was: its name was taken, or is none for every disk."""

    name: str
    """In the source; kept as the photo's `original_name`."""
    path: str
    """In the dataset."""


@dataclass(frozen=True)
class ImportReport:
    """What came of an import."""

    dataset: Path
    added: int
    labels: Mapping[str, int]
    """Photos that were added, by label."""
    duplicates: tuple[Doubled, ...]
    conflicts: tuple[Doubled, ...]
    rejected: tuple[Rejected, ...]
    """Paths are as the source has them."""
    renamed: tuple[Renamed, ...]
    skipped: int
    """Hidden files and what systems leave behind."""
    act_id: int | None
    """The act that `Catalog.undo` takes back; None when nothing was added."""
    seconds: float
    unlabelled: int = 0
    """How many of those that were added wait for a label."""
    labelled: int = 0
    """Photos that waited for a label in the dataset, and got the one with which they came."""

    def as_dict(self) -> dict[str, Any]:
        """Plain values: what `fieldmark import --json` prints."""
        return {
            "dataset": escape_surrogates(str(self.dataset)),
            "added": self.added,
            "labels": dict(self.labels),
            "unlabelled": self.unlabelled,
            "labelled": self.labelled,
            "duplicates": [{"path": d.name, "of": d.of} for d in self.duplicates],
            "conflicts": [
                {"path": d.name, "label": d.label, "of": d.of, "kept_label": d.of_label}
                for d in self.conflicts
            ],
            "rejected": [{"path": _path(r), "code": r.code, "reason": r.reason} for r in self.rejected],
            "renamed": [{"path": r.name, "now": r.path} for r in self.renamed],
            "skipped": self.skipped,
            "act": self.act_id,
            "seconds": round(self.seconds, 3),
        }

    def lines(self) -> list[str]:
        """Sentences: what `fieldmark import` prints; no name in them can steer a terminal."""
        return [_shown(line) for line in self._lines()]

    def _lines(self) -> list[str]:
        counts = ", ".join(f"{label} {n}" for label, n in self.labels.items())
        if self.unlabelled:
            counts = f"{counts}, {self.unlabelled} without a label" if counts else "none has a label yet"
        of_what = f" ({counts})" if counts else ""
        return [
            f"{_photos(self.added)} imported into {self.dataset}{of_what}, {self.seconds:.1f} s.",
            *([f"{_photos(self.labelled)} that waited for a label got one."] if self.labelled else []),
            *_section(f"{_photos(len(self.duplicates))} not taken, because the same bytes are there already", [
                f"{double.name} is {double.of}" for double in self.duplicates
            ]),
            *_section(f"{_photos(len(self.conflicts))} not taken, because the same bytes have another label already", [
                f"{double.name} says {double.label!r}; {double.of} stays {double.of_label!r}"
                for double in self.conflicts
            ]),
            *_section(f"{_photos(len(self.rejected))} rejected", [
                f"{_path(rejected)}: {rejected.reason}" for rejected in self.rejected
            ]),
            *_section(f"{_photos(len(self.renamed))} renamed", [
                f"{renamed.name} is now {renamed.path}" for renamed in self.renamed
            ]),
            *([f"{self.skipped} hidden or system files skipped."] if self.skipped else []),
        ]  # fmt: skip


def _section(title: str, entries: Sequence[str]) -> Iterator[str]:
    if not entries:
        return
    yield f"{title}:"
    yield from (f"  {entry}" for entry in entries[:MOST_NAMED])
    if len(entries) > MOST_NAMED:
        yield f"  and {len(entries) - MOST_NAMED} more"


def _photos(number: int) -> str:
    return "1 photo" if number == 1 else f"{number} photos"


def _path(rejected: Rejected) -> str:
    return escape_surrogates(rejected.path.as_posix())


def _shown(text: str) -> str:
    """Write out what would not be seen: control characters, and those that turn the direction of text."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
