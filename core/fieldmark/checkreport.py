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
    """A stable word for programs: a code of images.REASONS, `changed`, or tiny, dark, blurred."""
    reason: str
    """A sentence for people."""

    def as_dict(self) -> dict[str, str]:
        """Plain values, for JSON."""
        return {"path": escape_surrogates(self.path), "code": self.code, "reason": self.reason}


@dataclass(frozen=True)
class Group:
    """Photos that are the same, or nearly; the first is the one to keep."""

    paths: tuple[str, ...]
    labels: tuple[str, ...]
    """Of each; empty where it lies in no class folder."""
    splits: tuple[str | None, ...] = ()
    """Of each: the side of the split that the folders or the catalog give it."""

    @property
    def is_conflict(self) -> bool:
        """Whether it has two labels: of the same bytes one must be wrong, of a burst each may be right."""
        return len(set(self.labels) - {""}) > 1

    @property
    def is_leak(self) -> bool:
        """Whether it is learned from and judged by: the split that was given puts it on two sides."""
        return len({split or "train" for split in self.splits}) > 1

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        paths = [escape_surrogates(path) for path in self.paths]
        return {
            "paths": paths,
            "labels": list(self.labels),
            "conflict": self.is_conflict,
            "leak": self.is_leak,
        }


@dataclass(frozen=True)
class CheckReport:
    """What is wrong with a folder of photos."""

    root: Path
    files: int
    """Files that were looked at."""
    labels: tuple[str, ...]
    """Of each file, as clean_label gives them; empty where it lies in no class folder."""
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
            f"{self.ok} of {_count(self.files, 'file')} are photos" + (f": {counts}." if counts else "."),
            *self._uneven(),
            *self._unlabelled(),
            *_faults("cannot be used:", self.rejected),
            *_groups("there more than once, with the same bytes", self.duplicates, "one is wrong"),
            *_groups("nearly the same as another", self.near_duplicates, "is each right?"),
            *_faults("tiny:", self.tiny),
            *_faults("dark:", self.dark),
            *_faults("blurred:", self.blurred),
            *self._leaks(),
            *(
                [f"Not looked at, being no photo by name: {_count(self.others, 'file')}."]
                if self.others
                else []
            ),
            *(
                [f"Skipped, being hidden or a system's: {_count(self.skipped, 'file')}."]
                if self.skipped
                else []
            ),
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

    def _unlabelled(self) -> Iterator[str]:
        n = self.labels.count("")
        if n and self.classes:
            yield f"In no class folder, so left out of training: {_count(n, 'file')}. Move each into one."

    def _leaks(self) -> Iterator[str]:
        """Say what the split makes of groups: a drawn one keeps them together, a given one may not."""
        near = {path for group in self.near_duplicates for path in group.paths}
        groups = (*self.near_duplicates, *(group for group in self.duplicates if group.paths[0] not in near))
        n = sum(group.is_leak for group in groups)
        if n:
            yield (
                f"{_count(n, 'group')} on two sides of the split that is given: the model is judged by "
                "what it learned. Leave one photo of each, or move the group to one side."
            )
        elif groups:
            yield "A group stays together on one side of the split; of same or nearly same photos one is enough."


def _faults(what: str, found: Sequence[Found]) -> Iterator[str]:
    if found:
        yield f"{_count(len(found), 'photo')} {what}"
        yield from _first([f"{escape_surrogates(one.path)}: {one.reason}" for one in found])


def _groups(what: str, groups: Sequence[Group], conflict: str) -> Iterator[str]:
    if groups:
        n = sum(len(group.paths) for group in groups)
        yield f"{_count(n, 'photo')} {what}, in {_count(len(groups), 'group')}:"
        yield from _first(
            [
                " = ".join(map(escape_surrogates, group.paths))
                + (
                    f"  (under {len(set(group.labels) - {''})} labels: {conflict})"
                    if group.is_conflict
                    else ""
                )
                for group in groups
            ]
        )


def _first(entries: Sequence[str]) -> Iterator[str]:
    yield from (f"  {entry}" for entry in entries[:MOST_NAMED])
    if len(entries) > MOST_NAMED:
        yield f"  and {len(entries) - MOST_NAMED} more (--json lists all)"


def _count(n: int, what: str) -> str:
    return f"1 {what}" if n == 1 else f"{n} {what}s"
