"""Where and when cameras hung, as Camtrap DP wants to know: known deployments, else from the first to the last frame.

Places are rounded unless they are asked for, because exact ones lead poachers to animals.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from fieldmark.errors import StationError
from fieldmark.station.days import zone_of
from fieldmark.station.tables import Camera, Deployment, Frame, Station
from fieldmark.tables import neutral_cell

ROUNDED = 1
"""Decimals that are left of a place that was not asked for: some 10 km."""
UNCERTAINTY_M = 8000
"""Half the diagonal of a square of 0.1 degrees at the equator, in metres."""


@dataclass(frozen=True)
class Deployed:
    """A camera at a place, for a time."""

    camera_id: int
    begin: datetime
    end: datetime
    row: Mapping[str, object]


class Places:
    """Finds the deployment of a moment at a camera."""

    def __init__(self, deployments: Sequence[Deployed]) -> None:
        """Take those of all cameras."""
        self._of: dict[int, list[Deployed]] = {}
        for deployed in deployments:
            self._of.setdefault(deployed.camera_id, []).append(deployed)

    def of(self, camera_id: int, at: datetime) -> object:
        """Give its deploymentID: the one it falls into, else the nearest in time."""
        own = self._of[camera_id]
        nearest = min(own, key=lambda d: max(d.begin - at, at - d.end, timedelta(0)))
        return nearest.row["deploymentID"]


def deployments_of(
    session: Session, station: Station, *, places: bool, near: tuple[float, float] | None
) -> list[Deployed]:
    """Give the known deployments of each camera that has frames; one from its first to its last where none is known."""
    found, nowhere, zone = [], [], zone_of(station)
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
            at = at if places or near is not None else _rounded(at)
            row = _row(camera, name, at, is_exact=places or near is not None) | {
                "deploymentStart": when(begin, zone),
                "deploymentEnd": when(end, zone),
            }
            found.append(Deployed(camera.id, begin, end, row))
    if nowhere:
        raise StationError(
            f"Camtrap DP needs the place of every camera; {', '.join(nowhere)} has none. Import its deployments, or name "
            "a rough place for all: --near LATITUDE,LONGITUDE",
            code="no_place",
        )
    return found


def _spot(of: Deployment | Camera) -> tuple[float, float] | None:
    return (of.latitude, of.longitude) if of.latitude is not None and of.longitude is not None else None


def _rounded(at: tuple[float, float]) -> tuple[float, float]:
    return round(at[0], ROUNDED), round(at[1], ROUNDED)


def _row(camera: Camera, name: str, at: tuple[float, float], *, is_exact: bool) -> dict[str, object]:
    return {
        "deploymentID": name,
        "locationID": f"camera-{camera.id}",
        "locationName": neutral_cell(camera.name),
        "latitude": at[0],
        "longitude": at[1],
        "coordinateUncertainty": "" if is_exact else UNCERTAINTY_M,
    }


def when(at: datetime, zone: ZoneInfo) -> str:
    """Write a time as Camtrap DP has it: local, with its offset from UTC, so that a dawn is read as a dawn."""
    return at.astimezone(zone).isoformat(timespec="seconds")
