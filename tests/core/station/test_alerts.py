"""Alerts leave once each, when they may, over channels that fail on purpose."""

from __future__ import annotations

import contextlib
import hmac
import json
import threading
from collections.abc import Iterator
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import func, select

from core.station.conftest import RULES, SetClock
from core.station.test_stages import PLAN, add, raise_stage
from core.station.visits import add_event
from fieldmark.errors import StationError
from fieldmark.station.channels import ChannelError, Mail, Webhook, channel_of
from fieldmark.station.desk import Desk
from fieldmark.station.notices import note_silences, send_notices
from fieldmark.station.outbox import acknowledge, queue_alert, send_due
from fieldmark.station.reviews import Said
from fieldmark.station.rules import Rules
from fieldmark.station.stages import set_stage, sign_plan
from fieldmark.station.stations import add_station, the_station
from fieldmark.station.store import Store, open_store
from fieldmark.station.tables import Alert, Camera, Delivery, Event

SECRET = "between us"


class Receiver:
    """A real HTTP server that answers as it is told, and keeps what came."""

    def __init__(self) -> None:
        self.answers: list[int] = []
        self.came: list[tuple[dict[str, str], bytes]] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                status = outer.answers.pop(0) if outer.answers else 200
                if status == 200:
                    outer.came.append((dict(self.headers), body))
                self.send_response(status)
                self.end_headers()

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - its base says so
                return

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/alerts"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    server = Receiver()
    yield server
    server.close()


def confirm(store: Store, clock: SetClock) -> str:
    raise_stage(store, clock, 2)
    key = Desk(store, clock=clock).review(Said(add(store, clock), "Ola", "confirmed")).alert_key
    assert key is not None
    return key


def test_a_confirmed_alert_arrives_once_signed_and_names_who_confirmed(
    store: Store, clock: SetClock, receiver: Receiver
) -> None:
    key = confirm(store, clock)
    channels = [Webhook("rangers", receiver.url, SECRET)]
    assert [send_due(store, channels, RULES, clock=clock) for _ in range(3)] == [1, 0, 0]
    ((headers, body),) = receiver.came
    said = json.loads(body)
    assert (said["label"], said["confirmed_by"], said["camera"]) == ("cat", "Ola", "north")
    assert headers["Idempotency-Key"] == said["key"] == key
    t, v1 = (part.split("=")[1] for part in headers["Fieldmark-Signature"].split(","))
    assert v1 == hmac.new(SECRET.encode(), f"{t}.".encode() + body, sha256).hexdigest()


def test_a_channel_that_is_down_is_tried_again_later_and_later(
    store: Store, clock: SetClock, receiver: Receiver
) -> None:
    confirm(store, clock)
    receiver.answers = [500, 503, 200]
    channels = [Webhook("rangers", receiver.url, SECRET)]
    assert send_due(store, channels, RULES, clock=clock) == 0
    assert send_due(store, channels, RULES, clock=clock) == 0  # its time has not come
    clock.forward(seconds=16)
    assert send_due(store, channels, RULES, clock=clock) == 0
    clock.forward(seconds=16)
    assert receiver.answers == [200]
    clock.forward(seconds=15)
    assert send_due(store, channels, RULES, clock=clock) == 1
    with store.reading() as session:
        assert session.scalars(select(Delivery.answer)).all() == ["HTTP 500", "HTTP 503", "HTTP 200"]


def test_one_channel_that_is_down_does_not_make_the_other_send_twice(
    store: Store, clock: SetClock, receiver: Receiver
) -> None:
    confirm(store, clock)
    channels = [Webhook("up", receiver.url, SECRET), Webhook("down", "http://127.0.0.1:9/", SECRET)]
    for _ in range(3):
        send_due(store, channels, RULES, clock=clock)
        clock.forward(minutes=5)
    assert len(receiver.came) == 1


def test_an_alert_that_nobody_acknowledges_escalates_once(
    store: Store, clock: SetClock, receiver: Receiver
) -> None:
    confirm(store, clock)
    everybody = Webhook("everybody", receiver.url, SECRET, is_escalation=True)
    channels = [Webhook("rangers", receiver.url, SECRET), everybody]
    send_due(store, channels, RULES, clock=clock)
    clock.forward(seconds=RULES.escalate_s + 1)
    for _ in range(3):
        send_due(store, channels, RULES, clock=clock)
    assert len(receiver.came) == 2


def test_an_acknowledged_alert_does_not_escalate(store: Store, clock: SetClock, receiver: Receiver) -> None:
    key = confirm(store, clock)
    channels = [
        Webhook("rangers", receiver.url, SECRET),
        Webhook("all", receiver.url, SECRET, is_escalation=True),
    ]
    send_due(store, channels, RULES, clock=clock)
    with store.writing() as session:
        acknowledge(session, key, "Kari", now=clock())
    clock.forward(hours=2)
    send_due(store, channels, RULES, clock=clock)
    assert len(receiver.came) == 1


def test_an_alert_too_old_to_be_of_use_expires(store: Store, clock: SetClock) -> None:
    confirm(store, clock)
    channels = [Webhook("down", "http://127.0.0.1:9/", SECRET)]
    clock.forward(seconds=RULES.expire_s + 1)
    send_due(store, channels, RULES, clock=clock)
    with store.reading() as session:
        assert session.scalar(select(Alert.state)) == "expired"


def test_a_mail_server_that_is_down_is_a_channel_error() -> None:
    mail = Mail("mail", "127.0.0.1", 9, "a@example.org", ("b@example.org",))
    with pytest.raises(ChannelError, match="refused"):
        mail.send({"label": "cat", "camera": "north"}, "key")


@pytest.mark.parametrize("wrong", [{"kind": "pigeon"}, {"kind": "webhook", "name": "x"}])
def test_a_channel_that_cannot_be_used_is_refused(wrong: dict[str, str]) -> None:
    with pytest.raises(StationError):
        channel_of(wrong)


@pytest.mark.parametrize(
    ("rules", "fault"),
    [({"audit_share": 0.01}, "audit_share"), ({"alarm": ("cat",), "blank": ("cat",)}, "alarm and be")],
)
def test_rules_that_cannot_be_meant_are_refused(rules: dict[str, Any], fault: str) -> None:
    with pytest.raises(StationError, match=fault):
        Rules(**rules)


class Careless(RuleBasedStateMachine):
    """Somebody presses every button in any order; nothing leaves that may not."""

    ids = Bundle("ids")

    @initialize()
    def open(self) -> None:
        import tempfile
        from pathlib import Path

        self.folder = tempfile.TemporaryDirectory()
        self.clock = SetClock()
        self.store = open_store(Path(self.folder.name), create=True)
        with self.store.writing() as session:
            add_station(session, "s", zone="UTC", rules=RULES, now=self.clock())
        self.desk = Desk(self.store, clock=self.clock)
        self.sent: list[dict[str, Any]] = []
        outer = self

        class Recorder:
            name, is_escalation, takes = "recorder", False, "both"

            def send(self, payload: dict[str, Any], key: str) -> str:
                outer.sent.append(dict(payload))
                return "kept"

        self.channel = Recorder()

    @rule(target=ids, alarm=st.sampled_from([0.01, 0.4, 0.6, 0.99]), unfamiliar=st.booleans())
    def visit(self, alarm: float, unfamiliar: bool) -> int:
        self.clock.forward(hours=1)
        with self.store.writing() as session:
            return add_event(session, self.clock(), alarm=alarm, unfamiliar=unfamiliar).id

    @rule(
        event=ids,
        who=st.sampled_from(["Ola", "Kari", ""]),
        verdict=st.sampled_from(["confirmed", "rejected", "relabelled", "unsure", "sent"]),
        label=st.sampled_from([None, "cat", "nothing"]),
    )
    def review(self, event: int, who: str, verdict: Any, label: str | None) -> None:
        self._try(lambda: self.desk.review(Said(event, who, verdict, label)))

    @rule(event=ids)
    def undo(self, event: int) -> None:
        self._try(lambda: self.desk.undo(event, "Ola"))

    @rule(event=ids)
    def queue_it_anyway(self, event: int) -> None:
        def push() -> None:
            with self.store.writing() as session:
                queue_alert(session, session.get_one(Event, event), now=self.clock())

        self._try(push)

    @rule(to=st.integers(0, 4), who=st.sampled_from(["chief", ""]), signs=st.booleans())
    def stage(self, to: int, who: str, signs: bool) -> None:
        def move() -> None:
            with self.store.writing() as session:
                station = the_station(session)
                if signs:
                    sign_plan(session, station, who=who, now=self.clock(), **PLAN)  # type: ignore[arg-type]
                set_stage(session, station, to, who=who, why="", now=self.clock())

        self._try(move)

    @rule(hours=st.sampled_from([1, 30, 100]), is_heard=st.booleans())
    def cameras_fall_silent(self, hours: int, is_heard: bool) -> None:
        self.clock.forward(hours=hours)
        with self.store.writing() as session:
            for camera in session.scalars(select(Camera)):
                camera.heard_at = self.clock() if is_heard else camera.heard_at or self.clock()
        note_silences(self.store, now=self.clock())
        send_notices(self.store, [self.channel], RULES, clock=self.clock)  # type: ignore[list-item]

    @rule()
    def send(self) -> None:
        self.clock.forward(minutes=1)
        send_due(self.store, [self.channel], RULES, clock=self.clock)  # type: ignore[list-item]

    @invariant()
    def nothing_left_that_may_not(self) -> None:
        if not hasattr(self, "store"):
            return
        with self.store.reading() as session:
            for said in self._sightings():
                event = session.get_one(Event, said["event"])
                assert said["stage"] >= 2
                assert said["confirmed_by"] in ("Ola", "Kari")
                assert event.human_label == "cat"
            assert session.scalar(select(func.count(Alert.id))) == len(
                session.scalars(select(Alert.event_id).distinct()).all()
            )
        sightings = self._sightings()
        assert len({said["event"] for said in sightings}) == len(sightings)
        notices = [said for said in self.sent if said not in sightings]
        assert len({said["key"] for said in notices}) == len(notices)
        assert not any({"event", "label", "model_label", "started_at"} & set(said) for said in notices)

    def _sightings(self) -> list[dict[str, Any]]:
        return [said for said in self.sent if said["kind"] == "sighting"]

    def teardown(self) -> None:
        if hasattr(self, "store"):
            self.store.close()
            self.folder.cleanup()

    def _try(self, act: Any) -> None:
        with contextlib.suppress(StationError):
            act()


def test_whatever_anybody_presses_nothing_leaves_that_may_not() -> None:
    run_state_machine_as_test(
        Careless,
        settings=settings(
            max_examples=15, stateful_step_count=25, deadline=None, suppress_health_check=list(HealthCheck)
        ),
    )
