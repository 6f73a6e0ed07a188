"""The figures of a station over a window of days: for the report and the dashboard. Reads only."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import quantiles
from typing import TypeVar

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from fieldmark.station.coverage import Span, days_of
from fieldmark.station.days import day_end, midnight, midnights, zone_of
from fieldmark.station.decisions import Proportion, count_decisions
from fieldmark.station.misses import Misses, count_misses
from fieldmark.station.rules import Rules
from fieldmark.station.tables import Alert, Camera, Delivery, Event, Frame, LogEntry, Rejected, Station
from fieldmark.station.visits import BASELINE_DAYS, WINDOW_DAYS, alarm_visits, compare, spans_of
from fieldmark.stats.drift import PrecisionCheck
from fieldmark.stats.rates import RateChange

Key = TypeVar("Key")


@dataclass(frozen=True)
class CameraFigures:
    """One camera in the window."""

    name: str
    frames: int
    events: int
    alarms: int
    """Independent visits with an alarm."""
    camera_days: float
    """For how long it watched."""
    heard_at: datetime | None
    rejected: int


@dataclass(frozen=True)
class StationFigures:
    """A station in the window."""

    begin: datetime
    end: datetime
    cameras: tuple[CameraFigures, ...]
    states: dict[str, int]
    """Events by state."""
    precision: Proportion
    """Alarms that people confirmed, of those they decided about."""
    precision_before: Proportion
    """The same in the weeks before."""
    promise: PrecisionCheck
    """How many alarms the model expected to be right, beside what people found; of the weeks before as well."""
    audit: Proportion
    """Audited events without alarm in which people found one."""
    misses: Misses
    """What people saw out there, held against the alarms."""
    change: RateChange | None
    """Alarms against the weeks before; None while there are none to compare with."""
    surplus: tuple[tuple[str, float], ...]
    """Cameras and the alarms each has beyond its own baseline, most first."""
    changed: tuple[tuple[str, RateChange], ...]
    """Cameras whose alarms changed by themselves, most surely first."""
    alerts: dict[str, int]
    """Alerts by state."""
    seconds_to_send: tuple[float, float] | None
    """Median and 95th percentile from the end of an event to its alert, of the alerts of these days; None without."""
    entries: int
    """Entries in the log by hand."""

    @property
    def days(self) -> int:
        """How many days it is about: twice a year a week of them is an hour more or less."""
        return round((self.end - self.begin) / timedelta(days=1))

    @property
    def camera_days(self) -> float:
        """All cameras together."""
        return sum(camera.camera_days for camera in self.cameras)


def measure(session: Session, station: Station, *, end: datetime, days: int = WINDOW_DAYS) -> StationFigures:
    """Measure so many days of the station's own zone, and compare with the four weeks before those.

    Args:
        end: a moment of the last of those days, or the midnight it ends with.
    """
    zone = zone_of(station)
    end = day_end(end, zone)
    begin, baseline = midnight(end, zone, -days), midnight(end, zone, -days - BASELINE_DAYS)
    rules = Rules.from_dict(station.rules)
    cameras = session.scalars(
        select(Camera).where(Camera.station_id == station.id).order_by(Camera.name)
    ).all()
    ids = [camera.id for camera in cameras]
    spans = spans_of(session, ids, baseline, end)
    alarms = alarm_visits(session, ids, rules, baseline, end)
    compared = compare(station, cameras, spans, alarms, begin, end)
    states = _states(session, ids, begin, end)
    decided = count_decisions(session, ids, rules, baseline, begin, end)
    n_alarms = sum(begin <= at < end for times in alarms.values() for at in times)
    return StationFigures(
        begin,
        end,
        _cameras(session, cameras, spans, alarms, states, midnights(begin, end, zone)),
        _summed((state, n) for (_, state), n in states.items()),
        decided.now,
        decided.before,
        decided.promise,
        decided.audit,
        count_misses(session, station, by_model=n_alarms, begin=begin, end=end),
        compared.change,
        compared.surplus,
        compared.changed,
        _alerts(session, begin, end),
        _seconds_to_send(session, begin, end),
        _entries(session, station, begin, end),
    )


def _states(
    session: Session, cameras: Sequence[int], begin: datetime, end: datetime
) -> Counter[tuple[int, str]]:
    """Count events by camera and state; from an index alone, because there are tens of thousands."""
    rows = session.execute(
        select(Event.camera_id, Event.state, func.count())
        .where(Event.camera_id.in_(cameras), Event.started_at >= begin, Event.started_at < end)
        .group_by(Event.camera_id, Event.state)
    )
    return Counter({(int(camera), str(state)): int(n) for camera, state, n in rows})


def _cameras(
    session: Session,
    cameras: Sequence[Camera],
    spans: dict[int, list[Span]],
    alarms: dict[int, list[datetime]],
    states: Mapping[tuple[int, str], int],
    days: Sequence[datetime],
) -> tuple[CameraFigures, ...]:
    begin, end = days[0], days[-1]

    def count(table: type[Frame] | type[Rejected], at: ColumnElement[datetime]) -> Counter[int]:
        found = select(table.camera_id, func.count()).where(table.camera_id.in_(spans), at >= begin, at < end)
        rows = session.execute(found.group_by(table.camera_id)).all()
        return Counter({int(camera): int(n) for camera, n in rows})

    frames, refused = count(Frame, Frame.at), count(Rejected, Rejected.received_at)  # type: ignore[arg-type]
    events = _summed((camera, n) for (camera, _), n in states.items())
    return tuple(
        CameraFigures(
            camera.name,
            frames[camera.id],
            events.get(camera.id, 0),
            sum(begin <= at < end for at in alarms[camera.id]),
            sum(day.uptime for day in days_of(spans[camera.id], [], days)),
            camera.heard_at,
            refused[camera.id],
        )
        for camera in cameras
    )


def _summed(counts: Iterable[tuple[Key, int]]) -> dict[Key, int]:
    total: dict[Key, int] = {}
    for key, n in counts:
        total[key] = total.get(key, 0) + n
    return total


def _alerts(session: Session, begin: datetime, end: datetime) -> dict[str, int]:
    rows = session.execute(
        select(Alert.state, func.count())
        .where(Alert.created_at >= begin, Alert.created_at < end)
        .group_by(Alert.state)
    )
    return {str(state): n for state, n in rows}


def _seconds_to_send(session: Session, begin: datetime, end: datetime) -> tuple[float, float] | None:
    rows = session.execute(
        select(Event.ended_at, func.min(Delivery.at))
        .join(Alert, Alert.event_id == Event.id)
        .join(Delivery, Delivery.alert_id == Alert.id)
        .where(Delivery.is_done, Alert.created_at >= begin, Alert.created_at < end)
        .group_by(Alert.id, Event.ended_at)
    ).all()
    waits = sorted((sent - ended).total_seconds() for ended, sent in rows)
    if not waits:
        return None
    cuts = quantiles([*waits, *waits], n=20, method="inclusive")
    return cuts[9], cuts[18]


def _entries(session: Session, station: Station, begin: datetime, end: datetime) -> int:
    where = (LogEntry.station_id == station.id, LogEntry.seen_at >= begin, LogEntry.seen_at < end)
    return session.scalar(select(func.count()).where(*where)) or 0
