"""Whether what a camera sends still looks like the weeks before, by day and by night apart; as sentences.

One frame of each visit counts, its best: frames of one visit are copies of each other. What is compared is how sure the
model was (its scores), and how bright and sharp the frames are; see `fieldmark.stats.drift` for the test.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from fieldmark.station.tables import Camera, Event, Frame, Station
from fieldmark.stats.drift import LEVEL, MIN_EVENTS, Drift, compare_figures

RECENT, REFERENCE = timedelta(days=7), timedelta(days=28)
MOST = 400
"""Visits on each side of a comparison: the latest. More make a difference surer that nobody would notice."""
CAUSES = "A season, snow, a lamp, or a camera that was moved look like this, too."


@dataclass(frozen=True)
class Stratum:
    """A camera by day, or by night."""

    camera: str
    is_night: bool
    figures: tuple[Drift, ...]

    @property
    def changed(self) -> tuple[Drift, ...]:
        """Figures that differ."""
        return tuple(figure for figure in self.figures if figure.state == "changed")


def drift(session: Session, station: Station, *, end: datetime) -> list[Stratum]:
    """Compare the week before `end` with the four weeks before it, each camera by day and by night.

    Holm's correction is over all figures of all strata, so that a station with many cameras is not alarmed more often.
    """
    cameras = session.scalars(
        select(Camera).where(Camera.station_id == station.id).order_by(Camera.name)
    ).all()
    families: dict[tuple[str, bool, str], tuple[list[float], list[float]]] = {}
    for camera in cameras:
        for is_night in (False, True):
            sides = [
                _visits(session, camera, is_night, begin, until)
                for begin, until in ((end - RECENT - REFERENCE, end - RECENT), (end - RECENT, end))
            ]
            for place, name in enumerate(("scores", "brightness", "sharpness")):
                then, now = ([row[place] for row in side] for side in sides)
                families[camera.name, is_night, name] = (then, now)
    keys = {" ".join(map(str, key)): key for key in families}
    found = compare_figures({text: families[key] for text, key in keys.items()})
    strata: dict[tuple[str, bool], list[Drift]] = {}
    for one in found:
        camera_name, is_night, name = keys[one.name]
        named = Drift(name, one.reference, one.recent, one.distance, one.p, one.state)
        strata.setdefault((camera_name, is_night), []).append(named)
    return [Stratum(name, is_night, tuple(figures)) for (name, is_night), figures in strata.items()]


def _visits(
    session: Session, camera: Camera, is_night: bool, begin: datetime, end: datetime
) -> list[tuple[float, float, float]]:
    """The score, brightness and sharpness of the latest visits of a span, one frame of each."""
    rows = session.execute(
        select(Event.alarm, Frame.brightness, Frame.sharpness)
        .join(Frame, Frame.id == Event.best_frame_id)
        .where(
            Event.camera_id == camera.id,
            Event.is_night.is_(is_night),
            Event.started_at >= begin,
            Event.started_at < end,
        )
        .order_by(Event.started_at.desc())
        .limit(MOST)
    )
    return [(float(alarm), float(bright), float(sharp)) for alarm, bright, sharp in rows]


def say_drift(strata: Sequence[Stratum]) -> list[str]:
    """Say what changed, and where there is too little to tell: silence would look like "as before"."""
    changed = [one for one in strata if one.changed]
    said = [
        f"{one.camera} {_when(one)}: {_listed(one.changed)} {_differ(one.changed)} from the four weeks before "
        f"({one.changed[0].recent} visits against {one.changed[0].reference}; KS with Holm, {100 * LEVEL:.0f} %). {CAUSES}"
        for one in changed
    ]
    judged = [one for one in strata if any(figure.state != "too few to tell" for figure in one.figures)]
    seen = [one for one in strata if any(figure.recent for figure in one.figures)]
    if not changed and judged:
        said.append(
            f"Scores, brightness and sharpness are as in the four weeks before at {_cameras(judged)}."
        )
    if few := [one for one in seen if one not in judged]:
        said.append(
            f"Too few visits to tell whether pictures changed at {_cameras(few)}: each side needs {MIN_EVENTS}."
        )
    return said


def _when(one: Stratum) -> str:
    return "by night" if one.is_night else "by day"


def _cameras(strata: Sequence[Stratum]) -> str:
    named = [f"{one.camera} {_when(one)}" for one in strata]
    if len(named) <= 3:
        return ", ".join(named)
    n = len({one.camera for one in strata})
    return f"{n} camera{'' if n == 1 else 's'}, by day and by night apart"


def _differ(figures: Sequence[Drift]) -> str:
    return "differs" if [figure.name for figure in figures] in (["brightness"], ["sharpness"]) else "differ"


def _listed(figures: Sequence[Drift]) -> str:
    *first, last = [figure.name for figure in figures]
    return f"{', '.join(first)} and {last}" if first else last
