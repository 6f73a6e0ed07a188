"""A station's days are those of the place where it stands, also when they have 23 hours, or 25."""

from __future__ import annotations

import csv
import io
import json
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from click.testing import Result
from sqlalchemy import select
from typer.testing import CliRunner

from core.station.conftest import SetClock
from core.station.visits import add_event
from fieldmark.cli.main import cli
from fieldmark.errors import StationError
from fieldmark.station.clock import place_in_time
from fieldmark.station.coverage import days_of
from fieldmark.station.days import checked_zone, day_end, machine_zone, midnight, midnights
from fieldmark.station.desk import Desk
from fieldmark.station.exports import events_csv
from fieldmark.station.figures import measure
from fieldmark.station.outbox import payload_of
from fieldmark.station.report import write_report
from fieldmark.station.sentences import say_coverage
from fieldmark.station.stations import set_zone, the_station
from fieldmark.station.store import Store
from fieldmark.station.tables import Alert, Audit, Frame, LogEntry
from fieldmark.station.visits import alarms_by_day

OSLO = ZoneInfo("Europe/Oslo")
SPRING, AUTUMN = datetime(2026, 3, 29, 12, tzinfo=UTC), datetime(2026, 10, 25, 12, tzinfo=UTC)
"""Of 23 hours, and of 25."""


def hours(days: list[datetime]) -> list[float]:
    return [(end - begin) / timedelta(hours=1) for begin, end in pairwise(days)]


@pytest.mark.parametrize(("day", "length"), [(SPRING, 23), (AUTUMN, 25)])
def test_a_day_in_which_clocks_change_is_an_hour_shorter_or_longer(day: datetime, length: int) -> None:
    days = midnights(midnight(day, OSLO, -1), midnight(day, OSLO, 2), OSLO)
    assert hours(days) == [24, length, 24]
    assert all(at.astimezone(OSLO).hour == 0 and at.tzinfo is UTC for at in days)


def test_where_clocks_skip_or_repeat_midnight_every_moment_still_has_one_day() -> None:
    for name, year in (("America/Santiago", 2026), ("Africa/Cairo", 2026), ("Pacific/Apia", 2011)):
        zone = ZoneInfo(name)
        days = midnights(datetime(year, 1, 1, tzinfo=UTC), datetime(year + 1, 1, 2, tzinfo=UTC), zone)
        assert days == sorted(set(days)) and set(hours(days)) <= {23, 24, 25}
        at = days[0]
        while at < days[-1]:  # each half hour of a year lies in the day that its own midnight begins
            begin = midnight(at, zone)
            assert begin <= at < midnight(at, zone, 1) and begin in days
            at += timedelta(minutes=30)


def test_a_midnight_ends_the_day_before_it() -> None:
    assert day_end(SPRING, OSLO) == datetime(2026, 3, 29, 22, tzinfo=UTC)
    assert day_end(datetime(2026, 3, 29, 22, tzinfo=UTC), OSLO) == datetime(2026, 3, 29, 22, tzinfo=UTC)


def test_uptime_counts_the_hours_there_were() -> None:
    for day, length in ((SPRING, 23), (AUTUMN, 25)):
        days = [midnight(day, OSLO), midnight(day, OSLO, 1)]
        (counted,) = days_of([(days[0], days[1])], [days[0], days[1] - timedelta(seconds=1), days[1]], days)
        assert counted.events == 2 and counted.uptime == pytest.approx(length / 24)


@pytest.fixture
def spring(store: Store, clock: SetClock) -> Store:
    """A station in Oslo, six weeks old, a camera of which saw a cat each day at half past midnight, by its own clock."""
    clock.now = datetime(2026, 4, 1, 12, tzinfo=UTC)
    with store.writing() as session:
        the_station(session).since = clock.now - timedelta(days=42)
        for day in range(40):
            at = midnight(clock.now, OSLO, -day) + timedelta(minutes=30)
            event = add_event(session, at, alarm=0.9)
            for hour in range(0, 23, 2):
                session.add(_frame(event.camera_id, event.id, at + timedelta(hours=hour)))
    return store


def _frame(camera_id: int, event_id: int, at: datetime) -> Frame:
    return Frame(
        camera_id=camera_id, event_id=event_id, sha256=f"{at}", name="a.jpg", source="spool", received_at=at, at=at,
        clock="camera", width=1, height=1, is_night=False, brightness=1.0, sharpness=1.0, look="0" * 16,
    )  # fmt: skip


def test_a_visit_after_midnight_counts_on_its_own_day_before_and_after_the_clocks_change(
    spring: Store, clock: SetClock
) -> None:
    with spring.reading() as session:
        days = alarms_by_day(session, the_station(session), end=midnight(clock(), OSLO, 1))
    assert [n for _, n in days] == [1] * 35
    assert [f"{day.astimezone(OSLO):%d %b}" for day, _ in days][-4:] == [
        "29 Mar",
        "30 Mar",
        "31 Mar",
        "01 Apr",
    ]


def test_the_week_in_which_clocks_change_has_seven_days_of_its_own(spring: Store, clock: SetClock) -> None:
    with spring.reading() as session:
        figures = measure(session, the_station(session), end=clock())
        page = write_report(session)
    assert (figures.days, figures.end - figures.begin) == (7, timedelta(hours=167))
    assert figures.change is not None and (figures.change.recent, figures.change.baseline) == (7, 28)
    assert "of 7 camera-days" in say_coverage(figures)
    assert "26 Mar 2026 to 01 Apr 2026" in page and "Times and days are those of Europe/Oslo." in page


def test_the_same_moments_are_other_days_elsewhere(spring: Store, clock: SetClock) -> None:
    with spring.writing() as session:
        set_zone(session, the_station(session), "UTC", who="Cleo", now=clock())
        assert session.scalars(select(Audit.what)).all() == ["zone"]
    with spring.reading() as session:
        days = alarms_by_day(session, the_station(session), end=midnight(clock(), ZoneInfo("UTC"), 1))
    assert (days[-1][1], days[-2][1]) == (0, 1)  # half past midnight in Oslo is the evening before


def test_exports_and_alerts_say_how_far_from_utc_their_times_are(spring: Store, clock: SetClock) -> None:
    with spring.writing() as session:
        rows = list(csv.DictReader(io.StringIO(events_csv(session))))
        alert = Alert(event_id=1, key="k", created_at=clock(), state="queued", next_try_at=clock())
        session.add(alert)
        session.flush()
        assert payload_of(session, alert)["started_at"] == "2026-04-01T00:30:00+02:00"
    assert {row["started_at"][10:] for row in rows} == {"T00:30:00+01:00", "T00:30:00+02:00"}


def test_what_somebody_saw_is_read_in_the_stations_time(store: Store, clock: SetClock) -> None:
    desk = Desk(store, clock=clock)
    for written in ("2026-01-01T13:30", "2026-07-01T13:30", "2026-07-01T13:30+05:30"):
        desk.log_near("", who="Ola", label="bear", seen_at=datetime.fromisoformat(written))
    with store.reading() as session:
        seen = session.scalars(select(LogEntry.seen_at).order_by(LogEntry.id)).all()
    assert [f"{at:%H:%M}" for at in seen] == ["12:30", "11:30", "08:00"]


def test_a_camera_s_naive_time_in_the_hour_that_is_skipped_or_repeated_has_a_moment() -> None:
    later = AUTUMN + timedelta(days=30)
    for naive, utc in (((2026, 3, 29, 2, 30), 1), ((2026, 10, 25, 2, 30), 0)):
        taken = place_in_time(datetime(*naive), later, OSLO, is_carried=True)
        assert (taken.clock, taken.at.hour, taken.at.minute) == ("camera", utc, 30)


def test_a_machine_tells_its_zone_and_where_it_does_not_it_is_utc(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = tmp_path / "zoneinfo" / "Europe"
    place.mkdir(parents=True)
    (place / "Oslo").touch()
    monkeypatch.setenv("TZ", "")
    assert machine_zone(tmp_path / "nothing") == "UTC"
    assert machine_zone(place / "Oslo") == "Europe/Oslo"
    monkeypatch.setenv("TZ", ":Asia/Kolkata")
    assert machine_zone(place / "Oslo") == "Asia/Kolkata"
    monkeypatch.setenv("TZ", "CET-1CEST,M3.5.0,M10.5.0/3")  # no name of a place
    assert machine_zone(place / "Oslo") == "Europe/Oslo"


@pytest.mark.parametrize("wrong", ["", "Oslo", "Europe", "../etc/passwd", "/etc/localtime", "Europe/Oslo\0"])
def test_what_is_no_zone_is_refused(wrong: str) -> None:
    with pytest.raises(StationError, match="is no time zone; write one like Europe/Oslo"):
        checked_zone(wrong)


def test_a_station_is_made_in_the_machines_zone_and_a_chief_moves_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TZ", "Asia/Kolkata")

    def station(what: str, *arguments: str) -> Result:
        return CliRunner().invoke(cli, ["station", what, str(tmp_path / "lake"), *arguments])

    made = station("init", "--name", "Lake", "--alarm", "bear")
    assert "those of Asia/Kolkata" in made.output
    assert json.loads(station("zone", "--json").stdout) == {"zone": "Asia/Kolkata"}
    assert station("zone", "Europe/Oslo").exit_code == 2  # nobody says so
    wrong = station("zone", "Oslo", "--who", "Cleo")
    assert wrong.exit_code == 1 and "is no time zone" in wrong.output
    moved = station("zone", "Europe/Oslo", "--who", "Cleo")
    assert moved.exit_code == 0 and "those of Europe/Oslo" in moved.output
