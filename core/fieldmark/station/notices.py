"""Notices: a word to whoever looks after the cameras that one of them fell silent, and that it is heard again.

Which stages may send them: all three, and yet nothing leaves in stage 1 that a model said. The stages keep back claims of
the model, because a wrong one sends people out. That a camera is silent is no claim of a model: it is the server's own
clock against when it last received something. And in stage 1 it matters most, because a dead camera misses what the blind
audit cannot show. So a notice goes only to a channel that a chief has opened for notices ("takes": "notices" or
"both"), which none is by itself; it names a camera and times, and neither an event, a picture nor a place. Alerts and
notices share no code that decides: `stages.may_alert` stays the only way for a sighting.

Once for each silence, and once for its end where anybody was told of its beginning. What could not be sent is tried
again as alerts are, with the same key.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from fieldmark.station.channels import Channel, ChannelError
from fieldmark.station.clock import Clock
from fieldmark.station.coverage import FLOOR
from fieldmark.station.days import zone_of
from fieldmark.station.outbox import LONGEST_RETRY_S, WAITING, seconds_to_retry
from fieldmark.station.rules import Rules
from fieldmark.station.silence import is_worth_a_word, last_away
from fieldmark.station.store import Store
from fieldmark.station.tables import Camera, Notice, Silence, Station

SILENT, AGAIN = "silent", "again"
KINDS = {SILENT: "camera silent", AGAIN: "camera sends again"}


def note_silences(store: Store, *, now: datetime) -> int:
    """Note which cameras have fallen silent, and which are heard again; gives how many of both. For the worker."""
    with store.reading() as session:
        open_ones = dict(session.execute(_open_silences()).all())
        changed = [
            camera.id
            for camera in session.scalars(select(Camera))
            if _may_have_changed(camera, open_ones.get(camera.id), now)
        ]
    if not changed:
        return 0
    with store.writing() as session:
        return sum(_note(session, session.get_one(Camera, number), now) for number in changed)


def _open_silences() -> Any:
    return select(Silence.camera_id, Silence.since).where(Silence.ended_at.is_(None))


def _may_have_changed(camera: Camera, since: datetime | None, now: datetime) -> bool:
    """Whether it is worth a look: cheap, because the worker asks with every round."""
    if camera.heard_at is None:
        return False
    return camera.heard_at > since if since is not None else now - camera.heard_at > FLOOR


def _note(session: Session, camera: Camera, now: datetime) -> bool:
    where = (Silence.camera_id == camera.id, Silence.ended_at.is_(None))
    silence = session.scalars(select(Silence).where(*where)).first()
    if silence is not None:
        _end(session, silence, camera, now)
        return True
    if camera.heard_at is None or not is_worth_a_word(session, camera, now=now, away=last_away(session)):
        return False
    begun = Silence(camera_id=camera.id, since=camera.heard_at, noticed_at=now)
    session.add(begun)
    session.flush()
    _queue(session, begun, SILENT, now)
    return True


def _end(session: Session, silence: Silence, camera: Camera, now: datetime) -> None:
    silence.ended_at = camera.heard_at
    told = session.scalars(select(Notice).where(Notice.silence_id == silence.id, Notice.kind == SILENT)).one()
    if told.channels:
        _queue(session, silence, AGAIN, now)
    if told.state in WAITING:
        told.state = "over"


def _queue(session: Session, silence: Silence, kind: str, now: datetime) -> None:
    facts = {"state": "queued", "next_try_at": now, "channels": [], "answer": "", "tries": 0}
    session.add(Notice(silence_id=silence.id, kind=kind, key=str(uuid.uuid4()), created_at=now, **facts))
    session.flush()


def send_notices(store: Store, channels: Sequence[Channel], rules: Rules, *, clock: Clock) -> int:
    """Try every notice whose time has come; gives how many were sent wholly.

    Without a channel for notices they wait on the dashboard until they expire. No transaction is open while a receiver
    is waited for.
    """
    wanted = [channel for channel in channels if channel.takes != "alerts" and not channel.is_escalation]
    if not wanted or not rules.silence_notices:
        return 0
    sent = 0
    for number, payload, key, done in _due(store, rules, clock()):
        answer = ""
        for channel in wanted:
            if channel.name in done:
                continue
            try:
                channel.send(payload, key)
                done.append(channel.name)
            except ChannelError as exc:
                answer = f"{channel.name}: {str(exc)[:300]}"
        with store.writing() as session:
            _conclude(session.get_one(Notice, number), done, answer, clock())
        sent += not answer
    return sent


def _due(store: Store, rules: Rules, now: datetime) -> list[tuple[int, dict[str, Any], str, list[str]]]:
    furthest = now + timedelta(seconds=LONGEST_RETRY_S)  # beyond it only where the clock was set back
    with store.reading() as session:
        waiting = session.scalars(select(Notice).where(Notice.state.in_(WAITING))).all()
    if not waiting:
        return []
    with store.writing() as session:
        expired = now - timedelta(seconds=rules.expire_s)
        for notice in session.scalars(
            select(Notice).where(Notice.state.in_(WAITING), Notice.created_at < expired)
        ):
            notice.state = "expired"
        due = session.scalars(
            select(Notice)
            .where(Notice.state.in_(WAITING), or_(Notice.next_try_at <= now, Notice.next_try_at > furthest))
            .order_by(Notice.id)
        )
        return [(one.id, payload_of(session, one), one.key, list(one.channels)) for one in due]


def _conclude(notice: Notice, done: list[str], answer: str, now: datetime) -> None:
    notice.channels, notice.answer, notice.tries = done, answer, notice.tries + 1
    if not answer:
        notice.state, notice.sent_at = "sent", now
    elif notice.state in WAITING:
        notice.state = "failed"
        notice.next_try_at = now + timedelta(seconds=seconds_to_retry(notice.tries))


def payload_of(session: Session, notice: Notice) -> dict[str, Any]:
    """What a receiver is told: a camera and times. Which others are silent too tells a dead link from a dead camera."""
    silence = session.get_one(Silence, notice.silence_id)
    camera = session.get_one(Camera, silence.camera_id)
    station = session.get_one(Station, camera.station_id)
    zone = zone_of(station)
    cameras = session.scalars(select(Camera).where(Camera.station_id == station.id)).all()
    quiet = set(session.scalars(select(Silence.camera_id).where(Silence.ended_at.is_(None))))
    return {
        "kind": KINDS[notice.kind],
        "station": station.name,
        "camera": camera.name,
        "silent_since": silence.since.astimezone(zone).isoformat(),
        "heard_again_at": silence.ended_at.astimezone(zone).isoformat() if silence.ended_at else None,
        "silent_now": sorted(one.name for one in cameras if one.id in quiet),
        "cameras": len(cameras),
        "stage": station.stage,
        "key": notice.key,
    }


@dataclass(frozen=True)
class Told:
    """A silence, and who was told of it."""

    camera: str
    since: datetime
    until: datetime | None
    """When it was heard again; None while it is silent."""
    channels: tuple[str, ...]
    """Those that have the notice."""
    told_at: datetime | None


def silences(
    session: Session, station: Station, *, begin: datetime | None = None, end: datetime | None = None
) -> list[Told]:
    """List the silences of a span, or those of now, by camera and time."""
    during: list[Any] = [Silence.ended_at.is_(None)]
    if begin is not None and end is not None:
        during = [Silence.since < end, or_(Silence.ended_at.is_(None), Silence.ended_at >= begin)]
    rows = session.execute(
        select(Camera.name, Silence, Notice)
        .join(Camera, Camera.id == Silence.camera_id)
        .join(Notice, (Notice.silence_id == Silence.id) & (Notice.kind == SILENT))
        .where(Camera.station_id == station.id, *during)
        .order_by(Camera.name, Silence.since)
    )
    return [
        Told(name, one.since, one.ended_at, tuple(map(str, notice.channels)), notice.sent_at)
        for name, one, notice in rows
    ]


def takers(rules: Rules) -> list[str]:
    """Name the channels that are told of a silence."""
    named = [str(one.get("name")) for one in rules.channels if one.get("takes", "alerts") != "alerts"]
    return named if rules.silence_notices else []
