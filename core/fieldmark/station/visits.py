"""Visits with an alarm, and for how long cameras watched: what the rates of a station are made of. Reads only.

One question for all cameras: with a dozen of them the asking takes longer than the answer.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise

from sqlalchemy import column, func, select, true, values
from sqlalchemy.orm import Session

from fieldmark.station.coverage import Span, days_of, watched
from fieldmark.station.days import midnight, midnights, zone_of
from fieldmark.station.rules import Rules
from fieldmark.station.tables import Camera, Event, Frame, Station, Utc
from fieldmark.stats.rates import Day, RateChange, changed_groups, compare_rates, explain_change

WINDOW_DAYS, BASELINE_DAYS = 7, 28
STEP = timedelta(days=1)
"""A camera's patience is never less: between the first and the last frame of so long it was alive."""


@dataclass(frozen=True)
class Compared:
    """Visits with an alarm against those of the weeks before."""

    change: RateChange | None
    """None while there are no days to compare with."""
    surplus: tuple[tuple[str, float], ...]
    """Cameras and the alarms each has beyond its own baseline, most first."""
    changed: tuple[tuple[str, RateChange], ...]
    """Cameras whose alarms changed by themselves, most surely first."""


def alarms_by_day(session: Session, station: Station, *, end: datetime) -> list[tuple[datetime, int]]:
    """Count visits with an alarm for each day of the window and its baseline, as far back as the station goes.

    A day is named by the midnight it begins with.
    """
    rules, zone = Rules.from_dict(station.rules), zone_of(station)
    first = midnight(end, zone, -BASELINE_DAYS - WINDOW_DAYS)
    begin = max(first, min(midnight(station.since, zone), midnight(end, zone, -WINDOW_DAYS)))
    ids = session.scalars(select(Camera.id).where(Camera.station_id == station.id)).all()
    times = [at for own in alarm_visits(session, ids, rules, first, end).values() for at in own]
    days = pairwise(midnights(begin, end, zone))
    return [(day, sum(day <= at < following for at in times)) for day, following in days]


def independent(times: Sequence[datetime], gap: timedelta) -> list[datetime]:
    """Keep the beginnings of visits: what follows within `gap` of the one before is the same animal still."""
    kept: list[datetime] = []
    last: datetime | None = None
    for at in sorted(times):
        if last is None or at - last >= gap:
            kept.append(at)
        last = at
    return kept


def spans_of(
    session: Session, cameras: Sequence[int], begin: datetime, end: datetime
) -> dict[int, list[Span]]:
    """When each camera watched.

    Only the first and the last frame of each day are looked up, which an index has at its ends: to read all that lie
    between them takes a hundred times as long in a store of a million.
    """
    steps = range((end - begin) // STEP + 1)
    day = (
        values(column("begin", Utc), column("end", Utc), name="day")
        .data([(begin + n * STEP, min(begin + (n + 1) * STEP, end)) for n in steps])
        .cte("day")
    )
    own = (Frame.camera_id == Camera.id, Frame.at >= day.c.begin, Frame.at < day.c.end)
    ends = [select(edge(Frame.at)).where(*own).scalar_subquery() for edge in (func.min, func.max)]
    rows = session.execute(select(Camera.id, *ends).where(Camera.id.in_(cameras)).join(day, true()))
    times: dict[int, set[datetime]] = {camera: set() for camera in cameras}
    for camera, *found in rows:
        times[camera] |= {at for at in found if at is not None}
    return {camera: watched(sorted(own), end) if own else [] for camera, own in times.items()}


def alarm_visits(
    session: Session, cameras: Sequence[int], rules: Rules, begin: datetime, end: datetime
) -> dict[int, list[datetime]]:
    """Beginnings of visits with an alarm in a span, by camera; what people rejected is none."""
    rows = session.execute(
        select(Event.camera_id, Event.started_at).where(
            Event.camera_id.in_(cameras),
            Event.alarm >= rules.alarm_min,
            Event.state != "rejected",
            Event.started_at >= begin,
            Event.started_at < end,
        )
    )
    times: dict[int, list[datetime]] = {camera: [] for camera in cameras}
    for camera, at in rows:
        times[camera].append(at)
    gap = timedelta(seconds=rules.independence_s)
    return {camera: independent(own, gap) for camera, own in times.items()}


def compare(
    station: Station,
    cameras: Sequence[Camera],
    spans: Mapping[int, Sequence[Span]],
    alarms: Mapping[int, Sequence[datetime]],
    begin: datetime,
    end: datetime,
) -> Compared:
    """Compare the days from `begin` on with up to four weeks before them, as far back as the station goes."""
    zone = zone_of(station)
    baseline = max(midnight(begin, zone, -BASELINE_DAYS), station.since)
    after, before = midnights(begin, end, zone), midnights(baseline, begin, zone)
    now = {c.name: days_of(spans[c.id], alarms[c.id], after) for c in cameras}
    then = {c.name: days_of(spans[c.id], alarms[c.id], before) for c in cameras}
    recent, earlier = _pooled(now.values()), _pooled(then.values())
    if min(sum(day.uptime for day in recent), sum(day.uptime for day in earlier)) <= 0:
        return Compared(None, (), ())
    groups = {name: (now[name], then[name]) for name in now}
    change = compare_rates(recent, earlier)
    return Compared(change, tuple(explain_change(groups)), tuple(changed_groups(groups)))


def _pooled(cameras: Iterable[Sequence[Day]]) -> list[Day]:
    """Add the cameras of a station up, day by day."""
    by_day = zip(*cameras, strict=True)
    return [Day(sum(day.events for day in days), sum(day.uptime for day in days)) for days in by_day]
