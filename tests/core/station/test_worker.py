"""Frames in, events out."""

from __future__ import annotations

import io
from collections.abc import Callable
from datetime import datetime, timedelta

import numpy as np
from PIL import Image
from sqlalchemy import func, select

from core.station.conftest import NOON, SetClock, events, picture
from fieldmark.prediction import Prediction as Answer
from fieldmark.predictor import Predictor
from fieldmark.station.store import Store
from fieldmark.station.tables import Beat, Camera, Frame, Prediction, Rejected
from fieldmark.station.worker import Worker

LOCAL = datetime(2026, 6, 1, 13, 30)  # in Oslo, half an hour before noon UTC


def test_frames_of_one_visit_are_one_event_and_a_cat_is_highlighted(
    store: Store, drop: Callable[..., None]
) -> None:
    drop(*(picture("cat", number=n, taken=LOCAL + timedelta(seconds=10 * n)) for n in range(3)))
    (event,) = events(store)
    assert (event.n_frames, event.state, event.reason, event.label) == (3, "highlighted", "alarm", "cat")
    assert event.ended_at - event.started_at == timedelta(seconds=20)
    assert event.started_at == NOON - timedelta(minutes=30)


def test_gravel_is_nothing_and_two_minutes_apart_are_two_events(
    store: Store, drop: Callable[..., None]
) -> None:
    drop(picture("gravel", taken=LOCAL), picture("gravel", number=1, taken=LOCAL + timedelta(seconds=121)))
    assert [event.state for event in events(store)] == ["nothing", "nothing"]


def test_two_cameras_never_share_an_event(store: Store, drop: Callable[..., None]) -> None:
    drop(picture("cat", taken=LOCAL), camera="north")
    drop(picture("cat", number=1, taken=LOCAL), camera="south")
    assert len(events(store)) == 2


def test_the_same_picture_again_is_a_duplicate_and_leaves_the_spool(
    store: Store, worker: Worker, drop: Callable[..., None]
) -> None:
    drop(picture("cat", taken=LOCAL))
    drop(picture("cat", taken=LOCAL))
    with store.reading() as session:
        assert session.scalar(select(func.count(Frame.id))) == 1
    assert not any(path.is_file() for path in worker.spool.folder.rglob("*"))


def test_a_broken_file_is_put_aside_with_its_reason_and_the_rest_goes_on(
    store: Store, worker: Worker, drop: Callable[..., None]
) -> None:
    good = picture("cat", taken=LOCAL)
    drop(good[: len(good) // 2], b"<html>401</html>", good)
    with store.reading() as session:
        assert sorted(session.scalars(select(Rejected.code))) == ["format_not_allowed", "truncated"]
    assert len(events(store)) == 1
    assert len(list((store.folder / "refused" / "north").iterdir())) == 2
    assert worker.round().rejected == 0


def test_a_clock_that_cannot_be_right_gives_way_to_the_time_of_receiving(
    store: Store, drop: Callable[..., None]
) -> None:
    drop(picture("cat", taken=datetime(1970, 1, 1)))
    drop(picture("cat", number=1, taken=datetime(2099, 1, 1)))
    with store.reading() as session:
        frames = session.scalars(select(Frame)).all()
    assert {(frame.clock, frame.at) for frame in frames} == {("received", NOON)}
    assert frames[0].captured == "1970-01-01T00:00:00"


def test_liveness_goes_by_the_servers_clock(store: Store, clock: SetClock, drop: Callable[..., None]) -> None:
    clock.forward(hours=5)
    drop(picture("cat", taken=LOCAL))
    with store.reading() as session:
        assert session.scalar(select(Camera.heard_at)) == NOON + timedelta(hours=5)
        assert session.get_one(Beat, "worker").at == NOON + timedelta(hours=5)


def test_a_visit_that_is_still_going_on_takes_further_frames(store: Store, drop: Callable[..., None]) -> None:
    drop(picture("gravel", taken=LOCAL))
    drop(picture("cat", taken=LOCAL + timedelta(seconds=60)))
    (event,) = events(store)
    assert event.n_frames == 2


def test_frames_that_are_read_side_by_side_stay_in_the_order_of_their_names(
    store: Store, worker: Worker
) -> None:
    folder = worker.spool.folder / "north"
    folder.mkdir(parents=True)
    rng = np.random.default_rng(1)
    for number in range(8):  # the first ones take longest to read
        side = 2400 if number < 2 else 40
        image = Image.fromarray(rng.integers(0, 255, (side, side, 3), dtype=np.uint8))
        image.save(folder / f"{number}.jpg", quality=90)
    worker.round()
    with store.reading() as session:
        names = session.scalars(select(Frame.name).order_by(Frame.received_at, Frame.id)).all()
    assert names == [f"north/{number}.jpg" for number in range(8)]


def test_a_large_frame_is_decoded_once_and_answered_to_the_last_bit_as_from_its_file(
    store: Store, worker: Worker, cat_predictor: Predictor
) -> None:
    folder = worker.spool.folder / "north"
    folder.mkdir(parents=True)
    Image.open(io.BytesIO(picture("cat"))).resize((3200, 2400)).save(folder / "large.jpg", quality=80)
    data = (folder / "large.jpg").read_bytes()
    worker.round()
    with store.reading() as session:
        frame, kept = session.scalars(select(Frame)).one(), session.scalars(select(Prediction)).one()
    assert worker.ingest.smalls.get(frame.sha256, size_px=224) is not None
    assert worker.ingest.smalls.get(frame.sha256, size_px=512) is None
    (answer,) = cat_predictor.predict([data])
    assert isinstance(answer, Answer)
    assert kept.probs == answer.probs
