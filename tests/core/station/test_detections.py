"""Boxes of a detector: read in every dialect, used to look closer, and to withhold persons."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from skimage.data import chelsea, gravel
from sqlalchemy import select
from typer.testing import CliRunner

from core.station.conftest import RULES, SetClock, picture
from fieldmark.cli.main import cli
from fieldmark.errors import DatasetError, StationError
from fieldmark.station.board import look, may_show
from fieldmark.station.desk import Desk
from fieldmark.station.detections import DetectionsReport, best_animal, import_detections
from fieldmark.station.exports import megadetector_json
from fieldmark.station.persons import OPEN_FOR
from fieldmark.station.stations import set_rules, the_station
from fieldmark.station.store import Store
from fieldmark.station.tables import Audit, Frame, Prediction
from fieldmark.station.worker import Round, Worker

LOCAL = datetime(2026, 6, 1, 13, 30)


@pytest.fixture
def frames(store: Store, drop: Callable[..., None]) -> list[str]:
    """The names of two frames in two events, 451 × 300 and 450 × 299 pixels."""
    drop(*(picture("cat", number=n, taken=LOCAL - timedelta(minutes=10 * n)) for n in range(2)))
    with store.reading() as session:
        return [str(name) for name in session.scalars(select(Frame.name).order_by(Frame.id))]


def dialect(kind: str, name: str, what: str) -> Any:
    """The same box in each of the ways: the left half of a frame of 451 × 300 pixels, but for its edge."""
    number = {"animal": 1, "person": 2}[what]
    if kind == "megadetector":
        found = [{"category": str(number), "conf": 0.9, "bbox": [0.1, 0.2, 0.4, 0.5]}]
        faint = {"category": "1", "conf": 0.05, "bbox": [0, 0, 1, 1]}
        return {
            "images": [{"file": name, "detections": [*found, faint]}],
            "detection_categories": {"1": "animal", "2": "person"},
        }
    if kind == "speciesnet":
        label = {"animal": "animal", "person": "human"}[what]
        found = [{"category": str(number), "label": label, "conf": 0.9, "bbox": [0.1, 0.2, 0.4, 0.5]}]
        return {"predictions": [{"filepath": f"/data/{name}", "detections": found}]}
    entry = {
        "img_id": f"D:\\{name}",
        "bbox": [[45, 60, 226, 210]],
        "category": [number - 1],
        "confidence": [0.9],
    }
    return (
        [entry] if kind == "list" else {"annotations": [entry], "categories": {"0": "animal", "1": "person"}}
    )


@pytest.mark.parametrize("kind", ["megadetector", "speciesnet", "corners", "list"])
def test_each_dialect_gives_the_same_box(store: Store, frames: list[str], tmp_path: Path, kind: str) -> None:
    path = tmp_path / "detections.json"
    path.write_text(json.dumps(dialect(kind, frames[0], "animal")))
    for _ in range(2):  # the same file again changes nothing
        with store.writing() as session:
            assert import_detections(session, path) == DetectionsReport(1, 1, 0, 0)
    with store.reading() as session:
        first, second = session.scalars(select(Frame).order_by(Frame.id)).all()
    assert second.boxes is None
    assert first.boxes is not None and first.boxes[0][0] == "animal"
    assert best_animal(first.boxes) == pytest.approx((0.1, 0.2, 0.5, 0.7), abs=0.01)


def test_a_name_that_two_frames_share_is_not_guessed(store: Store, frames: list[str], tmp_path: Path) -> None:
    with store.writing() as session:
        for number, frame in enumerate(session.scalars(select(Frame))):
            frame.name = f"card{number}/IMG_0001.JPG"
    path = tmp_path / "d.json"
    path.write_text(json.dumps(dialect("megadetector", "IMG_0001.JPG", "animal")))
    with store.writing() as session:
        assert import_detections(session, path).unknown == 1
    path.write_text(json.dumps(dialect("megadetector", "somewhere/card1/IMG_0001.JPG", "animal")))
    with store.writing() as session:
        assert import_detections(session, path).frames == 1


@pytest.mark.parametrize(
    "content",
    ["{", "[1]", '{"images": 3}', '{"images": [{"detections": []}]}', '{"images": [{"file": "NAME", "detections": [{}]}]}',
     '{"images": [{"file": "NAME", "detections": [{"category": "1", "conf": NaN, "bbox": [0, 0, 1, 1]}]}]}'],
)  # fmt: skip
def test_what_is_no_list_of_detections_is_refused(
    store: Store, frames: list[str], tmp_path: Path, content: str
) -> None:
    path = tmp_path / "d.json"
    path.write_text(content.replace("NAME", frames[0]))
    with (
        pytest.raises(DatasetError, match="cannot be used as a list of detections"),
        store.writing() as session,
    ):
        import_detections(session, path)
    with store.reading() as session:
        assert set(session.scalars(select(Frame.boxes))) == {None}


def test_a_box_lets_the_model_look_closer(worker: Worker, tmp_path: Path) -> None:
    """A cat that is a sixteenth of the frame is overlooked in the whole frame."""
    ground = Image.fromarray(gravel()).convert("RGB").resize((1200, 900))
    ground.paste(Image.fromarray(chelsea()).resize((225, 150)), (900, 700))
    file = io.BytesIO()
    ground.save(file, "JPEG")
    found = []
    for camera, boxes in (("without", None), ("with", [["animal", 0.9, 0.75, 0.778, 0.1875, 0.1667]])):
        folder = worker.spool.folder / camera
        folder.mkdir()
        (folder / "a.jpg").write_bytes(file.getvalue())
        worker._take_in(Round())  # and before it is scored, a detector's boxes come
        with worker.store.writing() as session:
            frame = session.scalars(select(Frame).order_by(Frame.id.desc())).first()
            assert frame is not None
            frame.boxes = boxes
        worker.round()
        with worker.store.reading() as session:
            found.append(
                session.scalars(select(Prediction.probs).order_by(Prediction.frame_id.desc())).first()
            )
    without, closer = (probs["cat"] for probs in found if probs is not None)
    assert closer > without + 0.2


def test_by_its_rules_a_station_looks_closer_at_what_differs_from_the_background(
    worker: Worker, clock: SetClock
) -> None:
    ground = Image.fromarray(gravel()).convert("RGB").resize((1200, 900))
    with_cat = ground.copy()
    with_cat.paste(Image.fromarray(chelsea()).resize((225, 150)), (900, 700))
    alarms = []
    for camera, crops in (("off", False), ("on", True)):
        with worker.store.writing() as session:
            set_rules(session, the_station(session), replace(RULES, crops=crops), who="Kari", now=clock())
        folder = worker.spool.folder / camera
        folder.mkdir()
        for number in range(8):
            exif = Image.Exif()
            exif[0x0132] = (LOCAL - timedelta(minutes=10 * (8 - number))).strftime("%Y:%m:%d %H:%M:%S")
            (with_cat if number == 7 else ground).save(folder / f"{number}.jpg", exif=exif)
        worker.round()
        with worker.store.reading() as session:
            latest = session.scalars(select(Prediction).order_by(Prediction.frame_id.desc()).limit(8)).all()
        alarms.append([found.probs["cat"] for found in latest])
    (seen, *_), (closer, *others) = alarms
    assert closer > seen + 0.2 and max(others) < 0.2


@pytest.fixture
def with_person(store: Store, frames: list[str], tmp_path: Path) -> int:
    """A person in the first frame, whom the model took for a cat; gives the number of the event."""
    path = tmp_path / "d.json"
    path.write_text(json.dumps(dialect("corners", frames[0], "person")))
    with store.writing() as session:
        assert import_detections(session, path).persons == 1
        return session.scalars(select(Frame.event_id).order_by(Frame.id)).first() or 0


def test_a_person_in_a_box_is_withheld_from_display_and_export(
    store: Store, clock: SetClock, with_person: int
) -> None:
    with store.reading() as session:
        assert (may_show(session, 1), may_show(session, 2)) == (False, True)
        board = look(session, the_station(session), who="Ola", now=clock())
        assert {card.event_id: card.is_withheld for card in board.queue}[with_person]
        assert board.wall[0].frame_id == 2
        assert len(json.loads(megadetector_json(session))["images"]) == 1


def test_a_chief_may_ask_to_see_a_person_for_an_hour_and_that_is_written_down(
    store: Store, clock: SetClock, with_person: int
) -> None:
    desk = Desk(store, clock=clock)
    with pytest.raises(StationError, match="Only a chief"):
        desk.see_person(with_person, "Ola", "curious", role="ranger")
    with pytest.raises(StationError, match="reason"):
        desk.see_person(with_person, "Kari", " ", role="chief")
    until = desk.see_person(with_person, "Kari", "a poacher was reported", role="chief")
    assert until == clock() + OPEN_FOR
    with store.reading() as session:
        assert may_show(session, 1, who="Kari", now=clock())
        assert not may_show(session, 1, who="Ola", now=clock())
        assert not may_show(session, 1, who="Kari", now=clock() + OPEN_FOR)
        row = session.scalars(select(Audit).order_by(Audit.id.desc())).first()
    assert row is not None and (row.who, row.after["why"]) == ("Kari", "a poacher was reported")


def test_the_command_reads_boxes(store: Store, frames: list[str], tmp_path: Path) -> None:
    path = tmp_path / "md.json"
    path.write_text(json.dumps(dialect("megadetector", frames[1], "animal")))
    said = CliRunner().invoke(cli, ["station", "import", str(store.folder), str(path), "--json"])
    assert json.loads(said.stdout) == {"frames": 1, "boxes": 1, "persons": 0, "unknown": 0}
