"""Camtrap DP out: deployments, media and observations as the tables of version 1.0.2, with their datapackage.json.

Of people's names none leaves. What shows a person is counted as such, and neither its file nor its name leaves.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from zoneinfo import ZoneInfo

from PIL import Image
from sqlalchemy import select
from sqlalchemy.orm import Session

from fieldmark.errors import BadImageError, StationError, StoreError
from fieldmark.images import open_photo
from fieldmark.station.camtrapcolumns import DEPLOYMENT_COLUMNS, MEDIA_COLUMNS, OBSERVATION_COLUMNS
from fieldmark.station.camtrappackage import describe_package
from fieldmark.station.camtrapplaces import Places, deployments_of, when
from fieldmark.station.days import zone_of
from fieldmark.station.detections import has_person
from fieldmark.station.media import Media
from fieldmark.station.rules import Rules
from fieldmark.station.stations import the_station
from fieldmark.station.tables import Event, Frame, Model
from fieldmark.tables import neutral_cell

JPEG_QUALITY = 92


@dataclass(frozen=True)
class PackageReport:
    """What was written."""

    deployments: int
    media: int
    observations: int
    files: int
    """Photos that were copied, without what their files know."""
    withheld: int
    """Frames with persons: their rows say so, and nothing else of them is there."""


def export_package(
    session: Session,
    media: Media,
    out: Path,
    *,
    places: bool = False,
    near: tuple[float, float] | None = None,
    files: bool = False,
) -> PackageReport:
    """Write a station as a Camtrap DP package into a new or empty folder.

    Args:
        places: whether the cameras' exact places are written; else they are rounded to a tenth of a degree.
        near: latitude and longitude that are written for all cameras instead.
        files: whether the photos are copied as well: encoded anew, without EXIF.
    Raises:
        StationError: `not_empty`, `no_place` with the cameras that have none, or `no_frames`.
    """
    if out.exists() and any(out.iterdir()):
        raise StationError(f"{str(out)!r} is not empty. Name a new folder.", code="not_empty")
    station = the_station(session)
    deployments = deployments_of(session, station, places=places, near=near)
    if not deployments:
        raise StationError("There is no frame to export yet.", code="no_frames")
    out.mkdir(parents=True, exist_ok=True)
    rules = Rules.from_dict(station.rules)
    place, zone = Places(deployments), zone_of(station)
    counts = {"media": 0, "files": 0, "withheld": 0}
    _write(out / "deployments.csv", DEPLOYMENT_COLUMNS, (d.row for d in deployments))
    _write(
        out / "media.csv",
        MEDIA_COLUMNS,
        _media_rows(session, media, place, zone, rules, out if files else None, counts),
    )
    observations = list(_observations(session, place, zone, rules))
    _write(out / "observations.csv", OBSERVATION_COLUMNS, observations)
    package = json.dumps(describe_package(station, deployments, near=near, places=places), indent=1)
    (out / "datapackage.json").write_text(package, "utf-8")
    return PackageReport(
        len(deployments), counts["media"], len(observations), counts["files"], counts["withheld"]
    )


def _media_rows(
    session: Session,
    media: Media,
    place: Places,
    zone: ZoneInfo,
    rules: Rules,
    out: Path | None,
    counts: dict[str, int],
) -> Iterator[dict[str, object]]:
    rows = session.execute(
        select(Frame, Event).outerjoin(Event, Event.id == Frame.event_id).order_by(Frame.id)
    )
    for frame, event in rows:
        said = {event.label, event.human_label} if event is not None else set[str | None]()
        is_withheld = bool(said & set(rules.person)) or has_person(frame.boxes)
        path = f"media/{frame.id:09}.jpg"
        counts["media"] += 1
        counts["withheld"] += is_withheld
        is_there = out is not None and not is_withheld and _copy(media, frame, out / path)
        counts["files"] += is_there
        yield {
            "mediaID": str(frame.id),
            "deploymentID": place.of(frame.camera_id, frame.at),
            "captureMethod": "activityDetection",
            "timestamp": when(frame.at, zone),
            "filePath": path,
            "filePublic": "true" if is_there else "false",
            "fileName": "" if is_withheld else neutral_cell(frame.name),
            "fileMediatype": "image/jpeg",
        }


def _copy(media: Media, frame: Frame, target: Path) -> bool:
    """Encode a photo anew, without what its file knew of place, camera and owner; False where it is gone."""
    try:
        image = open_photo(media.get(frame.sha256)).image
    except (BadImageError, StoreError):
        return False
    target.parent.mkdir(exist_ok=True)
    clean = Image.frombytes(image.mode, image.size, image.tobytes())
    buffer = io.BytesIO()
    clean.save(buffer, "JPEG", quality=JPEG_QUALITY)
    target.write_bytes(buffer.getvalue())
    return True


def _observations(
    session: Session, place: Places, zone: ZoneInfo, rules: Rules
) -> Iterator[dict[str, object]]:
    """An observation for each visit: people's word where there is one, else the model's."""
    titles = {model.id: f"{model.title} ({model.sha256[:12]})" for model in session.scalars(select(Model))}
    for event in session.scalars(select(Event).order_by(Event.id)):
        is_human = event.reviewed_by is not None and event.human_label is not None
        label = event.human_label if is_human else event.label
        machine = "" if is_human or event.label is None else "machine"
        yield {
            "observationID": str(event.id),
            "deploymentID": place.of(event.camera_id, event.started_at),
            "eventID": str(event.id),
            "eventStart": when(event.started_at, zone),
            "eventEnd": when(event.ended_at, zone),
            "observationLevel": "event",
            "observationType": _type(label, rules),
            "classificationMethod": "human" if is_human else machine,
            "classifiedBy": "a person" if is_human else neutral_cell(titles.get(event.model_id or 0, "")),
            "classificationTimestamp": when(event.reviewed_at, zone)
            if is_human and event.reviewed_at
            else "",
            "classificationProbability": f"{event.prob:.4f}" if machine else "",
            "observationTags": f"label:{label}" if label else "",
        }


def _type(label: str | None, rules: Rules) -> str:
    if label is None:
        return "unclassified"
    if label in rules.person:
        return "human"
    if label in rules.blank:
        return "blank"
    return "vehicle" if label.lower() in ("vehicle", "car") else "animal"


def _write(path: Path, columns: Sequence[str], rows: Iterable[Mapping[str, object]]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, columns)
        writer.writeheader()
        writer.writerows(rows)
