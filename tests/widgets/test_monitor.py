"""The dashboard of a station: what it shows, and that what people decide reaches the one writer."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from sqlalchemy import select

from core.station.conftest import RULES, SetClock, picture
from core.station.test_stages import PLAN
from fieldmark.account import Account
from fieldmark.errors import StationError
from fieldmark.predictor import Predictor
from fieldmark.station.desk import Desk
from fieldmark.station.door import ENDPOINT, Door, open_door
from fieldmark.station.office import Office
from fieldmark.station.stages import set_stage, sign_plan
from fieldmark.station.stations import add_station, camera_named, new_token, the_station
from fieldmark.station.store import Store, open_store
from fieldmark.station.tables import Alert, Event, Frame, Review
from fieldmark.station.worker import Worker
from fieldmark_widgets import Monitor
from widgets.messages import receive, sent


@pytest.fixture
def clock() -> SetClock:
    return SetClock()


@pytest.fixture
def store(tmp_path: Path, clock: SetClock, cat_model: Path) -> Iterator[Store]:
    """A station that has seen a cat at one camera, and nothing at another."""
    opened = open_store(tmp_path / "station", create=True)
    with opened.writing() as session:
        add_station(session, "Lake Camp", zone="UTC", rules=RULES, now=clock())
    worker = Worker(opened, models=(Predictor.load(cat_model),), clock=clock, still_s=0)
    for camera, kind in (("north", "cat"), ("south", "gravel")):
        (worker.spool.folder / camera).mkdir(parents=True)
        (worker.spool.folder / camera / "a.jpg").write_bytes(picture(kind))
    worker.round()
    yield opened
    opened.close()


@pytest.fixture
def door(store: Store, clock: SetClock) -> Iterator[Door]:
    worker = Worker(store, clock=clock)
    with open_door(store, worker.ingest, Desk(store, clock=clock)) as opened:
        yield opened


@pytest.fixture
def monitor(store: Store, clock: SetClock) -> Iterator[Monitor]:
    shown = Monitor(store.folder, clock=clock, who="Ola")
    yield shown
    shown.close()


def test_without_a_station_it_says_how_to_begin(tmp_path: Path) -> None:
    monitor = Monitor(tmp_path / "nothing")
    assert monitor.state == "empty"
    assert "station init" in monitor._strings["empty_command"]


def test_the_sighting_is_first_and_its_camera_is_red(monitor: Monitor) -> None:
    assert monitor.state == "ready"
    assert [(tile["name"], tile["urgency"]) for tile in monitor._wall] == [("north", "red"), ("south", "ok")]
    card = monitor._queue[0]
    assert (card["camera"], card["chip"], card["label"]) == ("north", "Sighting", "cat")
    assert "cat" in card["text"]


def test_times_are_those_of_the_station(store: Store, monitor: Monitor) -> None:
    with store.writing() as session:
        the_station(session).zone = "Asia/Kolkata"
    receive(monitor, {"kind": "look"})
    assert monitor._queue[0]["title"] == "north, 01 Jun 17:30"  # noon, UTC


def test_the_blind_audit_does_not_tell_what_the_model_says(store: Store, monitor: Monitor) -> None:
    with store.writing() as session:
        for event in session.scalars(select(Event).where(Event.state == "nothing")):
            event.is_audit = True
    receive(monitor, {"kind": "look"})
    card = monitor._queue[-1]
    assert (card["camera"], card["label"], card["prob"], card["chip"]) == ("south", "", 0.0, "Check")


def test_a_review_goes_through_the_worker_and_the_next_event_comes(
    store: Store, monitor: Monitor, door: Door
) -> None:
    event_id = monitor._queue[0]["event_id"]
    receive(monitor, {"kind": "review", "event": event_id, "verdict": "confirmed"})
    assert monitor.problem == ""
    assert "confirmed" in monitor._did
    assert event_id not in [card["event_id"] for card in monitor._queue]
    with store.reading() as session:
        assert session.scalars(select(Review.who)).all() == ["Ola"]
    receive(monitor, {"kind": "undo"})
    assert event_id in [card["event_id"] for card in monitor._queue]


def test_without_a_worker_it_says_what_to_start_and_nothing_is_lost(monitor: Monitor) -> None:
    receive(monitor, {"kind": "review", "event": monitor._queue[0]["event_id"], "verdict": "confirmed"})
    assert "fieldmark station run" in monitor.problem
    assert len(monitor._queue) >= 1


def test_without_a_model_events_that_look_alike_are_named_at_once_and_undone_at_once(
    store: Store, monitor: Monitor, door: Door
) -> None:
    with store.writing() as session:
        for event in session.scalars(select(Event)):
            event.state, event.reason, event.alike, event.label = "highlighted", "unsure", 3, None
    receive(monitor, {"kind": "look"})
    card = monitor._queue[0]
    assert (len(card["alike"]), "look like it" in card["text"]) == (1, True)
    receive(
        monitor,
        {
            "kind": "review",
            "event": card["event_id"],
            "verdict": "relabelled",
            "label": "hare",
            "alike": True,
        },
    )
    assert (monitor.problem, monitor._queue) == ("", [])
    assert "And 1 that look like it" in monitor._did
    assert "hare" in monitor._station["vocab"]
    with store.reading() as session:
        assert session.scalars(select(Event.human_label)).all() == ["hare", "hare"]
    receive(monitor, {"kind": "undo"})
    assert len(monitor._queue) == 2


def test_once_people_are_entered_a_typed_name_decides_nothing_and_a_pin_does(
    store: Store, monitor: Monitor, door: Door
) -> None:
    receive(
        monitor,
        {"kind": "office", "act": "enter", "said": {"name": "Cleo", "role": "chief", "pin": "123456"}},
    )
    assert monitor.problem == ""
    receive(monitor, {"kind": "look"})
    assert monitor._me == {"entered": ["Cleo"], "name": "", "role": ""}
    event = monitor._queue[0]["event_id"]
    receive(monitor, {"kind": "review", "event": event, "verdict": "confirmed"})
    assert "Say who you are" in monitor.problem or "name" in monitor.problem
    receive(monitor, {"kind": "sign_in", "name": "Cleo", "pin": "wrong!"})
    assert "do not fit" in monitor.problem
    receive(monitor, {"kind": "sign_in", "name": "Cleo", "pin": "123456"})
    token = sent(monitor)[-1]["token"]
    assert monitor._me == {"entered": ["Cleo"], "name": "Cleo", "role": "chief"}
    receive(monitor, {"kind": "sign_out"})
    assert monitor._me["name"] == ""
    receive(monitor, {"kind": "resume", "token": token})
    assert monitor._me["name"] == ""  # a shift that was ended does not come back
    receive(monitor, {"kind": "sign_in", "name": "Cleo", "pin": "123456"})
    receive(monitor, {"kind": "review", "event": event, "verdict": "confirmed"})
    assert monitor.problem == ""
    with store.reading() as session:
        assert session.scalars(select(Review.who)).all() == ["Cleo"]


def test_the_office_signs_a_plan_and_moves_the_station_and_says_what_is_missing(
    store: Store, monitor: Monitor, door: Door
) -> None:
    receive(monitor, {"kind": "office", "act": "look", "said": {}})
    assert "No plan is signed" in monitor._office["blockers"][0]
    receive(monitor, {"kind": "office", "act": "stage", "said": {"to": 2, "why": ""}})
    assert "signs a plan" in monitor.problem
    receive(
        monitor,
        {
            "kind": "office",
            "act": "plan",
            "said": {"goal": "know of cats", "action": "", "responsible": "Ola", "fears": {}},
        },
    )
    assert "an action" in monitor.problem
    plan = {
        "goal": "know of cats",
        "action": "Ola looks",
        "responsible": "Ola",
        "fears": {"missed": "the audit"},
    }
    receive(monitor, {"kind": "office", "act": "plan", "said": plan})
    receive(
        monitor,
        {
            "kind": "office",
            "act": "stage",
            "said": {"to": 2, "why": "a good month", "token": "x", "who": "Eve"},
        },
    )
    assert (monitor.problem, monitor._office["stage"]) == ("", 2)
    assert monitor._office["plan"]["signed_by"] == "Ola"
    receive(monitor, {"kind": "office", "act": "stage", "said": {"to": 3, "why": ""}})
    assert "reviewed yet" in monitor.problem


@pytest.mark.parametrize(
    "wrong",
    [
        {"kind": "review", "event": "1; DROP TABLE event", "verdict": "confirmed"},
        {"kind": "review", "event": 1, "verdict": "sent"},
        {"kind": "review", "event": 10**6, "verdict": "confirmed"},
        {"kind": "review"},
    ],
)
def test_what_no_page_of_ours_sends_changes_nothing(
    store: Store, monitor: Monitor, door: Door, wrong: dict[str, object]
) -> None:
    receive(monitor, wrong)
    assert monitor.problem != ""
    with store.reading() as session:
        assert session.scalars(select(Review.id)).all() == []


def test_a_frame_is_sent_without_metadata_and_that_of_a_person_is_withheld(
    store: Store, monitor: Monitor
) -> None:
    with store.reading() as session:
        frames = {frame.camera_id: frame.id for frame in session.scalars(select(Frame))}
    receive(monitor, {"kind": "frame", "id": frames[1], "large": True})
    assert sent(monitor)[-1]["kind"] == "frame"
    with store.writing() as session:
        session.scalars(select(Event).where(Event.camera_id == 1)).one().human_label = "person"
    receive(monitor, {"kind": "frame", "id": frames[1], "large": True})
    receive(monitor, {"kind": "frame", "id": 10**9, "large": False})
    assert [message["kind"] for message in sent(monitor)[-2:]] == ["withheld", "withheld"]


# --- The door: edge devices and dashboards ------------------------------------------------------------------


def test_an_edge_device_hands_frames_in_with_its_cameras_token(
    store: Store, door: Door, clock: SetClock
) -> None:
    with store.writing() as session:
        token = new_token(camera_named(session, the_station(session), "edge", now=clock()))
    headers = {"Authorization": f"Bearer {token}"}

    def post(data: bytes, **other: dict[str, str]) -> httpx.Response:
        return httpx.post(
            f"{door.url}/frames/a.jpg", content=data, headers=other.get("headers", headers), timeout=60
        )

    assert [post(picture("cat", number=7)).status_code for _ in range(2)] == [201, 409]
    refused = post(b"<html>")
    assert (refused.status_code, refused.json()["error"]["code"]) == (422, "format_not_allowed")
    assert post(b"x", headers={"Authorization": "Bearer guess"}).status_code == 403


def test_nobody_without_the_secret_decides_anything(store: Store, door: Door) -> None:
    answer = httpx.post(
        f"{door.url}/desk/review", json={"event_id": 1, "who": "x", "verdict": "confirmed"}, timeout=60
    )
    assert answer.status_code == 403
    assert httpx.get(f"{door.url}/live").status_code == 200
    assert httpx.post(f"{door.url}/desk/review", content=b"x" * 100_000, timeout=60).status_code == 403


def test_the_secret_is_for_the_owner_of_the_folder_and_goes_with_the_worker(store: Store, door: Door) -> None:
    path = store.folder / ENDPOINT
    assert path.stat().st_mode & 0o077 == 0
    assert json.loads(path.read_text("utf-8"))["secret"] == door.secret


def test_an_account_of_the_server_decides_with_its_name_and_no_more_than_its_role(
    store: Store, clock: SetClock, door: Door
) -> None:
    viewer = Monitor(store.folder, account=Account("Vera", "viewer"), clock=clock)
    viewer.who = "Kari"  # what a page claims does not count
    receive(viewer, {"kind": "look"})
    assert viewer._me == {"entered": [], "name": "Vera", "role": "viewer", "is_account": True}
    event = viewer._queue[0]["event_id"]
    receive(viewer, {"kind": "review", "event": event, "verdict": "confirmed"})
    assert viewer.problem == "This takes a ranger; Vera is a viewer."
    ranger = Monitor(store.folder, account=Account("Rune", "ranger"), clock=clock)
    receive(ranger, {"kind": "office", "act": "stage", "said": {"to": 2, "why": "x"}})
    assert ranger.problem == "This takes a chief; Rune is a ranger."
    receive(ranger, {"kind": "review", "event": event, "verdict": "confirmed"})
    assert ranger.problem == ""
    with store.reading() as session:
        assert session.scalars(select(Review.who)).all() == ["Rune"]
    viewer.close()
    ranger.close()


def test_on_a_server_with_accounts_the_stations_own_list_of_people_is_not_asked(
    store: Store, clock: SetClock, door: Door
) -> None:
    Office(store, clock=clock).add_person("Cleo", "Cleo", "chief", "123456")
    ranger = Monitor(store.folder, account=Account("Rune", "ranger"), clock=clock)
    assert (ranger._me["name"], ranger._me["role"], ranger._me["is_account"]) == ("Rune", "ranger", True)
    receive(ranger, {"kind": "hold", "event": ranger._queue[0]["event_id"]})
    receive(ranger, {"kind": "review", "event": ranger._queue[0]["event_id"], "verdict": "confirmed"})
    assert ranger.problem == ""
    receive(ranger, {"kind": "office", "act": "stage", "said": {"to": 2, "why": "x"}})
    assert ranger.problem == "This takes a chief; Rune is a ranger."
    with pytest.raises(StationError, match="Cleo is not entered here"):
        ranger.desk.ask("undo", "Cleo", event_id=1)  # an account decides in its own name only
    ranger.close()
    with store.reading() as session:
        assert session.scalars(select(Review.who)).all() == ["Rune"]


def test_an_account_that_is_none_is_refused(store: Store, door: Door) -> None:
    for account in ({"name": "Rune", "role": "king"}, {"name": " ", "role": "chief"}, "Rune"):
        answer = httpx.post(
            f"{door.url}/desk/hold",
            json={"event_id": 1, "who": "Rune", "account": account},
            headers={"Authorization": f"Bearer {door.secret}"},
            timeout=60,
        )
        assert (answer.status_code, answer.json()["error"]["code"]) == (400, "bad_request")


def test_what_somebody_saw_is_written_down_and_counted_in_the_week(
    store: Store, monitor: Monitor, door: Door, clock: SetClock
) -> None:
    said = {
        "kind": "log",
        "label": "cat",
        "seen_at": clock().isoformat(),
        "camera": "south",
        "note": "<b>grey</b>",
    }
    receive(monitor, said)
    assert (monitor.problem, monitor._logged) == ("", "Written down: cat.")
    assert any(
        "People saw 1 visit near a camera, 1 of them without an alarm" in one["text"]
        for one in monitor._figures
    )
    receive(monitor, {**said, "camera": "nowhere"})
    assert "no camera 'nowhere'" in monitor.problem
    receive(monitor, {**said, "label": " "})
    assert "what was seen" in monitor.problem
    receive(monitor, {**said, "seen_at": "yesterday"})
    assert "lacks something" in monitor.problem


def test_an_alert_that_left_waits_for_somebody_who_has_it(
    store: Store, monitor: Monitor, door: Door, clock: SetClock
) -> None:
    with store.writing() as session:
        sign_plan(session, the_station(session), who="Cleo", now=clock(), **PLAN)  # type: ignore[arg-type]
        set_stage(session, the_station(session), 2, who="Cleo", why="", now=clock())
    receive(monitor, {"kind": "review", "event": monitor._queue[0]["event_id"], "verdict": "confirmed"})
    (alert,) = monitor._alerts
    assert (alert["text"], alert["open"]) == ("cat at north, less than a minute ago: on its way.", False)
    with store.writing() as session:
        session.scalars(select(Alert)).one().state = "sent"
    receive(monitor, {"kind": "look"})
    assert monitor._alerts[0]["open"]
    receive(monitor, {"kind": "have", "key": alert["key"]})
    assert monitor._alerts[0]["text"] == "cat at north, less than a minute ago: Ola has it."
    receive(monitor, {"kind": "have", "key": "guess"})
    assert "no such alert" in monitor.problem
