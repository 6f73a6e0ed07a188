"""Back to training: what people said of visits becomes photos to train on, visit by visit.

Some cameras are held out for good as a test: their photos are never learned from, so that every later model is judged
on places it has not seen. Which ones is decided once, and kept with the station's rules. What the blind audit drew is
in it like everything else that was reviewed; without it a model would only learn from what an earlier one flagged.
"""

from __future__ import annotations

import csv
import tempfile
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.orm import Session

from fieldmark.callbacks import Callback, silent
from fieldmark.errors import DatasetError, StoreError
from fieldmark.importing import import_photos
from fieldmark.sources.importreport import ImportReport
from fieldmark.station.detections import has_person
from fieldmark.station.framelook import is_same_picture
from fieldmark.station.media import Media
from fieldmark.station.rules import Rules
from fieldmark.station.stations import set_rules, the_station
from fieldmark.station.store import MEDIA, Store
from fieldmark.station.tables import Camera, Event, Frame

TEST_SHARE = 0.25
"""Of the reviewed visits, at least so many are of cameras that are held out."""
FEWEST_CAMERAS = 3
"""With fewer cameras none is held out: too little would be left to learn from."""
MOST_A_VISIT = 5
"""Frames of one visit; copies of each other teach nothing."""


@dataclass(frozen=True)
class DatasetReport:
    """What the reviews have become."""

    events: int
    audited: int
    """Of those, drawn for the blind audit."""
    withheld: int
    """Reviewed visits that were left out because they show a person."""
    gone: int
    """Frames whose time of keeping is over."""
    labels: dict[str, int]
    """Label → visits."""
    test_cameras: tuple[str, ...]
    """Held out for good; empty while there are fewer than three cameras."""
    imported: ImportReport


@dataclass(frozen=True)
class _Photo:
    frame: Frame
    event: Event
    camera: str


def make_dataset(
    store: Store, into: Path, *, who: str, held_out: Sequence[str], callback: Callback = silent
) -> DatasetReport:
    """Copy the frames of reviewed visits into a dataset folder for the studio, which is made where there is none.

    The same call later adds what was reviewed since. All photos of a visit have one group, so that a split never parts
    them; those of test cameras have the side `test`. The station itself is only read.

    Args:
        held_out: the test cameras, as `hold_out` gives them.
    Raises:
        DatasetError: `no_reviews`: nothing was reviewed yet that may be learned from.
        StoreError: the station or the dataset cannot be read or written.
    """
    media = Media(store.folder / MEDIA)
    with store.reading() as session:
        rules = Rules.from_dict(the_station(session).rules)
        photos, withheld = _reviewed(session, rules)
    if not photos:
        raise DatasetError(
            "Nothing was reviewed yet that a model could learn from. Confirm or relabel some visits first.",
            code="no_reviews",
        )
    with tempfile.TemporaryDirectory(dir=store.folder) as staging:
        gone = _stage(media, photos, held_out, Path(staging))
        report = import_photos(
            Path(staging) / "labels.csv", into, who=who, why="reviewed at the station", callback=callback
        )
    events = {photo.event.id: photo.event for photo in photos}
    return DatasetReport(
        len(events),
        sum(event.is_audit for event in events.values()),
        withheld,
        gone,
        dict(Counter(str(event.human_label) for event in events.values())),
        tuple(held_out),
        report,
    )


def _reviewed(session: Session, rules: Rules) -> tuple[list[_Photo], int]:
    """Give the frames of visits that people named, and how many visits with persons were left out."""
    rows = session.execute(
        select(Event, Camera.name)
        .join(Camera, Camera.id == Event.camera_id)
        .where(Event.reviewed_by.is_not(None), Event.human_label.is_not(None), Event.state != "unsure")
        .order_by(Event.id)
    ).all()
    photos: list[_Photo] = []
    withheld = 0
    for event, camera in rows:
        frames = session.scalars(
            select(Frame).where(Frame.event_id == event.id).order_by(Frame.at, Frame.id)
        ).all()
        if event.human_label in rules.person or any(has_person(frame.boxes) for frame in frames):
            withheld += 1
            continue
        photos += [_Photo(frame, event, camera) for frame in _worth_learning(frames)]
    return photos, withheld


def _worth_learning(frames: Sequence[Frame]) -> list[Frame]:
    """Leave out the copies of a burst, and of a long visit all but an even share."""
    kept: list[Frame] = []
    for frame in frames:
        if not kept or not is_same_picture(kept[-1].look, frame.look):
            kept.append(frame)
    step = -(-len(kept) // MOST_A_VISIT) or 1
    return kept[::step]


def hold_out(store: Store, *, who: str, now: datetime) -> tuple[str, ...]:
    """Give the test cameras of a station, chosen once: those heard of last, until they make up the test share.

    For the store's one writer; the choice is written to the audit log. Empty while there are too few cameras.
    """
    with store.reading() as session:
        rules = Rules.from_dict(the_station(session).rules)
        photos, _ = _reviewed(session, rules)
    visits = Counter({camera: len(own) for camera, own in _by_camera(photos).items()})
    if rules.test_cameras:
        return rules.test_cameras
    with store.writing() as session:
        order = session.scalars(select(Camera.name).order_by(Camera.id.desc())).all()
        if min(len(order), len(visits)) < FEWEST_CAMERAS:
            return ()
        chosen: list[str] = []
        for camera in (str(name) for name in order if name in visits):
            if sum(visits[name] for name in chosen) >= TEST_SHARE * visits.total():
                break
            chosen.append(camera)
        station = the_station(session)
        rules = replace(Rules.from_dict(station.rules), test_cameras=tuple(chosen[: len(visits) - 1]))
        set_rules(session, station, rules, who=who, now=now)
        return rules.test_cameras


def _by_camera(photos: Sequence[_Photo]) -> dict[str, set[int]]:
    found: dict[str, set[int]] = {}
    for photo in photos:
        found.setdefault(photo.camera, set()).add(photo.event.id)
    return found


def _stage(media: Media, photos: Sequence[_Photo], held_out: Sequence[str], staging: Path) -> int:
    """Put files and their table where they are imported from; gives how many frames are gone."""
    gone = 0
    with (staging / "labels.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(("path", "label", "split", "group", "source"))
        for photo in photos:
            frame, name = photo.frame, f"{photo.frame.id}.jpg"
            try:
                (staging / name).write_bytes(media.get(frame.sha256))
            except StoreError:
                gone += 1
                continue
            side = "test" if photo.camera in held_out else ""
            label, source = photo.event.human_label, f"camera {photo.camera}, event {photo.event.id}"
            writer.writerow((name, label, side, f"event {photo.event.id}", source))
    return gone
