"""What cameras sent, accepted or not, and what models said of it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from fieldmark.station.tables.base import Base


class Clip(Base):
    """A video that was taken in: its bytes lie in the media store, and some of its frames are frames here."""

    __tablename__ = "clip"
    __table_args__ = (UniqueConstraint("camera_id", "sha256"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    camera_id: Mapped[int] = mapped_column(ForeignKey("camera.id"))
    sha256: Mapped[str] = mapped_column(String(64))
    name: Mapped[str] = mapped_column(Text)
    received_at: Mapped[datetime]
    length_s: Mapped[float]
    frames_per_s: Mapped[float]


class Frame(Base):
    """One picture that was taken in. Its bytes lie in the media store under its SHA-256."""

    __tablename__ = "frame"
    __table_args__ = (
        UniqueConstraint("camera_id", "sha256"),
        Index(None, "event_id"),
        Index(None, "camera_id", "at"),
        Index(None, "camera_id", "received_at"),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    camera_id: Mapped[int] = mapped_column(ForeignKey("camera.id"))
    event_id: Mapped[int | None] = mapped_column(ForeignKey("event.id"))
    sha256: Mapped[str] = mapped_column(String(64))
    name: Mapped[str] = mapped_column(Text)
    source: Mapped[str] = mapped_column(String(16))
    """spool, card, post or video."""
    received_at: Mapped[datetime]
    captured: Mapped[str | None] = mapped_column(String(32))
    """As the camera's clock said it, ISO 8601, mostly without a zone."""
    at: Mapped[datetime]
    """When it was taken, as far as can be known: `clock` says from what."""
    clock: Mapped[str] = mapped_column(String(16))
    """camera; file, where only the file on a card tells; received, where no clock can be right."""
    width: Mapped[int]
    height: Mapped[int]
    is_night: Mapped[bool]
    brightness: Mapped[float]
    sharpness: Mapped[float]
    look: Mapped[str] = mapped_column(String(16))
    """Difference hash, hex, for bursts of the same picture."""
    clip_id: Mapped[int | None]
    """The video it was taken from; no foreign key, because SQLite cannot add one to a table that is in use."""
    clip_frame: Mapped[int | None]
    """Its number in the video, from 0."""
    boxes: Mapped[list[Any] | None]
    """What a detector found: rows of kind, confidence, left, top, width and height, as parts of the frame."""
    dropped_at: Mapped[datetime | None]
    """When its time of keeping was over and its bytes were deleted."""


class Rejected(Base):
    """A file that was not accepted, so that nothing is silently dropped."""

    __tablename__ = "rejected"
    __table_args__ = (Index(None, "received_at"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    camera_id: Mapped[int] = mapped_column(ForeignKey("camera.id"))
    name: Mapped[str] = mapped_column(Text)
    received_at: Mapped[datetime]
    code: Mapped[str] = mapped_column(String(40))
    reason: Mapped[str] = mapped_column(Text)


class Model(Base):
    """A model file that answers here, or answered."""

    __tablename__ = "model"
    id: Mapped[int] = mapped_column(primary_key=True)
    sha256: Mapped[str] = mapped_column(String(64), unique=True)
    title: Mapped[str] = mapped_column(Text)
    vocab: Mapped[list[Any]]
    role: Mapped[str] = mapped_column(String(16))
    """champion, shadow or retired."""
    since: Mapped[datetime]


class Prediction(Base):
    """What one model said of one frame."""

    __tablename__ = "prediction"
    frame_id: Mapped[int] = mapped_column(ForeignKey("frame.id"), primary_key=True)
    model_id: Mapped[int] = mapped_column(ForeignKey("model.id"), primary_key=True)
    probs: Mapped[dict[str, Any]]
    familiarity_p: Mapped[float | None]
    predicted_at: Mapped[datetime]
