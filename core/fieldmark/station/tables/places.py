"""Where things are: the station, its cameras, and for how long each hung where."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from fieldmark.station.tables.base import Base


class Station(Base):
    """A place with cameras, a model, and people who look."""

    __tablename__ = "station"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(200), unique=True)
    zone: Mapped[str] = mapped_column(String(64))
    """IANA name of the zone it lives in, and its cameras' clocks are set to; see `days`."""
    stage: Mapped[int] = mapped_column(default=1)
    rules: Mapped[dict[str, Any]]
    """`Rules`, as JSON."""
    since: Mapped[datetime]


class Camera(Base):
    """A camera of a station."""

    __tablename__ = "camera"
    __table_args__ = (UniqueConstraint("station_id", "name"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    station_id: Mapped[int] = mapped_column(ForeignKey("station.id"))
    name: Mapped[str] = mapped_column(String(200))
    token_hash: Mapped[str | None] = mapped_column(String(64))
    """SHA-256 of the token that its edge device posts with."""
    latitude: Mapped[float | None]
    longitude: Mapped[float | None]
    since: Mapped[datetime]
    heard_at: Mapped[datetime | None]
    """When a frame last came from the camera itself; cards that somebody carried do not count."""


class Deployment(Base):
    """A time for which a camera hung at a place, as a Camtrap DP package tells of it."""

    __tablename__ = "deployment"
    __table_args__ = (UniqueConstraint("camera_id", "name"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    camera_id: Mapped[int] = mapped_column(ForeignKey("camera.id"))
    name: Mapped[str] = mapped_column(String(200))
    """Its deploymentID."""
    begin: Mapped[datetime | None]
    end: Mapped[datetime | None]
    latitude: Mapped[float | None]
    longitude: Mapped[float | None]
