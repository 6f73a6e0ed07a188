"""What counts as right, as missed, and as decided at all, in the week's figures."""

from __future__ import annotations

from datetime import timedelta

import pytest

from core.station.conftest import RULES, SetClock
from core.station.visits import add_event
from fieldmark.station.figures import measure
from fieldmark.station.reviews import Said, review, undo
from fieldmark.station.stations import the_station
from fieldmark.station.store import Store

SAID = (
    (0.9, "confirmed", None, 0),
    (0.8, "relabelled", "cat", 1),
    (0.9, "rejected", None, 2),
    (0.9, "relabelled", "dog", 3),
    (0.9, "unsure", None, 3),  # decides nothing
    (0.7, "confirmed", None, 10),  # of the weeks before
    (0.6, "rejected", None, 34),
    (0.9, "confirmed", None, 40),  # too long ago
    (0.1, "rejected", None, 1),  # audited, without an alarm
    (0.1, "relabelled", "cat", 2),  # audited, and missed
    (0.1, "relabelled", "cat", 12),  # missed in the weeks before
)


def test_decisions_are_counted_by_alarm_by_audit_and_by_week(store: Store, clock: SetClock) -> None:
    with store.writing() as session:
        station = the_station(session)
        station.since = clock() - timedelta(days=60)
        for alarm, verdict, label, days in SAID:
            event = add_event(session, clock() - timedelta(days=days), alarm=alarm)
            event.is_audit = alarm < 0.5
            review(session, Said(event.id, "Ola", verdict, label), RULES, now=clock())  # type: ignore[arg-type]
        taken_back = add_event(session, clock(), alarm=0.9)
        review(session, Said(taken_back.id, "Ola", "confirmed"), RULES, now=clock())
        undo(session, taken_back.id, "Ola", now=clock())
        figures = measure(session, station, end=clock())
    assert (figures.precision.hits, figures.precision.n) == (2, 4)
    assert (figures.precision_before.hits, figures.precision_before.n) == (1, 2)
    assert (figures.audit.hits, figures.audit.n) == (1, 2)
    assert figures.promise.expected == pytest.approx((0.9 + 0.8 + 0.9 + 0.9 + 0.7 + 0.6) / 6)
    assert figures.states == {"confirmed": 1, "relabelled": 3, "rejected": 2, "unsure": 1, "highlighted": 1}
    assert (figures.cameras[0].events, figures.cameras[0].frames) == (8, 0)
