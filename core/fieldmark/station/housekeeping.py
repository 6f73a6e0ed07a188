"""What the worker does once a day: pictures go whose time of keeping is over, and the audit log is checked."""

from __future__ import annotations

from datetime import datetime, timedelta

from fieldmark.station.auditlog import CHECKED, check_log
from fieldmark.station.media import Media
from fieldmark.station.retention import RETENTION, drop_expired
from fieldmark.station.store import Store
from fieldmark.station.tables import Beat

DAILY = timedelta(days=1)


class Housekeeping:
    """Of one station, for its worker."""

    def __init__(self, store: Store, media: Media) -> None:
        """Keep a store and its pictures."""
        self.store, self.media = store, media
        self._checked_at: datetime | None = None

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
        with self.store.reading() as session:
            found = check_log(session)
        with self.store.writing() as session:
            session.merge(Beat(name=CHECKED, at=now, note="" if found.is_whole else found.sentence))
        self._checked_at = now


def _is_lately(at: datetime, now: datetime) -> bool:
    """Less than a day ago; a clock that was set back makes nothing wait."""
    return timedelta(0) <= now - at < DAILY
