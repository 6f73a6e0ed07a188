"""Quarantine: photos that a check found, put aside and taken back byte for byte. Nothing is ever deleted.

In a dataset they are an act of its catalog, and `Catalog.undo` takes them back. A plain folder is only read,
unless somebody asks: then its files are moved to a folder beside it, with a list of what lay where.
"""

from __future__ import annotations

import json
import os
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Literal, get_args

from fieldmark.callbacks import Callback, Progress, silent
from fieldmark.catalog import Catalog, is_catalog
from fieldmark.catalog.journal import Act
from fieldmark.catalog.moving import PART, move_file, sync_file, sync_folders
from fieldmark.checkreport import CheckReport
from fieldmark.errors import DatasetError
from fieldmark.labels import escape_surrogates

Fault = Literal["rejected", "duplicates", "near_duplicates", "tiny", "dark", "blurred"]
FAULTS: tuple[Fault, ...] = get_args(Fault)

MANIFEST = "quarantine.json"
"""In the folder beside a plain one: the name of that one, and the files of it that were put aside."""


@dataclass(frozen=True)
class Moved:
    """What became of the files that were to be moved."""

    paths: tuple[str, ...]
    """Moved; relative to the folder of photos, with slashes."""
    failed: Mapping[str, str]
    """Left where they are: path → a sentence."""


def faulty_paths(report: CheckReport, faults: Collection[Fault]) -> dict[str, str]:
    """List what would be put aside: path → which fault; of duplicates all but the best of each group.

    The best is the first that is not put aside for another fault, so that some copy always stays where any is
    good. A group under two labels is left alone: which label is right is for people to say.
    """
    found: dict[str, str] = {}
    for fault in ("rejected", "tiny", "dark", "blurred"):
        if fault in faults:
            found |= {one.path: fault for one in getattr(report, fault) if one.path not in found}
    for fault in ("duplicates", "near_duplicates"):
        for group in getattr(report, fault) if fault in faults else ():
            if not group.is_conflict:
                good = [path for path in group.paths if path not in found]
                found |= dict.fromkeys(good[1:], fault)
    return found


def put_aside(catalog: Catalog, report: CheckReport, faults: Collection[Fault], *, who: str) -> Act | None:
    """Put what a check of this dataset found into quarantine, as one act; None when there was nothing.

    Raises:
        StoreError: the catalog cannot be written.
    """
    wanted = faulty_paths(report, faults)
    ids = [photo.id for photo in catalog.photos() if photo.path in wanted]
    why = ", ".join(sorted(set(wanted.values())))
    return catalog.quarantine(ids, who=who, why=f"check: {why}") if ids else None


def move_aside(folder: Path, aside: Path, paths: Collection[str], callback: Callback = silent) -> Moved:
    """Move files of a plain folder to a folder beside it, made if need be; `take_back` moves them back.

    What is to be moved is written down and synchronised first, so a run that was killed can be taken back too.

    Args:
        paths: relative to `folder`, with slashes, as `faulty_paths` gives them.
    Raises:
        DatasetError: `dataset`, `not_beside`, `not_empty` or `read_only`: these two folders cannot be used for
            that; nothing was moved.
        Cancelled: the callback asked to stop; what was moved can be taken back.
    """
    if outside := [path for path in paths if not _is_inside(path)]:
        raise ValueError(f"outside of the folder: {outside}")
    known = _read_manifest(folder, aside)
    if not paths:
        return Moved((), {})
    _write_manifest(folder, aside, known.union(paths))
    files = {path: (folder / path, aside / path) for path in sorted(set(paths))}
    return _move_all("Putting aside", files, callback)


def take_back(folder: Path, aside: Path, callback: Callback = silent) -> Moved:
    """Move back all that `move_aside` moved; the folder beside goes when nothing is left in it.

    Raises:
        DatasetError: `nothing_to_undo`: nothing of this folder was put aside there; else as `move_aside`.
        Cancelled: the callback asked to stop; the rest can be taken back later.
    """
    known = _read_manifest(folder, aside)
    if not known:
        raise DatasetError(
            f"There is nothing to undo: {str(aside)!r} holds no photos of {str(folder)!r}.",
            code="nothing_to_undo",
        )
    files = {path: (aside / path, folder / path) for path in sorted(known)}
    moved = _move_all("Taking back", files, callback)
    left = {path for path in moved.failed if os.path.lexists(aside / path)}  # others were thrown away by hand
    _write_manifest(folder, aside, left)
    if not left:
        (aside / MANIFEST).unlink()
        _remove_empty(aside)
    return moved


def _move_all(step: str, files: Mapping[str, tuple[Path, Path]], callback: Callback) -> Moved:
    moved: list[str] = []
    failed: dict[str, str] = {}
    for done, (path, (source, target)) in enumerate(files.items(), 1):
        callback(Progress(step, done, len(files)))
        try:
            move_file(source, target)
            moved.append(path)
        except OSError as exc:
            failed[path] = f"It could not be moved: {exc.strerror or exc}."
    sync_folders({file.parent for path in moved for file in files[path]})
    return Moved(tuple(moved), failed)


def _read_manifest(folder: Path, aside: Path) -> set[str]:
    """Give the paths of what was put aside; none where nothing was yet."""
    _check_folders(folder, aside)
    manifest = aside / MANIFEST
    if not manifest.exists():
        if aside.exists() and any(entry.name != MANIFEST + PART for entry in aside.iterdir()):
            raise _refusal("not_empty", f"{str(aside)!r} holds something else already.")
        return set()
    try:
        raw = json.loads(manifest.read_text("utf-8"))
        name, files = raw["folder"], {PurePosixPath(path).as_posix() for path in raw["files"]}
    except (OSError, ValueError, KeyError, TypeError) as exc:
        raise _refusal("not_empty", f"{MANIFEST} in {str(aside)!r} cannot be read.") from exc
    if name != escape_surrogates(folder.resolve().name):
        raise _refusal("not_empty", f"{str(aside)!r} holds photos of another folder, {name!r}.")
    if not all(map(_is_inside, files)):
        raise _refusal("not_empty", f"{MANIFEST} in {str(aside)!r} names files outside of the folders.")
    return files


def _check_folders(folder: Path, aside: Path) -> None:
    if is_catalog(folder):
        raise DatasetError(
            f"{str(folder)!r} is a dataset, which has a quarantine of its own.", code="dataset"
        )
    here, there = folder.resolve(), aside.resolve()
    if here == there or here.parent != there.parent or (aside.exists() and not aside.is_dir()):
        raise _refusal("not_beside", f"{str(aside)!r} is no folder beside {str(folder)!r}.")


def _refusal(code: str, fault: str) -> DatasetError:
    return DatasetError(
        f"{fault} A new folder beside that of the photos was expected: name another.", code=code
    )


def _is_inside(path: str) -> bool:
    parts = Path(path).parts
    return bool(parts) and ".." not in parts and not Path(path).anchor


def _write_manifest(folder: Path, aside: Path, files: Collection[str]) -> None:
    """Replace it as a whole: a kill leaves the old one or the new one. ASCII, whatever the names are."""
    content = {"folder": escape_surrogates(folder.resolve().name), "files": sorted(files)}
    part = aside / (MANIFEST + PART)
    try:
        aside.mkdir(exist_ok=True)
        part.write_text(json.dumps(content, indent=1) + "\n", "utf-8")
        sync_file(part)
        part.replace(aside / MANIFEST)
    except OSError as exc:
        raise DatasetError(
            f"{str(aside)!r} cannot be written: {exc.strerror}. Nothing more was moved.", code="read_only"
        ) from exc
    sync_folders([aside, aside.parent])


def _remove_empty(folder: Path) -> None:
    """Remove folders that were made for what was put aside; one that holds anything stays."""
    for entry in list(folder.iterdir()):
        if entry.is_dir() and not entry.is_symlink():
            _remove_empty(entry)
    if not any(folder.iterdir()):
        folder.rmdir()
