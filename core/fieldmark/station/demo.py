"""The demo station: cameras that do not exist, played as if they watched now, for a first look at the dashboard.

The day before is played in seconds, then visits go on coming, while the worker's door is open for what people decide.
Everything else is a station like any other: the same store, worker, rules and stages.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
from sqlalchemy import func, select

from fieldmark.predictor import Predictor
from fieldmark.station.clock import utc_now
from fieldmark.station.days import machine_zone, zone_of
from fieldmark.station.desk import Desk
from fieldmark.station.door import open_door
from fieldmark.station.onewriter import only_writer
from fieldmark.station.planting import FRAMES, Shot, camera_name, plant
from fieldmark.station.scenery import Subject
from fieldmark.station.simulate import (
    LATENCY,
    MODEL_NAME,
    NAME,
    RULES,
    cat_predictor,
    receive,
    together,
)
from fieldmark.station.stations import add_station, camera_named, the_station
from fieldmark.station.store import Store, open_store
from fieldmark.station.tables import Beat, Frame, Station
from fieldmark.station.worker import Worker

WATCHING = 4
"""Cameras that go on taking pictures; two more are silent, one for longer than the other."""
SILENT = ((WATCHING, timedelta(hours=30)), (WATCHING + 1, timedelta(days=5)))
"""Number of a silent camera, and how long ago its last picture came: the wall shows them amber and grey."""
MIDDLE = (0.0, 0.0)
"""In the sea off Africa: where no camera is."""
SPREAD = ((0.0, 0.0), (0.004, 0.002), (0.002, 0.007), (-0.003, 0.005), (0.006, 0.006), (-0.002, 0.010))
"""Degrees from there, of each camera: some hundred metres."""
DEMO_RULES = replace(RULES, gap_s=20)
"""A visit ends sooner than at a real station: here one follows the other within a minute."""
SUBJECTS: tuple[tuple[Subject, float], ...] = (("cat", 0.6), ("nothing", 0.3), ("person", 0.1))


@dataclass(frozen=True)
class Pace:
    """How fast visits follow each other."""

    frame_s: float = 1.0
    """Between two frames of a visit."""
    first_s: float = 4.0
    """From one visit to the next at first, when somebody has just come to see it."""
    later_s: float = 30.0
    """The same later on: it may be left running."""
    n_first: int = 40
    most_frames: int = 3000
    """Frames in the store from which on nothing more comes: a demo must not fill a disk (about 200 MB)."""


class DemoClock:
    """The time that is played, and from then on this machine's."""

    def __init__(self) -> None:
        """Begin with this machine's."""
        self.played: datetime | None = None

    def __call__(self) -> datetime:
        """Give the time, UTC."""
        return self.played or utc_now()


def play_demo(
    folder: Path,
    stop: threading.Event,
    *,
    seed: int = 1,
    pace: Pace = Pace(),
    told: Callable[[str], None] = lambda _line: None,
) -> None:
    """Play the demo station in a folder until `stop` is set; one that was played before goes on.

    Raises:
        StationError: `running` where somebody plays it already.
    """
    store = open_store(folder, create=True)
    try:
        with only_writer(folder):
            is_new = _make_station(store)
            told("The simulated station is being made: its model and the day before come within seconds.")
            path = folder / MODEL_NAME
            predictor = Predictor.load(path) if path.is_file() else cat_predictor(folder)
            clock = DemoClock()
            worker = Worker(store, models=(predictor,), clock=clock, beats=utc_now, still_s=0)
            with open_door(store, worker.ingest, Desk(store)):
                if is_new:
                    _play_day_before(worker, clock, seed, stop)
                clock.played = None
                told("Playing. Ctrl-C stops.")
                _play_on(worker, np.random.default_rng([seed, _count(store)]), pace, stop)
    finally:
        store.close()


def _make_station(store: Store) -> bool:
    """Make station and cameras first, so that a page has something to show while the model is built."""
    now = utc_now()
    with store.writing() as session:
        session.merge(Beat(name="worker", at=now, note=""))
        if session.scalar(select(func.count(Station.id))):
            return False
        station = add_station(session, NAME, zone=machine_zone(), rules=DEMO_RULES, now=now - SILENT[-1][1])
        for camera in range(WATCHING + len(SILENT)):
            made = camera_named(session, station, camera_name(camera), now=station.since)
            made.latitude, made.longitude = MIDDLE[0] + SPREAD[camera][0], MIDDLE[1] + SPREAD[camera][1]
    return True


def _play_day_before(worker: Worker, clock: DemoClock, seed: int, stop: threading.Event) -> None:
    now, zone = utc_now(), _zone(worker.store)
    last = [Shot(camera, now - ago, "nothing", None, seed + camera) for camera, ago in reversed(SILENT)]
    planted = plant(days=1, cameras=WATCHING, seed=seed, begin=now - timedelta(days=1))
    shots = sorted([*last, *(s for s in planted.shots if s.at < now - LATENCY)], key=lambda shot: shot.at)
    for group in together(shots):
        if stop.is_set():
            return
        clock.played = group[-1].at + LATENCY
        for shot in group:
            receive(shot, worker, zone=zone)
        worker.round()


def _play_on(worker: Worker, rng: np.random.Generator, pace: Pace, stop: threading.Event) -> None:
    """Let visits come, each at some camera, until nobody wants more."""
    visits, frames, zone = 0, _count(worker.store), _zone(worker.store)
    while not stop.is_set():
        if frames < pace.most_frames:
            for shot in _visit(rng):
                receive(replace(shot, at=utc_now()), worker, zone=zone)
                worker.round()
                frames += 1
                if stop.wait(pace.frame_s):
                    return
        visits += 1
        _wait(worker, pace.first_s if visits < pace.n_first else pace.later_s, stop)


def _wait(worker: Worker, seconds: float, stop: threading.Event) -> None:
    """Wait for the next visit; the worker goes round meanwhile, because alerts may be due."""
    for _ in range(max(1, round(seconds))):
        if stop.wait(seconds / max(1, round(seconds))):
            return
        worker.round()


def _visit(rng: np.random.Generator) -> Iterator[Shot]:
    names, shares = zip(*SUBJECTS, strict=True)
    subject: Subject = names[int(rng.choice(len(names), p=shares))]
    camera, number = int(rng.integers(WATCHING)), int(rng.integers(2**31))
    for _ in range(1 if subject == "nothing" else int(rng.integers(FRAMES[0], FRAMES[1] + 1))):
        yield Shot(camera, utc_now(), subject, number, int(rng.integers(2**31)))


def _zone(store: Store) -> ZoneInfo:
    """The station's own: it may have been made where the machine was somewhere else."""
    with store.reading() as session:
        return zone_of(the_station(session))


def _count(store: Store) -> int:
    with store.reading() as session:
        return session.scalar(select(func.count(Frame.id))) or 0
