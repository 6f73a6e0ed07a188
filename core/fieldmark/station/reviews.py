"""Reviews: what named people say of events. Only ever added to; the model's label is kept beside theirs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from sqlalchemy import ColumnElement, and_, func, or_, select
from sqlalchemy.orm import Session

from fieldmark.errors import StationError
from fieldmark.station.auditlog import write_down
from fieldmark.station.people import require
from fieldmark.station.rules import Rules
from fieldmark.station.tables import Camera, Event, Review

Verdict = Literal["confirmed", "rejected", "relabelled", "unsure"]
VERDICTS: tuple[Verdict, ...] = ("confirmed", "rejected", "relabelled", "unsure")
KEPT = ("state", "reason", "human_label", "reviewed_by")
"""What a review changes of an event, and undo puts back."""


def queue(
    session: Session, station_id: int, *, now: datetime, who: str = "", limit: int = 50
) -> Sequence[Event]:
    """List the events that wait for a person: likely alarms, unfamiliar, unsure, then the blind audit.

    Events that somebody else holds are left out.
    """
    free = or_(Event.lease_by.is_(None), Event.lease_until < now, Event.lease_by == who)
    found: list[Event] = []
    for kind in (*(_highlighted(reason) for reason in ("alarm", "unfamiliar", "unsure")), _AUDITED):
        # One question for each kind, because each has an index in just this order: a million events are no matter.
        wanted = (
            select(Event)
            .join(Camera, Camera.id == Event.camera_id)
            .where(Camera.station_id == station_id, free, kind)
        )
        order = (Event.alarm.desc(), Event.started_at)
        found += session.scalars(wanted.order_by(*order).limit(limit - len(found))).all()
        if len(found) >= limit:
            break
    return found


def count_waiting(session: Session, station_id: int) -> int:
    """Count the events that wait for a person, whoever holds them."""
    of_station = select(func.count()).select_from(Event).join(Camera, Camera.id == Event.camera_id)
    of_station = of_station.where(Camera.station_id == station_id)
    return sum(
        session.scalar(of_station.where(kind)) or 0 for kind in (Event.state == "highlighted", _AUDITED)
    )


def _highlighted(reason: str) -> ColumnElement[bool]:
    return and_(Event.state == "highlighted", Event.reason == reason)


_AUDITED = and_(Event.is_audit.is_(True), Event.state == "nothing")


def hold(session: Session, event_id: int, who: str, rules: Rules, *, now: datetime) -> bool:
    """Lease an event to a person for a while; False where somebody else holds it."""
    event = _event(session, event_id)
    _require_ranger(session, event, who)
    if event.lease_by not in (None, who) and event.lease_until is not None and event.lease_until > now:
        return False
    event.lease_by, event.lease_until = who, now + timedelta(seconds=rules.lease_s)
    return True


def let_go(session: Session, event_id: int, who: str) -> None:
    """End one's own lease."""
    event = _event(session, event_id)
    if event.lease_by == who:
        event.lease_by = event.lease_until = None


@dataclass(frozen=True)
class Said:
    """What a person says of an event."""

    event_id: int
    who: str
    verdict: Verdict
    label: str | None = None
    """What it is, where it was relabelled; what the audit found, where it was blind."""


def review(session: Session, said: Said, rules: Rules, *, now: datetime) -> Event:
    """Write a review down and let the event follow it.

    Raises:
        StationError: `no_name` without a person, `no_event`, `held` by somebody else, `reviewed` already,
            `bad_verdict`, `role` where this person may only look.
    """
    _check(said)
    event = _event(session, said.event_id)
    _require_ranger(session, event, said.who)
    if event.lease_by not in (None, said.who) and event.lease_until and event.lease_until > now:
        raise StationError(f"{event.lease_by} is looking at this event.", code="held")
    if event.reviewed_by is not None:
        raise StationError(f"{event.reviewed_by} has reviewed this event. Undo that first.", code="reviewed")
    before = {name: getattr(event, name) for name in KEPT}
    session.add(
        Review(event_id=event.id, who=said.who, at=now, verdict=said.verdict, label=said.label, before=before)
    )
    event.state, event.human_label = said.verdict, _human_label(event, said, rules)
    event.reviewed_by, event.reviewed_at = said.who, now
    event.lease_by = event.lease_until = None
    _log(session, event, said.who, said.verdict, before, now)
    return event


def undo(session: Session, event_id: int, who: str, *, now: datetime) -> Event:
    """Take the last review of an event back, with a row of its own.

    Raises:
        StationError: `not_reviewed`. Whether an alert has left because of it is the desk's to ask.
    """
    event = _event(session, event_id)
    _require_ranger(session, event, who)
    if event.reviewed_by is None:
        raise StationError("Nobody has reviewed this event.", code="not_reviewed")
    last = session.scalars(
        select(Review)
        .where(Review.event_id == event_id, Review.verdict != "undone")
        .order_by(Review.id.desc())
    ).first()
    before: dict[str, Any] = {name: getattr(event, name) for name in KEPT}
    for name, value in (last.before if last else {}).items():
        setattr(event, name, value)
    event.reviewed_by = event.reviewed_at = None
    session.add(Review(event_id=event_id, who=who, at=now, verdict="undone", label=None, before=before))
    _log(session, event, who, "undone", before, now)
    return event


def _check(said: Said) -> None:
    if not said.who.strip():
        raise StationError("A review needs the name of a person.", code="no_name")
    if said.verdict not in VERDICTS:
        raise StationError(
            f"{said.verdict!r} is no verdict; it is one of {', '.join(VERDICTS)}.", code="bad_verdict"
        )
    if said.verdict == "relabelled" and not (said.label or "").strip():
        raise StationError("A relabelled event needs its label.", code="bad_verdict")


def _human_label(event: Event, said: Said, rules: Rules) -> str | None:
    """What the event is, in a person's word; "rejected" says that nothing is there."""
    if said.verdict == "confirmed":
        return said.label or event.label
    if said.verdict == "rejected":
        return said.label or (rules.blank[0] if rules.blank else "blank")
    return said.label if said.verdict == "relabelled" else None


def _require_ranger(session: Session, event: Event, who: str) -> None:
    require(session, session.get_one(Camera, event.camera_id).station_id, who, "ranger")


def _event(session: Session, event_id: int) -> Event:
    event = session.get(Event, event_id)
    if event is None:
        raise StationError(f"There is no event {event_id}.", code="no_event")
    return event


def _log(session: Session, event: Event, who: str, what: str, before: dict[str, Any], now: datetime) -> None:
    after = {name: getattr(event, name) for name in KEPT}
    write_down(session, at=now, who=who, what=what, subject=f"event {event.id}", before=before, after=after)
