"""How long pictures are kept, by what they show."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select
from typer.testing import CliRunner

from core.station.conftest import RULES, SetClock, events, picture
from fieldmark.cli.main import cli
from fieldmark.errors import StationError, StoreError
from fieldmark.station.board import may_show
from fieldmark.station.desk import Desk
from fieldmark.station.logcheck import check_log
from fieldmark.station.retention import drop_expired
from fieldmark.station.reviews import Said
from fieldmark.station.rules import Rules
from fieldmark.station.stations import set_rules, the_station
from fieldmark.station.store import Store
from fieldmark.station.tables import Audit, Frame
from fieldmark.station.worker import Worker

LOCAL = datetime(2026, 6, 1, 13, 30)


@pytest.fixture
def kept(store: Store, clock: SetClock, drop: Callable[..., None]) -> Store:
    """A cat (waiting), gravel, and gravel that is a person by a reviewer; kept 30, 10 and 5 days."""
    drop(
        picture("cat", taken=LOCAL),
        picture("gravel", taken=LOCAL - timedelta(hours=1)),
        picture("gravel", number=1, taken=LOCAL - timedelta(hours=2)),
    )
    person = next(event for event in events(store) if event.started_at < clock() - timedelta(hours=2))
    Desk(store, clock=clock).review(Said(person.id, "Ola", "relabelled", "person"))
    with store.writing() as session:
        rules = replace(RULES, keep_days={"person": 5, "nothing": 10, "*": 30})
        set_rules(session, the_station(session), rules, who="Kari", now=clock())
    return store


def there(store: Store, worker: Worker) -> set[str]:
    """Labels of the visits whose pictures are still there."""
    found = set()
    with store.reading() as session:
        frames = {frame.event_id: frame for frame in session.scalars(select(Frame))}
    for event in events(store):
        try:
            worker.media.get(frames[event.id].sha256)
        except StoreError:
            assert frames[event.id].dropped_at is not None
            continue
        found.add(event.human_label or event.label or "")
    return found


def test_each_class_is_kept_for_its_days_and_what_waits_until_somebody_looked(
    kept: Store, worker: Worker, clock: SetClock
) -> None:
    for days, left in (
        (4, {"cat", "nothing", "person"}),
        (2, {"cat", "nothing"}),
        (5, {"cat"}),
        (90, {"cat"}),
    ):
        clock.forward(days=days)
        worker.round()
        assert there(kept, worker) == left
    waiting = next(event for event in events(kept) if event.state == "highlighted")
    Desk(kept, clock=clock).review(Said(waiting.id, "Ola", "confirmed"))
    clock.forward(days=1)
    worker.round()
    assert there(kept, worker) == set()
    assert len(events(kept)) == 3  # what was counted stays
    with kept.reading() as session:
        assert [row.after for row in session.scalars(select(Audit).where(Audit.what == "retention"))] == [
            {"person": 1},
            {"nothing": 1},
            {"cat": 1},
        ]
        assert check_log(session).is_whole


def test_a_picture_that_another_camera_has_too_stays_for_that(
    kept: Store, worker: Worker, clock: SetClock, drop: Callable[..., None]
) -> None:
    clock.forward(days=9)
    drop(picture("gravel", taken=LOCAL - timedelta(hours=1)), camera="south")
    clock.forward(days=2)
    counts = drop_expired(kept, worker.media, now=clock())
    assert counts.get("nothing", 0) + counts.get("person", 0) >= 1
    with kept.reading() as session:
        south = session.scalars(select(Frame).order_by(Frame.id.desc())).first()
        assert south is not None and south.dropped_at is None
        assert worker.media.get(south.sha256)
        dropped = session.scalars(select(Frame).where(Frame.dropped_at.is_not(None))).first()
        assert dropped is not None and not may_show(session, dropped.id)


def test_without_rules_of_keeping_everything_is_kept(
    store: Store, worker: Worker, clock: SetClock, drop: Callable[..., None]
) -> None:
    drop(picture("gravel", taken=LOCAL))
    clock.forward(days=4000)
    worker.round()
    assert there(store, worker) == {"nothing"}


def test_days_that_are_none_are_refused() -> None:
    for bad in (0, -1, 1.5, True):
        with pytest.raises(StationError, match="keep_days"):
            Rules(keep_days={"person": bad})  # type: ignore[dict-item]
    assert Rules.from_dict(Rules(keep_days={"person": 3}).as_dict()).keep_days == {"person": 3}


def test_the_command_shows_and_changes_rules_in_somebodys_name(store: Store, tmp_path: Path) -> None:
    def rules(*arguments: str | Path) -> Any:
        return CliRunner().invoke(cli, ["station", "rules", str(store.folder), *map(str, arguments)])

    change = tmp_path / "rules.json"
    channel = {"kind": "webhook", "name": "office", "url": "https://office.example", "secret": "s3cret"}
    change.write_text(json.dumps({"keep_days": {"person": 5}, "channels": [channel]}))
    assert rules("--change", change).exit_code == 2  # who?
    said = rules("--change", change, "--who", "Kari", "--json")
    kept = json.loads(said.stdout)
    assert (kept["keep_days"], kept["alarm"]) == ({"person": 5}, ["cat"])
    assert 'keep_days: {"person": 5}' in rules().stdout
    assert "office.example" in rules().stdout and "s3cret" not in rules().stdout + said.stdout
    with store.reading() as session:
        row = session.scalars(select(Audit).order_by(Audit.id.desc())).first()
    assert row is not None and (row.who, row.what) == ("Kari", "rules")
    for bad, why in (('{"keep": 1}', "no such rules"), ('{"alarm_min": 2}', "alarm_min"), ("[", "no JSON")):
        change.write_text(bad)
        refused = rules("--change", change, "--who", "Kari")
        assert refused.exit_code == 1 and why in refused.output
