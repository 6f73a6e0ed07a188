"""Retention: how long pictures are kept, by what they show. What was counted stays; the picture goes."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from fieldmark.station.auditlog import write_down
from fieldmark.station.detections import has_person
from fieldmark.station.media import Media
from fieldmark.station.rules import Rules
from fieldmark.station.stations import the_station
from fieldmark.station.store import Store
from fieldmark.station.tables import Clip, Event, Frame

EVERYTHING = "*"
"""In `Rules.keep_days`: every class that is not named there."""
PERSON = "person"
"""In `Rules.keep_days`: every frame that shows a person, by the model, by a detector or by a reviewer."""
BATCH = 500
RETENTION = "retention"
"""Its beat, and its entry in the audit log."""


def drop_expired(store: Store, media: Media, *, now: datetime) -> dict[str, int]:
    """Delete the pictures whose time is over; gives how many of each class. Killed anywhere, it goes on from there.

    A visit that waits for a person is kept until somebody has looked, unless it shows a person: privacy goes first.
    """
    with store.reading() as session:
        rules = Rules.from_dict(the_station(session).rules)
        due = _due(session, rules, now) if rules.keep_days else []
    counts: Counter[str] = Counter()
    for start in range(0, len(due), BATCH):
        piece = due[start : start + BATCH]
        with store.writing() as session:
            for number, _ in piece:
                session.get_one(Frame, number).dropped_at = now
            counts.update(label for _, label in piece)
            own = Counter(label for _, label in piece)
            write_down(
                session, at=now, who="worker", what=RETENTION, subject="pictures", before={}, after=dict(own)
            )
        _delete(store, media, [number for number, _ in piece])
    return dict(counts)


def _due(session: Session, rules: Rules, now: datetime) -> list[tuple[int, str]]:
    """List the frames whose time is over, with the class that says so."""
    shortest = timedelta(days=min(rules.keep_days.values()))
    rows = session.execute(
        select(Frame, Event)
        .outerjoin(Event, Event.id == Frame.event_id)
        .where(Frame.dropped_at.is_(None), Frame.received_at < now - shortest)
        .order_by(Frame.id)
    )
    due = []
    for frame, event in rows:
        label = class_of(frame, event, rules)
        days = rules.keep_days.get(label, rules.keep_days.get(EVERYTHING))
        waits = event is not None and event.state == "highlighted" and label != PERSON
        if days is not None and not waits and frame.received_at < now - timedelta(days=days):
            due.append((frame.id, label))
    return due


def class_of(frame: Frame, event: Event | None, rules: Rules) -> str:
    """Say as what a frame is kept: a person's before all, else what people said of its visit, else the model."""
    said = {event.label, event.human_label} if event is not None else set[str | None]()
    if said & set(rules.person) or has_person(frame.boxes):
        return PERSON
    return (event.human_label or event.label if event is not None else None) or EVERYTHING


def _delete(store: Store, media: Media, frames: list[int]) -> None:
    """Delete the bytes that no frame needs any more; the rows said so before, so that none is shown meanwhile."""
    with store.reading() as session:
        rows = session.execute(select(Frame.sha256, Frame.clip_id).where(Frame.id.in_(frames))).all()
        for sha256 in {sha256 for sha256, _ in rows}:
            if not _count(session, Frame.sha256 == sha256):
                media.drop(sha256)
        for clip_id in {clip for _, clip in rows if clip is not None}:
            clip = session.get_one(Clip, clip_id)
            if not _count(session, Frame.clip_id == clip_id) and not _clip_needed(session, clip):
                media.drop(clip.sha256)


def _count(session: Session, where: object) -> int:
    question = select(func.count(Frame.id)).where(Frame.dropped_at.is_(None), where)  # type: ignore[arg-type]
    return session.scalar(question) or 0


def _clip_needed(session: Session, clip: Clip) -> bool:
    """Whether the same video came from another camera, too, and is kept there."""
    twins = session.scalars(select(Clip.id).where(Clip.sha256 == clip.sha256, Clip.id != clip.id)).all()
    return any(_count(session, Frame.clip_id == twin) for twin in twins)
