"""What is wrong at a station now, as sentences for whoever looks at the wall: each with its reason, and what to do."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from fieldmark.station.tables import Alert, Camera, Delivery, Frame, Notice, Rejected, Station

LATELY = timedelta(hours=24)
CLOCK_BACK = timedelta(minutes=2)
"""A frame that was received so far ahead of now: this computer's clock was set back since."""


def troubles(session: Session, station: Station, *, now: datetime) -> tuple[str, ...]:
    """Look for what holds something up; empty where all is well. Silent cameras are on the wall itself."""
    return (*_unsent(session, now), *_untold(session), *_clock(session, station, now))


def _unsent(session: Session, now: datetime) -> list[str]:
    failed = session.scalars(select(Alert).where(Alert.state == "failed").order_by(Alert.next_try_at)).all()
    expired = session.scalar(
        select(func.count(Alert.id)).where(Alert.state == "expired", Alert.created_at > now - 2 * LATELY)
    )
    said = []
    if failed:
        last = session.scalars(
            select(Delivery)
            .where(Delivery.alert_id == failed[0].id, Delivery.is_done.is_(False))
            .order_by(Delivery.id.desc())
        ).first()
        why = f" {last.channel}: {last.answer}." if last is not None else ""
        seconds = max(0, round((failed[0].next_try_at - now).total_seconds()))
        said.append(
            f"{_count(len(failed), 'alert')} could not be sent yet.{why} The next try is in {seconds} s."
        )
    if expired:
        said.append(
            f"{_count(expired, 'alert')} could not be sent for a day and will not be tried again. Tell the receivers."
        )
    return said


def _untold(session: Session) -> list[str]:
    failed = session.scalars(select(Notice).where(Notice.state == "failed").order_by(Notice.id)).all()
    return [
        f"{_count(len(failed), 'notice')} of a silent camera could not be sent yet. {failed[0].answer}"
    ] if failed else []  # fmt: skip


def refused(session: Session, station: Station, *, now: datetime) -> tuple[str, ...]:
    """Say how many files were not accepted lately, by camera: nothing is dropped in silence."""
    rows = session.execute(
        select(Camera.name, func.count(), func.max(Rejected.reason))
        .join(Camera, Camera.id == Rejected.camera_id)
        .where(Camera.station_id == station.id, Rejected.received_at > now - LATELY)
        .group_by(Camera.name)
        .order_by(Camera.name)
    )
    return tuple(
        f"{_count(n, 'file')} of {name} not accepted in 24 hours; the last reason: {why}"
        for name, n, why in rows
    )


def _clock(session: Session, station: Station, now: datetime) -> list[str]:
    newest = session.scalar(
        select(func.max(Frame.received_at)).where(
            Frame.camera_id.in_(select(Camera.id).where(Camera.station_id == station.id)),
            Frame.received_at > now + CLOCK_BACK,
        )
    )
    if newest is None:
        return []
    minutes = round((newest - now).total_seconds() / 60)
    return [
        f"This computer's clock went back by {minutes} minutes or more. Pictures keep the order in which they came; check the clock."
    ]


def _count(n: int, what: str) -> str:
    return f"{n} {what}{'' if n == 1 else 's'}"
