"""The dashboard's week, and what it tells a chief."""

from __future__ import annotations

from core.station.conftest import SetClock
from fieldmark.account import Account
from fieldmark.station.door import Door
from fieldmark.station.store import Store
from fieldmark.station.tables import Audit
from fieldmark.station.worker import Worker
from fieldmark_widgets import Monitor
from widgets.messages import receive
from widgets.test_monitor import clock, door, monitor, store  # noqa: F401 - fixtures

# ruff: noqa: F811 - a test's arguments are those fixtures


def test_the_week_shows_its_figures_and_can_be_kept_as_a_page(
    store: Store, monitor: Monitor, door: Door
) -> None:
    first, precision = monitor._figures[:2]
    assert (first["name"], first["value"]) == ("Visits with an alarm", "1")
    assert (precision["name"], precision["value"]) == ("Alarms that were right", "–")
    receive(monitor, {"kind": "review", "event": monitor._queue[0]["event_id"], "verdict": "confirmed"})
    monitor._measured_at = None
    receive(monitor, {"kind": "look"})
    assert monitor._figures[1]["value"] == "1 of 1"
    receive(monitor, {"kind": "report"})
    message, (page,) = next(
        one for one in monitor.comm.sent if one[0].get("content", {}).get("kind") == "report"
    )
    assert message["content"]["name"] == "Lake Camp, week to 2026-06-01.html"
    assert b"1 of 1 reviewed alarms were right" in page


def test_a_chief_says_in_which_zone_the_station_lives(store: Store, monitor: Monitor, door: Door) -> None:
    receive(monitor, {"kind": "office", "act": "zone", "said": {"zone": "Europe"}})
    assert "'Europe' is no time zone" in monitor.problem
    receive(monitor, {"kind": "office", "act": "zone", "said": {"zone": "Asia/Kolkata"}})
    assert (monitor.problem, monitor._station["zone"], monitor._office["zone"]) == (
        "",
        "Asia/Kolkata",
        "Asia/Kolkata",
    )
    assert monitor._queue[0]["title"] == "north, 01 Jun 17:30"


def test_a_chief_is_told_of_an_audit_log_that_was_changed_and_nobody_else(
    store: Store, clock: SetClock
) -> None:
    with store.writing() as session:
        session.get_one(Audit, 1).who = "somebody else"
    Worker(store, clock=clock).round()
    for role, told in (("chief", 1), ("ranger", 0), ("viewer", 0)):
        page = Monitor(store.folder, account=Account("Ann", role), clock=clock)  # type: ignore[arg-type]
        found = [text for text in page._station["troubles"] if "Entry 1 of the audit log" in text]
        assert len(found) == told
        page.close()
