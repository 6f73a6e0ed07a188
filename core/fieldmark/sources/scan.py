"""Finding the photos of a folder, in an order that is the same on every machine."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

PHOTO_SUFFIXES = frozenset(
    (".jpg", ".jpeg", ".jpe", ".jfif", ".mpo", ".png", ".apng", ".gif", ".webp", ".bmp", ".dib", ".tif",
     ".tiff", ".avif", ".heic", ".heif")
)  # fmt: skip
"""Usual endings of accepted photos, for file dialogs. Content decides, so a scan does not ask for them."""

DATA_SUFFIXES = frozenset(
    (".csv", ".tsv", ".json", ".jsonl", ".txt", ".xml", ".yaml", ".yml", ".md", ".toml", ".parquet", ".xlsx",
     ".db", ".sqlite", ".py", ".ipynb", ".onnx", ".pkl", ".pt", ".pth", ".log", ".xmp")
)  # fmt: skip
"""Endings of what lies beside photos on purpose; such a file is no photo that failed."""

JUNK_NAMES = frozenset(
    (".ds_store", "thumbs.db", "ehthumbs.db", "desktop.ini", "icon\r", "__macosx", "@eadir", "$recycle.bin",
     "system volume information", ".ipynb_checkpoints")
)  # fmt: skip
"""What systems and notebooks leave in folders, in lower case."""


@dataclass(frozen=True)
class FolderScan:
    """What lies in a folder, for everybody who reads one; every list is sorted by path."""

    photos: tuple[Path, ...]
    """Candidates; only opening one tells whether it is a photo."""
    others: tuple[Path, ...]
    """Data files, pipes and devices, broken links, and folders that cannot be read."""
    junk: tuple[Path, ...]
    """Skipped: what is hidden or left by a system. A folder counts once."""

    @property
    def skipped(self) -> int:
        """How many entries were left out as junk."""
        return len(self.junk)


def scan_folder(folder: str | os.PathLike[str]) -> FolderScan:
    """Sort everything below a folder into photos, others and junk; nothing is opened or written.

    A file is a candidate unless its name says junk (`is_junk`) or data (`DATA_SUFFIXES`): content decides
    later, so a photo without a proper ending is found. Each folder is read once, by its own path rather
    than by a link to it, which also ends loops.
    """
    photos: list[Path] = []
    others: list[Path] = []
    junk: list[Path] = []
    for entry in _walk(Path(folder), unreadable=others):
        if is_junk(entry.name):
            junk.append(Path(entry.path))
        elif os.path.splitext(entry.name)[1].lower() in DATA_SUFFIXES or not _is(entry.is_file):  # noqa: PTH122
            others.append(Path(entry.path))
        else:
            photos.append(Path(entry.path))
    return FolderScan(
        *(tuple(sorted(paths, key=lambda path: path.parts)) for paths in (photos, others, junk))
    )


def list_photos(folder: str | os.PathLike[str]) -> list[Path]:
    """List the candidates below a folder, sorted by path."""
    return list(scan_folder(folder).photos)


def is_junk(name: str) -> bool:
    """Whether a file or folder of this name is left out: hidden, or a system's leftover."""
    return name.startswith(".") or name.lower() in JUNK_NAMES


def _walk(root: Path, *, unreadable: list[Path]) -> Iterator[os.DirEntry[str]]:
    """Give everything but folders, and junk folders unread; real folders first, then linked ones."""
    real, linked = [root], list[Path]()
    seen: set[tuple[int, int]] = set()
    while real or linked:
        folder = real.pop() if real else linked.pop(0)
        try:
            state = folder.stat()
            if (state.st_dev, state.st_ino) in seen:
                continue
            seen.add((state.st_dev, state.st_ino))
            with os.scandir(folder) as entries:
                listing = sorted(entries, key=lambda entry: entry.name)
        except OSError:
            unreadable.append(folder)
            continue
        for entry in listing:
            if _is(entry.is_dir) and not is_junk(entry.name):
                (linked if entry.is_symlink() else real).append(Path(entry.path))
            else:
                yield entry


def _is(question: Callable[[], bool]) -> bool:
    """Ask an entry what it is; a link that leads round in a circle is nothing."""
    try:
        return question()
    except OSError:
        return False
