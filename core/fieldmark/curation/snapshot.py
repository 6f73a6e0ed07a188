"""A frozen version of a dataset: which photos with which labels on which side, named by its content, and compared.

So that somebody who trained a model can say what on, and see later what has changed since.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from fieldmark.callbacks import Callback, silent
from fieldmark.catalog import Catalog, is_catalog
from fieldmark.catalog.schema import HIDDEN
from fieldmark.dataset import read_dataset
from fieldmark.errors import DatasetError
from fieldmark.imaging.hashing import hash_files

FORMAT = "fieldmark-snapshot-1"
FOLDER = "snapshots"
ID_LENGTH = 16
MOST_NAMED = 10


@dataclass(frozen=True, slots=True)
class FrozenPhoto:
    """One photo as it was."""

    path: str
    """Relative to the dataset folder, with slashes."""
    hash: str
    """SHA-256 of its bytes when it came, hex."""
    label: str
    split: str | None = None
    licence: str | None = None
    source: str | None = None


@dataclass(frozen=True)
class Snapshot:
    """A version of a dataset."""

    name: str
    """What the dataset was called."""
    at: str
    """UTC, ISO 8601."""
    photos: tuple[FrozenPhoto, ...]
    """By path."""
    rotten: tuple[str, ...] = ()
    """Paths whose bytes were not what they had been, or that were gone."""

    @property
    def id(self) -> str:
        """Name the content: equal ids, equal photos, labels and sides; where files lie does not matter."""
        lines = sorted(f"{photo.hash} {photo.split or ''} {photo.label}" for photo in self.photos)
        return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:ID_LENGTH]

    def counts(self) -> dict[str, dict[str, int]]:
        """Photos per label, side and licence."""
        ways = {
            "label": lambda p: p.label, "split": lambda p: p.split or "open", "licence": lambda p: p.licence or "not stated",
        }  # fmt: skip
        return {way: dict(sorted(Counter(map(key, self.photos)).items())) for way, key in ways.items()}

    def as_dict(self) -> dict[str, Any]:
        """Plain values: what is written, and what `fieldmark snapshot --json` prints."""
        return {
            "format": FORMAT, "id": self.id, "name": self.name, "at": self.at, "n": len(self.photos), "counts": self.counts(),
            "rotten": list(self.rotten), "photos": [asdict(photo) for photo in self.photos],
        }  # fmt: skip

    def lines(self) -> list[str]:
        """Sentences for a terminal."""
        counts = self.counts()
        lines = [f"{self.id}: {len(self.photos)} photos of {self.name}."]
        lines += [
            f"  {way}: " + ", ".join(f"{name} {n}" for name, n in counts[way].items()) for way in counts
        ]
        if self.rotten:
            shown = ", ".join(self.rotten[:MOST_NAMED])
            lines.append(
                f"{len(self.rotten)} files are not what they were, or are gone: {shown}. Take them from a backup."
            )
        return lines


@dataclass(frozen=True)
class Difference:
    """What lies between two snapshots; photos are known by their bytes."""

    before: str
    after: str
    added: tuple[str, ...]
    """Paths, as the later one has them."""
    removed: tuple[str, ...]
    """Paths, as the earlier one has them."""
    relabelled: tuple[tuple[str, str, str], ...]
    """Path, label before, label after."""
    moved_side: tuple[tuple[str, str, str], ...]
    """Path, side before, side after. Held-out photos that are now trained on make two models incomparable."""

    @property
    def is_same(self) -> bool:
        """Whether nothing that counts has changed."""
        return not (self.added or self.removed or self.relabelled or self.moved_side)

    def as_dict(self) -> dict[str, Any]:
        """Plain values."""
        return asdict(self) | {"same": self.is_same}

    def lines(self) -> list[str]:
        """Sentences for a terminal."""
        if self.is_same:
            return [f"{self.before} and {self.after} hold the same photos, labels and sides."]
        parts: Mapping[str, list[str]] = {
            "added": list(self.added),
            "removed": list(self.removed),
            "relabelled": [f"{path}: {old} → {new}" for path, old, new in self.relabelled],
            "on another side of the split": [f"{path}: {old} → {new}" for path, old, new in self.moved_side],
        }
        lines = [
            f"{self.before} → {self.after}: "
            + ", ".join(f"{len(found)} {what}" for what, found in parts.items() if found)
        ]
        for what, found in parts.items():
            lines += [f"  {what}: {entry}" for entry in found[:MOST_NAMED]]
        return lines


def take_snapshot(
    folder: str | os.PathLike[str], *, check: bool = True, callback: Callback = silent
) -> Snapshot:
    """Freeze a dataset folder, or a plain folder of photos, as it is.

    Args:
        check: read every file of a dataset again, and name those whose bytes have changed since they came.
    Raises:
        DatasetError, StoreError: the folder cannot be used.
    """
    root = Path(folder)
    at = datetime.now(UTC).isoformat(timespec="seconds")
    if not is_catalog(root):
        dataset = read_dataset(root, min_classes=1, callback=callback)
        items = ((item.path.relative_to(root).as_posix(), item) for item in dataset.items)
        plain = [FrozenPhoto(path, item.hash, item.label, item.split) for path, item in items]
        return Snapshot(root.resolve().name, at, tuple(sorted(plain, key=lambda photo: photo.path)))
    catalog = Catalog.open(root, write=False)
    photos = [FrozenPhoto(p.path, p.hash, p.label, p.split, p.licence, p.source) for p in catalog.photos()]
    rotten = _rotten(root, photos, callback) if check else ()
    return Snapshot(root.resolve().name, at, tuple(sorted(photos, key=lambda photo: photo.path)), rotten)


def save_snapshot(snapshot: Snapshot, path: Path) -> Path:
    """Write a snapshot as JSON, whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.part")
    part.write_text(json.dumps(snapshot.as_dict(), ensure_ascii=False, indent=1) + "\n", "utf-8")
    part.replace(path)
    return path


def snapshot_place(folder: Path, snapshot: Snapshot) -> Path:
    """Where a dataset keeps a snapshot when nobody says otherwise; a plain folder is never written to."""
    name = f"{snapshot.id}.json"
    return folder / HIDDEN / FOLDER / name if is_catalog(folder) else Path(f"{snapshot.name}-{name}")


def load_snapshot(folder: Path, named: str) -> Snapshot:
    """Read a snapshot by the path of its file, or by the beginning of its id in a dataset folder.

    Raises:
        DatasetError: `no_snapshot` or `bad_snapshot`.
    """
    path = _find(folder, named)
    try:
        plain = json.loads(path.read_text("utf-8"))
        if plain["format"] != FORMAT:
            raise ValueError(plain["format"])
        photos = tuple(FrozenPhoto(**photo) for photo in plain["photos"])
        snapshot = Snapshot(str(plain["name"]), str(plain["at"]), photos, tuple(plain["rotten"]))
        if snapshot.id != plain["id"]:
            raise ValueError("its content has another id")
    except (OSError, ValueError, KeyError, TypeError) as exc:
        raise DatasetError(
            f"{path.name!r} is no snapshot that can be read ({exc}). Take a new one with: fieldmark snapshot DIR",
            code="bad_snapshot",
        ) from exc
    return snapshot


def compare_snapshots(before: Snapshot, after: Snapshot) -> Difference:
    """Say what has changed from one version to another."""
    old, new = ({photo.hash: photo for photo in snapshot.photos} for snapshot in (before, after))
    both = sorted(old.keys() & new.keys(), key=lambda hash_: new[hash_].path)
    return Difference(
        before.id,
        after.id,
        added=tuple(sorted(new[h].path for h in new.keys() - old.keys())),
        removed=tuple(sorted(old[h].path for h in old.keys() - new.keys())),
        relabelled=tuple(
            (new[h].path, old[h].label, new[h].label) for h in both if old[h].label != new[h].label
        ),
        moved_side=tuple(
            (new[h].path, old[h].split or "open", new[h].split or "open")
            for h in both
            if old[h].split != new[h].split
        ),
    )


def _rotten(root: Path, photos: list[FrozenPhoto], callback: Callback) -> tuple[str, ...]:
    found = hash_files([root / photo.path for photo in photos], callback=callback)
    return tuple(photo.path for photo, digest in zip(photos, found, strict=True) if digest != photo.hash)


def _find(folder: Path, named: str) -> Path:
    if Path(named).is_file():
        return Path(named)
    places = sorted((folder / HIDDEN / FOLDER).glob("*.json"))
    fitting = [path for path in places if named and path.stem.startswith(named)]
    if len(fitting) == 1:
        return fitting[0]
    there = ", ".join(path.stem for path in places) or "none"
    why = "more than one begins like that" if fitting else "there is none of this name"
    raise DatasetError(f"{named!r} names no snapshot: {why}. There are: {there}.", code="no_snapshot")
