"""What a check found, as plain values and as sentences."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fieldmark.labels import escape_surrogates

MOST_NAMED = 5
"""Photos of each kind that `lines` names; `as_dict` has all."""
UNEVEN = 3.0
"""Largest class over smallest class from which on it is worth a sentence."""


@dataclass(frozen=True)
class Found:
    """A photo with a fault."""

    path: str
    """Relative to the folder, with slashes."""
    label: str
    """Empty where the photo lies in no class folder."""
    code: str
    """A stable word for programs: a code of images.REASONS, or tiny, dark, blurred."""
    reason: str
    """A sentence for people."""

    def as_dict(self) -> dict[str, str]:
        """Plain values, for JSON."""
        return {"path": escape_surrogates(self.path), "code": self.code, "reason": self.reason}


@dataclass(frozen=True)
class Group:
    """Photos that are the same, or nearly."""

    paths: tuple[str, ...]
    labels: tuple[str, ...]
    """Of each."""

    @property
    def is_conflict(self) -> bool:
        """Whether the same thing has two labels: one of them must be wrong."""
        return len(set(self.labels)) > 1

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        paths = [escape_surrogates(path) for path in self.paths]
        return {"paths": paths, "labels": list(self.labels), "conflict": self.is_conflict}


@dataclass(frozen=True)
class CheckReport:
    """What is wrong with a folder of photos."""

    root: Path
    files: int
    """Files that were looked at."""
    labels: tuple[str, ...]
    """Of each file; empty where it lies in no class folder."""
    rejected: tuple[Found, ...]
    duplicates: tuple[Group, ...]
    """Same bytes."""
    near_duplicates: tuple[Group, ...]
    """Nearly the same picture; exact copies are listed with them."""
    tiny: tuple[Found, ...]
    dark: tuple[Found, ...]
    blurred: tuple[Found, ...]
    others: int
    """Data files and whatever else is no photo by its name."""
    skipped: int
    """Hidden files and what systems leave behind."""

    @property
    def ok(self) -> int:
        """Files that are photos."""
        return self.files - len(self.rejected)

    @property
    def classes(self) -> dict[str, int]:
        """Photos of each class that can be used, sorted by name."""
        counts = Counter(self.labels) - Counter(found.label for found in self.rejected)
        return {label: counts[label] for label in sorted(counts) if label}

    @property
    def is_clean(self) -> bool:
        """Whether nothing was found."""
        groups = (self.rejected, self.duplicates, self.near_duplicates, self.tiny, self.dark, self.blurred)
        return not any(groups)

    def as_dict(self) -> dict[str, Any]:
        """Plain values: what `fieldmark check --json` prints."""
        return {
            "folder": escape_surrogates(str(self.root)),
            "files": self.files,
            "ok": self.ok,
            "classes": self.classes,
            "rejected": [found.as_dict() for found in self.rejected],
            "duplicates": [group.as_dict() for group in self.duplicates],
            "near_duplicates": [group.as_dict() for group in self.near_duplicates],
            "tiny": [found.as_dict() for found in self.tiny],
            "dark": [found.as_dict() for found in self.dark],
            "blurred": [found.as_dict() for found in self.blurred],
            "others": self.others,
            "skipped": self.skipped,
        }

    def lines(self) -> list[str]:
        """Sentences: what `fieldmark check` prints."""
        counts = ", ".join(f"{label} {n}" for label, n in self.classes.items())
        return [
            f"{self.ok} of {self.files} files are photos" + (f": {counts}." if counts else "."),
            *self._uneven(),
            *_faults("cannot be used", self.rejected),
            *_groups("there more than once (same bytes)", self.duplicates),
            *_groups("nearly the same as another", self.near_duplicates),
            *_faults("tiny", self.tiny),
            *_faults("dark", self.dark),
            *_faults("blurred", self.blurred),
            *([f"{self.others} other files were not looked at."] if self.others else []),
            *([f"{self.skipped} hidden or system files were skipped."] if self.skipped else []),
            *(["Nothing wrong was found."] if self.files and self.is_clean else []),
        ]

    def _uneven(self) -> Iterator[str]:
        counts = self.classes
        if len(counts) < 2:
            return
        most, least = max(counts, key=counts.__getitem__), min(counts, key=counts.__getitem__)
        if counts[most] > UNEVEN * counts[least]:
            yield (
                f"There are {counts[most] / counts[least]:.1f} times as many photos of {most} as of {least}. Add "
                f"photos of {least}, or train with --balanced."
            )


def _faults(what: str, found: Sequence[Found]) -> Iterator[str]:
    if found:
        yield f"{_photos(len(found))} {what}:"
        yield from _first(f"{escape_surrogates(one.path)}: {one.reason}" for one in found)


def _groups(what: str, groups: Sequence[Group]) -> Iterator[str]:
    if groups:
        n = sum(len(group.paths) for group in groups)
        yield f"{_photos(n)} {what}, in {len(groups)} groups; a group stays on one side of the split:"
        yield from _first(
            " = ".join(map(escape_surrogates, group.paths))
            + (f"  (under {len(set(group.labels))} labels: one is wrong)" if group.is_conflict else "")
            for group in groups
        )


def _first(entries: Iterator[str]) -> Iterator[str]:
    listed = list(entries)
    yield from (f"  {entry}" for entry in listed[:MOST_NAMED])
    if len(listed) > MOST_NAMED:
        yield f"  and {len(listed) - MOST_NAMED} more (--json lists all)"


def _photos(n: int) -> str:
    return "1 photo" if n == 1 else f"{n} photos"
