"""What may leave a station, and when."""

from __future__ import annotations

from datetime import timedelta

import pytest

from core.station.conftest import RULES, SetClock
from core.station.visits import add_event
from fieldmark.errors import StationError
from fieldmark.station.desk import Desk
from fieldmark.station.outbox import queue_alert
from fieldmark.station.reviews import Said, queue, review
from fieldmark.station.stages import look_at_gate, may_alert, set_stage, sign_plan
from fieldmark.station.stations import the_station
from fieldmark.station.store import Store
from fieldmark.station.tables import Event

PLAN = {
    "goal": "know of cats at the bird table",
    "action": "somebody goes and looks",
    "responsible": "Kari",
    "fears": {"cats are missed": "misses in the blind audit"},
}


def raise_stage(store: Store, clock: SetClock, to: int) -> None:
    with store.writing() as session:
        station = the_station(session)
        if to == 2:
            sign_plan(session, station, who="chief", now=clock(), **PLAN)  # type: ignore[arg-type]
        set_stage(session, station, to, who="chief", why="test", now=clock())


def add(store: Store, clock: SetClock, *, alarm: float = 0.9, **facts: bool) -> int:
    clock.forward(hours=1)
    with store.writing() as session:
        return add_event(session, clock(), alarm=alarm, **facts).id


def earn_stage_3(store: Store, clock: SetClock) -> None:
    """Twenty alarms that were right, and three hundred audited events without any."""
    clock.forward(hours=1)
    with store.writing() as session:
        for alarm, verdict, n in ((0.9, "confirmed", 20), (0.01, "rejected", 300)):
            for _ in range(n):
                event = add_event(session, clock(), alarm=alarm)
                event.is_audit = alarm < 0.5
                review(session, Said(event.id, "Ola", verdict), RULES, now=clock())  # type: ignore[arg-type]


def test_in_stage_1_a_confirmed_alarm_sends_nothing(store: Store, clock: SetClock) -> None:
    outcome = Desk(store, clock=clock).review(Said(add(store, clock), "Ola", "confirmed"))
    assert outcome.alert_key is None


def test_nothing_leaves_stage_1_without_a_signed_plan(store: Store, clock: SetClock) -> None:
    with store.writing() as session, pytest.raises(StationError, match="signs a plan"):
        set_stage(session, the_station(session), 2, who="chief", why="", now=clock())


def test_a_plan_that_lacks_parts_names_them_all(store: Store, clock: SetClock) -> None:
    empty = {"goal": "g", "action": " ", "responsible": "", "fears": {}}
    with (
        store.writing() as session,
        pytest.raises(StationError, match=r"action.*responsible.*feared failure"),
    ):
        sign_plan(session, the_station(session), who="chief", now=clock(), **empty)  # type: ignore[arg-type]


def test_stages_go_up_one_by_one_and_by_a_person(store: Store, clock: SetClock) -> None:
    with store.writing() as session, pytest.raises(StationError, match="next one up is 2"):
        set_stage(session, the_station(session), 3, who="chief", why="", now=clock())
    with store.writing() as session, pytest.raises(StationError, match="a person with a name"):
        set_stage(session, the_station(session), 2, who=" ", why="", now=clock())


def test_in_stage_2_only_what_a_person_confirmed_leaves(store: Store, clock: SetClock) -> None:
    raise_stage(store, clock, 2)
    first, second, third = (add(store, clock) for _ in range(3))
    desk = Desk(store, clock=clock)
    assert desk.review(Said(first, "Ola", "confirmed")).alert_key is not None
    assert desk.review(Said(second, "Ola", "rejected")).alert_key is None
    with store.writing() as session, pytest.raises(StationError, match="a person confirms first"):
        queue_alert(session, session.get_one(Event, third), now=clock())


def test_what_a_person_recognised_as_the_alarm_leaves_whatever_the_model_said(
    store: Store, clock: SetClock
) -> None:
    raise_stage(store, clock, 2)
    unseen = add(store, clock, alarm=0.1)
    assert Desk(store, clock=clock).review(Said(unseen, "Ola", "relabelled", "cat")).alert_key is not None


def test_stage_3_needs_precision_and_an_audit_and_says_what_is_missing(store: Store, clock: SetClock) -> None:
    raise_stage(store, clock, 2)
    with (
        store.writing() as session,
        pytest.raises(StationError, match=r"No alarm .* reviewed.*No event .* audited"),
    ):
        set_stage(session, the_station(session), 3, who="chief", why="", now=clock())
    earn_stage_3(store, clock)
    with store.reading() as session:
        gate = look_at_gate(session, the_station(session))
    assert (gate.confirmed, gate.reviewed, gate.missed, gate.audited) == (20, 20, 0, 300)
    assert gate.holds
    raise_stage(store, clock, 3)


def test_in_stage_3_a_familiar_alarm_leaves_by_itself_and_an_unfamiliar_one_waits(
    store: Store, clock: SetClock
) -> None:
    raise_stage(store, clock, 2)
    earn_stage_3(store, clock)
    raise_stage(store, clock, 3)
    known, strange = add(store, clock), add(store, clock, unfamiliar=True)
    with store.reading() as session:
        assert may_alert(session, session.get_one(Event, known)) == ""
        assert "a person looks" in may_alert(session, session.get_one(Event, strange))


def test_a_station_whose_figures_no_longer_hold_is_back_in_stage_2_and_stays(
    store: Store, clock: SetClock
) -> None:
    raise_stage(store, clock, 2)
    earn_stage_3(store, clock)
    raise_stage(store, clock, 3)
    desk = Desk(store, clock=clock)
    outcomes = [desk.review(Said(add(store, clock), "Ola", "rejected")) for _ in range(4)]
    assert any("reviewed alarms were right" in " ".join(outcome.fell_back) for outcome in outcomes)
    for _ in range(100):
        desk.review(Said(add(store, clock), "Ola", "confirmed"))
    with store.reading() as session:
        assert the_station(session).stage == 2
        assert look_at_gate(session, the_station(session)).holds


def test_a_review_is_undone_with_its_alert_until_that_has_left(store: Store, clock: SetClock) -> None:
    raise_stage(store, clock, 2)
    desk, event_id = Desk(store, clock=clock), add(store, clock)
    desk.review(Said(event_id, "Ola", "confirmed"))
    desk.undo(event_id, "Ola")
    with store.reading() as session:
        event = session.get_one(Event, event_id)
        assert (event.state, event.reviewed_by, event.human_label) == ("highlighted", None, None)
    assert desk.review(Said(event_id, "Ola", "rejected")).state == "rejected"


def test_two_people_cannot_hold_or_review_one_event(store: Store, clock: SetClock) -> None:
    desk, event_id = Desk(store, clock=clock), add(store, clock)
    assert desk.hold(event_id, "Ola")
    assert not desk.hold(event_id, "Kari")
    with pytest.raises(StationError, match="Ola is looking"):
        desk.review(Said(event_id, "Kari", "confirmed"))
    clock.forward(seconds=121)
    assert desk.hold(event_id, "Kari")
    desk.review(Said(event_id, "Kari", "confirmed"))
    with pytest.raises(StationError, match="Kari has reviewed"):
        desk.review(Said(event_id, "Ola", "rejected"))


def test_events_wait_in_the_order_of_need(store: Store, clock: SetClock) -> None:
    strange = add(store, clock, alarm=0.2, unfamiliar=True)
    add(store, clock, alarm=0.01)
    likely, clear = add(store, clock, alarm=0.7), add(store, clock, alarm=0.99)
    with store.writing() as session:
        audited = add_event(session, clock() + timedelta(hours=1), alarm=0.01)
        audited.is_audit = True
    with store.reading() as session:
        waiting = [event.id for event in queue(session, 1, now=clock())]
    assert waiting[:3] == [clear, likely, strange]
    assert audited.id in waiting[3:]
