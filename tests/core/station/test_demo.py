"""The demo station: played live by a worker of its own."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import func, select

from fieldmark.station.board import Board, look
from fieldmark.station.client import DeskClient
from fieldmark.station.demo import Pace, play_demo
from fieldmark.station.reviews import Said
from fieldmark.station.simulate import MODEL_NAME
from fieldmark.station.stations import the_station
from fieldmark.station.store import FILE_NAME, open_store
from fieldmark.station.tables import Frame

QUICK = Pace(frame_s=0.05, first_s=0.1, later_s=0.1, most_frames=120)


@pytest.fixture
def playing(tmp_path: Path) -> Iterator[Path]:
    folder, stop = tmp_path / "demo", threading.Event()
    thread = threading.Thread(target=play_demo, args=(folder, stop), kwargs={"pace": QUICK})
    thread.start()
    yield folder
    stop.set()
    thread.join(30)
    assert not thread.is_alive()


def board_of(folder: Path) -> Board:
    store = open_store(folder)
    with store.reading() as session:
        board = look(session, the_station(session), who="Kari", now=datetime.now(UTC))
    store.close()
    return board


def n_frames(folder: Path) -> int:
    store = open_store(folder)
    with store.reading() as session:
        n = session.scalar(select(func.count(Frame.id)))
    store.close()
    return n or 0


def until(true: Callable[[], bool], seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end
        time.sleep(0.1)


def test_the_demo_station_watches_has_silent_cameras_and_takes_reviews(playing: Path) -> None:
    until(lambda: (playing / MODEL_NAME).exists())  # after the station itself
    until(lambda: board_of(playing).is_worker_alive and len(board_of(playing).queue) >= 2)
    silent = {"camera 5": "amber", "camera 6": "grey"}
    until(
        lambda: (
            {t.name: t.urgency for t in board_of(playing).wall if t.urgency in ("amber", "grey")} == silent
        )
    )
    board = board_of(playing)
    assert board.station == "Simulated station"
    first = board.queue[0].event_id
    DeskClient(playing).review(Said(first, "Kari", "confirmed"))
    assert first not in [card.event_id for card in board_of(playing).queue]


def test_a_demo_that_is_left_running_does_not_fill_the_disk(tmp_path: Path) -> None:
    folder, stop = tmp_path / "demo", threading.Event()
    few = replace(QUICK, most_frames=1)  # the day before alone has more
    thread = threading.Thread(target=play_demo, args=(folder, stop), kwargs={"pace": few})
    thread.start()
    until(lambda: (folder / MODEL_NAME).exists())
    until(lambda: n_frames(folder) > 10 and n_frames(folder) == (time.sleep(1.5), n_frames(folder))[1])
    assert board_of(folder).is_worker_alive
    stop.set()
    thread.join(30)


def test_a_demo_ends_with_whoever_started_it(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "fieldmark", "station", "demo", str(tmp_path / "demo"), "--attached"]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.DEVNULL)
    assert process.stdin is not None
    until(lambda: (tmp_path / "demo" / FILE_NAME).exists())
    process.stdin.close()
    assert process.wait(30) == 0
