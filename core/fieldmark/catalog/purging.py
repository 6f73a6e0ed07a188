"""Purging: the one thing that deletes photos, apart from all others and only from the trash.

Cleaning moves photos to the trash and never further. Whoever wants their space back, or has promised that a
photo is gone, purges. What will be deleted is written down first: killed in between, purging again finishes.
"""

from __future__ import annotations

import os
from dataclasses import dataclass

from fieldmark.catalog.catalog import Catalog
from fieldmark.catalog.journal import drop_redo, now
from fieldmark.catalog.photo import CatalogPhoto
from fieldmark.catalog.schema import PLACES

PURGED = "purged"


@dataclass(frozen=True)
class Purged:
    """What became of the photos in the trash."""

    photos: tuple[int, ...]
    """Ids of those that are gone now."""
    bytes: int
    failed: dict[str, str]
    """Path → why it is still there."""


def in_trash(catalog: Catalog) -> list[CatalogPhoto]:
    """List the photos that purging would delete: those in the trash whose file is there."""
    return [photo for photo in catalog.photos(status="trash") if _is_there(catalog, photo)]


def purge(catalog: Catalog, *, who: str, why: str | None = None) -> Purged:
    """Delete the files of all photos in the trash for good; what is known of them stays, with its history.

    Undoing what moved them there then says that their files have vanished, and does the rest.

    Raises:
        StoreError: the catalog cannot be written; nothing was deleted.
    """
    photos = in_trash(catalog)
    with catalog._journal.writing() as connection:
        drop_redo(connection)
        connection.executemany(
            """INSERT INTO history (photo_id, at, who, what, old, new, why) VALUES (?, ?, ?, 'status', 'trash', ?, ?)""",
            [(photo.id, now(), who, PURGED, why or "purge") for photo in photos],
        )
    return _deleted(catalog, photos)


def _deleted(catalog: Catalog, photos: list[CatalogPhoto]) -> Purged:
    gone: list[int] = []
    failed: dict[str, str] = {}
    freed = 0
    for photo in photos:
        try:
            size = catalog.file_of(photo).lstat().st_size
            catalog.file_of(photo).unlink()
        except OSError as exc:
            failed[photo.path] = f"It could not be deleted: {exc.strerror or exc}."
            continue
        gone.append(photo.id)
        freed += size
    return Purged(tuple(gone), freed, failed)


def _is_there(catalog: Catalog, photo: CatalogPhoto) -> bool:
    """Only what lies in the trash folder itself: an import that was undone may have its files elsewhere."""
    return photo.path.startswith(f"{PLACES['trash']}/") and os.path.lexists(catalog.file_of(photo))
