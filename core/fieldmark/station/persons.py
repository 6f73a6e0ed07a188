"""Frames that show a person: withheld, unless a chief asks to see them, says why, and has that written down."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from fieldmark.errors import StationError
from fieldmark.station.auditlog import write_down
from fieldmark.station.detections import has_person
from fieldmark.station.rules import Rules
from fieldmark.station.tables import Audit, Camera, Event, Frame, Station

ASKED = "person frames"
OPEN_FOR = timedelta(hours=1)
"""After a request; then it has to be asked again."""
CHIEF = "chief"


def shows_person(session: Session, event: Event, rules: Rules) -> bool:
    """Whether a visit shows a person: by the model, by a reviewer, or by a detector's box in any of its frames."""
    if {event.label, event.human_label} & set(rules.person):
        return True
    return any(map(has_person, session.scalars(select(Frame.boxes).where(Frame.event_id == event.id))))


def ask_to_see(session: Session, event_id: int, who: str, why: str, *, role: str, now: datetime) -> datetime:
    """Let a chief see the frames of a visit with a person for an hour; gives until when. It is written down.

    Args:
        role: of `who`, as the caller has checked it.
    Raises:
        StationError: `not_chief`, `no_reason`, or `no_event`.
    """
    if role != CHIEF:
        raise StationError("Only a chief may ask to see frames with persons.", code="not_chief")
    if not who.strip() or not why.strip():
        raise StationError("A request to see a person needs a name and a reason.", code="no_reason")
    if session.get(Event, event_id) is None:
        raise StationError(f"There is no event {event_id}.", code="no_event")
    after = {"why": why, "until": (now + OPEN_FOR).isoformat()}
    write_down(session, at=now, who=who, what=ASKED, subject=f"event {event_id}", before={}, after=after)
    return now + OPEN_FOR


def may_see(session: Session, frame_id: int, who: str, *, now: datetime) -> bool:
    """Whether somebody may see a frame: nobody is on it, or `who` has asked for it within the last hour."""
    frame = session.get(Frame, frame_id)
    if frame is None or frame.dropped_at is not None:
        return False
    station = session.get_one(Station, session.get_one(Camera, frame.camera_id).station_id)
    event = session.get(Event, frame.event_id) if frame.event_id else None
    rules = Rules.from_dict(station.rules)
    if not has_person(frame.boxes) and (event is None or not shows_person(session, event, rules)):
        return True
    return frame.event_id is not None and has_asked(session, frame.event_id, who, now=now)


def has_asked(session: Session, event_id: int, who: str, *, now: datetime) -> bool:
    """Whether somebody has asked to see a visit with a person within the last hour."""
    asked = select(Audit.id).where(
        Audit.what == ASKED,
        Audit.who == who,
        Audit.subject == f"event {event_id}",
        Audit.at > now - OPEN_FOR,
        Audit.at <= now,
    )
    return bool(who) and session.scalar(asked.limit(1)) is not None
