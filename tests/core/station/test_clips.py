"""Videos: one event each, in the process that may be killed."""

from __future__ import annotations

import io
import os
import shutil
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from PIL import Image
from sqlalchemy import func, select

from core.station.cards import taker, video
from core.station.conftest import NOON, events, picture
from fieldmark.errors import BadImageError
from fieldmark.station.card import import_card, take_file
from fieldmark.station.clipframes import MOST_FRAMES, read_clip
from fieldmark.station.tables import Camera, Clip, Frame
from fieldmark.station.worker import Worker


def test_a_video_becomes_one_event_and_is_kept_whole(worker: Worker, tmp_path: Path) -> None:
    path = video(tmp_path / "card.avi")
    (tmp_path / "card").mkdir()
    shutil.move(path, tmp_path / "card" / "MOV_0001.AVI")
    report = import_card(tmp_path / "card", taker(worker))
    assert (report.videos, report.photos) == (1, 0)
    worker.round()
    (event,) = events(worker.store)
    with worker.store.reading() as session:
        clip = session.scalars(select(Clip)).one()
        frames = session.scalars(select(Frame).order_by(Frame.clip_frame)).all()
    assert event.n_frames == len(frames) >= 3
    assert [frame.clip_frame for frame in frames] == sorted({frame.clip_frame for frame in frames})
    assert worker.media.get(clip.sha256) == (tmp_path / "card" / "MOV_0001.AVI").read_bytes()
    assert import_card(tmp_path / "card", taker(worker)).duplicates == 1


def test_frames_of_a_video_stay_together_however_far_apart(worker: Worker, tmp_path: Path) -> None:
    taker(worker)
    path = video(tmp_path / "clip.avi")
    take_file(worker.ingest, path, 1, "clip.avi", "card")
    with worker.store.writing() as session:
        for number, frame in enumerate(session.scalars(select(Frame))):
            frame.at += timedelta(minutes=10 * number)
    worker.round()
    assert len(events(worker.store)) == 1


def test_a_still_video_is_one_frame_and_a_long_one_no_more_than_twelve(tmp_path: Path) -> None:
    assert len(read_clip(video(tmp_path / "still.avi", moving=False)).frames) == 1
    content = read_clip(video(tmp_path / "long.avi", seconds=40))
    assert 6 <= len(content.frames) <= MOST_FRAMES
    assert content.frames[-1].second > 25  # spread over all of it
    assert all(Image.open(io.BytesIO(frame.jpeg)).size == (320, 240) for frame in content.frames)


def test_what_only_calls_itself_a_video_is_refused_with_its_reason(worker: Worker, tmp_path: Path) -> None:
    good = video(tmp_path / "good.avi").read_bytes()
    for name, data in (("html.mp4", b"<html>401</html>" * 50), ("empty.mp4", b""), ("cut.avi", good[:900])):
        path = tmp_path / name
        path.write_bytes(data)
        with pytest.raises(BadImageError, match="cannot be used as a video") as caught:
            read_clip(path)
        assert caught.value.code == "bad_video"
    taker(worker)
    assert take_file(worker.ingest, path, 1, "cut.avi", "card").status == "rejected"


def test_without_pyav_videos_are_left_for_later_and_photos_are_taken(
    worker: Worker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    card = tmp_path / "card"
    card.mkdir()
    (card / "photo.jpg").write_bytes(picture("cat"))
    video(card / "clip.avi", seconds=1)
    (tmp_path / "stub").mkdir()
    (tmp_path / "stub" / "av.py").write_text("raise ImportError('not installed')")
    with monkeypatch.context() as patched:
        patched.setenv("PYTHONPATH", os.pathsep.join([str(tmp_path / "stub"), *sys.path]))
        report = import_card(card, taker(worker))
    assert (report.photos, report.videos, report.left["needs_extra"]) == (1, 0, 1)
    assert len(report.faults) == 1 and "fieldmark[video]" in report.faults[0]
    assert import_card(card, taker(worker)).videos == 1


def test_a_decoder_that_hangs_is_ended(tmp_path: Path) -> None:
    with pytest.raises(BadImageError, match="did not end"):
        read_clip(video(tmp_path / "clip.avi"), timeout_s=0.01)


def test_a_video_that_is_dropped_into_the_spool_is_taken_in(worker: Worker) -> None:
    folder = worker.spool.folder / "north"
    folder.mkdir()
    video(folder / "clip.avi")
    done = worker.round()
    assert done.new == 1 and not (folder / "clip.avi").exists()
    with worker.store.reading() as session:
        assert session.scalar(select(Camera.heard_at)) == NOON


def test_real_infrared_clips_are_one_event_each(worker: Worker, shared_photos: Path) -> None:
    report = import_card(shared_photos / "clips", taker(worker))
    assert report.videos == 2
    worker.round()
    with worker.store.reading() as session:
        clips = session.scalars(select(Clip).order_by(Clip.name)).all()
        began = session.scalar(select(func.min(Frame.at)).where(Frame.clip_id == clips[0].id))
        n_events = session.scalar(
            select(func.count(Frame.event_id.distinct())).where(Frame.clip_id == clips[0].id)
        )
    assert n_events == 1
    assert began == datetime(2025, 11, 12, 2, 3, 13, tzinfo=UTC)  # as the file says
    assert [round(clip.length_s) for clip in clips] == [1, 15]
