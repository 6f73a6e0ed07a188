"""How fast is the station, and does it lose anything? Each part by itself, or all one after the other.

    make bench-station                          (or: python tests/bench/bench_station.py [PART ...])

latency    a photo lands in the spool → its sighting is on the open dashboard: 12 cameras, 1 photo a second in total
ingest     photos of 12 megapixels a second through the real worker, with its memory; FULL=1 takes 5,000 of them
queries    what the dashboard asks, of a store with 1,000,000 events
review     300 events, 4 reviewers at once: each reviewed once
kill       the worker killed (-9) again and again under load: KILL_S=300 seconds of it
day        a simulated day of faults: cameras stalling, disk full, mail server down, the clock an hour back
simulator  what was planted (seed 1) and what was found, with the planted rise and after how many days it is told

Nothing is mocked: workers, the server, Chromium, webhook and mail receivers are real ones on this machine.
"""

from __future__ import annotations

import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import psutil
from PIL import Image
from sqlalchemy import func, insert, select

sys.path.insert(0, str(Path(__file__).parents[1]))

from stationbench.faults import day
from stationbench.kills import kill
from stationbench.planted import simulator
from stationbench.screen import latency
from stationbench.stations import cat_model, new_station, working

from core.station.conftest import picture
from core.station.visits import add_champion, add_event
from fieldmark.errors import StationError
from fieldmark.station.board import Memory, look
from fieldmark.station.client import DeskClient
from fieldmark.station.desk import Desk
from fieldmark.station.door import open_door
from fieldmark.station.figures import measure
from fieldmark.station.reviews import Said, queue
from fieldmark.station.stations import camera_named, the_station
from fieldmark.station.store import Store, open_store
from fieldmark.station.tables import Alert, Delivery, Event, Frame, Review
from fieldmark.station.worker import Worker

MEGAPIXELS_12 = (4000, 3000)
EVENTS = 1_000_000
CAMERAS = 12
ASKED = 40
"""How often each question is asked."""


def main(wanted: Sequence[str]) -> int:
    """Run the parts that are named, or all."""
    parts: dict[str, Callable[[Path], None]] = {
        "latency": latency,
        "ingest": ingest,
        "queries": queries,
        "review": review,
        "kill": lambda work: kill(work, float(os.environ.get("KILL_S", "300"))),
        "day": day,
        "simulator": simulator,
    }
    if unknown := set(wanted) - set(parts):
        sys.exit(f"There is no part {', '.join(sorted(unknown))}; there are {', '.join(parts)}.")
    for name in wanted or parts:
        print(f"\n{name}", flush=True)
        with tempfile.TemporaryDirectory() as work:
            parts[name](Path(work))
    return 0


# --- Ingest -------------------------------------------------------------------------------------------------


def ingest(work: Path) -> None:
    """Feed the real worker as fast as it takes, and watch how much memory it has."""
    n = 5000 if os.environ.get("FULL") else 600
    folder, photos = new_station(work / "station"), _large_photos()
    process, memory, store = None, [], open_store(folder)  # opened once: to open it takes as long as a photo
    with working(folder, cat_model(work)) as worker:
        process = psutil.Process(worker.pid)
        begin = time.monotonic()
        for number in range(n):
            _drop_large(folder, photos, number)
            while number % 20 == 0 and number - _count(store) > 60:
                time.sleep(0.05)
            if number % max(1, n // 10) == 0:
                memory.append(process.memory_info().rss / 2**20)
        while _count(store) < n:
            time.sleep(0.1)
        seconds = time.monotonic() - begin
        memory.append(process.memory_info().rss / 2**20)
    store.close()
    print(
        f"  {n} photos of 12 megapixels ({len(photos[0]) / 2**20:.1f} MiB) in {seconds:.0f} s: {n / seconds:.1f} a "
        f"second taken in, and predicted as they came. The worker's memory on the way: "
        f"{', '.join(f'{mib:.0f}' for mib in memory)} MiB"
    )


def _large_photos() -> list[bytes]:
    """Frames as a trail camera writes them: large, and not sharp to the last pixel."""
    import io

    found, rng = [], np.random.default_rng(1)
    for kind in ("cat", "gravel"):
        image = Image.open(io.BytesIO(picture(kind))).resize(MEGAPIXELS_12, Image.Resampling.BICUBIC)
        noisy = np.asarray(image, np.int16) + rng.integers(-6, 7, (MEGAPIXELS_12[1], MEGAPIXELS_12[0], 1))
        buffer = io.BytesIO()
        Image.fromarray(np.uint8(np.clip(noisy, 0, 255))).save(buffer, "JPEG", quality=80)
        found.append(buffer.getvalue())
    return found


def _drop_large(folder: Path, photos: Sequence[bytes], number: int) -> None:
    """Write one under a camera; a comment in its header makes it another file."""
    comment = f"frame {number}".encode()
    segment = b"\xff\xfe" + (len(comment) + 2).to_bytes(2, "big") + comment
    data = photos[number % len(photos)]
    spool = folder / "spool" / f"camera {number % CAMERAS + 1}"
    spool.mkdir(parents=True, exist_ok=True)
    unfinished = spool / f"{number:06}.part"
    unfinished.write_bytes(data[:2] + segment + data[2:])
    unfinished.rename(unfinished.with_suffix(".jpg"))


def _count(store: Store) -> int:
    with store.reading() as session:
        return session.scalar(select(func.count(Frame.id))) or 0


# --- Questions of the dashboard -------------------------------------------------------------------------------


def queries(work: Path) -> None:
    """Ask a store of a million events what the dashboard asks every second, and what it asks every minute."""
    store, now = open_store(new_station(work / "station")), datetime.now(UTC)
    begin = time.monotonic()
    _fill(store, now)
    print(
        f"  {EVENTS:,} events and as many frames of {CAMERAS} cameras, a year ({time.monotonic() - begin:.0f} s)"
    )
    end = now.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
    with store.reading() as session:
        station = the_station(session)
        memory: Memory = {}  # as an open page keeps it
        asked: dict[str, Callable[[], object]] = {
            "wall and queue, every second": lambda: look(
                session, station, who="Kari", now=now, memory=memory
            ),
            "the same on a page that was just opened": lambda: look(session, station, who="Kari", now=now),
            "the week in sentences, every minute": lambda: measure(session, station, end=end),
        }
        for what, ask in asked.items():
            ask()
            times = [_seconds(session.expunge_all, ask) for _ in range(ASKED)]
            print(
                f"  {what}: median {1000 * statistics.median(times):.0f} ms, p95 {1000 * p95(times):.0f} ms"
            )
    store.close()


def _seconds(before: Callable[[], object], act: Callable[[], object]) -> float:
    before()
    begin = time.perf_counter()
    act()
    return time.perf_counter() - begin


def _fill(store: Store, now: datetime) -> None:
    """A year: 4 in 100 events are alarms, nearly all of them reviewed and sent; 5 in 100 are drawn for the audit."""
    rng = np.random.default_rng(1)
    with store.writing() as session:
        station = the_station(session)
        cameras = [camera_named(session, station, f"camera {i + 1}", now=now).id for i in range(CAMERAS)]
        station.since = now - timedelta(days=366)
        model = add_champion(session, now).id
        step = timedelta(days=365) / EVENTS
        for start in range(0, EVENTS, 20_000):
            events, frames = [], []
            for i, (draw, drawn) in enumerate(
                zip(rng.random(20_000), rng.random(20_000), strict=True), start + 1
            ):
                at, is_alarm, camera = now - (EVENTS - i) * step, draw < 0.04, cameras[i % CAMERAS]
                is_done = i < EVENTS - 20_000
                events.append({
                    "id": i, "camera_id": camera, "started_at": at, "ended_at": at, "n_frames": 1, "is_night": False,
                    "model_id": model, "label": "cat" if is_alarm else "nothing", "prob": 0.9,
                    "alarm": 0.9 if is_alarm else 0.01, "is_unfamiliar": False, "is_audit": drawn < 0.05,
                    "state": ("confirmed" if is_done else "highlighted") if is_alarm else "nothing",
                    "reason": "alarm" if is_alarm else "", "best_frame_id": i,
                    "human_label": "cat" if is_alarm and is_done else None,
                    "reviewed_by": "Ola" if is_alarm and is_done else None,
                    "reviewed_at": at if is_alarm and is_done else None,
                })  # fmt: skip
                frames.append({
                    "id": i, "camera_id": camera, "event_id": i, "sha256": f"{i:064x}", "name": "a.jpg",
                    "source": "spool", "received_at": at, "at": at, "clock": "camera", "width": 640, "height": 480,
                    "is_night": False, "brightness": 100.0, "sharpness": 50.0, "look": "0" * 16,
                })  # fmt: skip
            session.execute(insert(Event), events)
            session.execute(insert(Frame), frames)
            sent = [event for event in events if event["state"] == "confirmed"]
            if sent:  # of the latest none yet
                session.execute(insert(Alert), [_alert(event) for event in sent])
                session.execute(insert(Delivery), [_delivery(event) for event in sent])
    with store.engine.connect() as connection:
        connection.exec_driver_sql("ANALYZE")


def _alert(event: Mapping[str, Any]) -> dict[str, Any]:
    at = event["started_at"]
    return {
        "id": event["id"], "event_id": event["id"], "key": str(event["id"]), "created_at": at, "confirmed_by": "Ola",
        "state": "acknowledged", "next_try_at": at, "sent_at": at, "acknowledged_at": at, "acknowledged_by": "Kari",
    }  # fmt: skip


def _delivery(event: Mapping[str, Any]) -> dict[str, Any]:
    at = event["started_at"] + timedelta(seconds=2)
    return {"alert_id": event["id"], "channel": "rangers", "at": at, "is_done": True, "answer": "HTTP 200"}


# --- Several reviewers ----------------------------------------------------------------------------------------


def review(work: Path) -> None:
    """Let four people review what waits, all of them taking the first event that nobody holds."""
    folder = new_station(work / "station")
    store, now = open_store(folder), datetime.now(UTC)
    with store.writing() as session:
        for i in range(300):
            add_event(session, now - timedelta(hours=300 - i), alarm=0.9)
    waits: list[float] = []
    with open_door(store, Worker(store).ingest, Desk(store)):
        begin = time.monotonic()
        with ThreadPoolExecutor(4) as pool:
            counts = list(pool.map(lambda who: _review_all(folder, who, waits), ("Ann", "Ben", "Cem", "Dag")))
        seconds = time.monotonic() - begin
    with store.reading() as session:
        events = session.scalars(select(Review.event_id)).all()
    store.close()
    print(
        f"  300 events, 4 reviewers: {len(events)} reviews of {len(set(events))} events in {seconds:.0f} s "
        f"({', '.join(map(str, counts))} by each); from the decision to the worker's answer median "
        f"{1000 * statistics.median(waits):.0f} ms, p95 {1000 * p95(waits):.0f} ms"
    )
    assert len(events) == len(set(events)) == 300


def _review_all(folder: Path, who: str, waits: list[float]) -> int:
    store, desk, done = open_store(folder), DeskClient(folder), 0
    while True:
        with store.reading() as session:
            waiting = [event.id for event in queue(session, 1, now=datetime.now(UTC), who=who, limit=30)]
        if not waiting:
            store.close()
            return done
        for event_id in waiting:
            if not desk.hold(event_id, who):
                continue
            begin = time.perf_counter()
            try:
                desk.review(Said(event_id, who, "confirmed"))
            except StationError as error:
                assert error.code in ("held", "reviewed"), error
                continue
            waits.append(time.perf_counter() - begin)
            done += 1
            break


def p95(times: Sequence[float]) -> float:
    """The 95th percentile."""
    return float(np.quantile(times, 0.95))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
