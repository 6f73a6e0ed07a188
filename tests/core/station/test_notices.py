"""A camera that falls silent is told of once, and that it is heard again; never what a camera saw."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from core.station.conftest import RULES, SetClock
from core.station.test_alerts import SECRET, Receiver
from core.station.visits import add_event
from fieldmark.errors import StationError
from fieldmark.station.board import look
from fieldmark.station.channels import Webhook
from fieldmark.station.notices import note_silences, send_notices
from fieldmark.station.outbox import send_due
from fieldmark.station.report import write_report
from fieldmark.station.rules import Rules
from fieldmark.station.silence import DEAD
from fieldmark.station.stations import camera_named, set_rules, the_station
from fieldmark.station.store import Store
from fieldmark.station.tables import Notice, Silence
from fieldmark.station.worker import Worker


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    server = Receiver()
    yield server
    server.close()


def hear(store: Store, clock: SetClock, *cameras: str) -> None:
    """Let cameras be heard now; they have hung for a month."""
    with store.writing() as session:
        for name in cameras:
            camera = camera_named(session, the_station(session), name, now=clock() - timedelta(days=30))
            camera.heard_at = clock()


class Watch:
    """A station that is listened to, and a channel for notices."""

    def __init__(self, store: Store, clock: SetClock, receiver: Receiver, **rules: Any) -> None:
        self.store, self.clock, self.receiver = store, clock, receiver
        self.channels = [Webhook("office", receiver.url, SECRET, takes="notices")]
        self.rules = replace(RULES, **rules)

    def after(self, **time: float) -> list[str]:
        """What has been received once so much time has passed, in words."""
        self.clock.forward(**time)
        note_silences(self.store, now=self.clock())
        send_notices(self.store, self.channels, self.rules, clock=self.clock)
        return [f"{said['kind']}: {said['camera']}" for said in self.said()]

    def said(self) -> list[dict[str, Any]]:
        return [json.loads(body) for _, body in self.receiver.came]


@pytest.fixture
def watch(store: Store, clock: SetClock, receiver: Receiver) -> Watch:
    hear(store, clock, "north", "south")
    return Watch(store, clock, receiver)


def test_a_silent_camera_is_told_of_once_and_once_that_it_is_heard_again(watch: Watch) -> None:
    assert watch.after(hours=20) == []
    hear(watch.store, watch.clock, "south")
    assert watch.after(hours=5) == ["camera silent: north"]
    hear(watch.store, watch.clock, "south")
    assert watch.after(hours=20) == ["camera silent: north"]
    hear(watch.store, watch.clock, "north", "south")
    assert watch.after(hours=1) == ["camera silent: north", "camera sends again: north"]
    hear(watch.store, watch.clock, "south")
    assert watch.after(hours=22) == ["camera silent: north", "camera sends again: north"]
    assert watch.after(hours=2)[2:] == ["camera silent: north"]  # another silence


def test_a_notice_tells_camera_and_times_and_nothing_that_was_seen(watch: Watch) -> None:
    with watch.store.writing() as session:
        add_event(session, watch.clock(), alarm=0.9)
    watch.after(hours=25)
    first = watch.said()[0]
    assert set(first) == {
        "kind", "station", "camera", "silent_since", "heard_again_at", "silent_now", "cameras", "stage", "key"
    }  # fmt: skip
    assert (first["stage"], first["silent_now"], first["cameras"]) == (1, ["north", "south"], 2)
    assert all("cat" not in json.dumps(said) for said in watch.said())
    assert watch.receiver.came[0][0]["Fieldmark-Signature"].startswith("t=")


def test_without_a_channel_for_notices_nothing_is_sent_and_the_report_says_so(watch: Watch) -> None:
    watch.channels = [Webhook("rangers", watch.receiver.url, SECRET)]
    assert watch.after(hours=25) == []
    with watch.store.reading() as session:
        page = write_report(session, end=watch.clock())
    assert "north was silent from 01 Jun 14:00 and still is; nobody was told." in page


def test_a_channel_for_notices_hears_of_no_sighting_and_one_for_alerts_of_no_silence(
    watch: Watch, receiver: Receiver
) -> None:
    both = [
        Webhook("office", receiver.url, SECRET, takes="notices"),
        Webhook("rangers", "http://127.0.0.1:9/", SECRET),
    ]
    watch.channels = both
    assert watch.after(hours=25) == ["camera silent: north", "camera silent: south"]
    from core.station.test_alerts import confirm

    confirm(watch.store, watch.clock)
    send_due(watch.store, both, RULES, clock=watch.clock)
    assert [said["kind"] for said in watch.said()] == ["camera silent", "camera silent"]


def test_it_can_be_turned_off_by_a_rule(watch: Watch) -> None:
    watch.rules = replace(RULES, silence_notices=False)
    assert watch.after(hours=25) == []


def test_a_receiver_that_is_down_is_tried_again_and_what_is_over_meanwhile_is_not_told(watch: Watch) -> None:
    watch.receiver.answers = [500, 500]
    assert watch.after(hours=25) == []
    with watch.store.reading() as session:
        board = look(session, the_station(session), who="", now=watch.clock())
    assert any("could not be sent yet. office: HTTP 500" in said for said in board.troubles)
    hear(watch.store, watch.clock, "north")
    assert watch.after(minutes=1) == ["camera silent: south"]
    with watch.store.reading() as session:
        assert sorted(session.scalars(select(Notice.state))) == ["over", "sent"]


def test_a_new_camera_is_given_three_times_as_long_before_anybody_is_disturbed(
    store: Store, clock: SetClock, receiver: Receiver
) -> None:
    with store.writing() as session:
        camera_named(session, the_station(session), "new", now=clock()).heard_at = clock()
    watch = Watch(store, clock, receiver)
    assert watch.after(hours=30) == []
    assert watch.after(hours=24 * DEAD - 29) == ["camera silent: new"]


def test_hours_in_which_no_worker_ran_are_nobodys_silence(watch: Watch) -> None:
    store, clock = watch.store, watch.clock
    Worker(store, clock=clock).round()
    clock.forward(days=3)
    worker = Worker(store, clock=clock)
    worker.round()
    assert watch.after(hours=20) == []
    with store.reading() as session:
        assert [tile.urgency for tile in look(session, the_station(session), who="", now=clock()).wall] == [
            "ok",
            "ok",
        ]
    assert watch.after(hours=5) == ["camera silent: north", "camera silent: south"]


def test_the_worker_notes_and_sends_by_itself_and_the_wall_says_who_was_told(watch: Watch) -> None:
    channel = {
        "kind": "webhook",
        "name": "office",
        "url": watch.receiver.url,
        "secret": SECRET,
        "takes": "both",
    }
    with watch.store.writing() as session:
        rules = replace(RULES, channels=(channel,))
        set_rules(session, the_station(session), rules, who="Cleo", now=watch.clock())
    worker = Worker(watch.store, clock=watch.clock)
    watch.clock.forward(hours=25)
    assert worker.round().notices == 2
    assert worker.round().notices == 0
    with watch.store.reading() as session:
        wall = look(session, the_station(session), who="", now=watch.clock()).wall
        assert len(session.scalars(select(Silence)).all()) == 2
    assert [(tile.urgency, tile.note) for tile in wall] == [("amber", "Told: office.")] * 2


@pytest.mark.parametrize(
    ("channels", "fault"),
    [
        (({"kind": "webhook", "name": "x", "url": "http://a", "secret": "s", "takes": "all"},), "both"),
        (({"kind": "pigeon"},), "webhook or mail"),
        (({"kind": "webhook", "name": "x", "url": "http://a", "secret": "s"},) * 2, "Two channels"),
    ],
)
def test_rules_with_a_channel_that_could_not_be_used_are_refused_before_the_worker_meets_them(
    store: Store, clock: SetClock, channels: tuple[dict[str, Any], ...], fault: str
) -> None:
    with store.writing() as session, pytest.raises(StationError, match=fault):
        set_rules(session, the_station(session), Rules(channels=channels), who="Cleo", now=clock())
