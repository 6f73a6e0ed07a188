"""Covered, blurred and moved cameras; and a burst that shows one picture."""

from __future__ import annotations

import io
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageFilter

from core.station.conftest import NOON, SetClock, picture
from fieldmark.station.board import look
from fieldmark.station.framelook import look_at_frame
from fieldmark.station.scenery import Scene, Subject, render
from fieldmark.station.stations import the_station
from fieldmark.station.view import LEAST, RECENT, Sight, judge_view
from fieldmark.station.worker import Worker

BEGIN = datetime(2026, 5, 30, 8)


def frame(number: int, *, camera: int = 0, subject: Subject = "nothing", hour: int = 8) -> bytes:
    at = BEGIN.replace(hour=hour) + timedelta(minutes=5 * number)
    return render(Scene(camera, at, subject, number), written=at)


def changed(data: bytes, *, blur: float = 0.0, light: float = 1.0) -> bytes:
    image = Image.open(io.BytesIO(data)).filter(ImageFilter.GaussianBlur(blur))
    out = io.BytesIO()
    Image.fromarray(np.uint8(np.asarray(image) * light)).save(out, "JPEG")
    return out.getvalue()


def sights(frames: list[bytes], *, visits: list[int] | None = None) -> list[Sight]:
    """The newest first, as the board reads them."""
    found = []
    for number, data in enumerate(frames):
        seen = look_at_frame(data)
        event = visits[number] if visits else number
        found.append(Sight(event, seen.is_night, seen.brightness, seen.sharpness, seen.look))
    return found[::-1]


USUAL = [frame(number, subject="cat" if number % 5 == 0 else "nothing") for number in range(LEAST + 5)]


def test_a_camera_that_sees_what_it_saw_is_left_alone_also_with_cats() -> None:
    assert (
        judge_view(sights([*USUAL, *(frame(n, subject="cat") for n in range(40, 40 + RECENT))])).state == "ok"
    )


@pytest.mark.parametrize(
    ("blur", "light", "state", "word"),
    [(20, 0.3, "covered", "darker"), (20, 1.0, "blurred", "less sharp")],
)
def test_a_covered_and_a_fogged_lens_are_told_apart(blur: float, light: float, state: str, word: str) -> None:
    view = judge_view(sights([*USUAL, *(changed(frame(n), blur=blur, light=light) for n in range(40, 45))]))
    assert view.state == state and word in view.sentence


def test_a_camera_that_was_turned_sees_another_view() -> None:
    turned = [frame(n, camera=1) for n in range(40, 40 + RECENT)]
    view = judge_view(sights([*USUAL, *turned]))
    assert view.state == "moved" and f"the {len(USUAL)} before" in view.sentence
    assert judge_view(sights([*USUAL, *turned[:-1]])).state == "ok"  # four do not make it sure


def test_a_long_visit_is_one_witness() -> None:
    frames = [*USUAL, *(frame(n, camera=1) for n in range(40, 60))]
    assert judge_view(sights(frames, visits=[*range(len(USUAL)), *[1000] * 20])).state == "ok"


def test_night_is_no_fault_of_the_camera_and_a_new_one_is_not_judged() -> None:
    assert judge_view(sights([*USUAL, *(frame(n, hour=22) for n in range(40, 50))])).state == "ok"
    assert judge_view(sights([frame(n) for n in range(10)])).state == "ok"
    assert judge_view([]).state == "ok"


def test_real_cameras_with_visitors_are_left_alone(shared_photos: Path) -> None:
    base = shared_photos / "camtrap_varanger"

    for camera in (1, 2, 3):
        paths = sorted(base.rglob(f"vj_ga_hu_{camera}_*"), key=lambda path: path.name)[-40:]
        assert judge_view(sights([path.read_bytes() for path in paths])).state == "ok"


def test_the_wall_tells_of_a_moved_camera_with_a_sentence(worker: Worker, clock: SetClock) -> None:
    folder = worker.spool.folder / "north"
    folder.mkdir()
    frames = [*USUAL, *(frame(n, camera=1) for n in range(40, 40 + RECENT))]
    for number, data in enumerate(frames):
        (folder / f"{number:03}.jpg").write_bytes(data)
    clock.now = NOON
    worker.round()
    with worker.store.reading() as session:
        (tile,) = look(session, the_station(session), who="Ola", now=clock()).wall
    assert tile.view == "moved" and tile.note.startswith("Moved: its last 5 visits")
    assert tile.urgency in ("amber", "red")


def test_a_burst_of_a_still_scene_is_one_picture_and_all_its_frames_are_kept(worker: Worker) -> None:
    folder = worker.spool.folder / "north"
    folder.mkdir()
    at = datetime(2026, 6, 1, 13, 30)
    for number in range(6):
        data = picture("cat", taken=at + timedelta(seconds=number))
        (folder / f"{number:03}.jpg").write_bytes(data)
    worker.round()
    with worker.store.reading() as session:
        (card,) = look(session, the_station(session), who="Ola", now=worker.clock()).queue
    assert len(card.frames) == 6 and card.distinct == card.frames[:1]
