"""A week that was planted, and what the station made of it: simulation, figures, report, exports, command line."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select
from typer.testing import CliRunner

from core.station.conftest import SetClock
from core.station.visits import add_event
from fieldmark.cli.main import cli
from fieldmark.predictor import Predictor
from fieldmark.station.coverage import FLOOR, days_of, patience, watched
from fieldmark.station.days import midnight, zone_of
from fieldmark.station.decisions import Proportion
from fieldmark.station.exports import events_csv, megadetector_json
from fieldmark.station.figures import measure
from fieldmark.station.planting import plant
from fieldmark.station.report import write_report
from fieldmark.station.rules import Rules
from fieldmark.station.sentences import say_changed, say_rate
from fieldmark.station.simulate import simulate
from fieldmark.station.stations import the_station
from fieldmark.station.store import Store, open_store
from fieldmark.station.tables import Beat, Camera, Event
from fieldmark.station.visits import independent

T0 = datetime(2026, 5, 1, tzinfo=UTC)


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory, cat_predictor: Predictor) -> tuple[Path, Any]:
    folder = tmp_path_factory.mktemp("simulated") / "station"
    return folder, simulate(folder, days=3, cameras=3, seed=1, predictor=cat_predictor)


def test_nearly_every_planted_visit_is_found_as_an_event(played: tuple[Path, Any]) -> None:
    found, planted = played[1].found, played[1].planted
    assert planted["visits"] >= 10
    assert found["visits_found"] >= 0.9 * planted["visits"]
    assert found["duplicates"] == planted["copies"]
    assert found["rejected"] == planted["broken"]
    assert found["frames"] == planted["frames"] - planted["broken"]


def test_the_same_seed_plants_the_same_week() -> None:
    assert plant(days=3, cameras=3, seed=1) == plant(days=3, cameras=3, seed=1)
    assert plant(days=3, cameras=3, seed=2) != plant(days=3, cameras=3, seed=1)


def test_a_silent_camera_takes_no_picture_in_its_silence() -> None:
    planted = plant(days=9, cameras=4, seed=3)
    ((camera, (begin, end)),) = planted.silent.items()
    assert camera != planted.risen
    assert not any(s.camera == camera and begin <= s.at < end for s in planted.shots)
    assert any(s.camera == camera for s in planted.shots)


def test_the_report_is_one_page_that_names_the_silent_camera(played: tuple[Path, Any]) -> None:
    store = open_store(played[0])
    with store.reading() as session:
        page = write_report(session, days=3)
    store.close()
    assert "simulated, no real camera" in page
    assert "<svg" in page
    assert "http" not in page.replace("http-equiv", "")
    assert "No plan is signed" in page


def test_hostile_names_run_nothing_in_the_report(store: Store, clock: SetClock) -> None:
    with store.writing() as session:
        add_event(session, clock(), alarm=0.9)
        session.scalars(select(Camera)).one().name = "<script>alert(1)</script>"
        page = write_report(session)
    assert "<script>" not in page
    assert "&lt;script&gt;" in page


def test_the_table_has_every_event_and_no_formula(store: Store, clock: SetClock) -> None:
    with store.writing() as session:
        add_event(session, clock(), alarm=0.9).label = "=cmd|' /C calc'!A0"
        rows = list(csv.DictReader(io.StringIO(events_csv(session))))
    assert len(rows) == 1
    assert rows[0]["model_label"].startswith("'=")


def test_megadetector_json_keeps_failures_apart_from_empty_frames(played: tuple[Path, Any]) -> None:
    store = open_store(played[0])
    with store.reading() as session:
        content = json.loads(megadetector_json(session))
    store.close()
    images = content["images"]
    assert content["info"]["format_version"] == "1.6"
    failed = [image for image in images if image.get("failure")]
    empty = [image for image in images if image["detections"] == []]
    cats = [image for image in images if image["detections"]]
    assert len(failed) == played[1].planted["broken"]
    assert all(image["detections"] is None for image in failed)
    assert empty
    for image in cats:
        (found,) = image["detections"]
        assert found["bbox"] == [0.0, 0.0, 1.0, 1.0]
        probs = [prob for _, prob in found["classifications"]]
        assert probs == sorted(probs, reverse=True)
        assert {number for number, _ in found["classifications"]} <= content[
            "classification_categories"
        ].keys()


def test_frames_with_a_person_are_not_exported(played: tuple[Path, Any]) -> None:
    store = open_store(played[0])
    with store.writing() as session:
        before = len(json.loads(megadetector_json(session))["images"])
        event = session.scalars(select(Event).where(Event.state == "highlighted")).first()
        assert event is not None
        event.human_label = "person"
        session.flush()
        assert len(json.loads(megadetector_json(session))["images"]) == before - event.n_frames
        session.rollback()
    store.close()


def test_a_doubling_is_said_with_the_camera_that_explains_it(store: Store, clock: SetClock) -> None:
    with store.writing() as session:
        station = the_station(session)
        end = midnight(clock(), zone_of(station))
        station.since = end - timedelta(days=40)
        for day in range(35):
            for n in range(12 if day >= 28 else 4):
                event = add_event(session, end - timedelta(days=35 - day, hours=-1.5 * n), alarm=0.9)
                _frame_of(session, event)
        session.flush()
        figures = measure(session, station, end=end)
    assert "more than before" in say_rate(figures)
    assert "north explains" in say_rate(figures)
    assert figures.change is not None
    assert figures.change.ratio == pytest.approx(3.0, rel=0.15)
    assert [name for name, _ in figures.changed] == ["north"]
    assert say_changed(figures) == []  # the first sentence has named it
    assert "Too few of them were reviewed" in say_rate(figures)
    for right, why in (
        (19, "as before (19 of 20 right, 57 of 60 before): probably animals"),
        (9, "probably the model"),
    ):
        reviewed = replace(figures, precision=Proportion(right, 20), precision_before=Proportion(57, 60))
        assert why in say_rate(reviewed)
    hidden = replace(figures.change, p=0.5)
    assert "more than before at this camera" in say_changed(replace(figures, change=hidden))[0]


def _frame_of(session: Any, event: Event) -> None:
    from fieldmark.station.tables import Frame

    number = session.scalar(select(func.count(Frame.id)))
    session.add(
        Frame(
            camera_id=event.camera_id, event_id=event.id, sha256=f"{number:064x}", name="f", source="spool",
            received_at=event.started_at, captured=None, at=event.started_at, clock="camera", width=1, height=1,
            is_night=False, brightness=0, sharpness=0, look="0",
        )
    )  # fmt: skip


def test_what_follows_within_half_an_hour_is_the_same_visit() -> None:
    times = [T0, T0 + timedelta(minutes=20), T0 + timedelta(minutes=45), T0 + timedelta(minutes=80)]
    assert independent(times, timedelta(minutes=30)) == [T0, T0 + timedelta(minutes=80)]


def test_a_camera_counts_as_watching_only_within_its_own_patience() -> None:
    times = [T0 + timedelta(hours=6 * n) for n in range(9)]
    assert patience(times) == FLOOR
    spans = watched(times, T0 + timedelta(days=10))
    assert spans == [(T0, T0 + timedelta(days=2))]
    assert [day.uptime for day in days_of(spans, [T0], [T0 + timedelta(days=n) for n in range(5)])] == [
        1,
        1,
        0,
        0,
    ]


def test_from_the_command_line_a_station_is_made_run_reported_and_exported(
    tmp_path: Path, cat_model: Path
) -> None:
    folder, runner = tmp_path / "station", CliRunner()

    def fieldmark(*arguments: str | Path) -> dict[str, Any]:
        done = runner.invoke(cli, ["station", *map(str, arguments), "--json"])
        assert done.exit_code == 0, done.output
        return dict(json.loads(done.stdout.strip().splitlines()[-1]))

    fieldmark("init", folder, "--name", "Lake Camp", "--alarm", "cat", "--zone", "Europe/Oslo")
    (folder / "spool" / "north").mkdir(parents=True)
    from core.station.conftest import picture

    for number in range(3):
        (folder / "spool" / "north" / f"{number}.jpg").write_bytes(picture("cat", number=number))
    assert fieldmark("run", folder, "--model", cat_model, "--once") | {"faults": {}} == {
        "new": 3, "duplicates": 0, "rejected": 0, "scored": 3, "looked": 0, "sent": 0, "notices": 0, "left": 0, "faults": {},
    }  # fmt: skip
    fieldmark("report", folder, "--out", tmp_path / "r.html")
    fieldmark("export", folder, "--out", tmp_path / "e.csv")
    assert "Lake Camp" in (tmp_path / "r.html").read_text("utf-8")
    assert len((tmp_path / "e.csv").read_text("utf-8").splitlines()) == 2
    refused = runner.invoke(cli, ["station", "stage", str(folder), "2", "--who", "chief"])
    assert refused.exit_code == 1
    plan = tmp_path / "plan.json"
    plan.write_text(json.dumps({"goal": "g", "action": "a", "responsible": "r", "fears": {"x": "y"}}))
    assert fieldmark("stage", folder, "2", "--who", "chief", "--plan", plan) == {"stage": 2}


def test_a_full_disk_pauses_ingestion_and_it_goes_on_by_itself(
    store: Store, cat_predictor: Predictor, clock: SetClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    from core.station.conftest import picture
    from fieldmark.errors import StoreError
    from fieldmark.station.media import Media
    from fieldmark.station.worker import RESERVE, Worker

    worker = Worker(store, models=(cat_predictor,), clock=clock, still_s=0)
    worker.round()
    assert (store.folder / RESERVE).exists()
    north = worker.spool.folder / "north"
    north.mkdir()
    (north / "a.jpg").write_bytes(picture("cat"))

    def full(self: Media, data: bytes) -> str:
        raise StoreError("The picture could not be kept: no space left.", code="disk_full")

    monkeypatch.setattr(Media, "put", full)
    assert "no space" in worker.round().faults["ingest"]
    assert (north / "a.jpg").exists()
    assert not (store.folder / RESERVE).exists()
    with store.reading() as session:
        assert "no space" in session.get_one(Beat, "worker").note
    monkeypatch.undo()
    done = worker.round()
    assert (done.new, done.scored, done.faults) == (1, 1, {})


def test_rules_survive_their_keeping() -> None:
    rules = Rules(
        alarm=("cat", "dog"), channels=({"kind": "webhook", "name": "a", "url": "u", "secret": "s"},)
    )
    assert Rules.from_dict(json.loads(json.dumps(rules.as_dict()))) == rules
