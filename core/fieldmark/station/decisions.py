"""What people decided about the events of some days: how many alarms were right, and what the audit found. Reads only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Row, func, select
from sqlalchemy.orm import Session

from fieldmark.station.rules import Rules
from fieldmark.station.tables import Event
from fieldmark.stats import Interval, clopper_pearson, wilson
from fieldmark.stats.drift import PrecisionCheck

DECIDED = ("confirmed", "rejected", "relabelled")
"""States of events that a person decided about; "unsure" decides nothing."""


@dataclass(frozen=True)
class Proportion:
    """So many of so many, with its 95 % interval."""

    hits: int
    n: int

    @property
    def interval(self) -> Interval:
        """Wilson's."""
        return wilson(self.hits, self.n)


@dataclass(frozen=True)
class Decided:
    """What people decided about."""

    now: Proportion
    """Alarms of the window that were right."""
    before: Proportion
    """The same in the weeks before."""
    audit: Proportion
    """Audited events of the window without alarm in which people found one."""
    promised: float
    """Sum of how sure the model was of the alarms, now and before."""

    @property
    def promise(self) -> PrecisionCheck:
        """How many alarms the model expected to be right, beside what people found."""
        hits, n = self.now.hits + self.before.hits, self.now.n + self.before.n
        return PrecisionCheck(self.promised / n if n else 0.0, hits, n, clopper_pearson(hits, n))


def count_decisions(
    session: Session,
    cameras: Sequence[int],
    rules: Rules,
    baseline: datetime,
    begin: datetime,
    end: datetime,
) -> Decided:
    """Count what people decided about: the alarms, and what the audit drew of the days from `begin` on."""
    alarm = Event.alarm >= rules.alarm_min
    now = _facts(session, cameras, rules, begin, end)
    before = _facts(session, cameras, rules, baseline, begin, alarm)
    alarms, old = [row for row in now if row.alarm], [row for row in before if row.alarm]
    drawn = [row for row in now if row.is_audit and not row.alarm]
    promised = sum(row.promised for row in (*alarms, *old))
    return Decided(_share(alarms), _share(old), _share(drawn), promised)


def _facts(
    session: Session,
    cameras: Sequence[int],
    rules: Rules,
    begin: datetime,
    end: datetime,
    *only: ColumnElement[bool],
) -> Sequence[Row[Any]]:
    """Count the events of a span that people decided about, by what they are; an index says which those are."""
    facts = (
        select(
            (Event.alarm >= rules.alarm_min).label("alarm"),
            Event.is_audit,
            func.coalesce(Event.human_label.in_(rules.alarm), False).label("said"),
            Event.alarm.label("prob"),
        )
        .where(
            Event.camera_id.in_(cameras),
            Event.started_at >= begin,
            Event.started_at < end,
            func.coalesce(Event.state, "").in_(DECIDED),  # else an index gives all ever decided
            *only,
        )
        .subquery()
    )
    keys = (facts.c.alarm, facts.c.is_audit, facts.c.said)
    sums = (func.count().label("n"), func.sum(facts.c.prob).label("promised"))
    return session.execute(select(*keys, *sums).group_by(*keys)).all()


def _share(rows: Sequence[Row[Any]]) -> Proportion:
    return Proportion(sum(row.n for row in rows if row.said), sum(row.n for row in rows))
