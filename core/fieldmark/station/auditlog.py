"""The audit log: who did what, chained by hashes, so that a row that was changed or taken out is found.

The chain shows what was done to the middle of the log. That its end was cut off, or all of it written anew, only shows
to somebody who has noted the last hash before: its seal, which every weekly report prints.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, select
from sqlalchemy.orm import Session

from fieldmark.station.tables import Audit

AT_ONCE = 1000
"""Rows read in one piece: a log of years does not have to fit into memory."""
FEWEST_DIGITS = 8
"""Of a seal: fewer would fit some entry by chance."""
CHECKED = "audit log"
"""Beat that says what the worker's last check found; empty while the log is whole."""
ADVICE = "Nothing was changed now. Compare station.sqlite with a backup of before, and ask who could write to its folder."


def write_down(
    session: Session,
    *,
    at: datetime,
    who: str,
    what: str,
    subject: str,
    before: Mapping[str, Any],
    after: Mapping[str, Any],
) -> None:
    """Add a row to the log, in the same transaction as what it tells of."""
    last = session.scalar(select(Audit.hash).order_by(Audit.id.desc()).limit(1)) or ""
    row = Audit(at=at, who=who, what=what, subject=subject, before=dict(before), after=dict(after), hash="")
    row.hash = _hash(last, row)
    session.add(row)
    session.flush()


@dataclass(frozen=True)
class Entry:
    """A row of the log, as it stands there now."""

    number: int
    at: datetime
    who: str
    what: str
    subject: str


@dataclass(frozen=True)
class Checked:
    """What reading the whole log found."""

    entries: int
    """Rows that follow each other as they were written, from the first one on."""
    seal: str
    """Hash of the last of those; empty while there is none."""
    broken: Entry | None
    """The first row that does not follow from the one before it."""
    is_seal_known: bool | None
    """Whether a seal that was noted before is one of this log's; None where none was asked for."""

    @property
    def is_whole(self) -> bool:
        """Whether nothing was found."""
        return self.broken is None and self.is_seal_known is not False

    @property
    def sentence(self) -> str:
        """What was found, and what to do about it."""
        if (entry := self.broken) is not None:
            return (
                f"Entry {entry.number} of the audit log ({entry.what}, {entry.subject}, by {entry.who}, "
                f"{entry.at:%d %b %Y %H:%M} UTC) does not follow from the one before it: one of the two was changed, or "
                f"one between them taken out. {self._before()} {ADVICE}"
            )
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
            else (f"All {self.entries} entries of the audit log are as they were")
        )
        return f"{said} written. Its seal is {self.seal}."

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

    def _before(self) -> str:
        return (
            f"The {self.entries} before it follow each other."
            if self.entries
            else "Nothing stands before it."
        )


def check_log(session: Session, *, seal: str = "") -> Checked:
    """Read the whole log, and find the first row that does not follow from the one before it.

    Args:
        seal: one that was noted before, or its first digits.
    """
    columns = (
        Audit.id,
        Audit.at,
        Audit.who,
        Audit.what,
        Audit.subject,
        Audit.before,
        Audit.after,
        Audit.hash,
    )
    rows = session.execute(select(*columns).order_by(Audit.id).execution_options(yield_per=AT_ONCE))
    last, entries, is_known = "", 0, False
    for row in rows:
        if row.hash != _hash(last, row):
            broken = Entry(row.id, row.at, row.who, row.what, row.subject)
            return Checked(entries, last, broken, is_known if seal else None)
        last, entries = row.hash, entries + 1
        is_known = is_known or last.startswith(seal.lower())
    return Checked(entries, last, None, is_known if seal else None)


def _hash(last: str, row: Audit | Row[Any]) -> str:
    facts = [last, row.at.isoformat(), row.who, row.what, row.subject, row.before, row.after]
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()
