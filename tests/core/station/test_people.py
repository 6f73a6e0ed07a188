"""Who may do what at a station, and that core is where it is refused."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import select
from typer.testing import CliRunner

from core.station.conftest import RULES, SetClock
from core.station.test_stages import PLAN
from core.station.visits import add_event
from fieldmark.cli.main import cli
from fieldmark.errors import StationError
from fieldmark.station.board import look, may_show
from fieldmark.station.client import DeskClient
from fieldmark.station.desk import Desk
from fieldmark.station.door import open_door
from fieldmark.station.logcheck import check_log
from fieldmark.station.office import Office
from fieldmark.station.people import MOST_TRIES, role_of
from fieldmark.station.reviews import Said
from fieldmark.station.stations import the_station
from fieldmark.station.store import Store
from fieldmark.station.tables import Audit, Event, Frame, Person, Review
from fieldmark.station.worker import Worker

PIN = "123 456"


@pytest.fixture
def office(store: Store, clock: SetClock) -> Office:
    """A station with a chief, a ranger and a viewer."""
    opened = Office(store, clock=clock)
    for name, role in (("Cleo", "chief"), ("Ravi", "ranger"), ("Vera", "viewer")):
        opened.add_person("Cleo", name, role, PIN)
    return opened


@pytest.fixture
def event_id(store: Store, clock: SetClock) -> int:
    with store.writing() as session:
        return add_event(session, clock(), alarm=0.9).id


@pytest.fixture
def desk(store: Store, office: Office, clock: SetClock) -> Iterator[DeskClient]:
    worker = Worker(store, clock=clock)
    with open_door(store, worker.ingest, Desk(store, clock=clock)):
        yield DeskClient(store.folder)


def test_while_nobody_is_entered_any_name_may_decide(store: Store, clock: SetClock, event_id: int) -> None:
    Desk(store, clock=clock).review(Said(event_id, "Anybody", "confirmed"))
    with store.reading() as session:
        assert role_of(session, 1, "Anybody") == "chief"
        assert role_of(session, 1, " ") is None


def test_the_first_one_entered_is_a_chief_and_the_last_chief_cannot_go(store: Store, clock: SetClock) -> None:
    office = Office(store, clock=clock)
    with pytest.raises(StationError, match="has to be a chief"):
        office.add_person("Ravi", "Ravi", "ranger", PIN)
    office.add_person("Cleo", "Cleo", "chief", PIN)
    for refused in (
        lambda: office.remove_person("Cleo", "Cleo"),
        lambda: office.add_person("Cleo", "Cleo", "ranger", PIN),
    ):
        with pytest.raises(StationError, match="no other"):
            refused()
    office.add_person("Cleo", "Carl", "chief", PIN)
    office.remove_person("Carl", "Cleo")
    with store.reading() as session:
        assert role_of(session, 1, "Cleo") is None


def test_an_entry_that_lacks_something_says_all_of_it(office: Office) -> None:
    with pytest.raises(StationError, match=r"name is missing; 'king' is none.*at least 6"):
        office.add_person("Cleo", " ", "king", "1")


ACTS: dict[str, tuple[str, Callable[[Store, SetClock, str, int], object]]] = {
    "review": ("ranger", lambda s, c, who, e: Desk(s, clock=c).review(Said(e, who, "confirmed"))),
    "hold": ("ranger", lambda s, c, who, e: Desk(s, clock=c).hold(e, who)),
    "log": ("ranger", lambda s, c, who, _: Desk(s, clock=c).log(1, who, "bear", seen_at=c())),
    "plan": ("chief", lambda s, c, who, _: Office(s, clock=c).sign_plan(who, **PLAN)),  # type: ignore[arg-type]
    "stage": ("chief", lambda s, c, who, _: Office(s, clock=c).set_stage(who, 1, why="")),
    "rules": ("chief", lambda s, c, who, _: Office(s, clock=c).change_rules(who, {"alarm_min": 0.4})),
    "frames": ("chief", lambda s, c, who, e: Office(s, clock=c).open_frames(who, e, why="a theft")),
    "enter": ("chief", lambda s, c, who, _: Office(s, clock=c).add_person(who, "New", "viewer", PIN)),
    "remove": ("chief", lambda s, c, who, _: Office(s, clock=c).remove_person(who, "Vera")),
}  # fmt: skip


@pytest.mark.parametrize("act", ACTS)
@pytest.mark.parametrize("who", ["Cleo", "Ravi", "Vera", "Nobody", ""])
def test_core_lets_everybody_do_what_their_role_allows_and_no_more(
    store: Store, office: Office, clock: SetClock, event_id: int, act: str, who: str
) -> None:
    needed, does = ACTS[act]
    allowed = {"ranger": {"Cleo", "Ravi"}, "chief": {"Cleo"}}[needed]
    if who in allowed:
        does(store, clock, who, event_id)
        return
    with store.reading() as session:
        before = len(session.scalars(select(Audit)).all())
    with pytest.raises(StationError) as refused:
        does(store, clock, who, event_id)
    assert refused.value.code in ("role", "no_name", "bad_entry", "bad_plan")
    with store.reading() as session:
        assert len(session.scalars(select(Audit)).all()) == before
        assert session.scalars(select(Review)).all() == []


def test_an_undo_takes_a_ranger(store: Store, office: Office, clock: SetClock, event_id: int) -> None:
    desk = Desk(store, clock=clock)
    desk.review(Said(event_id, "Ravi", "confirmed"))
    with pytest.raises(StationError, match="takes a ranger"):
        desk.undo(event_id, "Vera")


def test_a_name_alone_decides_nothing_once_people_are_entered(desk: DeskClient, event_id: int) -> None:
    with pytest.raises(StationError, match="Sign in first"):
        desk.review(Said(event_id, "Cleo", "confirmed"))
    desk.sign_in("Ravi", PIN)
    with pytest.raises(StationError, match="Sign in first"):
        desk.review(Said(event_id, "Cleo", "confirmed"))
    assert desk.review(Said(event_id, "Ravi", "confirmed")).state == "confirmed"
    desk.sign_out()
    with pytest.raises(StationError, match="Sign in first"):
        desk.undo(event_id, "Ravi")


def test_a_shift_ends_and_so_does_that_of_somebody_who_is_let_go(
    desk: DeskClient, office: Office, clock: SetClock, event_id: int
) -> None:
    desk.sign_in("Ravi", PIN)
    clock.forward(hours=13)
    with pytest.raises(StationError, match="Sign in first"):
        desk.review(Said(event_id, "Ravi", "confirmed"))
    desk.sign_in("Ravi", PIN)
    office.remove_person("Cleo", "Ravi")
    with pytest.raises(StationError, match="Sign in first"):
        desk.review(Said(event_id, "Ravi", "confirmed"))


def test_guessing_a_pin_is_stopped(office: Office, clock: SetClock) -> None:
    for _ in range(MOST_TRIES):
        with pytest.raises(StationError, match="do not fit"):
            office.sign_in("Ravi", "000000")
    with pytest.raises(StationError, match="Wait a minute"):
        office.sign_in("Ravi", PIN)
    clock.forward(minutes=2)
    assert office.sign_in("Ravi", PIN)


def test_a_pin_is_not_kept_as_it_is(store: Store, office: Office) -> None:
    with store.reading() as session:
        kept = session.scalars(select(Person.pin_hash)).all()
    assert len(set(kept)) == 3  # the same PIN, salted
    assert not any(PIN in one for one in kept)


def test_frames_of_a_person_are_shown_to_the_chief_who_asked_and_for_a_while(
    store: Store, office: Office, clock: SetClock, event_id: int
) -> None:
    with store.writing() as session:
        session.get_one(Event, event_id).label = "person"
        frame = Frame(
            camera_id=1, event_id=event_id, sha256="0" * 64, name="a", source="spool", received_at=clock(),
            at=clock(), clock="camera", width=1, height=1, is_night=False, brightness=0, sharpness=0, look="",
        )  # fmt: skip
        session.add(frame)
        session.flush()
        frame_id = frame.id

    def seen(who: str) -> bool:
        with store.reading() as session:
            return may_show(session, frame_id, who=who, now=clock())

    assert not any(seen(who) for who in ("Cleo", "Ravi", ""))
    with pytest.raises(StationError, match="a reason"):
        office.open_frames("Cleo", event_id, why=" ")
    office.open_frames("Cleo", event_id, why="a theft was reported")
    assert (seen("Cleo"), seen("Ravi"), seen("")) == (True, False, False)
    with store.reading() as session:
        (card,) = look(session, the_station(session), who="Cleo", now=clock()).queue
        assert not card.is_withheld
        (row,) = session.scalars(select(Audit).where(Audit.what == "person frames")).all()
        assert (row.who, row.after["why"]) == ("Cleo", "a theft was reported")
        assert check_log(session).is_whole
    clock.forward(minutes=61)
    assert not seen("Cleo")


def test_only_some_rules_can_be_changed_at_the_dashboard(office: Office, store: Store) -> None:
    with pytest.raises(StationError, match="cannot be changed here: channels"):
        office.change_rules("Cleo", {"channels": []})
    with pytest.raises(StationError, match=r"between 0\.05 and 1"):
        office.change_rules("Cleo", {"audit_share": 0.0})
    office.change_rules("Cleo", {"alarm_min": 0.4})
    with store.reading() as session:
        assert the_station(session).rules["alarm_min"] == 0.4
        assert the_station(session).rules["alarm"] == list(RULES.alarm)


def test_people_are_entered_from_the_command_line(store: Store, tmp_path: Path) -> None:
    store.close()
    arguments = ["station", "person", str(store.folder), "Cleo", "--who", "Cleo", "--role", "chief", "--json"]
    done = CliRunner().invoke(cli, arguments, env={"FIELDMARK_PIN": PIN})
    assert done.exit_code == 0, done.output
    assert '"chief"' in done.output
