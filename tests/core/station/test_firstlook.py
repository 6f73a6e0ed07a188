"""Before any model: what is likely empty, what looks alike, what is like nothing else."""

from __future__ import annotations

import csv
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from sqlalchemy import func, select
from typer.testing import CliRunner

from core.station.conftest import SetClock, events
from fieldmark.cli.main import cli
from fieldmark.station.background import (
    FEWEST,
    SOMETHING,
    Small,
    differences,
    how_different,
    small_grey,
    where_different,
)
from fieldmark.station.board import look
from fieldmark.station.desk import Desk
from fieldmark.station.firstlook import alike, first_look
from fieldmark.station.reviews import Said
from fieldmark.station.scenery import Scene, Subject, render
from fieldmark.station.stations import camera_named, the_station
from fieldmark.station.store import Store
from fieldmark.station.tables import Event, Frame
from fieldmark.station.worker import Worker

BEGIN = datetime(2026, 5, 1, 8)
APART = timedelta(seconds=120)
EVERY = timedelta(minutes=20)


def scene(number: int, subject: Subject = "nothing", *, hour: int = 8, camera: int = 0) -> bytes:
    at = BEGIN.replace(hour=hour) + number * EVERY
    return render(Scene(camera, at, subject, 100 + number), written=at)


def smalls(subjects: list[Subject], *, hour: int = 8) -> list[Small]:
    return [
        Small(small_grey(scene(n, s, hour=hour)), BEGIN.replace(tzinfo=UTC) + n * EVERY, hour > 20)
        for n, s in enumerate(subjects)
    ]


@pytest.mark.parametrize("hour", [8, 22])
def test_a_frame_with_a_cat_differs_from_the_background_and_an_empty_one_does_not(hour: int) -> None:
    subjects: list[Subject] = ["nothing"] * 6 + ["cat"] + ["nothing"] * 6
    found = [how_different(m) for m in differences(smalls(subjects, hour=hour), apart=APART) if m is not None]
    assert len(found) == 13
    assert found[6] > SOMETHING > max(found[:6] + found[7:])


def test_what_differs_is_found_where_it_is() -> None:
    frames = smalls(["nothing"] * 7)
    moved = frames[3].grey.copy()
    moved[60:84, 32:64] += 5
    maps = differences([*frames[:3], Small(moved, frames[3].at, False), *frames[4:]], apart=APART)
    assert maps[3] is not None and maps[0] is not None
    box = where_different(maps[3])
    assert box == pytest.approx((0.2, 0.5, 0.4, 0.7), abs=0.04)
    assert where_different(maps[0]) is None


def test_a_strip_with_the_time_does_not_count() -> None:
    frames = smalls(["nothing"] * 7)
    for number, frame in enumerate(frames):
        frame.grey[-6:, number * 10 : number * 10 + 60] += 20
    assert all(m is not None and how_different(m) < SOMETHING for m in differences(frames, apart=APART))


def test_with_too_few_other_frames_nothing_is_said() -> None:
    assert differences(smalls(["nothing"] * FEWEST), apart=APART) == [None] * FEWEST
    night_and_day = smalls(["nothing"] * 4) + smalls(["nothing"] * 4, hour=22)
    assert differences(night_and_day, apart=APART) == [None] * 8


def test_a_frame_of_the_same_visit_is_no_background() -> None:
    frames = smalls(["nothing"] * 6 + ["cat"])
    again = [Small(frames[6].grey, frames[6].at + timedelta(seconds=n), False) for n in range(1, 20)]
    found = differences([*frames, *again], apart=APART)[6]
    assert found is not None and how_different(found) > SOMETHING


def test_rows_that_lie_close_together_have_one_number_and_the_largest_group_is_the_first() -> None:
    rng = np.random.default_rng(0)
    centres = np.eye(3, 64)
    rows = np.repeat(centres, (3, 8, 1), axis=0) + rng.normal(0, 0.02, (12, 64))
    numbers = alike(rows.astype(np.float32))
    assert numbers.tolist() == [1] * 3 + [0] * 8 + [2]
    assert alike(rows[:1].astype(np.float32)).tolist() == [0]


@pytest.fixture
def watched(store: Store, clock: SetClock) -> Worker:
    """A station without a model, whose camera saw eight empty frames, three cats and a person."""
    worker = Worker(store, clock=clock, still_s=0)
    folder = worker.spool.folder / "north"
    folder.mkdir(parents=True)
    subjects: list[Subject] = (
        ["nothing"] * 4 + ["cat", "nothing", "cat", "nothing", "cat", "person"] + ["nothing"] * 2
    )
    for number, subject in enumerate(subjects):
        (folder / f"{number:02}-{subject}.jpg").write_bytes(scene(number, subject))
    return worker


def test_without_a_model_events_are_likely_empty_or_waiting_for_a_person(watched: Worker) -> None:
    assert watched.round().looked == 12
    with watched.store.reading() as session:
        rows = session.execute(
            select(Frame.name, Event.state, Event.reason, Event.alike).join(Event, Event.id == Frame.event_id)
        ).all()
    empty = {name for name, state, *_ in rows if state == "nothing"}
    assert empty == {name for name, *_ in rows if "nothing" in name}
    assert all(reason in ("unsure", "unfamiliar") for _, state, reason, _ in rows if state == "highlighted")
    assert all((number is None) == (name in empty) for name, *_, number in rows)
    assert watched.round().looked == 0


def test_what_a_person_said_stands_when_more_frames_come(watched: Worker, clock: SetClock) -> None:
    watched.round()
    first = next(event for event in events(watched.store) if event.state == "highlighted")
    Desk(watched.store, clock=clock).review(Said(first.id, "Ola", "relabelled", "cat"))
    (watched.spool.folder / "north" / "x.jpg").write_bytes(scene(20))
    watched.round()
    with watched.store.reading() as session:
        assert session.get_one(Event, first.id).state == "relabelled"
        assert session.scalar(select(func.count(Event.id)).where(Event.state == "highlighted")) == 3


def test_a_worker_looks_again_at_what_came_and_at_a_visit_that_goes_on(watched: Worker) -> None:
    watched.round()
    before = {event.id: event.alike for event in events(watched.store)}
    at = BEGIN + 2 * EVERY + timedelta(seconds=60)  # a minute after a frame that was empty
    late = render(Scene(0, at, "cat", 77), written=at)
    (watched.spool.folder / "north" / "z.jpg").write_bytes(late)
    watched.round()
    after = {event.id: event for event in events(watched.store)}
    joined = next(event for event in after.values() if event.n_frames == 2)
    assert joined.state == "highlighted" and before[joined.id] is None
    assert len(after) == len(before)


def test_a_look_that_was_cut_off_is_made_up_for_and_a_lost_picture_is_not_looked_for_for_ever(
    watched: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    from fieldmark.station import firstlook

    def dies(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(firstlook, "_most_different", dies)
        with pytest.raises(KeyboardInterrupt):
            watched.round()
    with watched.store.reading() as session:
        lost = session.scalars(select(Frame).order_by(Frame.id)).first()
    assert lost is not None
    watched.media.drop(lost.sha256)
    assert watched.round().looked == 11
    assert watched.round().looked == 0
    assert sum(event.state == "highlighted" for event in events(watched.store)) == 4


def test_numbers_of_groups_are_not_used_twice(watched: Worker, monkeypatch: pytest.MonkeyPatch) -> None:
    from fieldmark.station import firstlook

    monkeypatch.setattr(firstlook, "CONTEXT", 0)  # what came before is not looked at again
    watched.round()
    before = {event.id: event.alike for event in events(watched.store) if event.alike is not None}
    spool = watched.spool.folder / "north"
    for number, subject in (
        (30, "nothing"),
        (31, "nothing"),
        (32, "nothing"),
        (33, "nothing"),
        (34, "nothing"),
        (35, "cat"),
    ):
        (spool / f"{number}.jpg").write_bytes(scene(number, "cat" if subject == "cat" else "nothing"))
    watched.round()
    new = {e.alike for e in events(watched.store) if e.alike is not None and e.id not in before}
    assert new and not new & set(before.values())


def test_a_label_that_somebody_wrote_is_offered_from_then_on(watched: Worker, clock: SetClock) -> None:
    watched.round()
    first = next(event for event in events(watched.store) if event.state == "highlighted")
    Desk(watched.store, clock=clock).review(Said(first.id, "Ola", "relabelled", "house cat"))
    with watched.store.reading() as session:
        board = look(session, the_station(session), who="Ola", now=clock())
    assert board.vocab == ("cat", "person", "house cat")


def test_the_command_writes_a_table_and_a_model_may_come_later(watched: Worker, tmp_path: Path) -> None:
    watched.round()
    out = tmp_path / "events.csv"
    said = CliRunner().invoke(
        cli, ["station", "look", str(watched.store.folder), "--out", str(out), "--json"]
    )
    assert said.exit_code == 0, said.output
    counts = json.loads(said.stdout)
    assert (counts["events"], counts["likely_empty"]) == (12, 8)
    with out.open(encoding="utf-8-sig") as file:
        rows = list(csv.DictReader(file))
    assert [row["says"] for row in rows[-8:]] == ["empty"] * 8
    assert {row["best"] for row in rows[:4]} == {
        f"north/{n:02}-{s}.jpg" for n, s in ((4, "cat"), (6, "cat"), (8, "cat"), (9, "person"))
    }


def test_real_infrared_frames_are_sorted_without_a_model(worker: Worker, shared_photos: Path) -> None:
    base = shared_photos / "camtrap_varanger"
    with worker.store.writing() as session:
        box = camera_named(session, the_station(session), "box", now=worker.clock()).id
    for label, n in (("empty", 24), ("rodent", 12)):
        for path in sorted((base / label).glob("vj_ga_hu_2*"))[:n]:
            worker.ingest.take(path.read_bytes(), box, f"{label}/{path.name}", "card")
    looked = {event.event_id: event.says for event in first_look(worker.store)}
    with worker.store.reading() as session:
        rows = session.execute(select(Frame.name, Frame.event_id)).all()
    said = [(name.split("/")[0], looked[event]) for name, event in rows]
    assert all(word != "empty" for label, word in said if label == "rodent")
    assert sum(word == "empty" for label, word in said if label == "empty") >= 18
