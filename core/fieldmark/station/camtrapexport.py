"""Camtrap DP out: deployments, media and observations as the tables of version 1.0.2, with their datapackage.json.

Places are rounded unless they are asked for, because exact ones lead poachers to animals; people's names stay here,
too. What shows a person is counted as such, and neither its file nor its name leaves.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from PIL import Image
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from fieldmark.errors import BadImageError, StationError, StoreError
from fieldmark.images import open_photo
from fieldmark.station.detections import has_person
from fieldmark.station.media import Media
from fieldmark.station.rules import Rules
from fieldmark.station.stations import the_station
from fieldmark.station.tables import Camera, Deployment, Event, Frame, Model, Station
from fieldmark.tables import neutral_cell

VERSION = "1.0.2"
SCHEMAS = f"https://raw.githubusercontent.com/tdwg/camtrap-dp/{VERSION}"
ROUNDED = 1
"""Decimals that are left of a place that was not asked for: some 10 km."""
UNCERTAINTY_M = 8000
"""Half the diagonal of a square of 0.1 degrees at the equator, in metres."""
JPEG_QUALITY = 92

DEPLOYMENT_COLUMNS = (
    "deploymentID",
    "locationID",
    "locationName",
    "latitude",
    "longitude",
    "coordinateUncertainty",
    "deploymentStart",
    "deploymentEnd",
)
MEDIA_COLUMNS = (
    "mediaID",
    "deploymentID",
    "captureMethod",
    "timestamp",
    "filePath",
    "filePublic",
    "fileName",
    "fileMediatype",
)
OBSERVATION_COLUMNS = (
    "observationID",
    "deploymentID",
    "eventID",
    "eventStart",
    "eventEnd",
    "observationLevel",
    "observationType",
    "classificationMethod",
    "classifiedBy",
    "classificationTimestamp",
    "classificationProbability",
    "observationTags",
)


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
    deployments = _deployments(session, station, places=places, near=near)
    if not deployments:
        raise StationError("There is no frame to export yet.", code="no_frames")
    out.mkdir(parents=True, exist_ok=True)
    rules = Rules.from_dict(station.rules)
    place = _Place(deployments)
    counts = {"media": 0, "files": 0, "withheld": 0}
    _write(out / "deployments.csv", DEPLOYMENT_COLUMNS, (d.row for d in deployments))
    _write(
        out / "media.csv",
        MEDIA_COLUMNS,
        _media_rows(session, media, place, rules, out if files else None, counts),
    )
    observations = list(_observations(session, place, rules))
    _write(out / "observations.csv", OBSERVATION_COLUMNS, observations)
    package = json.dumps(_package(station, deployments, near=near, places=places), indent=1)
    (out / "datapackage.json").write_text(package, "utf-8")
    return PackageReport(
        len(deployments), counts["media"], len(observations), counts["files"], counts["withheld"]
    )


@dataclass(frozen=True)
class _Deployed:
    camera_id: int
    begin: datetime
    end: datetime
    row: Mapping[str, object]


class _Place:
    """Finds the deployment of a moment at a camera."""

    def __init__(self, deployments: Sequence[_Deployed]) -> None:
        self._of: dict[int, list[_Deployed]] = {}
        for deployed in deployments:
            self._of.setdefault(deployed.camera_id, []).append(deployed)

    def of(self, camera_id: int, at: datetime) -> object:
        """Give its deploymentID: the one it falls into, else the nearest in time."""
        own = self._of[camera_id]
        nearest = min(own, key=lambda d: max(d.begin - at, at - d.end, timedelta(0)))
        return nearest.row["deploymentID"]


def _deployments(
    session: Session, station: Station, *, places: bool, near: tuple[float, float] | None
) -> list[_Deployed]:
    """Give the known deployments of each camera that has frames; one from its first to its last where none is known."""
    found, nowhere = [], []
    cameras = session.scalars(select(Camera).where(Camera.station_id == station.id).order_by(Camera.id)).all()
    for camera in cameras:
        first, last = session.execute(
            select(func.min(Frame.at), func.max(Frame.at)).where(Frame.camera_id == camera.id)
        ).one()
        if not first:  # no frame yet
            continue
        own: Sequence[Deployment] = session.scalars(
            select(Deployment).where(Deployment.camera_id == camera.id).order_by(Deployment.id)
        ).all()
        listed: Sequence[Deployment | None] = own or [None]
        for number, known in enumerate(listed, 1):
            at = near or _spot(known or camera)
            if at is None:
                nowhere.append(camera.name)
                break
            begin = (known.begin if known else None) or first
            end = (known.end if known else None) or max(last, begin)
            name = known.name if known else f"camera-{camera.id}-{number}"
            row = _deployment_row(camera, name, begin, end, at, exact=places or near is not None)
            found.append(_Deployed(camera.id, begin, end, row))
    if nowhere:
        raise StationError(
            f"Camtrap DP needs the place of every camera; {', '.join(nowhere)} has none. Import its deployments, or name "
            "a rough place for all: --near LATITUDE,LONGITUDE",
            code="no_place",
        )
    return found


def _spot(of: Deployment | Camera) -> tuple[float, float] | None:
    return (of.latitude, of.longitude) if of.latitude is not None and of.longitude is not None else None


def _deployment_row(
    camera: Camera, name: str, begin: datetime, end: datetime, at: tuple[float, float], *, exact: bool
) -> dict[str, object]:
    latitude, longitude = at if exact else (round(at[0], ROUNDED), round(at[1], ROUNDED))
    return {
        "deploymentID": name,
        "locationID": f"camera-{camera.id}",
        "locationName": neutral_cell(camera.name),
        "latitude": latitude,
        "longitude": longitude,
        "coordinateUncertainty": "" if exact else UNCERTAINTY_M,
        "deploymentStart": _when(begin),
        "deploymentEnd": _when(end),
    }


def _media_rows(
    session: Session,
    media: Media,
    place: _Place,
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
            "timestamp": _when(frame.at),
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


def _observations(session: Session, place: _Place, rules: Rules) -> Iterator[dict[str, object]]:
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
            "eventStart": _when(event.started_at),
            "eventEnd": _when(event.ended_at),
            "observationLevel": "event",
            "observationType": _type(label, rules),
            "classificationMethod": "human" if is_human else machine,
            "classifiedBy": "a person" if is_human else neutral_cell(titles.get(event.model_id or 0, "")),
            "classificationTimestamp": _when(event.reviewed_at) if is_human and event.reviewed_at else "",
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


def _when(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _write(path: Path, columns: Sequence[str], rows: Iterable[Mapping[str, object]]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, columns)
        writer.writeheader()
        writer.writerows(rows)


def _package(
    station: Station,
    deployments: Sequence[_Deployed],
    *,
    near: tuple[float, float] | None,
    places: bool,
) -> dict[str, Any]:
    longitudes = [float(str(d.row["longitude"])) for d in deployments]
    latitudes = [float(str(d.row["latitude"])) for d in deployments]
    west, south, east, north = min(longitudes), min(latitudes), max(longitudes), max(latitudes)
    corners = [[west, south], [east, south], [east, north], [west, north], [west, south]]
    package: dict[str, Any] = {
        "resources": [_resource(name) for name in ("deployments", "media", "observations")],
        "profile": f"{SCHEMAS}/camtrap-dp-profile.json",
        "name": f"station-{station.id}",
        "created": _when(datetime.now(UTC)),
        "contributors": [{"title": station.name, "role": "contact"}],
        "project": {
            "title": station.name,
            "samplingDesign": "opportunistic",
            "captureMethod": ["activityDetection"],
            "individualAnimals": False,
            "observationLevel": ["event"],
        },
        "spatial": {"type": "Polygon", "coordinates": [corners]},
        "temporal": {
            "start": min(d.begin for d in deployments).date().isoformat(),
            "end": max(d.end for d in deployments).date().isoformat(),
        },
        "taxonomic": [],  # a station knows what its people call animals, and no scientific names
    }
    if not places and near is None:
        package["coordinatePrecision"] = 10**-ROUNDED
    return package


def _resource(name: str) -> dict[str, str]:
    return {
        "name": name,
        "path": f"{name}.csv",
        "profile": "tabular-data-resource",
        "format": "csv",
        "mediatype": "text/csv",
        "encoding": "utf-8",
        "schema": f"{SCHEMAS}/{name}-table-schema.json",
    }
