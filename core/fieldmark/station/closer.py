"""Closer: where a new frame differs from what its camera saw before, for a worker that looks there once more."""

from __future__ import annotations

from collections import defaultdict, deque
from datetime import timedelta

from fieldmark.errors import BadImageError
from fieldmark.imaging.resize import Box
from fieldmark.station.background import (
    FEWEST,
    MOST,
    Small,
    difference,
    small_grey,
    where_different,
)
from fieldmark.station.tables import Frame

REMEMBERED = 3 * MOST
"""Latest frames of a camera and its light that are kept small in memory: 5 MB."""


class Closer:
    """Remembers the latest frames of each camera; after a start it has to see some before it says anything."""

    def __init__(self, apart: timedelta) -> None:
        """Take frames that are closer to each other than `apart` for one visit: no background to each other."""
        self._apart = apart
        self._seen: dict[tuple[int, bool], deque[Small]] = defaultdict(lambda: deque(maxlen=REMEMBERED))

    def part(self, frame: Frame, data: bytes) -> Box | None:
        """Give the part of a frame that differs most, and remember the frame; None where nothing does, or too few are known."""
        try:
            small = Small(small_grey(data), frame.at, frame.is_night)
        except BadImageError:
            return None
        seen = self._seen[frame.camera_id, frame.is_night]
        others = [other for other in reversed(seen) if abs(other.at - small.at) > self._apart][:MOST]
        seen.append(small)
        if len(others) < FEWEST:
            return None
        return where_different(difference(small.grey, [other.grey for other in others]))
