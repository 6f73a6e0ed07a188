"""The events that wait for a person, as a dashboard shows them: blind where the audit drew them, withheld where somebody is seen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import select
from sqlalchemy.orm import Session

from fieldmark.station.detections import has_person
from fieldmark.station.framelook import is_same_picture
from fieldmark.station.persons import has_asked
from fieldmark.station.rules import Rules
from fieldmark.station.tables import Event, Frame

MOST_ALIKE = 200
"""Events that are decided about at once."""


@dataclass(frozen=True)
class Card:
    """An event that waits for a person."""

    event_id: int
    camera: str
    started_at: datetime
    frames: tuple[int, ...]
    best: int
    """The frame that shows it best."""
    is_night: bool
    reason: str
    """alarm, unfamiliar or unsure; empty for the blind audit, whose label and probability are not told either."""
    label: str
    prob: float
    is_withheld: bool
    """Whether its frames show a person, so that they are not displayed."""
    distinct: tuple[int, ...] = ()
    """Its frames without those of a burst that repeat the one before: a picture for each is enough."""
    alike: tuple[int, ...] = ()
    """Other events that wait and look like this one, by the first look that needs no model."""


def cards_of(
    session: Session,
    events: Sequence[Event],
    names: Mapping[int, str],
    rules: Rules,
    who: str,
    now: datetime,
) -> tuple[Card, ...]:
    """Describe events, with one question for the frames of all of them: it is asked with every review."""
    frames: dict[int, list[Shown]] = {event.id: [] for event in events}
    rows = session.execute(
        select(Frame.event_id, Frame.id, Frame.look, Frame.boxes)
        .where(Frame.event_id.in_(frames))
        .order_by(Frame.at, Frame.id)
    )
    for event_id, number, like, boxes in rows:
        frames[event_id].append(Shown(number, like, has_person(boxes)))
    return tuple(
        _card(session, event, names[event.camera_id], frames[event.id], rules, who, now) for event in events
    )


class Shown(NamedTuple):
    """A frame of an event that waits."""

    number: int
    look: str
    is_person: bool
    """Whether a detector found one."""


def _card(
    session: Session,
    event: Event,
    camera: str,
    shown: Sequence[Shown],
    rules: Rules,
    who: str,
    now: datetime,
) -> Card:
    frames, blind = tuple(one.number for one in shown), not event.reason
    is_person = bool({event.label, event.human_label} & set(rules.person)) or any(s.is_person for s in shown)
    return Card(
        event.id,
        camera,
        event.started_at,
        frames,
        event.best_frame_id or (frames[0] if frames else 0),
        event.is_night,
        event.reason,
        "" if blind else event.label or "",
        0.0 if blind else event.alarm if event.reason == "alarm" else event.prob,
        is_person and not has_asked(session, event.id, who, now=now),
        _distinct([(one.number, one.look) for one in shown]),
        _alike(session, event),
    )


def _distinct(frames: Sequence[tuple[int, str]]) -> tuple[int, ...]:
    """Leave out the frames that look like the one kept before them."""
    kept: list[tuple[int, str]] = []
    for number, look in frames:
        if not kept or not is_same_picture(kept[-1][1], look):
            kept.append((number, look))
    return tuple(number for number, _ in kept)


def _alike(session: Session, event: Event) -> tuple[int, ...]:
    """Only while no model says what it is, and never for the blind audit."""
    if event.alike is None or event.label is not None or not event.reason:
        return ()
    others = select(Event.id).where(
        Event.state == "highlighted",
        Event.reason == event.reason,
        Event.alike == event.alike,
        Event.id != event.id,
    )
    return tuple(session.scalars(others.order_by(Event.id).limit(MOST_ALIKE)))
