"""What the worker does once a day: pictures go whose time of keeping is over, and the audit log is read, bit by bit."""

from __future__ import annotations

import time
from datetime import datetime, timedelta

from fieldmark.station.logcheck import LogCheck, keep_check
from fieldmark.station.media import Media
from fieldmark.station.retention import RETENTION, drop_expired
from fieldmark.station.store import Store
from fieldmark.station.tables import Beat

DAILY = timedelta(days=1)
READING_S = 0.2
"""Of each round, while the audit log is read: pictures do not wait for a log of years."""


class Housekeeping:
    """Of one station, for its worker."""

    def __init__(self, store: Store, media: Media) -> None:
        """Keep a store and its pictures."""
        self.store, self.media = store, media
        self._checked_at: datetime | None = None
        self._check: LogCheck | None = None

    def drop_expired(self, now: datetime) -> None:
        """Delete the pictures whose time of keeping is over."""
        with self.store.reading() as session:
            last = session.get(Beat, RETENTION)
            if last is not None and _is_lately(last.at, now):
                return
        dropped = sum(drop_expired(self.store, self.media, now=now).values())
        with self.store.writing() as session:
            session.merge(Beat(name=RETENTION, at=now, note=f"{dropped} pictures deleted"))

    def check_log(self, now: datetime) -> None:
        """See whether the audit log is as it was written, also whenever the worker starts; the dashboard tells a chief."""
        if self._checked_at is not None and _is_lately(self._checked_at, now):
            return
        check = self._check = self._check or LogCheck()
        if self._read(check):
            return
        with self.store.writing() as session:
            keep_check(session, check.found, now=now)
        self._checked_at, self._check = now, None

    def _read(self, check: LogCheck) -> bool:
        """Read for a moment; True while there is more."""
        end = time.monotonic() + READING_S
        with self.store.reading() as session:
            while is_more := check.read(session):
                if time.monotonic() > end:
                    break
        return is_more


def _is_lately(at: datetime, now: datetime) -> bool:
    """Less than a day ago; a clock that was set back makes nothing wait."""
    return timedelta(0) <= now - at < DAILY
