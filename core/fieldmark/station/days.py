"""The days of a station: from midnight to midnight in its own time zone, which twice a year are not 24 hours apart.

Moments are kept in UTC. A station's zone (`Station.zone`, an IANA name) says where its days begin, in which time people
there read and write times, and what the naive times of its cameras' clocks mean.
"""

from __future__ import annotations

import contextlib
import os
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from fieldmark.errors import StationError
from fieldmark.station.tables import Station

LOCALTIME = Path("/etc/localtime")
"""Where Linux and macOS keep the zone of the machine, mostly as a link into a folder called zoneinfo."""


def zone_of(station: Station) -> ZoneInfo:
    """Give the zone a station lives in."""
    return ZoneInfo(station.zone)


def midnight(at: datetime, zone: ZoneInfo, days: int = 0) -> datetime:
    """Give the midnight with which the day of a moment begins, or the one so many days later; in UTC.

    Where clocks skip midnight, the day begins when they do; where they repeat it, at the first.
    """
    day = at.astimezone(zone).date() + timedelta(days=days)
    return datetime.combine(day, time(), zone).astimezone(UTC)


def day_end(at: datetime, zone: ZoneInfo) -> datetime:
    """Give the midnight with which the day of a moment ends; a midnight ends the day before it."""
    return at if midnight(at, zone) == at else midnight(at, zone, 1)


def midnights(begin: datetime, end: datetime, zone: ZoneInfo) -> list[datetime]:
    """Give the midnights of a span, both ends included where they are such; in UTC, in their order."""
    following = midnight(begin, zone)
    found = [following] if following == begin else []
    while (following := midnight(following, zone, 1)) <= end:
        found.append(following)
    return found


def checked_zone(name: str) -> str:
    """Give the name of a zone that there is; StationError `bad_zone` for another."""
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as exc:  # OSError: the name of a folder of zones
        raise StationError(
            f"{name!r} is no time zone; write one like Europe/Oslo, or UTC.", code="bad_zone"
        ) from exc
    return name


def machine_zone(localtime: Path = LOCALTIME) -> str:
    """Give the zone this machine lives in; UTC where it does not tell, as on Windows."""
    linked = localtime.resolve().as_posix().rpartition("/zoneinfo/")[2]
    for name in (os.environ.get("TZ", "").lstrip(":"), linked):
        if name and not name.startswith("/"):
            with contextlib.suppress(StationError):
                return checked_zone(name).replace("Etc/UTC", "UTC")
    return "UTC"
