"""What the model missed, as people tell who were out there: entries in the log by hand, held against its alarms.

The blind audit shows what was missed on pictures; only people show what no camera, or no alarm, showed at all. From who
saw what (people, the model, both), capture-recapture estimates how many visits there were (`chapman`).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from fieldmark.station.rules import Rules
from fieldmark.station.tables import Camera, Event, LogEntry, Station
from fieldmark.stats.capturerecapture import Population, chapman


@dataclass(frozen=True)
class Misses:
    """Visits of an alarm's class in a span, by who saw them."""

    by_people: int
    """Entries in the log, near a camera of this station."""
    by_both: int
    """Of those, with an alarm of that camera at the time."""
    by_model: int
    """Alarms that nobody rejected, as independent visits."""

    @property
    def population(self) -> Population | None:
        """How many visits there were; None while people saw none, or too few to say."""
        if self.by_both == 0 or self.by_people < FEWEST:
            return None
        return chapman(max(self.by_model, self.by_both), self.by_people, self.by_both)


FEWEST = 5
"""Entries below which nothing is estimated."""


def count_misses(
    session: Session, station: Station, *, by_model: int, begin: datetime, end: datetime
) -> Misses:
    """Hold the entries of a span against the alarms of their cameras.

    An entry and an alarm are one visit where they are no further apart than visits are (`Rules.independence_s`). An
    entry that names no camera is not held against any: nobody knows which would have had to see it.
    """
    rules = Rules.from_dict(station.rules)
    entries = session.execute(
        select(LogEntry.camera_id, LogEntry.seen_at)
        .join(Camera, Camera.id == LogEntry.camera_id)
        .where(
            LogEntry.station_id == station.id,
            LogEntry.label.in_(rules.alarm),
            LogEntry.seen_at >= begin,
            LogEntry.seen_at < end,
        )
    ).all()
    near = timedelta(seconds=rules.independence_s)
    both = sum(_was_alarm(session, camera or 0, at, near, rules) for camera, at in entries)
    return Misses(len(entries), both, by_model)


def _was_alarm(session: Session, camera: int, at: datetime, near: timedelta, rules: Rules) -> bool:
    found = select(Event.id).where(
        Event.camera_id == camera,
        Event.alarm >= rules.alarm_min,
        Event.state != "rejected",
        Event.started_at >= at - near,
        Event.started_at <= at + near,
    )
    return session.scalar(found.limit(1)) is not None


def say_misses(misses: Misses) -> str:
    """Say what people saw that the model did not; empty while nobody wrote anything down near a camera."""
    if not misses.by_people:
        return ""
    missed = misses.by_people - misses.by_both
    visits = "1 visit" if misses.by_people == 1 else f"{misses.by_people} visits"
    said = f"People saw {visits} near a camera, {missed} of them without an alarm."
    population = misses.population
    if population is None:
        return (
            f"{said} {FEWEST} entries, one of them with an alarm, are needed to estimate how many there were."
        )
    low, high = population.interval
    return (
        f"{said} So there were about {population.total:.0f} visits (95 % {low:.0f}–{high:.0f}), if people and model see "
        "independently; what is hard for both makes it more."
    )
