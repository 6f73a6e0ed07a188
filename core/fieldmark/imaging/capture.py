"""When and with what a photo was taken, as far as its EXIF can be believed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

from fieldmark.errors import BadImageError
from fieldmark.imaging.file import Source, exif_of, open_header, photo_kind, read_source
from fieldmark.imaging.formats import TIFF
from fieldmark.imaging.tiffdirectory import Directory, first_directory

FIRST_YEAR = 1990
"""Before that no camera wrote EXIF: the clock was never set."""

LATE = timedelta(days=1)
"""A photo cannot be taken later than its file was written; a day allows for every time zone."""

_MAKE, _MODEL, _DATE_TIME, _EXIF = 0x010F, 0x0110, 0x0132, 0x8769
_DATE_TIME_ORIGINAL, _OFFSET_TIME_ORIGINAL, _SUBSEC_TIME_ORIGINAL = 0x9003, 0x9011, 0x9291


@dataclass(frozen=True)
class Capture:
    """When and with what a photo was taken."""

    taken: datetime | None = None
    """Local time of the camera, with its zone where EXIF gives one; None when EXIF does not tell."""
    file_time: datetime | None = None
    """When the file was last written, in UTC; None for bytes."""
    flagged: bool = False
    """Whether EXIF has a date that cannot be right, so that `taken` is None or doubtful."""
    make: str | None = None
    """Who made the camera."""
    model: str | None = None
    """Which camera it is."""

    @property
    def camera(self) -> str | None:
        """Give make and model together, the make once."""
        parts = [self.make] if self.make and not (self.model or "").startswith(self.make) else []
        return " ".join([*parts, *([self.model] if self.model else [])]) or None


def capture_time(source: Source) -> Capture:
    """Read when and with what a photo was taken, for sorting it; garbage gives less, never an error."""
    file_time = _file_time(source)
    directory = _directory(source)
    if directory is None:
        return Capture(file_time=file_time)
    written, taken = _taken(directory)
    return Capture(
        taken,
        file_time,
        flagged=written is not None and not _is_plausible(taken, file_time),
        make=directory.text(_MAKE),
        model=directory.text(_MODEL),
    )


def taken_by_exif(exif: bytes) -> datetime | None:
    """Tell when a photo was taken, as `capture_time` does, where somebody opened it already: by `Photo.exif`."""
    directory = _first_directory(exif)
    return None if directory is None else _taken(directory)[1]


def _file_time(source: Source) -> datetime | None:
    if isinstance(source, bytes):
        return None
    try:
        return datetime.fromtimestamp(Path(source).stat().st_mtime, UTC)
    except (OSError, ValueError, OverflowError):
        return None


def _directory(source: Source) -> Directory | None:
    try:
        data = read_source(source)
        kind = photo_kind(data)
        if kind is TIFF:
            return _first_directory(data)
        with open_header(data, kind) as image:
            return _first_directory(exif_of(image, data, kind))
    except BadImageError:
        return None


def _first_directory(exif: bytes) -> Directory | None:
    return first_directory(exif.removeprefix(b"Exif\0\0"))


def _taken(directory: Directory) -> tuple[str | None, datetime | None]:
    """Give the date as it is written and as it is understood."""
    details = directory.directory(_EXIF)
    written = details.text(_DATE_TIME_ORIGINAL) if details else None
    if details is None or written is None:
        written = directory.text(_DATE_TIME)
        return written, _parsed(written)
    return written, _parsed(written, details.text(_SUBSEC_TIME_ORIGINAL), details.text(_OFFSET_TIME_ORIGINAL))


def _parsed(written: str | None, subsec: str | None = None, offset: str | None = None) -> datetime | None:
    try:
        taken = datetime.strptime(written or "", "%Y:%m:%d %H:%M:%S")
    except ValueError:
        return None
    if subsec and subsec.isascii() and subsec.isdigit():
        taken = taken.replace(microsecond=int(subsec[:6].ljust(6, "0")))
    return taken.replace(tzinfo=_zone(offset))


def _zone(offset: str | None) -> timezone | None:
    """Read "+02:00"; anything else leaves the time without a zone."""
    try:
        zone = datetime.strptime(offset or "", "%z").tzinfo
    except ValueError:
        return None
    return zone if isinstance(zone, timezone) else None


def _is_plausible(taken: datetime | None, file_time: datetime | None) -> bool:
    if taken is None or taken.year < FIRST_YEAR:
        return False
    if file_time is None:
        return True
    return taken.replace(tzinfo=taken.tzinfo or UTC) <= file_time + LATE
