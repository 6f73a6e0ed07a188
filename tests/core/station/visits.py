"""Events without pictures, for tests of what people and rules do with them."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from fieldmark.station.events import is_drawn
from fieldmark.station.stations import camera_named, the_station
from fieldmark.station.tables import Event, Model


def add_champion(session: Session, now: datetime) -> Model:
    """A model that answers, known by its row alone."""
    known = session.scalar(select(Model))
    if known is None:
        known = Model(sha256="0" * 64, title="cats", vocab=["cat", "nothing"], role="champion", since=now)
        session.add(known)
        session.flush()
    return known


def add_event(session: Session, now: datetime, *, alarm: float, unfamiliar: bool = False) -> Event:
    """An event as the worker leaves it once it is scored."""
    camera = camera_named(session, the_station(session), "north", now=now)
    reason = "alarm" if alarm >= 0.5 else "unfamiliar" if unfamiliar else ""
    event = Event(
        camera_id=camera.id,
        started_at=now,
        ended_at=now + timedelta(seconds=5),
        n_frames=1,
        is_night=False,
        model_id=add_champion(session, now).id,
        label="cat" if alarm >= 0.5 else "nothing",
        prob=max(alarm, 1 - alarm),
        alarm=alarm,
        is_unfamiliar=unfamiliar,
        state="highlighted" if reason else "nothing",
        reason=reason,
        is_audit=False,
    )
    session.add(event)
    session.flush()
    event.is_audit = is_drawn(event.id, 0.05)
    return event
