"""Photos that a list names, found beside it and nowhere else."""

from __future__ import annotations

from pathlib import Path, PurePosixPath

from fieldmark.dataset import Rejected

FOLDERS = ("", "images", "data")
"""Where photos lie that a list names, relative to the list."""


def photo_base(listed: Path) -> Path:
    """Tell which folder the photos of a list lie below: its own; or, of `annotations/instances_train.json` as COCO has
    it, the `train` beside that folder."""
    if listed.parent.name != "annotations":
        return listed.parent
    root, split = listed.parent.parent, listed.stem.rpartition("_")[2]
    return next((folder for folder in (root / split, root / "images" / split) if folder.is_dir()), root)


def find_listed(base: Path, name: object) -> Path | None:
    """Find a file that a list names; None for one that is not there, or outside of the list's own folder."""
    if not isinstance(name, str) or not name.strip():
        return None
    parts = PurePosixPath(name.replace("\\", "/"))
    if parts.is_absolute() or ".." in parts.parts:
        return None
    try:
        places = (base / folder / parts for folder in FOLDERS)
        found = next((place for place in places if place.is_file()), None)
        return found if found is not None and found.resolve().is_relative_to(base.resolve()) else None
    except (OSError, ValueError):  # a name that no disk takes
        return None


def missing(name: object) -> Rejected:
    """Say that a listed photo is not there."""
    return Rejected(
        Path(str(name)[:200] or "?"), "missing", "It is listed, and there is no such file beside the list."
    )
