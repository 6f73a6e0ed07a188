"""The audit log: what somebody did to it afterwards is found, said in a sentence, and shown to a chief."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import Result
from sqlalchemy.orm import Session
from typer.testing import CliRunner

from core.station.conftest import SetClock
from fieldmark.cli.main import cli
from fieldmark.station.auditlog import write_down
from fieldmark.station.board import look
from fieldmark.station.logcheck import Entry, check_log, check_news, keep_check
from fieldmark.station.report import write_report
from fieldmark.station.stations import the_station
from fieldmark.station.store import Store
from fieldmark.station.tables import Audit
from fieldmark.station.worker import Worker


@pytest.fixture
def written(store: Store, clock: SetClock) -> Store:
    """A station with a log of five entries."""
    with store.writing() as session:
        for n in range(5):
            facts = {"who": "Ola", "what": "test", "subject": str(n), "before": {}, "after": {"n": n}}
            write_down(session, at=clock(), **facts)  # type: ignore[arg-type]
    return store


def broken(session: Session) -> int | None:
    entry = check_log(session).broken
    return entry.number if entry else None


def verify(folder: Path, *arguments: str) -> Result:
    return CliRunner().invoke(cli, ["station", "verify", str(folder), *arguments])


def tamper(store: Store) -> None:
    with store.writing() as session:
        session.get_one(Audit, 4).who = "somebody else"


def test_a_row_that_is_changed_or_removed_is_found(written: Store) -> None:
    with written.reading() as session:
        assert check_log(session).is_whole and check_log(session).entries == 5
    tamper(written)
    with written.writing() as session:
        assert broken(session) == 4
        session.delete(session.get_one(Audit, 2))
    with written.writing() as session:
        assert broken(session) == 3
        session.delete(session.get_one(Audit, 1))
    with written.reading() as session:
        assert check_log(session).sentence.count("Nothing stands before it.") == 1


def test_the_command_says_which_entry_breaks_and_what_to_do(written: Store, clock: SetClock) -> None:
    whole = verify(written.folder)
    assert whole.exit_code == 0 and "All 5 entries" in whole.output
    tamper(written)
    done = verify(written.folder)
    assert done.exit_code == 1
    assert "Entry 4 of the audit log (test, 3, by somebody else, 01 Jun 2026 12:00 UTC)" in done.output
    assert "Compare station.sqlite with a backup" in done.output
    said = json.loads(verify(written.folder, "--json").stdout)
    entry = Entry(4, clock(), "somebody else", "test", "3")
    assert said["broken"] == {**vars(entry), "at": entry.at.isoformat()}
    assert (said["whole"], said["entries"]) == (False, 3)


def test_a_log_whose_end_was_cut_off_lacks_the_seal_that_was_noted(written: Store) -> None:
    seal = json.loads(verify(written.folder, "--json").stdout)["seal"]
    assert verify(written.folder, "--seal", seal[:8].upper()).exit_code == 0
    with written.writing() as session:
        session.delete(session.get_one(Audit, 5))
    assert verify(written.folder).exit_code == 0  # what is left fits together
    done = verify(written.folder, "--seal", seal)
    assert done.exit_code == 1 and "its end was cut off" in done.output
    assert verify(written.folder, "--seal", "abc").exit_code == 2


def test_a_station_where_nothing_was_written_down_yet_is_whole(store: Store) -> None:
    said = json.loads(verify(store.folder, "--json").stdout)
    assert (said["whole"], said["entries"], said["seal"], said["broken"]) == (True, 0, "", None)


def test_the_worker_checks_once_a_day_and_the_board_tells(worker: Worker, clock: SetClock) -> None:
    def told() -> str:
        worker.round()
        with worker.store.reading() as session:
            return look(session, the_station(session), who="Cleo", now=clock()).broken_log

    assert told() == ""
    with worker.store.writing() as session:
        session.get_one(Audit, 1).subject = "model 2"
    assert told() == ""
    clock.forward(hours=25)
    assert "Entry 1 of the audit log" in told()


def test_the_report_prints_the_seal_or_what_is_broken(written: Store) -> None:
    with written.reading() as session:
        seal = check_log(session).seal
        assert f"Its seal is {seal}." in write_report(session)
    tamper(written)
    with written.reading() as session:
        page = write_report(session)
    assert "Entry 4 of the audit log" in page and seal not in page


def test_a_long_log_is_read_a_piece_in_each_round(
    written: Store, worker: Worker, clock: SetClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fieldmark.station.housekeeping.READING_S", 0.0)
    monkeypatch.setattr("fieldmark.station.logcheck.LogCheck.read.__defaults__", (2,))
    tamper(written)

    def told() -> str:
        worker.house.check_log(clock())
        with written.reading() as session:
            return look(session, the_station(session), who="Cleo", now=clock()).broken_log

    assert [told() != "" for _ in range(3)] == [False, True, True]


def test_a_page_reads_what_came_since_the_workers_check_and_all_where_that_does_not_fit_any_more(
    written: Store, clock: SetClock
) -> None:
    def news() -> tuple[bool, int, str]:
        with written.reading() as session:
            found = check_news(session, now=clock())
        return found.is_whole, found.entries, found.sentence

    with written.writing() as session:
        keep_check(session, check_log(session), now=clock())
        write_down(session, at=clock(), who="Ola", what="test", subject="5", before={}, after={})
    assert news()[:2] == (True, 6) and "read wholly 01 Jun 12:00 UTC" in news()[2]
    tamper(written)
    assert news()[0]  # the worker's next check finds it
    clock.forward(days=3)  # there was none
    assert news()[:2] == (False, 3)
