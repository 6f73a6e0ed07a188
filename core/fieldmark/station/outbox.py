"""The outbox: alerts that may leave, kept until they have. Ingestion never waits for it.

An alert is one row an event, written in the same transaction as the review that allows it, so none is confirmed and
lost, and none is made twice. A send that was under way when the process was killed is sent again with the same key;
that is how a receiver tells it from a new one.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from fieldmark.errors import StationError
from fieldmark.station.auditlog import write_down
from fieldmark.station.channels import Channel, ChannelError
from fieldmark.station.clock import Clock
from fieldmark.station.days import zone_of
from fieldmark.station.rules import Rules
from fieldmark.station.stages import may_alert
from fieldmark.station.store import Store
from fieldmark.station.tables import Alert, Camera, Delivery, Event, Station

FIRST_RETRY_S, LONGEST_RETRY_S = 15, 1800
WAITING = ("queued", "failed")
"""States that are tried again."""


def queue_alert(session: Session, event: Event, *, now: datetime) -> Alert:
    """Put an alert about an event into the outbox; the one it has already, where it has one.

    Raises:
        StationError: `may_not`, with the reason: the stage, or that nobody confirmed it.
    """
    known = session.scalar(select(Alert).where(Alert.event_id == event.id))
    if known is not None:
        return known
    if refusal := may_alert(session, event):
        raise StationError(refusal, code="may_not")
    alert = Alert(
        event_id=event.id,
        key=str(uuid.uuid4()),
        created_at=now,
        confirmed_by=event.reviewed_by,
        state="queued",
        next_try_at=now,
    )
    session.add(alert)
    session.flush()
    who = event.reviewed_by or "stage 3"
    write_down(
        session,
        at=now,
        who=who,
        what="alert",
        subject=f"event {event.id}",
        before={},
        after={"key": alert.key},
    )
    return alert


def is_cooling_down(session: Session, event: Event, rules: Rules) -> bool:
    """Whether this camera has alerted by itself so lately that another would only be noise."""
    since = event.ended_at - timedelta(seconds=rules.cooldown_s)
    earlier = (
        select(Alert.id)
        .join(Event, Event.id == Alert.event_id)
        .where(
            Event.camera_id == event.camera_id,
            Event.id != event.id,
            Alert.confirmed_by.is_(None),
            Event.ended_at > since,
        )
        .limit(1)
    )
    return session.scalar(earlier) is not None


def acknowledge(session: Session, key: str, who: str, *, now: datetime) -> Alert:
    """Note that somebody in the field has the alert.

    Raises:
        StationError: there is no such alert, or nobody says who.
    """
    alert = session.scalar(select(Alert).where(Alert.key == key))
    if alert is None or not who.strip():
        raise StationError("There is no such alert, or no name was given.", code="no_alert")
    if alert.acknowledged_at is None:
        alert.state, alert.acknowledged_at, alert.acknowledged_by = "acknowledged", now, who
        write_down(
            session, at=now, who=who, what="acknowledged", subject=f"alert {alert.id}", before={}, after={}
        )
    return alert


@dataclass(frozen=True)
class Left:
    """An alert, for whoever asks what has left."""

    key: str
    label: str
    camera: str
    created_at: datetime
    state: str
    """queued, sent, acknowledged, failed or expired."""
    acknowledged_by: str | None


def recent_alerts(session: Session, *, limit: int = 50) -> list[Left]:
    """List the latest alerts, the newest first."""
    rows = session.execute(
        select(Alert, Event, Camera.name)
        .join(Event, Event.id == Alert.event_id)
        .join(Camera, Camera.id == Event.camera_id)
        .order_by(Alert.id.desc())
        .limit(limit)
    )
    return [
        Left(
            alert.key,
            event.human_label or event.label or "",
            camera,
            alert.created_at,
            alert.state,
            alert.acknowledged_by,
        )
        for alert, event, camera in rows
    ]


def send_due(store: Store, channels: Sequence[Channel], rules: Rules, *, clock: Clock) -> int:
    """Try every alert whose time has come; gives how many were sent wholly.

    No transaction is open while a receiver is waited for.
    """
    sent = 0
    for alert_id, payload, key, is_late in _due(store, rules, clock()):
        wanted = [one for one in channels if one.is_escalation == is_late and one.takes != "notices"]
        if not wanted and not is_late:
            continue  # it waits on the dashboard
        for channel in _undelivered(store, alert_id, wanted):
            done, answer = _try(channel, payload, key)
            with store.writing() as session:
                row = Delivery(
                    alert_id=alert_id, channel=channel.name, at=clock(), is_done=done, answer=answer
                )
                session.add(row)
        left = _undelivered(store, alert_id, wanted)
        with store.writing() as session:
            _conclude(session.get_one(Alert, alert_id), not left, is_late, clock())
        sent += not left
    return sent


def _due(store: Store, rules: Rules, now: datetime) -> list[tuple[int, dict[str, Any], str, bool]]:
    """Alerts to try, whether for the first time, again, or as an escalation; old ones expire."""
    with store.writing() as session:
        furthest = now + timedelta(seconds=LONGEST_RETRY_S)  # beyond it only where the clock was set back
        expired = now - timedelta(seconds=rules.expire_s)
        for alert in session.scalars(
            select(Alert).where(Alert.state.in_(WAITING), Alert.created_at < expired)
        ):
            alert.state = "expired"
        waiting = session.scalars(
            select(Alert).where(
                Alert.state.in_(WAITING), or_(Alert.next_try_at <= now, Alert.next_try_at > furthest)
            )
        ).all()
        late = session.scalars(
            select(Alert).where(
                Alert.state == "sent",
                Alert.escalated_at.is_(None),
                Alert.sent_at < now - timedelta(seconds=rules.escalate_s),
            )
        ).all()
        rows = [(alert, False) for alert in waiting] + [(alert, True) for alert in late]
        return [(alert.id, payload_of(session, alert), alert.key, is_late) for alert, is_late in rows]


def payload_of(session: Session, alert: Alert) -> dict[str, Any]:
    """What a receiver is told: no picture, no place, no person's frame."""
    event = session.get_one(Event, alert.event_id)
    camera = session.get_one(Camera, event.camera_id)
    station = session.get_one(Station, camera.station_id)
    return {
        "kind": "sighting",
        "station": station.name,
        "camera": camera.name,
        "event": event.id,
        "started_at": event.started_at.astimezone(zone_of(station)).isoformat(),
        "label": event.human_label or event.label,
        "model_label": event.label,
        "model_prob": round(event.prob, 3),
        "confirmed_by": alert.confirmed_by,
        "stage": station.stage,
        "key": alert.key,
    }


def _undelivered(store: Store, alert_id: int, channels: Sequence[Channel]) -> list[Channel]:
    with store.reading() as session:
        done = set(
            session.scalars(select(Delivery.channel).where(Delivery.alert_id == alert_id, Delivery.is_done))
        )
    return [channel for channel in channels if channel.name not in done]


def _try(channel: Channel, payload: dict[str, Any], key: str) -> tuple[bool, str]:
    try:
        return True, channel.send(payload, key)
    except ChannelError as exc:
        return False, str(exc)[:500]


def _conclude(alert: Alert, is_done: bool, is_late: bool, now: datetime) -> None:
    if is_late:
        alert.escalated_at = now if is_done else None
        return
    alert.tries += 1
    if is_done:
        alert.state = "sent" if alert.acknowledged_at is None else alert.state
        alert.sent_at = alert.sent_at or now
        return
    alert.state, alert.next_try_at = "failed", now + timedelta(seconds=seconds_to_retry(alert.tries))


def seconds_to_retry(tries: int) -> int:
    """How long to wait after so many tries: longer each time, and never more than half an hour."""
    return int(min(FIRST_RETRY_S * 2 ** min(tries - 1, 20), LONGEST_RETRY_S))
