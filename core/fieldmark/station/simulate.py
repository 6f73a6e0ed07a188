"""The simulator: plays days of several cameras in time-lapse through the real worker, and says what it found of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta, tzinfo
from pathlib import Path
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from fieldmark.callbacks import Callback, Progress, silent
from fieldmark.errors import DatasetError, StationError
from fieldmark.predictor import Predictor
from fieldmark.sources.scan import list_photos
from fieldmark.station.onewriter import only_writer
from fieldmark.station.planting import BEGIN, Planted, Shot, camera_name, plant
from fieldmark.station.rules import Rules
from fieldmark.station.scenery import Scene, render
from fieldmark.station.stations import add_station, camera_named, the_station
from fieldmark.station.store import FILE_NAME, open_store
from fieldmark.station.tables import Camera, Event, Frame, Rejected
from fieldmark.station.worker import Worker
from fieldmark.stats import wilson

NAME = "Simulated station"
MODEL_NAME = "cats.onnx"
"""File of the cat model in the folder of a simulated station."""
RULES = Rules(alarm=("cat",), blank=("nothing",), alarm_min=0.3, sure_min=0.5)
CATS = ("tabby", "tiger cat", "Persian cat", "Siamese cat", "Egyptian cat")
LATENCY = timedelta(seconds=20)
"""From a frame's taking to its receiving."""
TOGETHER = timedelta(seconds=60)
"""Frames that come within so long of each other are in the spool together when the worker looks."""


@dataclass(frozen=True)
class Simulated:
    """What was planted, and what the station made of it."""

    planted: dict[str, Any]
    found: dict[str, Any]

    def lines(self) -> list[str]:
        """For people."""
        p, f = self.planted, self.found
        low, high = f["visits_found_ci"]
        return [
            f"Simulated: {p['cameras']} cameras, {p['days']} days, {p['frames']} frames of photographs put together; "
            "no real camera.",
            f"Planted {p['visits']} visits of a cat; {f['visits_found']} were highlighted as one "
            f"({100 * low:.0f}–{100 * high:.0f} %, 95 %). {f['false_alarms']} of {f['highlighted']} highlighted events "
            "were no visit.",
            f"Many visits at {p['many_visits']['camera']} from {p['many_visits']['from'][:10]} on; silent: "
            f"{', '.join(p['silent']) or 'no camera'}; clock ahead: {', '.join(p['clocks_ahead_s']) or 'at none'}.",
            f"{f['duplicates']} copies were recognised, {f['rejected']} broken files put aside with their reasons.",
        ]


class PlayedClock:
    """The time in the simulation."""

    def __init__(self, begin: datetime) -> None:
        """Begin at its beginning, UTC."""
        self.now = begin

    def __call__(self) -> datetime:
        """Give the simulated time, in UTC."""
        return self.now


def simulate(
    folder: Path,
    *,
    days: int = 7,
    cameras: int = 6,
    seed: int = 1,
    predictor: Predictor | None = None,
    photos: Path | None = None,
    begin: datetime = BEGIN,
    callback: Callback = silent,
) -> Simulated:
    """Make a station in a new folder and play it; the store is one as any other, to look at and to review.

    Args:
        predictor: watches; a cat model made of the backbone's own kinds where None.
        photos: a folder with a folder for each class, whose photos are played instead of composed frames.
        begin: the midnight, UTC, at which it begins.
    Raises:
        StationError: the folder has a station already, or there is no model for `photos`.
        DatasetError: `photos` has no photos.
    """
    if (folder / FILE_NAME).exists():
        raise StationError(f"{str(folder)!r} has a station already. Choose a new folder.", code="exists")
    if photos is not None and predictor is None:
        raise StationError(
            "Photos of yours need a model that knows them: --model MODEL.onnx", code="no_model"
        )
    planted = plant(days=days, cameras=cameras, seed=seed, begin=begin)
    source = FolderFrames(photos) if photos is not None else None
    watching = predictor or cat_predictor(folder)
    clock = PlayedClock(begin)
    store = open_store(folder, create=True)
    try:
        with only_writer(folder):
            rules = RULES if source is None else replace(RULES, alarm=source.alarm, blank=source.blank)
            with store.writing() as session:
                add_station(session, NAME, zone="UTC", rules=rules, now=clock())
            worker = Worker(store, models=(watching,), clock=clock, still_s=0)
            duplicates = _play(planted, worker, clock, source, callback)
        with store.reading() as session:
            return Simulated(planted.as_dict(), _held_against(session, planted, duplicates))
    finally:
        store.close()


def cat_predictor(folder: Path) -> Predictor:
    """Give the model that watches the composed frames: cats by ImageNet's kinds, trained on no photo."""
    from fieldmark.pretrained import build_pretrained

    path = folder / MODEL_NAME
    build_pretrained({"cat": CATS}, path, rest="nothing", title="Cats (simulated station)")
    return Predictor.load(path)


class FolderFrames:
    """Plays the photos of a folder: blank folders for empty triggers, the others for visits."""

    def __init__(self, folder: Path) -> None:
        """Read the names; DatasetError where there are none."""
        self._by_label: dict[str, list[Path]] = {}
        for path in list_photos(folder):
            self._by_label.setdefault(path.parent.name, []).append(path)
        self.blank = tuple(label for label in self._by_label if label.lower() in Rules().blank)
        self.alarm = tuple(label for label in self._by_label if label not in self.blank)
        if not self.alarm:
            raise DatasetError(f"{folder}: no folder of photos to play.", code="no_photos")

    def bytes_of(self, shot: Shot) -> bytes:
        """Give the file that is played for a shot."""
        labels = self.alarm if shot.visit is not None else (self.blank or self.alarm)
        label = labels[(shot.visit or shot.seed) % len(labels)]
        paths = self._by_label[label]
        return paths[shot.seed % len(paths)].read_bytes()


def _play(
    planted: Planted, worker: Worker, clock: PlayedClock, source: FolderFrames | None, callback: Callback
) -> int:
    """Drop every frame when it is taken, and let the worker go round each simulated hour; gives the duplicates."""
    for camera in range(planted.cameras):
        with worker.store.writing() as session:
            from_the_start = camera_named(session, the_station(session), camera_name(camera), now=clock())
            from_the_start.since = planted.begin
    duplicates, done = 0, 0
    for group in together(planted.shots):
        clock.now = group[-1].at + LATENCY
        for shot in group:
            receive(shot, worker, source)
        duplicates += worker.round().duplicates
        done += len(group)
        callback(Progress("Playing", done, len(planted.shots)))
    clock.now = planted.begin + timedelta(days=planted.days)
    worker.round()
    return duplicates


def together(shots: Sequence[Shot]) -> Iterator[list[Shot]]:
    """Cut the frames into groups that follow each other closely."""
    group: list[Shot] = []
    for shot in shots:
        if group and shot.at - group[0].at > TOGETHER:
            yield group
            group = []
        group.append(shot)
    if group:
        yield group


def receive(shot: Shot, worker: Worker, source: FolderFrames | None = None, *, zone: tzinfo = UTC) -> None:
    """Drop a frame into the spool, as its camera would, whose clock is set to that zone."""
    data = source.bytes_of(shot) if source is not None else _frame(shot, zone)
    if shot.is_broken:
        data = data[: len(data) // 2]
    folder = worker.spool.folder / camera_name(shot.camera)
    folder.mkdir(parents=True, exist_ok=True)
    for copy in range(1 + shot.is_copy):
        name = f"{shot.at:%Y%m%d-%H%M%S}-{shot.seed:08x}{'-again' if copy else ''}.jpg"
        (folder / name).write_bytes(data)


def _frame(shot: Shot, zone: tzinfo) -> bytes:
    local = shot.at.astimezone(zone)
    scene = Scene(shot.camera, local, shot.subject, shot.seed)
    return render(scene, written=(local + shot.clock_off).replace(tzinfo=None))


def _held_against(session: Session, planted: Planted, duplicates: int) -> dict[str, Any]:
    """Count which planted visits are highlighted events, and which events are none of them."""
    rows = session.execute(
        select(Event, Camera.name).join(Camera).where(Event.reason == "alarm").order_by(Event.started_at)
    ).all()
    names = {camera_name(camera): camera for camera in range(planted.cameras)}
    events = [(names[name], event) for event, name in rows]
    visits = planted.visits()
    found = [any(_shows(event, camera, shots) for camera, event in events) for shots in visits.values()]
    false = [not any(_shows(event, camera, shots) for shots in visits.values()) for camera, event in events]
    low, high = wilson(sum(found), len(found))
    return {
        "frames": session.scalar(select(func.count(Frame.id))),
        "events": session.scalar(select(func.count(Event.id))),
        "highlighted": len(events),
        "visits_found": sum(found),
        "visits_found_ci": [round(low, 4), round(high, 4)],
        "false_alarms": sum(false),
        "duplicates": duplicates,
        "rejected": session.scalar(select(func.count(Rejected.id))),
    }


def _shows(event: Event, camera: int, shots: Sequence[Shot]) -> bool:
    """Whether an event is of a visit: the same camera, at the same time."""
    return (
        shots[0].camera == camera
        and event.started_at <= shots[-1].at + 2 * TOGETHER
        and event.ended_at >= shots[0].at - TOGETHER
    )
