"""The tables of a station's store. Portable types only, so that the same code runs on SQLite and PostgreSQL.

Times are UTC and know it; a frame keeps the camera's own naive time, the zone it was read in, and the time at which the
server received it, because clocks of cameras are wrong in every way there is. Reviews and the audit log are only ever
added to.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import JSON, DateTime, ForeignKey, Index, MetaData, String, Text, UniqueConstraint
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from sqlalchemy.types import TypeDecorator

NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}
"""Every constraint has a name, so that a later migration can drop it on any database."""


class Utc(TypeDecorator[datetime]):
    """A time that knows it is UTC; the databases that have no zones keep it without."""

    impl = DateTime
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Any) -> datetime | None:
        """Refuse a time that does not say which zone it is in."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"{value} has no zone")
        return value.astimezone(UTC).replace(tzinfo=None)

    def process_result_value(self, value: datetime | None, dialect: Any) -> datetime | None:
        """Say again that it is UTC."""
        return None if value is None else value.replace(tzinfo=UTC)


class Base(DeclarativeBase):
    """Of all tables here."""

    metadata = MetaData(naming_convention=NAMING)
    type_annotation_map = {datetime: Utc, dict[str, Any]: JSON, list[Any]: JSON}  # noqa: RUF012 - as SQLAlchemy reads it


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


class Plan(Base):
    """What was signed before anything may leave the station."""

    __tablename__ = "plan"
    id: Mapped[int] = mapped_column(primary_key=True)
    station_id: Mapped[int] = mapped_column(ForeignKey("station.id"))
    signed_by: Mapped[str] = mapped_column(String(200))
    signed_at: Mapped[datetime]
    goal: Mapped[str] = mapped_column(Text)
    action: Mapped[str] = mapped_column(Text)
    responsible: Mapped[str] = mapped_column(Text)
    fears: Mapped[dict[str, Any]]
    """Each feared failure, and the figure that would reveal it."""


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


class Audit(Base):
    """Who did what, when, from what to what; each row holds the hash of the one before it."""

    __tablename__ = "audit"
    __table_args__ = (Index(None, "subject"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[datetime]
    who: Mapped[str] = mapped_column(String(200))
    what: Mapped[str] = mapped_column(String(64))
    subject: Mapped[str] = mapped_column(String(64))
    before: Mapped[dict[str, Any]]
    after: Mapped[dict[str, Any]]
    hash: Mapped[str] = mapped_column(String(64))


class Person(Base):
    """Somebody who may look, review or decide; see `people`."""

    __tablename__ = "person"
    __table_args__ = (UniqueConstraint("station_id", "name"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    station_id: Mapped[int] = mapped_column(ForeignKey("station.id"))
    name: Mapped[str] = mapped_column(String(200))
    role: Mapped[str] = mapped_column(String(16))
    """viewer, ranger or chief."""
    pin_hash: Mapped[str] = mapped_column(String(200))
    """Salt and stretched PIN, hex."""
    since: Mapped[datetime]
    gone_at: Mapped[datetime | None]
    """When they were let go; the row stays, because reviews carry the name."""
    wrong_tries: Mapped[int]
    locked_until: Mapped[datetime | None]


class SignIn(Base):
    """A shift of a person at the dashboard."""

    __tablename__ = "sign_in"
    token_hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    until: Mapped[datetime]


class Beat(Base):
    """When a part of the worker last said that it lives."""

    __tablename__ = "beat"
    name: Mapped[str] = mapped_column(String(64), primary_key=True)
    at: Mapped[datetime]
    note: Mapped[str] = mapped_column(Text)
