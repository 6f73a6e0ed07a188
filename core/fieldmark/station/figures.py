"""The figures of a station over a window of days: for the report and the dashboard. Reads only."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import quantiles
from typing import Any

from sqlalchemy import ColumnElement, and_, case, func, select
from sqlalchemy.orm import Session

from fieldmark.station.coverage import Span, days_of, watched
from fieldmark.station.misses import Misses, count_misses
from fieldmark.station.rules import Rules
from fieldmark.station.tables import Alert, Camera, Delivery, Event, Frame, LogEntry, Rejected, Station
from fieldmark.stats import Interval, clopper_pearson, wilson
from fieldmark.stats.drift import PrecisionCheck
from fieldmark.stats.rates import Day, RateChange, changed_groups, compare_rates, explain_change

WINDOW_DAYS, BASELINE_DAYS = 7, 28


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
class Proportion:
    """So many of so many, with its 95 % interval."""

    hits: int
    n: int

    @property
    def interval(self) -> Interval:
        """Wilson's."""
        return wilson(self.hits, self.n)


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
    """Median and 95th percentile from the end of an event to its alert; None without."""
    entries: int
    """Entries in the log by hand."""

    @property
    def camera_days(self) -> float:
        """All cameras together."""
        return sum(camera.camera_days for camera in self.cameras)


def measure(session: Session, station: Station, *, end: datetime, days: int = WINDOW_DAYS) -> StationFigures:
    """Measure the `days` whole days before `end`, and compare with the four weeks before those."""
    begin = end - timedelta(days=days)
    rules = Rules.from_dict(station.rules)
    cameras = session.scalars(
        select(Camera).where(Camera.station_id == station.id).order_by(Camera.name)
    ).all()
    ids = [camera.id for camera in cameras]
    spans, alarms = _spans(session, ids, end), _visits(session, ids, rules, begin, end)
    change, surplus, changed = _compared(cameras, spans, alarms, begin, end, station.since)
    states, precision, audit = _events(session, station, rules, begin, end)
    before, promised_before = _reviewed(session, ids, rules, begin - timedelta(days=BASELINE_DAYS), begin)
    now, promised = _reviewed(session, ids, rules, begin, end)
    n_alarms = sum(begin <= at < end for times in alarms.values() for at in times)
    return StationFigures(
        begin,
        end,
        _cameras(session, cameras, spans, alarms, begin, end),
        states,
        precision,
        before,
        _promise(now, before, promised + promised_before),
        audit,
        count_misses(session, station, by_model=n_alarms, begin=begin, end=end),
        change,
        surplus,
        changed,
        _alerts(session, begin, end),
        _seconds_to_send(session, begin, end),
        _entries(session, station, begin, end),
    )


def alarms_by_day(session: Session, station: Station, *, end: datetime) -> list[tuple[datetime, int]]:
    """Count visits with an alarm for each day of the window and its baseline, as far back as the station goes."""
    rules = Rules.from_dict(station.rules)
    begin = end - timedelta(days=WINDOW_DAYS)
    ids = session.scalars(select(Camera.id).where(Camera.station_id == station.id)).all()
    times = [at for own in _visits(session, ids, rules, begin, end).values() for at in own]
    back = min(BASELINE_DAYS + WINDOW_DAYS, max(WINDOW_DAYS, -((station.since - end) // timedelta(days=1))))
    days = [end - timedelta(days=n) for n in range(back, 0, -1)]
    return [(day, sum(day <= at < day + timedelta(days=1) for at in times)) for day in days]


def independent(times: Sequence[datetime], gap: timedelta) -> list[datetime]:
    """Keep the beginnings of visits: what follows within `gap` of the one before is the same animal still."""
    kept: list[datetime] = []
    last: datetime | None = None
    for at in sorted(times):
        if last is None or at - last >= gap:
            kept.append(at)
        last = at
    return kept


def _spans(session: Session, cameras: Sequence[int], end: datetime) -> dict[int, list[Span]]:
    """When each camera watched, from the first and last frame of each day: its patience is never less than a day.

    One question for all cameras, here and below: with a dozen of them the asking takes longer than the answer.
    """
    begin = end - timedelta(days=BASELINE_DAYS + WINDOW_DAYS)
    days = session.execute(
        select(Frame.camera_id, func.min(Frame.at), func.max(Frame.at))
        .where(Frame.camera_id.in_(cameras), Frame.at >= begin, Frame.at < end)
        .group_by(Frame.camera_id, func.date(Frame.at))
    )
    times: dict[int, set[datetime]] = {camera: set() for camera in cameras}
    for camera, first, last in days:
        times[camera] |= {first, last}
    return {camera: watched(sorted(own), end) if own else [] for camera, own in times.items()}


def _visits(
    session: Session, cameras: Sequence[int], rules: Rules, begin: datetime, end: datetime
) -> dict[int, list[datetime]]:
    """Beginnings of visits with an alarm, in the window and its baseline; what people rejected is none."""
    rows = session.execute(
        select(Event.camera_id, Event.started_at).where(
            Event.camera_id.in_(cameras),
            Event.alarm >= rules.alarm_min,
            Event.state != "rejected",
            Event.started_at >= begin - timedelta(days=BASELINE_DAYS),
            Event.started_at < end,
        )
    )
    times: dict[int, list[datetime]] = {camera: [] for camera in cameras}
    for camera, at in rows:
        times[camera].append(at)
    gap = timedelta(seconds=rules.independence_s)
    return {camera: independent(own, gap) for camera, own in times.items()}


def _compared(
    cameras: Sequence[Camera],
    spans: dict[int, list[Span]],
    alarms: dict[int, list[datetime]],
    begin: datetime,
    end: datetime,
    since: datetime,
) -> tuple[RateChange | None, tuple[tuple[str, float], ...], tuple[tuple[str, RateChange], ...]]:
    earliest = begin - timedelta(days=max(0, min(BASELINE_DAYS, (begin - since).days)))
    now = {c.name: days_of(spans[c.id], alarms[c.id], begin, end) for c in cameras}
    then = {c.name: days_of(spans[c.id], alarms[c.id], earliest, begin) for c in cameras}
    recent, baseline = _pooled(now.values()), _pooled(then.values())
    if min(sum(day.uptime for day in recent), sum(day.uptime for day in baseline)) <= 0:
        return None, (), ()
    groups = {name: (now[name], then[name]) for name in now}
    return compare_rates(recent, baseline), tuple(explain_change(groups)), tuple(changed_groups(groups))


def _pooled(cameras: Iterable[Sequence[Day]]) -> list[Day]:
    """Add the cameras of a station up, day by day."""
    by_day = zip(*cameras, strict=True)
    return [Day(sum(day.events for day in days), sum(day.uptime for day in days)) for days in by_day]


def _events(
    session: Session, station: Station, rules: Rules, begin: datetime, end: datetime
) -> tuple[dict[str, int], Proportion, Proportion]:
    """Count events by state, alarms that were right, and audited events that were none after all."""
    facts = (
        select(
            Event.state,
            (Event.alarm >= rules.alarm_min).label("alarm"),
            and_(Event.reviewed_by.is_not(None), Event.state != "unsure").label("decided"),
            func.coalesce(Event.human_label.in_(rules.alarm), False).label("said"),
            Event.is_audit,
        )
        .join(Camera, Camera.id == Event.camera_id)
        .where(Camera.station_id == station.id, Event.started_at >= begin, Event.started_at < end)
        .subquery()
    )
    rows: Sequence[Any] = session.execute(select(*facts.c, func.count()).group_by(*facts.c)).all()
    states = Counter[str]()
    right, alarms, missed, audited = 0, 0, 0, 0
    for state, alarm, decided, said, drawn, n in rows:
        states[state] += n
        alarms += n if alarm and decided else 0
        right += n if alarm and decided and said else 0
        audited += n if drawn and decided and not alarm else 0
        missed += n if drawn and decided and not alarm and said else 0
    return dict(states), Proportion(right, alarms), Proportion(missed, audited)


def _reviewed(
    session: Session, cameras: Sequence[int], rules: Rules, begin: datetime, end: datetime
) -> tuple[Proportion, float]:
    """Count the alarms of a span that people decided about, and add up how sure of them the model was."""
    said = case((Event.human_label.in_(rules.alarm), 1), else_=0)
    n, right, promised = session.execute(
        select(func.count(), func.sum(said), func.sum(Event.alarm)).where(
            Event.camera_id.in_(cameras),
            Event.started_at >= begin,
            Event.started_at < end,
            Event.alarm >= rules.alarm_min,
            Event.reviewed_by.is_not(None),
            Event.state != "unsure",
        )
    ).one()
    return Proportion(right or 0, n), promised or 0.0


def _promise(now: Proportion, before: Proportion, promised: float) -> PrecisionCheck:
    hits, n = now.hits + before.hits, now.n + before.n
    return PrecisionCheck(promised / n if n else 0.0, hits, n, clopper_pearson(hits, n))


def _cameras(
    session: Session,
    cameras: Sequence[Camera],
    spans: dict[int, list[Span]],
    alarms: dict[int, list[datetime]],
    begin: datetime,
    end: datetime,
) -> tuple[CameraFigures, ...]:
    def count(table: type[Frame] | type[Event] | type[Rejected], at: ColumnElement[datetime]) -> Counter[int]:
        found = select(table.camera_id, func.count()).where(table.camera_id.in_(spans), at >= begin, at < end)
        rows = session.execute(found.group_by(table.camera_id)).all()
        return Counter({int(camera): int(n) for camera, n in rows})

    frames, refused = count(Frame, Frame.at), count(Rejected, Rejected.received_at)  # type: ignore[arg-type]
    events = count(Event, Event.started_at)  # type: ignore[arg-type]
    return tuple(
        CameraFigures(
            camera.name,
            frames[camera.id],
            events[camera.id],
            sum(begin <= at < end for at in alarms[camera.id]),
            sum(day.uptime for day in days_of(spans[camera.id], [], begin, end)),
            camera.heard_at,
            refused[camera.id],
        )
        for camera in cameras
    )


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
        .where(Delivery.is_done, Event.ended_at >= begin, Event.ended_at < end)
        .group_by(Event.id)
    ).all()
    waits = sorted((sent - ended).total_seconds() for ended, sent in rows)
    if not waits:
        return None
    cuts = quantiles([*waits, *waits], n=20, method="inclusive")
    return cuts[9], cuts[18]


def _entries(session: Session, station: Station, begin: datetime, end: datetime) -> int:
    where = (LogEntry.station_id == station.id, LogEntry.seen_at >= begin, LogEntry.seen_at < end)
    return session.scalar(select(func.count()).where(*where)) or 0
