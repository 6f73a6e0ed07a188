"""One photo of a dataset, and one line of its history."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from fieldmark.labels import UNLABELLED


class CatalogPhoto(NamedTuple):
    """One photo and what is known of it; a tuple, because a hundred thousand are made while somebody waits."""

    id: int
    hash: str
    """SHA-256 of the bytes when it came, hex; other bytes mean that the file has rotted."""
    path: str
    """Relative to the dataset folder, with slashes."""
    label: str
    """Empty (`labels.UNLABELLED`) where it waits for one."""
    original_name: str
    """Path in the folder or archive it came from."""
    source: str | None
    licence: str | None
    author: str | None
    page: str | None
    """Web page it was found on."""
    captured: str | None
    """By the camera's clock, ISO 8601."""
    group: str | None
    """Site, animal or burst that stays on one side of a split."""
    split: str | None
    width: int | None
    height: int | None
    status: str
    """"present", "unlabelled" (it waits for a label, and nothing learns from it), "quarantined" or "trash"."""
    added_at: str
    """UTC, ISO 8601."""


COLUMNS = f"""photo.id, sha256, path, label.name, original_name, source, licence, author, page, captured, site,
    split, width, height,
    CASE WHEN status = 'present' AND label.name = '{UNLABELLED}' THEN 'unlabelled' ELSE status END, added_at"""

IN_USE = {
    "present": f"status = 'present' AND label.name != '{UNLABELLED}'",
    "unlabelled": f"status = 'present' AND label.name = '{UNLABELLED}'",
}
"""Conditions for the photos in use: those that are of a class, and those that wait for one."""


@dataclass(frozen=True)
class Change:
    """One line of a photo's history."""

    at: datetime
    who: str
    what: str
    """"label", "status" or "split"."""
    old: str | None
    new: str | None
    why: str | None
