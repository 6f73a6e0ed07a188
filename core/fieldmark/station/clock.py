"""What time it is, and when a frame was taken: cameras' clocks are wrong in every way there is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

Clock = Callable[[], datetime]
"""Gives the time now, in UTC. The simulator has one of its own."""

FIRST_YEAR = 1990
"""Before that no camera wrote EXIF: the clock was never set."""
AHEAD = timedelta(minutes=5)
"""A frame cannot be taken after it was received; a clock that is further ahead than this is not believed."""
OLD = timedelta(days=2 * 365)
"""A frame that comes from the camera itself is not older than this; a card may be."""


def utc_now() -> datetime:
    """Read this machine's clock."""
    return datetime.now(UTC)


@dataclass(frozen=True)
class Taken:
    """When a frame was taken, as far as can be known."""

    at: datetime
    """UTC."""
    clock: str
    """camera; file, where only the file on a card tells; received, where no clock can be right."""


def place_in_time(
    captured: datetime | None,
    received: datetime,
    zone: ZoneInfo,
    *,
    is_carried: bool = False,
    written: datetime | None = None,
) -> Taken:
    """Believe the camera's clock where it can be right, else the file's, else the time of receiving.

    A naive time is read in the station's zone; in the hour that a change of the clocks repeats, as the earlier one,
    because two readings an hour apart cannot be told from each other.

    Args:
        captured: as the camera said it, with or without a zone; None where it said nothing.
        received: UTC.
        is_carried: whether it came on a card, which may be of any age.
        written: when the camera wrote the file, where its folder still tells; with its zone.
    """
    for clock, said in (("camera", captured), ("file", written)):
        at = _believable(said, received, zone)
        if at is not None and (is_carried or at >= received - OLD):
            return Taken(min(at, received), clock)
    return Taken(received, "received")


def _believable(said: datetime | None, received: datetime, zone: ZoneInfo) -> datetime | None:
    if said is None or not FIRST_YEAR <= said.year <= received.year + 1:
        return None
    at = (said if said.tzinfo else said.replace(tzinfo=zone, fold=0)).astimezone(UTC)
    return at if at <= received + AHEAD else None
