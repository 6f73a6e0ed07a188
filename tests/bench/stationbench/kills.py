"""The worker is killed again and again while cameras, reviewers and a receiver of alerts go on."""

from __future__ import annotations

import threading
import time
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import func, select
from stationbench.stations import cat_model, new_station, start_worker, until

from core.station.conftest import picture
from core.station.test_alerts import SECRET, Receiver
from core.station.test_stages import PLAN
from fieldmark.errors import FieldmarkError
from fieldmark.station.client import DeskClient
from fieldmark.station.logcheck import check_log
from fieldmark.station.reviews import Said, queue
from fieldmark.station.stages import set_stage, sign_plan
from fieldmark.station.stations import the_station
from fieldmark.station.store import open_store
from fieldmark.station.tables import Alert, Event, Frame, Prediction, Review

KILL_AFTER_S = 2.0
"""From the moment at which the worker works again; killed while it only starts, it would never do anything."""
PHOTOS_A_SECOND, CAMERAS = 4, 6


def kill(work: Path, seconds: float) -> None:
    """Kill for so long, let it end in peace, and count; AssertionError where anything is lost or doubled."""
    model, receiver = cat_model(work), Receiver()
    channel = {"kind": "webhook", "name": "rangers", "url": receiver.url, "secret": SECRET}
    folder = new_station(work / "station", channels=[channel], gap_s=1)
    _raise_to_2(folder)
    stop, dropped = threading.Event(), list[str]()
    threads = [
        threading.Thread(target=_drop, args=(folder, stop, dropped)),
        threading.Thread(target=_review, args=(folder, stop)),
    ]
    for thread in threads:
        thread.start()
    kills, end = 0, time.monotonic() + seconds
    while time.monotonic() < end:
        worker = start_worker(folder, model)
        time.sleep(KILL_AFTER_S)
        worker.kill()
        worker.wait()
        kills += 1
    stop.set()
    worker = start_worker(folder, model)
    for thread in threads:
        thread.join()
    until(lambda: _is_done(folder, len(dropped)), 180)
    worker.terminate()
    worker.wait(30)
    receiver.close()
    _count(folder, dropped, receiver, kills, seconds)


def _raise_to_2(folder: Path) -> None:
    store, now = open_store(folder), datetime.now(UTC)
    with store.writing() as session:
        station = the_station(session)
        sign_plan(session, station, who="chief", now=now, **PLAN)  # type: ignore[arg-type]
        set_stage(session, station, 2, who="chief", why="", now=now)
    store.close()


def _drop(folder: Path, stop: threading.Event, dropped: list[str]) -> None:
    number = 0
    while not stop.wait(1 / PHOTOS_A_SECOND):
        spool = folder / "spool" / f"camera {number % CAMERAS + 1}"
        spool.mkdir(parents=True, exist_ok=True)
        data = picture("cat" if number % 3 else "gravel", number=number % 50)
        unfinished = spool / f"{number:06}.part"
        unfinished.write_bytes(data[:2] + b"\xff\xfe\x00\x08" + f"{number:06}".encode() + data[2:])
        unfinished.rename(unfinished.with_suffix(".jpg"))
        dropped.append(f"camera {number % CAMERAS + 1}/{number:06}.jpg")
        number += 1


def _review(folder: Path, stop: threading.Event) -> None:
    """Confirm whatever waits; what the worker did not answer is asked again, as a person would."""
    desk, store = DeskClient(folder), open_store(folder)
    while not stop.wait(0.1):
        try:
            with store.reading() as session:
                waiting = [
                    event.id for event in queue(session, 1, now=datetime.now(UTC), who="Kari", limit=5)
                ]
            for event_id in waiting:
                desk.hold(event_id, "Kari")
                desk.review(Said(event_id, "Kari", "confirmed"))
        except FieldmarkError:
            continue
    store.close()


def _is_done(folder: Path, n: int) -> bool:
    store = open_store(folder)
    with store.reading() as session:
        frames = session.scalar(select(func.count(Frame.id)))
        predicted = session.scalar(select(func.count(Prediction.frame_id)))
        waiting = session.scalar(select(func.count(Alert.id)).where(Alert.state.in_(("queued", "failed"))))
    store.close()
    return frames == predicted == n and not waiting and not any(folder.joinpath("spool").rglob("*.jpg"))


def _count(folder: Path, dropped: list[str], receiver: Receiver, kills: int, seconds: float) -> None:
    store = open_store(folder)
    with store.reading() as session:
        frames = session.scalars(select(Frame.name)).all()
        confirmed = session.scalars(
            select(Event.id).where(Event.state == "confirmed", Event.human_label == "cat")
        ).all()
        alerts = dict(session.execute(select(Alert.key, Alert.event_id)).all())  # type: ignore[arg-type]
        reviews = Counter(session.scalars(select(Review.event_id)))
        broken = check_log(session).broken
    store.close()
    keys = Counter(headers["Idempotency-Key"] for headers, _ in receiver.came)
    again = sum(keys.values()) - len(keys)
    print(
        f"  killed {kills} times in {seconds:.0f} s. {len(dropped)} photos dropped, {len(frames)} kept, "
        f"{len(set(frames))} of them different; {len(confirmed)} events confirmed, {len(alerts)} alerts, "
        f"{len(keys)} received ({again} sent again with the same key, as the outbox says)"
    )
    assert sorted(frames) == sorted(dropped)
    assert max(reviews.values(), default=1) == 1
    assert sorted(alerts.values()) == sorted(confirmed)
    assert set(keys) == set(alerts)
    assert broken is None
