"""What a dashboard shows at one moment: the camera wall, and the events that wait. Reads only."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from fieldmark.station.clock import utc_now
from fieldmark.station.detections import has_person
from fieldmark.station.logcheck import CHECKED
from fieldmark.station.notices import silences
from fieldmark.station.persons import may_see
from fieldmark.station.reviews import queue
from fieldmark.station.rules import Rules
from fieldmark.station.silence import LEARNED_FROM, last_away, liveness
from fieldmark.station.stations import CHAMPION
from fieldmark.station.tables import Beat, Camera, Event, Frame, Model, Review, Station
from fieldmark.station.troubles import refused, troubles
from fieldmark.station.view import Sight, View, judge_view
from fieldmark.station.waiting import Card, cards_of

Urgency = Literal["red", "amber", "grey", "ok"]
ORDER: tuple[Urgency, ...] = ("red", "amber", "grey", "ok")
NAMED_FROM, MOST_NAMED = 500, 12
"""Latest reviews whose labels are offered as well, the most frequent ones: before any model these are all there are."""
WORKER_DEAD = timedelta(seconds=30)


SILENT = "It is silent for longer than it ever was."


@dataclass(frozen=True)
class CameraTile:
    """A camera on the wall."""

    name: str
    urgency: Urgency
    """red: a sighting waits · amber: silent for longer than it ever is, or it does not see what it saw · grey: dead, or
    never heard · ok."""
    waiting: int
    heard_at: datetime | None
    frame_id: int | None
    """Its latest frame that may be shown."""
    view: str = "ok"
    """covered, blurred, moved, or ok: see `view`."""
    note: str = ""
    """A sentence about its view, or about a silence that a waiting sighting hides; empty while all is as it was."""
    place: tuple[float, float] | None = None
    """Latitude and longitude, degrees, where they are known; for the people of the station only."""


@dataclass(frozen=True)
class Board:
    """One look."""

    station: str
    zone: str
    """IANA name of the zone in which people there read times."""
    stage: int
    vocab: tuple[str, ...]
    """Labels to choose from, those of the alarm first."""
    wall: tuple[CameraTile, ...]
    queue: tuple[Card, ...]
    worker_note: str
    """What holds the worker up; empty while it works."""
    is_worker_alive: bool
    troubles: tuple[str, ...] = ()
    """What else is wrong now, as sentences."""
    refused: tuple[str, ...] = ()
    """Files that were not accepted lately, as sentences."""
    broken_log: str = ""
    """What is wrong with the audit log, for a chief; empty while it is as it was written."""


@dataclass(frozen=True)
class Seen:
    """What a camera's latest frames tell; it holds until another comes."""

    newest: tuple[int, int | None] | None
    """Its newest frame, and the event of that."""
    times: tuple[datetime, ...]
    """When its latest frames came, sorted."""
    view: View


Memory = dict[int, Seen]
"""By camera. A page that looks every second keeps one, because nothing costs as much as judging all views anew."""


def look(
    session: Session,
    station: Station,
    *,
    who: str,
    now: datetime,
    limit: int = 30,
    memory: Memory | None = None,
) -> Board:
    """Look at a station as it is.

    Args:
        memory: of the looks before; it is kept up to date.
    """
    known = {} if memory is None else memory
    rules = Rules.from_dict(station.rules)
    cameras = session.scalars(select(Camera).where(Camera.station_id == station.id)).all()
    names = {camera.id: camera.name for camera in cameras}
    waiting = _waiting(session, station)
    told = {
        one.camera: f"Told: {', '.join(one.channels)}." for one in silences(session, station) if one.channels
    }
    wall = sorted(
        (_tile(session, camera, waiting.get(camera.id, 0), told, rules, now, known) for camera in cameras),
        key=lambda tile: (ORDER.index(tile.urgency), -tile.waiting, tile.name),
    )
    events = queue(session, station.id, now=now, who=who, limit=limit)
    beat, checked = session.get(Beat, "worker"), session.get(Beat, CHECKED)
    return Board(
        station.name,
        station.zone,
        station.stage,
        _vocab(session, rules),
        tuple(wall),
        cards_of(session, events, names, rules, who, now),
        beat.note if beat else "",
        beat is not None and now - beat.at < WORKER_DEAD,
        troubles(session, station, now=now),
        refused(session, station, now=now),
        checked.note if checked else "",
    )


def may_show(session: Session, frame_id: int, *, who: str = "", now: datetime | None = None) -> bool:
    """Whether a frame may be displayed: not those of an event that shows a person, by model, detector or reviewer.

    Args:
        who: a chief who may have asked to see it within the last hour; see `persons.ask_to_see`.
    """
    return may_see(session, frame_id, who, now=now or utc_now())


def _waiting(session: Session, station: Station) -> dict[int, int]:
    rows = session.execute(
        select(Event.camera_id, func.count())
        .join(Camera, Camera.id == Event.camera_id)
        .where(Camera.station_id == station.id, Event.state == "highlighted", Event.reason == "alarm")
        .group_by(Event.camera_id)
    )
    return {int(camera): n for camera, n in rows}


def _tile(
    session: Session,
    camera: Camera,
    waiting: int,
    told: Mapping[str, str],
    rules: Rules,
    now: datetime,
    memory: Memory,
) -> CameraTile:
    seen = memory[camera.id] = _see(session, camera, memory.get(camera.id))
    view, alive = seen.view, liveness(camera, seen.times, now, last_away(session))
    urgency: Urgency = "red" if waiting else alive
    silent = SILENT if waiting and alive != "ok" else ""
    note = view.sentence or " ".join(
        filter(None, [silent, told.get(camera.name, "") if alive != "ok" else ""])
    )
    if urgency == "ok" and view.state != "ok":
        urgency = "amber"
    shown = _latest_shown(session, camera, rules)
    return CameraTile(camera.name, urgency, waiting, camera.heard_at, shown, view.state, note, _place(camera))


def _see(session: Session, camera: Camera, before: Seen | None) -> Seen:
    """Look at a camera's latest frames, unless they are those of the look before."""
    latest = (
        select(Frame)
        .where(Frame.camera_id == camera.id)
        .order_by(Frame.received_at.desc(), Frame.id.desc())
        .limit(LEARNED_FROM)
    )
    row = session.execute(latest.with_only_columns(Frame.id, Frame.event_id).limit(1)).first()
    newest = None if row is None else (int(row[0]), row[1])
    if before is not None and before.newest == newest:
        return before
    looks = (Frame.event_id, Frame.is_night, Frame.brightness, Frame.sharpness, Frame.look)
    rows = session.execute(latest.with_only_columns(Frame.received_at, *looks)).all()
    return Seen(newest, tuple(sorted(row[0] for row in rows)), judge_view([Sight(*row[1:]) for row in rows]))


def _place(camera: Camera) -> tuple[float, float] | None:
    return (
        None if camera.latitude is None or camera.longitude is None else (camera.latitude, camera.longitude)
    )


def _latest_shown(session: Session, camera: Camera, rules: Rules) -> int | None:
    rows = session.execute(
        select(Frame.id, Frame.boxes, Event)
        .outerjoin(Event, Event.id == Frame.event_id)
        .where(Frame.camera_id == camera.id, Frame.dropped_at.is_(None))
        .order_by(Frame.received_at.desc(), Frame.id.desc())
        .limit(20)
    )
    persons = set(rules.person)
    return next(
        (
            int(frame)
            for frame, boxes, event in rows
            if not has_person(boxes) and (event is None or not {event.label, event.human_label} & persons)
        ),
        None,
    )


def _vocab(session: Session, rules: Rules) -> tuple[str, ...]:
    model = session.scalar(select(Model).where(Model.role == CHAMPION))
    known = [str(name) for name in model.vocab] if model else []
    recent = session.scalars(
        select(Review.label).where(Review.label.is_not(None)).order_by(Review.id.desc()).limit(NAMED_FROM)
    )
    named = [label for label, _ in Counter(recent).most_common(MOST_NAMED)]
    return tuple(dict.fromkeys([*rules.alarm, *known, *rules.person[:1], *filter(None, named)]))
