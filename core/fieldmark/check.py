"""Check: what is wrong with a folder of photos, before anything is learned from it. Nothing is changed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from fieldmark.callbacks import Callback, silent
from fieldmark.catalog import Catalog, is_catalog
from fieldmark.checkreport import CheckReport, Found, Group
from fieldmark.dataset import check_is_folder, is_split_by_folders, label_of
from fieldmark.errors import BadImageError
from fieldmark.imaging.lookcache import take_looks
from fieldmark.imaging.looks import Look
from fieldmark.issues.duplicates import exact_duplicates, near_duplicates
from fieldmark.labels import clean_label
from fieldmark.sources.scan import scan_folder

TINY_PX = 64
"""A shorter side than this is enlarged more than three times for the model; there is little to learn from."""
DARK = 60.0
"""Grey level below which 95 % of a dark photo lie. Of 3,648 photos of the web, camera traps, hands and drawings
one is dark, a night photo that is half black; of 120 dimmed to a quarter on purpose 104 are."""
BLURRED = 60.0
"""Sharpness (looks.sharpness) below which a photo is blurred. Of those 3,648 photos none is below 150; of 120
blurred by 1 % of their width on purpose 115 are below 60, by half a percent 95."""


@dataclass(frozen=True)
class _Listed:
    """The photos to look at, whichever kind of folder they are in."""

    paths: Sequence[Path]
    labels: Sequence[str]
    """Empty where a photo lies in no class folder."""
    splits: Sequence[str | None]
    hashes: Sequence[str | None]
    """Of the bytes that each photo came with, where a catalog knows."""
    others: int = 0
    skipped: int = 0


def check_folder(folder: str | Path, callback: Callback = silent) -> CheckReport:
    """Look at every photo of a folder or dataset, for whoever is about to use it.

    Raises:
        DatasetError: the folder is not there or is a file.
        StoreError: its catalog cannot be used.
        Cancelled: the callback asked to stop.
    """
    root = check_is_folder(Path(folder))
    listed = _list_catalog(root) if is_catalog(root) else _list_plain(root)
    seen = take_looks(listed.paths, step="Checking photos", callback=callback)
    results = [_unless_changed(result, known) for result, known in zip(seen, listed.hashes, strict=True)]
    looks = [result if isinstance(result, Look) else None for result in results]
    names = [path.relative_to(root).as_posix() for path in listed.paths]
    places = range(len(names))

    def groups(found: Iterable[Sequence[int]]) -> tuple[Group, ...]:
        return tuple(_group(sorted(group, key=worth), names, listed) for group in found)

    def worth(place: int) -> tuple[bool, int, str]:
        """Of copies, one with a label and the most pixels is the one to keep."""
        look = looks[place]
        return not listed.labels[place], -(look.width * look.height if look else 0), names[place]

    return CheckReport(
        root=root,
        files=len(names),
        labels=tuple(listed.labels),
        rejected=tuple(
            Found(names[p], listed.labels[p], error.code, str(error))
            for p, error in zip(places, results, strict=True)
            if isinstance(error, BadImageError)
        ),
        duplicates=groups(exact_duplicates_of(looks)),
        near_duplicates=groups(near_duplicates(looks)),
        tiny=_poor(names, listed, looks, "tiny"),
        dark=_poor(names, listed, looks, "dark"),
        blurred=_poor(names, listed, looks, "blurred"),
        others=listed.others,
        skipped=listed.skipped,
    )


def exact_duplicates_of(looks: Sequence[Look | None]) -> list[tuple[int, ...]]:
    """Group the places of photos with the same bytes; a file that is no photo is in no group."""
    return exact_duplicates(look.hash if look else f"no photo {place}" for place, look in enumerate(looks))


def fault_of(look: Look, fault: str) -> str | None:
    """Say why a photo is tiny, dark or blurred; None when it is not."""
    if fault == "tiny" and min(look.width, look.height) < TINY_PX:
        return f"{look.width} × {look.height} pixels: too small to learn much from."
    if fault == "dark" and look.bright < DARK:
        return f"Too dark: 95 % of its pixels are at most {100 * look.bright / 255:.0f} % as bright as white."
    if fault == "blurred" and look.sharp < BLURRED and look.bright >= DARK:
        return "No part of it is sharp."
    return None


def _poor(
    names: Sequence[str], listed: _Listed, looks: Sequence[Look | None], fault: str
) -> tuple[Found, ...]:
    reasons = [fault_of(look, fault) if look else None for look in looks]
    return tuple(
        Found(name, label, fault, reason)
        for name, label, reason in zip(names, listed.labels, reasons, strict=True)
        if reason
    )


def _unless_changed(result: Look | BadImageError, known: str | None) -> Look | BadImageError:
    """Refuse a photo whose bytes are no longer those that its dataset took in."""
    if isinstance(result, BadImageError) or known in (None, result.hash):
        return result
    return BadImageError(
        "Changed: the file is not what it was when it came; it has rotted, or a program wrote into it. Import "
        "the photo again from where it came.",
        code="changed",
    )


def _group(places: Sequence[int], names: Sequence[str], listed: _Listed) -> Group:
    return Group(
        tuple(names[place] for place in places),
        tuple(listed.labels[place] for place in places),
        tuple(listed.splits[place] for place in places),
    )


def _list_plain(root: Path) -> _Listed:
    scan = scan_folder(root)
    has_split = is_split_by_folders(scan.photos, root)
    known = [label_of(path, root, has_split=has_split) for path in scan.photos]
    return _Listed(
        scan.photos,
        labels=[clean_label(label) if label else "" for label, _ in known],
        splits=[split for _, split in known],
        hashes=[None] * len(known),
        others=len(scan.others),
        skipped=scan.skipped,
    )


def _list_catalog(root: Path) -> _Listed:
    photos = Catalog.open(root, write=False).photos()
    return _Listed(
        [root / photo.path for photo in photos],
        labels=[photo.label for photo in photos],
        splits=[photo.split for photo in photos],
        hashes=[photo.hash for photo in photos],
    )
