"""Memory cards: a folder that somebody carried in is read through, photos and videos, and left as it is.

The same card again adds nothing, so an import that was stopped goes on when it is started again. What comes on a card
says nothing of whether its camera lives.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import func, select
from sqlalchemy.orm import Session, aliased

from fieldmark.callbacks import Callback, Progress, silent
from fieldmark.errors import BadImageError, DatasetError, StationError
from fieldmark.sources.foreign.video import VIDEO_SUFFIXES
from fieldmark.sources.scan import scan_folder
from fieldmark.station.ingest import Arrival, Came, Enter, Ingest, Source
from fieldmark.station.spool import MAX_FILE_BYTES
from fieldmark.station.tables import Camera, Frame

Take = Callable[[Path, str], Arrival]
"""Takes a file in under its name on the card."""


@dataclass
class CardReport:
    """What became of the files of a card."""

    photos: int = 0
    """New ones."""
    videos: int = 0
    """New ones; their frames are frames of the camera."""
    duplicates: int = 0
    """Files that were there before."""
    rejected: dict[str, int] = field(default_factory=dict)
    """Reason → how many were refused for it; each has its row in the store."""
    left: dict[str, int] = field(default_factory=dict)
    """Reason → how many were left for another time, or are no pictures."""
    faults: list[str] = field(default_factory=list)
    """What has to be done before the rest can be taken in, as sentences."""


def take_file(ingest: Ingest, path: Path, camera_id: int, name: str, source: Source) -> Arrival:
    """Take a photo or a video in; the file is only read; raises as `read_file`."""
    return ingest.enter([read_file(ingest, path, came_of(ingest, path, camera_id, name, source))])[0]


def came_of(ingest: Ingest, path: Path, camera_id: int, name: str, source: Source) -> Came:
    """Note how a file came, and that it came now; OSError where it cannot be read."""
    written = datetime.fromtimestamp(path.stat().st_mtime, UTC) if source == "card" else None
    return ingest.came(camera_id, name, source, written=written)


def read_file(ingest: Ingest, path: Path, came: Came) -> Enter:
    """Read a photo or a video, by its name's ending, for `Ingest.enter`.

    Raises:
        OSError: it cannot be read.
        StationError: `needs_extra`: a video, and PyAV is not installed.
        StoreError: as `Ingest.read`.
    """
    if path.suffix.lower() in VIDEO_SUFFIXES:
        return ingest.read_clip(path, came)
    if path.stat().st_size > MAX_FILE_BYTES:
        error = BadImageError(f"{came.name} has more than 64 MB, and no picture has.", code="too_large_file")
        return ingest.refuse(error, came)
    return ingest.read(path.read_bytes(), came)


def import_card(folder: Path, take: Take, *, callback: Callback = silent) -> CardReport:
    """Take in all that lies on a card, in nested folders as well.

    Raises:
        DatasetError: `missing` or `empty`: there is no such folder, or nothing in it.
        StoreError: the store refuses; what was taken in stays, and the same call goes on from there.
        Cancelled: from the callback; likewise.
    """
    if not folder.is_dir():
        raise DatasetError(f"{str(folder)!r} is no folder. Name the folder of the card.", code="missing")
    found = scan_folder(folder)
    if not found.photos:
        raise DatasetError(f"There is no photo and no video in {str(folder)!r}.", code="empty")
    report = CardReport()
    report.left = {why: n for why, n in (("no picture", len(found.others)), ("hidden", len(found.junk))) if n}
    for done, path in enumerate(found.photos, 1):
        _count(report, path, _taken(report, path, path.relative_to(folder).as_posix(), take))
        callback(Progress("Reading the card", done, len(found.photos)))
    return report


def _taken(report: CardReport, path: Path, name: str, take: Take) -> Arrival | None:
    """Take one file in; None where it was left, with its reason in the report."""
    try:
        return take(path, name)
    except OSError as error:
        why, fault = "unreadable", f"{name}: {error.strerror or error}."
    except StationError as error:
        if error.code not in ("needs_extra", "unreadable"):
            raise
        why, fault = error.code, str(error)
    report.left[why] = report.left.get(why, 0) + 1
    if fault not in report.faults:
        report.faults.append(fault)
    return None


def _count(report: CardReport, path: Path, arrival: Arrival | None) -> None:
    if arrival is None:
        return
    if arrival.status == "rejected":
        report.rejected[arrival.code] = report.rejected.get(arrival.code, 0) + 1
    elif arrival.status == "duplicate":
        report.duplicates += 1
    elif path.suffix.lower() in VIDEO_SUFFIXES:
        report.videos += 1
    else:
        report.photos += 1


def same_elsewhere(session: Session, camera_id: int) -> dict[str, int]:
    """Count the frames of a camera that other cameras have, too: was it the card of one of those?"""
    other = aliased(Frame)
    rows = session.execute(
        select(Camera.name, func.count())
        .join(other, other.camera_id == Camera.id)
        .join(Frame, (Frame.sha256 == other.sha256) & (Frame.camera_id == camera_id))
        .where(other.camera_id != camera_id)
        .group_by(Camera.name)
    )
    return {str(name): int(n) for name, n in rows}


def clocks(session: Session, camera_id: int) -> dict[str, int]:
    """Count the frames of a camera by what their time was taken from."""
    rows = session.execute(
        select(Frame.clock, func.count()).where(Frame.camera_id == camera_id).group_by(Frame.clock)
    )
    return dict(Counter({str(clock): int(n) for clock, n in rows}))
