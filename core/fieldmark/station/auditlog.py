"""The audit log: who did what, chained by hashes, so that a row that was changed or taken out is found."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from fieldmark.station.tables import Audit


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


def first_break(session: Session) -> int | None:
    """Give the number of the first row that is not as it was written; None where all are."""
    last = ""
    for row in session.scalars(select(Audit).order_by(Audit.id)):
        if row.hash != _hash(last, row):
            return row.id
        last = row.hash
    return None


def _hash(last: str, row: Audit) -> str:
    facts = [last, row.at.isoformat(), row.who, row.what, row.subject, row.before, row.after]
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()
