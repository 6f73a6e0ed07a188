"""What a Camtrap DP package says of itself: its datapackage.json."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from fieldmark.station.camtrapplaces import ROUNDED, Deployed, when
from fieldmark.station.days import zone_of
from fieldmark.station.tables import Station

VERSION = "1.0.2"
SCHEMAS = f"https://raw.githubusercontent.com/tdwg/camtrap-dp/{VERSION}"


def describe_package(
    station: Station,
    deployments: Sequence[Deployed],
    *,
    near: tuple[float, float] | None,
    places: bool,
) -> dict[str, Any]:
    """Describe the tables of a station; the box around its places is as exact as they are.

    Args:
        near: the place that is written for all cameras, where one is.
        places: whether theirs are written as they are.
    """
    zone = zone_of(station)
    longitudes = [float(str(d.row["longitude"])) for d in deployments]
    latitudes = [float(str(d.row["latitude"])) for d in deployments]
    west, south, east, north = min(longitudes), min(latitudes), max(longitudes), max(latitudes)
    corners = [[west, south], [east, south], [east, north], [west, north], [west, south]]
    package: dict[str, Any] = {
        "resources": [_resource(name) for name in ("deployments", "media", "observations")],
        "profile": f"{SCHEMAS}/camtrap-dp-profile.json",
        "name": f"station-{station.id}",
        "created": when(datetime.now(UTC), zone),
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
            "start": min(d.begin for d in deployments).astimezone(zone).date().isoformat(),
            "end": max(d.end for d in deployments).astimezone(zone).date().isoformat(),
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
