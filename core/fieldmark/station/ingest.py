"""Ingest: one path for every frame, whatever it came by. Nothing is dropped without a row that says why."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from fieldmark.errors import BadImageError
from fieldmark.station.clock import Clock, place_in_time, utc_now
from fieldmark.station.framelook import FrameLook, look_at_frame
from fieldmark.station.media import Media
from fieldmark.station.store import Store
from fieldmark.station.tables import Camera, Frame, Rejected, Station

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


class Ingest:
    """Takes files in, for the worker."""

    def __init__(self, store: Store, media: Media, *, clock: Clock = utc_now) -> None:
        """Write into a store, and the bytes into `media`."""
        self.store, self.media, self.clock = store, media, clock

    def take(self, data: bytes, camera_id: int, name: str, source: Source) -> Arrival:
        """Validate, deduplicate and store one file; it is acknowledged once this returns.

        A file that was half taken in when the process was killed is taken in again: the bytes are stored before the
        row, and the row is one transaction, so nothing is lost or doubled.

        Raises:
            StoreError: the store or the disk refuses; nothing of the file was kept.
        """
        received = self.clock()
        with self.store.reading() as session:
            known = _known(session, camera_id, hashlib.sha256(data).hexdigest())
        if known is not None:
            return self._note_heard(camera_id, source, received, Arrival("duplicate", known))
        try:
            look = look_at_frame(data)
        except BadImageError as error:
            return self._reject(camera_id, name, source, received, error)
        return self._keep(data, camera_id, name, source, received, look)

    def _keep(
        self, data: bytes, camera_id: int, name: str, source: Source, received: datetime, look: FrameLook
    ) -> Arrival:
        sha256 = self.media.put(data)
        with self.store.writing() as session:
            known = _known(session, camera_id, sha256)
            if known is not None:  # it came twice at the same moment
                return Arrival("duplicate", known)
            camera = session.get_one(Camera, camera_id)
            _hear(camera, source, received)
            taken = place_in_time(look.captured, received, _zone(session, camera))
            frame = Frame(
                camera_id=camera_id,
                sha256=sha256,
                name=name,
                source=source,
                received_at=received,
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
            session.add(frame)
            session.flush()
            return Arrival("new", frame.id)

    def _reject(
        self, camera_id: int, name: str, source: Source, received: datetime, error: BadImageError
    ) -> Arrival:
        with self.store.writing() as session:
            _hear(session.get_one(Camera, camera_id), source, received)
            row = Rejected(
                camera_id=camera_id, name=name, received_at=received, code=error.code, reason=str(error)
            )
            session.add(row)
        return Arrival("rejected", code=error.code, reason=str(error))

    def _note_heard(self, camera_id: int, source: Source, received: datetime, arrival: Arrival) -> Arrival:
        with self.store.writing() as session:
            _hear(session.get_one(Camera, camera_id), source, received)
        return arrival


def _known(session: Session, camera_id: int, sha256: str) -> int | None:
    return session.scalar(select(Frame.id).where(Frame.camera_id == camera_id, Frame.sha256 == sha256))


def _hear(camera: Camera, source: Source, received: datetime) -> None:
    """Note that a camera lives: by the server's clock, never by its own."""
    if source not in CARRIED and (camera.heard_at is None or camera.heard_at < received):
        camera.heard_at = received


def _zone(session: Session, camera: Camera) -> ZoneInfo:
    return ZoneInfo(session.get_one(Station, camera.station_id).zone)
