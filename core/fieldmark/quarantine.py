"""Quarantine: photos of a dataset that a check found put aside, where `Catalog.undo` takes them back from.

Nothing is deleted. A plain folder is only read: import it first, and put aside in the dataset.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Literal, get_args

from fieldmark.catalog import Catalog
from fieldmark.checkreport import CheckReport
from fieldmark.journal import Act

Fault = Literal["rejected", "duplicates", "near_duplicates", "tiny", "dark", "blurred"]
FAULTS: tuple[Fault, ...] = get_args(Fault)


def faulty_paths(report: CheckReport, faults: Collection[Fault]) -> dict[str, str]:
    """List what would be put aside: path → which fault; of duplicates all but the first of each group.

    A group under two labels is left alone: which label is right, and so which copy to keep, is for people.
    """
    found: dict[str, str] = {}
    for fault in faults:
        if fault in ("duplicates", "near_duplicates"):
            groups = report.duplicates if fault == "duplicates" else report.near_duplicates
            spare = [path for group in groups if not group.is_conflict for path in group.paths[1:]]
        else:
            spare = [one.path for one in getattr(report, fault)]
        found.update((path, fault) for path in spare if path not in found)
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
