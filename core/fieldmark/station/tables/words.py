"""Words that leave the station: alerts of what was seen, notices of cameras that are silent."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from fieldmark.station.tables.base import Base


class Alert(Base):
    """A word to the people in the field; one an event, whatever happens."""

    __tablename__ = "alert"
    __table_args__ = (Index(None, "state", "created_at"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    event_id: Mapped[int] = mapped_column(ForeignKey("event.id"), unique=True)
    key: Mapped[str] = mapped_column(String(36), unique=True)
    """Sent along, so that a receiver can drop what it has already."""
    created_at: Mapped[datetime]
    confirmed_by: Mapped[str | None] = mapped_column(String(200))
    """Who confirmed it; None only for an automatic alert of stage 3."""
    state: Mapped[str] = mapped_column(String(16))
    """queued, sent, acknowledged, failed or expired."""
    tries: Mapped[int] = mapped_column(default=0)
    next_try_at: Mapped[datetime]
    sent_at: Mapped[datetime | None]
    acknowledged_at: Mapped[datetime | None]
    acknowledged_by: Mapped[str | None] = mapped_column(String(200))
    escalated_at: Mapped[datetime | None]


class Delivery(Base):
    """One try to send an alert over one channel."""

    __tablename__ = "delivery"
    __table_args__ = (Index(None, "alert_id"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    alert_id: Mapped[int] = mapped_column(ForeignKey("alert.id"))
    channel: Mapped[str] = mapped_column(String(200))
    at: Mapped[datetime]
    is_done: Mapped[bool]
    answer: Mapped[str] = mapped_column(Text)


class Silence(Base):
    """A camera was silent for longer than it ever is; see `notices`."""

    __tablename__ = "silence"
    __table_args__ = (UniqueConstraint("camera_id", "since"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    camera_id: Mapped[int] = mapped_column(ForeignKey("camera.id"))
    since: Mapped[datetime]
    """When it was last heard."""
    noticed_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    """When it was heard again."""


class Notice(Base):
    """A word about a camera, and never about what it saw; one for the beginning of a silence, one for its end."""

    __tablename__ = "notice"
    __table_args__ = (UniqueConstraint("silence_id", "kind"), Index(None, "state"))
    id: Mapped[int] = mapped_column(primary_key=True)
    silence_id: Mapped[int] = mapped_column(ForeignKey("silence.id"))
    kind: Mapped[str] = mapped_column(String(16))
    """silent, or again."""
    key: Mapped[str] = mapped_column(String(36), unique=True)
    """Sent along, so that a receiver can drop what it has already."""
    created_at: Mapped[datetime]
    state: Mapped[str] = mapped_column(String(16))
    """queued, sent, failed, expired, or over: the camera was heard again before anybody could be told."""
    tries: Mapped[int] = mapped_column(default=0)
    next_try_at: Mapped[datetime]
    sent_at: Mapped[datetime | None]
    channels: Mapped[list[Any]]
    """Names of those that have it."""
    answer: Mapped[str] = mapped_column(Text)
    """What a channel that failed last said."""
