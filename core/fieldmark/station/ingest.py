"""Ingest: one path for every frame, whatever it came by. Nothing is dropped without a row that says why."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Literal
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from fieldmark.errors import BadImageError
from fieldmark.imaging.hashing import file_hash
from fieldmark.station.clipframes import ClipContent, read_clip
from fieldmark.station.clock import Clock, Taken, place_in_time, utc_now
from fieldmark.station.days import zone_of
from fieldmark.station.framelook import FrameLook, decode_frame, look_at_frame
from fieldmark.station.media import Media
from fieldmark.station.smalls import Smalls
from fieldmark.station.store import Store
from fieldmark.station.tables import Camera, Clip, Frame, Rejected, Station

Source = Literal["spool", "card", "post", "video"]
CARRIED: frozenset[Source] = frozenset({"card"})
"""Sources that say nothing of whether the camera lives."""


@dataclass(frozen=True)
class Arrival:
    """What became of one file."""

    status: Literal["new", "duplicate", "rejected"]
    frame_id: int | None = None
    """The frame, also where it was there before."""
    code: str = ""
    reason: str = ""
    """Why it was rejected: a sentence."""


Enter = Callable[[Session], Arrival]
"""Writes the rows of a file that was read: nothing of it is known before."""


class Ingest:
    """Takes files in, for the worker.

    Reading a file (decode, hash, keep its bytes) needs no lock and is most of the work, so several are read side by
    side; their rows are entered in the order in which they came, so that frames of one moment stay in it.
    """

    def __init__(self, store: Store, media: Media, *, clock: Clock = utc_now) -> None:
        """Write into a store, and the bytes into `media`."""
        self.store, self.media, self.clock = store, media, clock
        self.smalls = Smalls()

    def came(self, camera_id: int, name: str, source: Source, *, written: datetime | None = None) -> Came:
        """Note how a file came, and that it came now.

        Args:
            written: when the camera wrote the file, where a card's folder tells.
        """
        return Came(camera_id, name, source, self.clock(), written)

    def take(self, data: bytes, camera_id: int, name: str, source: Source) -> Arrival:
        """Read and enter one file; it is acknowledged once this returns; raises as `read` and `enter`."""
        return self.enter([self.read(data, self.came(camera_id, name, source))])[0]

    def enter(self, files: Sequence[Enter]) -> list[Arrival]:
        """Enter files that were read, in this order and in one transaction.

        A file that was read when the process was killed is taken in again: the bytes are stored before the row, so
        nothing is lost or doubled.

        Raises:
            StoreError: the store or the disk refuses; none of them was entered.
        """
        with self.store.writing() as session:
            return [enter(session) for enter in files]

    def read(self, data: bytes, came: Came) -> Enter:
        """Validate one file and keep its bytes; raises StoreError where the disk refuses."""
        with self.store.reading() as session:
            known = _known(session, came.camera_id, hashlib.sha256(data).hexdigest())
        if known is not None:
            return _heard_of(came, Arrival("duplicate", known))
        try:
            look, image = decode_frame(data)
        except BadImageError as error:
            return self.refuse(error, came)
        sha256 = self.media.put(data)
        self.smalls.keep(sha256, image, look)
        return _frame_of(came, sha256, look)

    def read_clip(self, path: Path, came: Came) -> Enter:
        """Read a video: the file, and the frames that show what happened.

        Raises:
            StoreError: as `read`.
            StationError: `needs_extra` without PyAV; the file is left where it is.
        """
        with self.store.reading() as session:
            known = _known_clip(session, came.camera_id, file_hash(path))
        if known is not None:
            return _heard_of(came, Arrival("duplicate", known))
        try:
            content = read_clip(path)
        except BadImageError as error:
            return self.refuse(error, came)
        looks = [look_at_frame(frame.jpeg) for frame in content.frames]
        hashes = [self.media.put(frame.jpeg) for frame in content.frames]
        sha256 = self.media.put_file(path)
        return lambda session: _enter_clip(session, sha256, came, content, looks, hashes)

    def refuse(self, error: BadImageError, came: Came) -> Enter:
        """Write down that a file was not accepted, and why."""
        return lambda session: _enter_rejected(session, came, error)


def _heard_of(came: Came, arrival: Arrival) -> Enter:
    def enter(session: Session) -> Arrival:
        _heard_in(session, came)
        return arrival

    return enter


def _frame_of(came: Came, sha256: str, look: FrameLook) -> Enter:
    def enter(session: Session) -> Arrival:
        zone = _heard_in(session, came)
        known = _known(session, came.camera_id, sha256)
        if known is not None:  # it came twice at the same moment
            return Arrival("duplicate", known)
        frame = came.frame(sha256, look, came.taken(look.captured, zone))
        session.add(frame)
        session.flush()
        return Arrival("new", frame.id)

    return enter


def _enter_clip(
    session: Session,
    sha256: str,
    came: Came,
    content: ClipContent,
    looks: Sequence[FrameLook],
    hashes: Sequence[str],
) -> Arrival:
    known = _known_clip(session, came.camera_id, sha256)
    if known is not None:  # it came twice at the same moment
        return Arrival("duplicate", known)
    zone = _heard_in(session, came)
    clip = Clip(
        camera_id=came.camera_id,
        sha256=sha256,
        name=came.name,
        received_at=came.received,
        length_s=content.length_s,
        frames_per_s=content.frames_per_s,
    )
    session.add(clip)
    session.flush()
    began = came.taken(content.captured, zone)
    first = None
    for part, look, own in zip(content.frames, looks, hashes, strict=True):
        if _known(session, came.camera_id, own) is not None:  # another recording of the same still scene
            continue
        at = min(began.at + timedelta(seconds=part.second), came.received)
        frame = came.frame(own, look, Taken(at, began.clock))
        frame.clip_id, frame.clip_frame = clip.id, part.number
        session.add(frame)
        session.flush()
        first = first or frame.id
    return Arrival("new", first)


def _enter_rejected(session: Session, came: Came, error: BadImageError) -> Arrival:
    _heard_in(session, came)
    if came.source not in CARRIED or not _was_rejected(session, came, error.code):
        row = Rejected(
            camera_id=came.camera_id,
            name=came.name,
            received_at=came.received,
            code=error.code,
            reason=str(error),
        )
        session.add(row)
    return Arrival("rejected", code=error.code, reason=str(error))


@dataclass(frozen=True)
class Came:
    """How a file came."""

    camera_id: int
    name: str
    source: Source
    received: datetime
    written: datetime | None

    def taken(self, captured: datetime | None, zone: ZoneInfo) -> Taken:
        """Say when it was taken, as far as can be known."""
        return place_in_time(
            captured, self.received, zone, is_carried=self.source in CARRIED, written=self.written
        )

    def frame(self, sha256: str, look: FrameLook, taken: Taken) -> Frame:
        """Make the row of a frame."""
        return Frame(
            camera_id=self.camera_id,
            sha256=sha256,
            name=self.name,
            source=self.source,
            received_at=self.received,
            captured=look.captured.isoformat() if look.captured else None,
            at=taken.at,
            clock=taken.clock,
            width=look.width,
            height=look.height,
            is_night=look.is_night,
            brightness=look.brightness,
            sharpness=look.sharpness,
            look=look.look,
        )


def _known(session: Session, camera_id: int, sha256: str) -> int | None:
    return session.scalar(select(Frame.id).where(Frame.camera_id == camera_id, Frame.sha256 == sha256))


def _known_clip(session: Session, camera_id: int, sha256: str) -> int | None:
    """Give the first frame of a video that is there already; 0 where it has none of its own."""
    clip = session.scalar(select(Clip.id).where(Clip.camera_id == camera_id, Clip.sha256 == sha256))
    if clip is None:
        return None
    return session.scalar(select(Frame.id).where(Frame.clip_id == clip).order_by(Frame.id).limit(1)) or 0


def _was_rejected(session: Session, came: Came, code: str) -> bool:
    """Whether the same file was refused before: a card may be read twice, and each fault is told once."""
    where = (Rejected.camera_id == came.camera_id, Rejected.name == came.name, Rejected.code == code)
    return session.scalar(select(Rejected.id).where(*where).limit(1)) is not None


def _heard_in(session: Session, came: Came) -> ZoneInfo:
    """Note that a camera lives, by the server's clock and never by its own; gives the zone of its station."""
    camera = session.get_one(Camera, came.camera_id)
    if came.source not in CARRIED and (camera.heard_at is None or camera.heard_at < came.received):
        camera.heard_at = came.received
    return zone_of(session.get_one(Station, camera.station_id))
