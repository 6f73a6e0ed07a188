"""Whom to credit for the photos of a dataset: a table that stays beside them."""

from __future__ import annotations

from pathlib import Path

from fieldmark.catalog import Catalog, CatalogPhoto
from fieldmark.collect.licence import read_licence
from fieldmark.tables import write_table

FILE = "CREDITS.csv"
COLUMNS = ("path", "label", "author", "licence", "licence_text", "page", "address")


def write_credits(catalog: Catalog) -> Path:
    """Write the credits of all photos in use that came from elsewhere, and say where; without a photo, nothing.

    Creative Commons asks for author, source, licence and a link to its text; each photo has a line with them.
    """
    path = catalog.root / FILE
    if not catalog.photos():
        return path
    part = path.with_suffix(".part")
    write_table(part, COLUMNS, (_row(photo) for photo in catalog.photos() if photo.licence or photo.page))
    part.replace(path)
    return path


def _row(photo: CatalogPhoto) -> tuple[str | None, ...]:
    licence = read_licence(photo.licence)
    return (
        photo.path, photo.label, photo.author, photo.licence, licence.link if licence else None, photo.page,
        photo.source if (photo.source or "").startswith("http") else None,
    )  # fmt: skip
