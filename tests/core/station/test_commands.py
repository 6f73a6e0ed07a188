"""What a park does every week at the command line it does while the worker runs."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import select
from typer.testing import CliRunner

from core.station.conftest import events, picture
from core.station.test_card import DEPLOYMENTS, PACKAGE
from core.station.test_detections import dialect
from core.station.test_stages import PLAN
from fieldmark.cli.main import cli
from fieldmark.predictor import Predictor
from fieldmark.station.client import DeskClient
from fieldmark.station.door import ENDPOINT
from fieldmark.station.onewriter import only_writer
from fieldmark.station.reviews import Said
from fieldmark.station.tables import Event, Frame, LogEntry
from fieldmark.station.worker import Worker

Ask = Callable[..., dict[str, Any]]


@pytest.fixture
def running(worker: Worker) -> Iterator[Worker]:
    """A worker that holds its station and goes round."""
    folder = worker.spool.folder / "north"
    folder.mkdir(parents=True)
    for number in range(2):
        (folder / f"{number}.jpg").write_bytes(picture("cat", number=number))
    stop = threading.Event()
    with only_writer(worker.store.folder):
        thread = threading.Thread(target=worker.run, args=(stop,))
        thread.start()
        until(
            lambda: (worker.store.folder / ENDPOINT).exists() and any(e.label for e in events(worker.store))
        )
        yield worker
        stop.set()
        thread.join()


def until(true: Callable[[], object]) -> None:
    end = time.monotonic() + 60
    while not true():
        assert time.monotonic() < end
        time.sleep(0.05)


@pytest.fixture
def ask(running: Worker) -> Ask:
    def asked(what: str, *arguments: str | Path) -> dict[str, Any]:
        said = CliRunner().invoke(
            cli, ["station", what, str(running.store.folder), *map(str, arguments), "--json"]
        )
        assert said.exit_code == 0, said.output
        return dict(json.loads(said.stdout))

    return asked


def written(path: Path, content: object) -> Path:
    path.write_text(json.dumps(content))
    return path


def test_cameras_and_boxes_are_imported(running: Worker, ask: Ask, tmp_path: Path) -> None:
    (tmp_path / "deployments.csv").write_text(DEPLOYMENTS)
    written(tmp_path / "datapackage.json", PACKAGE)
    assert ask("import", tmp_path)["new"] == 3
    boxes = written(tmp_path / "md.json", dialect("megadetector", "north/0.jpg", "animal"))
    assert ask("import", boxes)["boxes"] == 1
    with running.store.reading() as session:
        assert [len(boxes or ()) for boxes in session.scalars(select(Frame.boxes).order_by(Frame.id))] == [
            1,
            0,
        ]


def test_rules_plan_stage_and_people_are_changed(running: Worker, ask: Ask, tmp_path: Path) -> None:
    assert (
        ask("rules", "--change", written(tmp_path / "r.json", {"gap_s": 60}), "--who", "Cleo")["gap_s"] == 60
    )
    assert ask("stage", "2", "--who", "Cleo", "--plan", written(tmp_path / "p.json", PLAN)) == {"stage": 2}
    assert ask("person", "Cleo", "--role", "chief", "--pin", "123456", "--who", "Cleo")["role"] == "chief"
    refused = CliRunner().invoke(cli, ["station", "stage", str(running.store.folder), "1", "--who", "Nobody"])
    assert refused.exit_code == 1 and "not entered here" in refused.output
    assert ask("stage", "1", "--who", "Cleo") == {"stage": 1}


def test_reports_exports_backtests_and_datasets_are_made(running: Worker, ask: Ask, tmp_path: Path) -> None:
    desk, (event,) = DeskClient(running.store.folder), events(running.store)
    desk.review(Said(event.id, "Ola", "confirmed"))
    ask("report", "--out", tmp_path / "report.html")
    ask("export", "--out", tmp_path / "events.csv")
    assert ask("backtest")["visits"] == 1
    assert ask("dataset", tmp_path / "data", "--who", "Ola")["labels"] == {"cat": 1}
    desk.close()


def test_a_new_model_runs_in_the_shadow_and_answers_once_it_is_promoted_without_a_restart(
    running: Worker, ask: Ask, tmp_path: Path
) -> None:
    from fieldmark.pretrained import build_pretrained

    build_pretrained({"cat": ("tabby",)}, tmp_path / "new.onnx", rest="nothing")
    sha256 = Predictor.load(tmp_path / "new.onnx").sha256
    roles = {row["sha256"]: row["role"] for row in ask("model", "--add", tmp_path / "new.onnx")["models"]}
    assert sorted(roles.values()) == ["champion", "shadow"]
    until(lambda: [scorer.is_champion for scorer in running.scorers] == [True, False])
    ask("model", "--promote", sha256[:8], "--who", "Cleo")
    until(lambda: [s.predictor.sha256 for s in running.scorers if s.is_champion] == [sha256])


def test_a_camera_gets_a_place_and_a_token_that_its_device_posts_with(running: Worker, ask: Ask) -> None:
    said = ask("camera", "edge", "--who", "Cleo", "--place", "60.1,24.9", "--token")
    assert said["place"] == [60.1, 24.9]
    url = json.loads((running.store.folder / ENDPOINT).read_text())["url"]
    answer = httpx.post(
        f"{url}/frames/a.jpg",
        content=picture("gravel"),
        headers={"Authorization": f"Bearer {said['token']}"},
        timeout=60,
    )
    assert answer.status_code == 201


def test_what_somebody_saw_is_written_down_in_the_stations_time(running: Worker, ask: Ask) -> None:
    ask(
        "log",
        "bear",
        "--who",
        "Ola",
        "--at",
        "2026-06-01T14:00",
        "--camera",
        "north",
        "--note",
        "by the creek",
    )
    with running.store.reading() as session:
        (entry,) = session.scalars(select(LogEntry))
        assert (entry.label, entry.seen_at.hour, entry.camera_id) == ("bear", 12, 1)  # Oslo


def test_an_alert_is_acknowledged_by_its_key(running: Worker, ask: Ask, tmp_path: Path) -> None:
    ask("stage", "2", "--who", "Cleo", "--plan", written(tmp_path / "p.json", PLAN))
    desk, (event,) = DeskClient(running.store.folder), events(running.store)
    key = desk.review(Said(event.id, "Ola", "confirmed")).alert_key
    assert key is not None
    (alert,) = ask("alerts", "--have", key, "--who", "Kari")["alerts"]
    assert (alert["state"], alert["acknowledged_by"], alert["label"]) == ("acknowledged", "Kari", "cat")
    desk.close()


def test_a_first_look_is_made_beside_a_worker_and_leaves_alone_what_a_model_judged(
    running: Worker, ask: Ask, tmp_path: Path
) -> None:
    before = events(running.store)
    assert ask("look", "--out", tmp_path / "look.csv")["events"] == 0  # the model has seen them all
    with running.store.writing() as session:
        for event in session.scalars(select(Event)):  # as before any model
            event.model_id = event.best_frame_id = None
    said = ask("look", "--out", tmp_path / "look.csv")
    assert (said["events"], said["groups"] + said["alone"]) == (len(before), 1)
    assert len((tmp_path / "look.csv").read_text().splitlines()) == 1 + len(before)


def test_a_command_that_is_not_known_or_lacks_something_changes_nothing(running: Worker) -> None:
    client = DeskClient(running.store.folder)
    for act, said in (("burn", {}), ("rules", {}), ("deployments", {"package": "/nowhere"})):
        with pytest.raises(Exception, match=r"no command|lacks something|cannot be"):
            client.command(act, **said)
    client.close()
