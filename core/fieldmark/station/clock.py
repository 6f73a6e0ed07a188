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
    """camera, or received where the camera's clock is missing or cannot be right."""


def place_in_time(captured: datetime | None, received: datetime, zone: ZoneInfo) -> Taken:
    """Believe the camera's clock where it can be right, else the time of receiving.

    A naive time is read in the station's zone; in the hour that a change of the clocks repeats, as the earlier one,
    because two readings an hour apart cannot be told from each other.

    Args:
        captured: as the camera said it, with or without a zone; None where it said nothing.
        received: UTC.
    """
    if captured is None or not FIRST_YEAR <= captured.year <= received.year + 1:
        return Taken(received, "received")
    at = (captured if captured.tzinfo else captured.replace(tzinfo=zone, fold=0)).astimezone(UTC)
    if at > received + AHEAD or at < received - OLD:
        return Taken(received, "received")
    return Taken(min(at, received), "camera")
