"""Visits, and what people said of them or saw themselves."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from fieldmark.station.tables.base import Base


class Event(Base):
    """A visit: frames of one camera that follow each other closely."""

    __tablename__ = "event"
    __table_args__ = (
        Index(None, "camera_id", "started_at", "alarm", "state"),
        Index(None, "state", "reason", "alarm"),
        Index(None, "is_audit", "state", "alarm"),
        Index(None, "model_id", "reviewed_at"),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    camera_id: Mapped[int] = mapped_column(ForeignKey("camera.id"))
    started_at: Mapped[datetime]
    ended_at: Mapped[datetime]
    n_frames: Mapped[int]
    is_night: Mapped[bool]
    model_id: Mapped[int | None] = mapped_column(ForeignKey("model.id"))
    label: Mapped[str | None] = mapped_column(Text)
    """The champion's, kept beside what people say."""
    prob: Mapped[float] = mapped_column(default=0.0)
    """That the label is right, over all frames."""
    alarm: Mapped[float] = mapped_column(default=0.0)
    """That it is any class of the alarm, over all frames."""
    is_unfamiliar: Mapped[bool] = mapped_column(default=False)
    state: Mapped[str] = mapped_column(String(16))
    """nothing, highlighted, confirmed, rejected, relabelled or unsure."""
    reason: Mapped[str] = mapped_column(String(16))
    """Why somebody should look: alarm, unfamiliar, unsure; empty where nothing was found."""
    is_audit: Mapped[bool]
    """Drawn for the blind audit: shown to people whatever the model said, and without it."""
    alike: Mapped[int | None]
    """Number of the group of events that look alike, before any model was trained; see `firstlook`."""
    best_frame_id: Mapped[int | None]
    human_label: Mapped[str | None] = mapped_column(Text)
    reviewed_by: Mapped[str | None] = mapped_column(String(200))
    reviewed_at: Mapped[datetime | None]
    lease_by: Mapped[str | None] = mapped_column(String(200))
    lease_until: Mapped[datetime | None]


class Review(Base):
    """What a named person said of an event; never changed, only followed by another."""

    __tablename__ = "review"
    __table_args__ = (Index(None, "event_id"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    event_id: Mapped[int] = mapped_column(ForeignKey("event.id"))
    who: Mapped[str] = mapped_column(String(200))
    at: Mapped[datetime]
    verdict: Mapped[str] = mapped_column(String(16))
    """confirmed, rejected, relabelled, unsure, or undone."""
    label: Mapped[str | None] = mapped_column(Text)
    before: Mapped[dict[str, Any]]
    """What the event was before, for undo and for the record."""


class LogEntry(Base):
    """What somebody saw without a camera, or that no camera showed: "we saw a bear, the model did not"."""

    __tablename__ = "log_entry"
    id: Mapped[int] = mapped_column(primary_key=True)
    station_id: Mapped[int] = mapped_column(ForeignKey("station.id"))
    camera_id: Mapped[int | None] = mapped_column(ForeignKey("camera.id"))
    who: Mapped[str] = mapped_column(String(200))
    written_at: Mapped[datetime]
    seen_at: Mapped[datetime]
    label: Mapped[str] = mapped_column(Text)
    note: Mapped[str] = mapped_column(Text)
    event_id: Mapped[int | None] = mapped_column(ForeignKey("event.id"))
    """The event that shows the same visit, where there is one."""
