"""What a simulation plants: visits, empty triggers, silent cameras, wrong clocks, copies and broken files.

Everything is drawn from one seed before the first frame is made, so the plan can be printed, and what the station found
be held against it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np

from fieldmark.station.scenery import Subject

BEGIN = datetime(2026, 5, 4, tzinfo=UTC)
"""A Monday, so that weeks are whole."""
SHARE_PERSONS = 0.08
EMPTY_A_DAY = 3.0
"""Triggers by wind and sun."""
FRAMES = (2, 5)
"""Frames of one visit, fewest and most."""
RISEN = 3.0
"""How many times as many visits the planted camera has in the planted days."""
WEEK = 7


@dataclass(frozen=True)
class Shot:
    """One frame that a camera takes."""

    camera: int
    at: datetime
    """When it is really taken, UTC."""
    subject: Subject
    visit: int | None
    """Number of the visit it is of; None for an empty trigger."""
    seed: int
    clock_off: timedelta = timedelta(0)
    """How far ahead the camera's clock is."""
    is_copy: bool = False
    """Sent twice, as some cameras do."""
    is_broken: bool = False
    """Cut off on its way."""


@dataclass(frozen=True)
class Planted:
    """The plan of a simulation."""

    shots: tuple[Shot, ...]
    """In the order in which they are taken."""
    cameras: int
    days: int
    begin: datetime = BEGIN
    silent: dict[int, tuple[datetime, datetime]] = field(default_factory=dict)
    """Camera → from when to when it is dead."""
    clocks: dict[int, timedelta] = field(default_factory=dict)
    """Camera → how far ahead its clock is."""
    risen: int = 0
    """The camera with the many visits."""
    risen_from: datetime = BEGIN

    def visits(self) -> dict[int, list[Shot]]:
        """The shots of each visit of the animal that is watched for."""
        found: dict[int, list[Shot]] = {}
        for shot in self.shots:
            if shot.visit is not None and shot.subject == "cat":
                found.setdefault(shot.visit, []).append(shot)
        return found

    def as_dict(self) -> dict[str, Any]:
        """What was planted, for people and for JSON."""
        visits = self.visits()
        return {
            "cameras": self.cameras,
            "days": self.days,
            "frames": len(self.shots),
            "visits": len(visits),
            "visits_by_camera": {
                camera_name(camera): sum(shots[0].camera == camera for shots in visits.values())
                for camera in range(self.cameras)
            },
            "persons": len({shot.visit for shot in self.shots if shot.subject == "person"}),
            "copies": sum(shot.is_copy for shot in self.shots),
            "broken": sum(shot.is_broken for shot in self.shots),
            "silent": {
                camera_name(camera): [begin.isoformat(), end.isoformat()]
                for camera, (begin, end) in self.silent.items()
            },
            "clocks_ahead_s": {camera_name(c): int(off.total_seconds()) for c, off in self.clocks.items()},
            "many_visits": {
                "camera": camera_name(self.risen),
                "from": self.risen_from.isoformat(),
                "times": RISEN,
            },
        }


def camera_name(camera: int) -> str:
    """What a simulated camera is called."""
    return f"camera {camera + 1}"


def plant(
    *, days: int, cameras: int, seed: int, visits_a_day: float = 1.5, begin: datetime = BEGIN
) -> Planted:
    """Draw the plan of a simulation.

    Args:
        days: whole days; the last week (or, of fewer than two, the last third) is that of the many visits.
        cameras: at least one.
        visits_a_day: at each camera, on average.
        begin: a midnight, UTC.
    Raises:
        ValueError: no day, or no camera.
    """
    if days < 1 or cameras < 1:
        raise ValueError("a simulation needs a day and a camera")
    rng = np.random.default_rng(seed)
    end = begin + timedelta(days=days)
    risen = int(rng.integers(cameras))
    risen_from = end - timedelta(days=WEEK if days >= 2 * WEEK else max(1, days // 3))
    silent = _silence(rng, begin, days, cameras, keep=risen)
    clocks = {int(c): timedelta(hours=1) for c in rng.permutation(cameras)[:1] if cameras > 1}
    shots = sorted(
        (
            shot
            for camera in range(cameras)
            for shot in _shots(rng, camera, begin, days, visits_a_day, risen_from if camera == risen else end)
            if not _is_silent(silent, shot)
        ),
        key=lambda shot: (shot.at, shot.camera),
    )
    return Planted(
        tuple(_with_faults(rng, shot, clocks) for shot in shots),
        cameras,
        days,
        begin,
        silent,
        clocks,
        risen,
        risen_from,
    )


def _silence(
    rng: np.random.Generator, first: datetime, days: int, cameras: int, *, keep: int
) -> dict[int, tuple[datetime, datetime]]:
    """One camera dies for a third of the time, where there are several."""
    if cameras < 2 or days < 3:
        return {}
    camera = int(rng.choice([c for c in range(cameras) if c != keep]))
    begin = first + timedelta(days=float(rng.uniform(0.2, 0.5) * days))
    return {camera: (begin, begin + timedelta(days=days / 3))}


def _is_silent(silent: dict[int, tuple[datetime, datetime]], shot: Shot) -> bool:
    begin, end = silent.get(shot.camera, (shot.at, shot.at))
    return begin <= shot.at < end


def _shots(
    rng: np.random.Generator,
    camera: int,
    begin: datetime,
    days: int,
    visits_a_day: float,
    risen_from: datetime,
) -> Iterator[Shot]:
    for day in range(days):
        midnight = begin + timedelta(days=day)
        times = RISEN if midnight >= risen_from else 1.0
        for _ in range(rng.poisson(visits_a_day * times)):
            yield from _visit(rng, camera, midnight)
        for _ in range(rng.poisson(EMPTY_A_DAY)):
            at = midnight + timedelta(seconds=float(rng.uniform(0, 86_400)))
            yield Shot(camera, at, "nothing", None, int(rng.integers(2**31)))


def _visit(rng: np.random.Generator, camera: int, midnight: datetime) -> Iterator[Shot]:
    number, at = int(rng.integers(2**31)), midnight + timedelta(seconds=float(rng.uniform(0, 86_300)))
    subject: Subject = "person" if rng.random() < SHARE_PERSONS else "cat"
    for _ in range(int(rng.integers(FRAMES[0], FRAMES[1] + 1))):
        yield Shot(camera, at, subject, number, int(rng.integers(2**31)))
        at += timedelta(seconds=float(rng.uniform(1, 15)))


def _with_faults(rng: np.random.Generator, shot: Shot, clocks: dict[int, timedelta]) -> Shot:
    return Shot(
        shot.camera,
        shot.at,
        shot.subject,
        shot.visit,
        shot.seed,
        clock_off=clocks.get(shot.camera, timedelta(0)),
        is_copy=bool(rng.random() < 0.03),
        is_broken=shot.visit is None and bool(rng.random() < 0.05),
    )
