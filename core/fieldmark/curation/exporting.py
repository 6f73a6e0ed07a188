"""A dataset as plain files for other programs: a folder per class, and a table that has the labels unchanged."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from fieldmark.callbacks import Callback, Progress, silent
from fieldmark.catalog import Catalog, CatalogPhoto
from fieldmark.catalog.moving import PART
from fieldmark.catalog.planning import IMAGES
from fieldmark.dataset import Rejected
from fieldmark.errors import DatasetError, StoreError
from fieldmark.parallel import in_threads
from fieldmark.sources.source import EXPORT_COLUMNS, EXPORT_TABLE
from fieldmark.tables import write_table


@dataclass(frozen=True)
class FolderExport:
    """What came of an export."""

    folder: Path
    exported: int
    failed: tuple[Rejected, ...]
    """Photos whose file has vanished, cannot be read or is not what it was when it came."""


def export_folder(
    catalog: Catalog, target: str | os.PathLike[str], *, callback: Callback = silent
) -> FolderExport:
    """Copy the photos in use into a new folder per class, and list them in `labels.csv`.

    Folders are called as in the dataset: the label, or a slug of it where no disk takes it. The table has the
    label itself; `import_photos` of the folder, of the table or of a zip of the folder gives the same dataset.

    Raises:
        DatasetError: `not_empty`: there is something in the target.
        StoreError: the target cannot be written.
    """
    folder = Path(target)
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise DatasetError(f"{str(folder)!r} is not empty. Name a new folder.", code="not_empty")
    photos = catalog.photos()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        done, failed = _copy_all(catalog, photos, folder, callback)
        write_table(folder / EXPORT_TABLE, EXPORT_COLUMNS, map(_row, done))
    except OSError as exc:
        raise StoreError(
            f"{str(folder)!r} cannot be written: {exc.strerror}. Free some space, or choose another folder.",
            code="cannot_export",
        ) from exc
    return FolderExport(folder, len(done), tuple(failed))


def exported_path(photo: CatalogPhoto) -> str:
    """Name a photo below the exported folder: class folder and file."""
    return PurePosixPath(photo.path).relative_to(IMAGES).as_posix()


def _copy_all(
    catalog: Catalog, photos: list[CatalogPhoto], folder: Path, callback: Callback
) -> tuple[list[CatalogPhoto], list[Rejected]]:
    done, failed = list[CatalogPhoto](), list[Rejected]()
    results = in_threads(lambda photo: _copy(catalog, photo, folder), photos)
    for photo, fault in zip(photos, results, strict=True):
        callback(Progress("Exporting photos", len(done) + len(failed) + 1, len(photos)))
        if fault is None:
            done.append(photo)
        else:
            failed.append(fault)
    return done, failed


def _copy(catalog: Catalog, photo: CatalogPhoto, folder: Path) -> Rejected | None:
    """Copy one photo; None when it went well."""
    try:
        data = catalog.file_of(photo).read_bytes()
    except OSError as exc:
        return Rejected(Path(photo.path), "unreadable", f"The file cannot be read: {exc.strerror}.")
    if hashlib.sha256(data).hexdigest() != photo.hash:
        return Rejected(
            Path(photo.path), "changed", "The file is not what it was when it came: it has rotted."
        )
    target = folder / exported_path(photo)
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(target.name + PART)
    part.write_bytes(data)
    part.replace(target)
    return None


def _row(photo: CatalogPhoto) -> list[str | None]:
    path = exported_path(photo)
    return [path, photo.label, photo.split, photo.group, photo.hash, photo.source, photo.licence, photo.author,
            photo.page, photo.captured]  # fmt: skip
