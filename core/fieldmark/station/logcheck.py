"""Whether the audit log is as it was written: read from its beginning, in as many pieces as it takes.

The worker reads it wholly once a day, a piece in each of its rounds; a page that wants to know goes on from there.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from fieldmark.callbacks import Callback, Progress, silent
from fieldmark.station.auditlog import chained
from fieldmark.station.tables import Audit, Beat

AT_ONCE = 1000
"""Rows read in one piece: a log of years does not have to fit into memory."""
FEWEST_DIGITS = 8
"""Of a seal: fewer would fit some entry by chance."""
CHECKED = "audit log"
"""Beat that says what the worker's last check found; empty while the log is whole."""
READ = "audit log read"
"""Beat that says up to where that check found it whole: a `Mark`, as JSON."""
FRESH = timedelta(days=2)
"""How old a mark may be from which a page goes on; the worker sets one a day."""
ADVICE = "Nothing was changed now. Compare station.sqlite with a backup of before, and ask who could write to its folder."


@dataclass(frozen=True)
class Entry:
    """A row of the log, as it stands there now."""

    number: int
    at: datetime
    who: str
    what: str
    subject: str


@dataclass(frozen=True)
class Mark:
    """Up to where the log follows from its first row on."""

    number: int = 0
    """Of the last of those rows."""
    entries: int = 0
    seal: str = ""
    """Hash of that row; empty while there is none."""


@dataclass(frozen=True)
class Checked:
    """What reading the log found."""

    mark: Mark
    broken: Entry | None
    """The first row that does not follow from the one before it."""
    is_seal_known: bool | None
    """Whether a seal that was noted before is one of this log's; None where none was asked for."""
    wholly_at: datetime | None = None
    """When the worker read it from its beginning, where only what came since was read now."""

    @property
    def entries(self) -> int:
        """Rows that follow each other as they were written, from the first one on."""
        return self.mark.entries

    @property
    def seal(self) -> str:
        """Hash of the last of those."""
        return self.mark.seal

    @property
    def is_whole(self) -> bool:
        """Whether nothing was found."""
        return self.broken is None and self.is_seal_known is not False

    @property
    def sentence(self) -> str:
        """What was found, and what to do about it."""
        if self.broken is not None:
            return f"{self._say_broken(self.broken)} {ADVICE}"
        if self.is_seal_known is False:
            return (
                f"The audit log does not have the seal that was asked for: its end was cut off since, or it was written "
                f"anew. {ADVICE}"
            )
        if not self.entries:
            return "Nothing was written to the audit log yet."
        said = (
            "The one entry of the audit log is as it was"
            if self.entries == 1
            else f"All {self.entries:,} entries of the audit log are as they were"
        )
        wholly = f" (read wholly {self.wholly_at:%d %b %H:%M} UTC)" if self.wholly_at else ""
        return f"{said} written{wholly}. Its seal is {self.seal}."

    def _say_broken(self, entry: Entry) -> str:
        before = (
            f"The {self.entries:,} before it follow each other."
            if self.entries
            else "Nothing stands before it."
        )
        return (
            f"Entry {entry.number} of the audit log ({entry.what}, {entry.subject}, by {entry.who}, "
            f"{entry.at:%d %b %Y %H:%M} UTC) does not follow from the one before it: one of the two was changed, or "
            f"one between them taken out. {before}"
        )

    def as_dict(self) -> dict[str, Any]:
        """As JSON has it."""
        entry = self.broken
        return {
            "whole": self.is_whole,
            "entries": self.entries,
            "seal": self.seal,
            "seal_known": self.is_seal_known,
            "broken": {**vars(entry), "at": entry.at.isoformat()} if entry else None,
            "sentence": self.sentence,
        }


class LogCheck:
    """One reading of the log, which may be interrupted between its pieces."""

    def __init__(self, *, seal: str = "", mark: Mark = Mark()) -> None:
        """Read from a mark on, and look for a seal that was noted before, or its first digits."""
        self._seal, self._mark = seal.lower(), mark
        self._is_known = False
        self._broken: Entry | None = None

    def read(self, session: Session, most: int = AT_ONCE) -> bool:
        """Read so many more rows; False once there are none left, or one does not follow."""
        columns = (Audit.id, Audit.at, Audit.who, Audit.what, Audit.subject, Audit.before, Audit.after)
        rows = session.execute(
            select(*columns, Audit.hash).where(Audit.id > self._mark.number).order_by(Audit.id).limit(most)
        ).all()
        for row in rows:
            if row.hash != chained(self._mark.seal, row):
                self._broken = Entry(row.id, row.at, row.who, row.what, row.subject)
                return False
            self._mark = Mark(row.id, self._mark.entries + 1, row.hash)
            self._is_known = self._is_known or row.hash.startswith(self._seal)
        return len(rows) == most

    @property
    def found(self) -> Checked:
        """What was found so far."""
        return Checked(self._mark, self._broken, self._is_known if self._seal else None)


def check_log(session: Session, *, seal: str = "", told: Callback = silent) -> Checked:
    """Read the whole log, and find the first row that does not follow from the one before it.

    Args:
        seal: one that was noted before, or its first digits.
        told: hears how far it is; a million entries take half a minute.
    """
    check, total = LogCheck(seal=seal), session.scalar(select(func.count(Audit.id))) or 0
    while check.read(session):
        told(Progress("Reading the audit log", check.found.entries, total))
    return check.found


def check_news(session: Session, *, now: datetime) -> Checked:
    """Read what came since the worker's last check, for a page that cannot wait; the whole log where there was none."""
    mark, wholly_at = _fresh_mark(session, now)
    check = LogCheck(mark=mark)
    while check.read(session):
        pass
    return replace(check.found, wholly_at=wholly_at)


def keep_check(session: Session, found: Checked, *, now: datetime) -> None:
    """Keep what a check of the whole log found, for dashboard and report."""
    session.merge(Beat(name=CHECKED, at=now, note="" if found.is_whole else found.sentence))
    session.merge(Beat(name=READ, at=now, note=json.dumps(vars(found.mark)) if found.is_whole else ""))


def _fresh_mark(session: Session, now: datetime) -> tuple[Mark, datetime | None]:
    """Give the mark of the worker's last check, and when; the beginning where it is old, or its row another one now."""
    kept = session.get(Beat, READ)
    if kept is None or not kept.note or not timedelta(0) <= now - kept.at <= FRESH:
        return Mark(), None
    mark = Mark(**json.loads(kept.note))
    if session.scalar(select(Audit.hash).where(Audit.id == mark.number)) != mark.seal:
        return Mark(), None
    return mark, kept.at
