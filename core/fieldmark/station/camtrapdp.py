"""Camtrap DP in: the deployments of a package become the cameras of a station.

After Camtrap DP 1.0 (https://camtrap-dp.tdwg.org): a folder with a datapackage.json that names its tables.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from fieldmark.errors import DatasetError
from fieldmark.sources.foreign.listed import find_listed
from fieldmark.station.days import zone_of
from fieldmark.station.stations import camera_named
from fieldmark.station.tables import Deployment, Station
from fieldmark.tables import TableRow, read_table

PACKAGE = "datapackage.json"
NAMES = ("locationname", "locationid", "deploymentid")
"""What a camera is called by, the first that is filled in: rangers know places, not serial numbers."""


@dataclass(frozen=True)
class DeploymentsReport:
    """What became of the deployments of a package."""

    cameras: tuple[str, ...]
    """Those the deployments belong to, in order of their names."""
    new: int
    """Deployments that were not known before."""
    known: int


def find_package(path: Path) -> Path | None:
    """Give the datapackage.json that a path is, or that lies in it; None where it is another thing."""
    package = path / PACKAGE if path.is_dir() else path
    return package if package.name == PACKAGE and package.is_file() else None


def import_deployments(
    session: Session, station: Station, package: Path, *, now: datetime
) -> DeploymentsReport:
    """Add the deployments of a package, with their cameras where those are new; the same package again changes nothing.

    Raises:
        DatasetError: `bad_package`: it is no Camtrap DP, or a row of it cannot be read; nothing was added.
    """
    new, cameras, rows, zone = 0, set(), _rows(package), zone_of(station)
    for row in rows:
        name = next((row[column] for column in NAMES if row.get(column)), "")
        if not row.get("deploymentid"):
            raise _bad(package, "a deployment has no deploymentID")
        camera = camera_named(session, station, name[:200], now=now)
        cameras.add(camera.name)
        where = (Deployment.camera_id == camera.id, Deployment.name == row["deploymentid"])
        if session.scalar(select(Deployment.id).where(*where)) is None:
            new += 1
            latitude, longitude = _number(package, row, "latitude"), _number(package, row, "longitude")
            camera.latitude, camera.longitude = latitude, longitude
            session.add(
                Deployment(
                    camera_id=camera.id,
                    name=row["deploymentid"],
                    begin=_time(package, row, "deploymentstart", zone),
                    end=_time(package, row, "deploymentend", zone),
                    latitude=latitude,
                    longitude=longitude,
                )
            )
            session.flush()
    return DeploymentsReport(tuple(sorted(cameras)), new, len(rows) - new)


def _rows(package: Path) -> list[dict[str, str]]:
    table = find_listed(package.parent, _deployments_path(package))
    if table is None:
        raise _bad(package, "its table of deployments is not beside it")
    read: list[TableRow] = read_table(table, needed=("deploymentid", "latitude", "longitude"))
    return [{name: value.strip() for name, value in row.cells.items()} for row in read]


def _deployments_path(package: Path) -> object:
    try:
        content: Any = json.loads(package.read_text("utf-8-sig"))
        resources = content["resources"]
        return next(resource["path"] for resource in resources if resource["name"] == "deployments")
    except (ValueError, RecursionError, KeyError, TypeError, StopIteration) as exc:
        raise _bad(package, "it names no table of deployments") from exc


def _number(package: Path, row: Mapping[str, str], name: str) -> float | None:
    try:
        number = float(row.get(name) or "nan")
    except ValueError as exc:
        raise _bad(package, f"{name} {row[name]!r} is no number") from exc
    return number if math.isfinite(number) else None


def _time(package: Path, row: Mapping[str, str], name: str, zone: ZoneInfo) -> datetime | None:
    """Read a time; one without an offset, which the standard does not allow, is the station's."""
    written = row.get(name)
    if not written:
        return None
    try:
        at = datetime.fromisoformat(written)
    except ValueError as exc:
        raise _bad(package, f"{name} {written!r} is no time") from exc
    return (at if at.tzinfo else at.replace(tzinfo=zone)).astimezone(UTC)


def _bad(package: Path, why: str) -> DatasetError:
    return DatasetError(
        f"{str(package)!r} cannot be used as a Camtrap DP package: {why}. Export it again from where it came.",
        code="bad_package",
    )
