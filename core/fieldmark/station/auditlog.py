"""The audit log: who did what, chained by hashes, so that a row that was changed or taken out is found.

The chain shows what was done to the middle of the log. That its end was cut off, or all of it written anew, only shows
to somebody who has noted the last hash before: its seal, which every weekly report prints.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Row, select
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
    row.hash = chained(last, row)
    session.add(row)
    session.flush()


def chained(last: str, row: Audit | Row[Any]) -> str:
    """Give the hash of a row that follows the one with the hash `last`."""
    facts = [last, row.at.isoformat(), row.who, row.what, row.subject, row.before, row.after]
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()
