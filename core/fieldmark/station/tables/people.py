"""Who may do what, what was signed, and who did what."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from fieldmark.station.tables.base import Base


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
