"""Memory cards and videos: read and left as they are, taken in once, joined to events."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from sqlalchemy import func, select
from typer.testing import CliRunner

from core.station.cards import taker, video
from core.station.conftest import NOON, SetClock, events, picture
from fieldmark.callbacks import Progress
from fieldmark.cli.main import cli
from fieldmark.errors import Cancelled, DatasetError
from fieldmark.station.card import CardReport, clocks, import_card, same_elsewhere
from fieldmark.station.onewriter import only_writer
from fieldmark.station.store import FILE_NAME, Store, open_store
from fieldmark.station.tables import Camera, Clip, Frame, Rejected
from fieldmark.station.worker import Worker

LOCAL = datetime(2019, 7, 1, 3, 30)


@pytest.fixture
def card(tmp_path: Path) -> Path:
    folder = tmp_path / "card"
    for number in range(4):
        place = folder / "DCIM" / f"10{number % 2}RECNX"
        place.mkdir(parents=True, exist_ok=True)
        data = picture("cat", number=number, taken=LOCAL + timedelta(seconds=10 * number))
        (place / f"IMG_{number:04}.JPG").write_bytes(data)
    (folder / "DCIM" / "Thumbs.db").write_bytes(b"thumbs")
    (folder / "DCIM" / "broken.jpg").write_bytes(data[:5000])
    return folder


def snapshot(folder: Path) -> list[tuple[str, bytes, int]]:
    return [
        (path.as_posix(), path.read_bytes(), path.stat().st_mtime_ns)
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    ]


def test_a_card_is_read_in_all_its_folders_and_left_as_it_is(worker: Worker, card: Path) -> None:
    before = snapshot(card)
    report = import_card(card, taker(worker))
    assert report == CardReport(photos=4, rejected={"truncated": 1}, left={"hidden": 1})
    assert snapshot(card) == before
    worker.round()
    (event,) = events(worker.store)
    assert (event.n_frames, event.label) == (4, "cat")
    assert event.started_at == datetime(2019, 7, 1, 1, 30, tzinfo=UTC)  # years old, and in the station's zone


def test_the_same_card_again_adds_nothing_not_even_its_faults(worker: Worker, card: Path) -> None:
    import_card(card, taker(worker))
    assert import_card(card, taker(worker)).duplicates == 4
    with worker.store.reading() as session:
        assert session.scalar(select(func.count(Frame.id))) == 4
        assert session.scalar(select(func.count(Rejected.id))) == 1


def test_an_import_that_was_stopped_goes_on(worker: Worker, card: Path) -> None:
    def stops(progress: Progress) -> None:
        if progress.done == 2:
            raise Cancelled("stopped")

    with pytest.raises(Cancelled):
        import_card(card, taker(worker), callback=stops)
    report = import_card(card, taker(worker))
    assert (report.photos, report.duplicates) == (2, 2)


def test_a_card_says_nothing_of_whether_its_camera_lives(worker: Worker, card: Path) -> None:
    import_card(card, taker(worker))
    with worker.store.reading() as session:
        assert session.scalar(select(Camera.heard_at)) is None


def test_a_photo_without_a_date_is_placed_by_its_file_and_in_the_end_by_its_arrival(
    worker: Worker, clock: SetClock, tmp_path: Path
) -> None:
    for number, written in enumerate((NOON - timedelta(days=30), NOON + timedelta(days=400))):
        path = tmp_path / "card" / f"{number}.jpg"
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(picture("gravel", number=number))
        os.utime(path, (written.timestamp(),) * 2)
    import_card(tmp_path / "card", taker(worker))
    with worker.store.reading() as session:
        frames = session.scalars(select(Frame).order_by(Frame.name)).all()
        assert clocks(session, 1) == {"file": 1, "received": 1}
    assert [frame.at for frame in frames] == [NOON - timedelta(days=30), NOON]


def test_a_card_of_another_camera_is_noticed(worker: Worker, card: Path) -> None:
    import_card(card, taker(worker, "north"))
    import_card(card, taker(worker, "south"))
    with worker.store.reading() as session:
        assert same_elsewhere(session, 2) == {"north": 4}


def test_a_folder_without_pictures_says_so(worker: Worker, tmp_path: Path) -> None:
    (tmp_path / "card").mkdir()
    with pytest.raises(DatasetError, match="no photo and no video"):
        import_card(tmp_path / "card", taker(worker))
    with pytest.raises(DatasetError, match="no folder"):
        import_card(tmp_path / "nothing", taker(worker))


FIRST_INDEXES = {  # that later revisions replace
    "ix_event_camera_id_started_at": "event (camera_id, started_at)",
    "ix_event_state_started_at": "event (state, started_at)",
}


def test_a_store_of_the_first_revision_is_brought_up_to_date_with_its_frames(
    tmp_path: Path, store: Store, drop: Callable[..., None]
) -> None:
    drop(picture("cat", taken=datetime(2026, 6, 1, 13, 30)))
    store.close()
    with sqlite3.connect(store.folder / FILE_NAME) as connection:  # as revision 0001 left it
        for (index,) in connection.execute(
            "SELECT name FROM sqlite_master WHERE type = 'index' AND name LIKE 'ix_%'"
        ).fetchall():
            connection.execute(f"DROP INDEX {index}")
        for name, on in FIRST_INDEXES.items():
            connection.execute(f"CREATE INDEX {name} ON {on}")
        for table in ("clip", "deployment", "sign_in", "person", "notice", "silence"):
            connection.execute(f"DROP TABLE {table}")
        for column in ("clip_id", "clip_frame", "boxes", "dropped_at"):
            connection.execute(f"ALTER TABLE frame DROP COLUMN {column}")
        connection.execute("ALTER TABLE event DROP COLUMN alike")
        connection.execute("UPDATE alembic_version SET version_num = '0001'")
    connection.close()
    again = open_store(store.folder)
    assert [event.label for event in events(again)] == ["cat"]
    again.close()


def test_the_command_reads_a_card_and_says_what_came_of_it(store: Store, card: Path) -> None:
    store.close()
    said = CliRunner().invoke(
        cli, ["station", "import", str(store.folder), str(card), "--camera", "north", "--json"]
    )
    assert said.exit_code == 0, said.output
    found = json.loads(said.stdout)
    assert (found["photos"], found["rejected"], found["clocks"]) == (4, {"truncated": 1}, {"camera": 4})
    without = CliRunner().invoke(cli, ["station", "import", str(store.folder), str(card)])
    assert without.exit_code == 2 and "--camera" in without.output


def test_a_card_is_read_through_the_worker_while_one_runs(worker: Worker, card: Path) -> None:
    stop = threading.Event()
    with only_writer(worker.store.folder):
        thread = threading.Thread(target=worker.run, args=(stop,))
        thread.start()
        try:
            while not (worker.store.folder / "endpoint.json").exists():
                time.sleep(0.05)
            arguments = [
                "station",
                "import",
                str(worker.store.folder),
                str(card),
                "--camera",
                "north",
                "--json",
            ]
            said = CliRunner().invoke(cli, arguments)
        finally:
            stop.set()
            thread.join()
    assert json.loads(said.stdout)["photos"] == 4
    worker.round()
    assert len(events(worker.store)) == 1


def test_an_import_that_is_killed_goes_on_and_doubles_nothing(store: Store, tmp_path: Path) -> None:
    card = tmp_path / "card"
    card.mkdir()
    for number in range(30):
        (card / f"{number:03}.jpg").write_bytes(picture("cat", number=number))
    video(card / "x.avi", seconds=2)
    store.close()
    command = [
        sys.executable,
        "-m",
        "fieldmark",
        "station",
        "import",
        str(store.folder),
        str(card),
        "--camera",
        "n",
    ]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    again = open_store(store.folder)
    end = time.monotonic() + 120  # it may have to wait for its turn long before it begins
    while time.monotonic() < end:
        with again.reading() as session:
            if (session.scalar(select(func.count(Frame.id))) or 0) >= 3:
                break
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL if os.name == "posix" else signal.SIGTERM)
    process.wait()
    with again.reading() as session:
        before = session.scalar(select(func.count(Frame.id))) or 0
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    with again.reading() as session:
        names = session.scalars(select(Frame.name).where(Frame.clip_id.is_(None))).all()
        clips = session.scalar(select(func.count(Clip.id)))
    again.close()
    assert 3 <= before < 31
    assert (sorted(names), clips) == ([f"{number:03}.jpg" for number in range(30)], 1)


LIMITED = """
import resource, signal, sys
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, resource.RLIM_INFINITY))
from fieldmark.__main__ import main
sys.argv = ["fieldmark", *sys.argv[1:]]
main()
"""


@pytest.mark.skipif(os.name != "posix", reason="limits of a process are POSIX")
def test_where_the_disk_takes_no_more_the_import_says_so_and_goes_on_later(
    store: Store, tmp_path: Path
) -> None:
    card = tmp_path / "card"
    card.mkdir()
    noise = np.random.default_rng(0).integers(0, 255, (1200, 1200, 3), np.uint8)
    Image.fromarray(noise).save(card / "b-large.jpg", quality=95)
    (card / "a-small.jpg").write_bytes(picture("cat", taken=LOCAL))
    assert (card / "b-large.jpg").stat().st_size > 1_000_000
    store.close()
    arguments = ["station", "import", str(store.folder), str(card), "--camera", "n", "--json"]
    stopped = subprocess.run([sys.executable, "-c", LIMITED, *arguments], capture_output=True, text=True)
    assert stopped.returncode == 1 and json.loads(stopped.stdout)["error"]["code"] == "disk_full"
    assert "could not be kept" in stopped.stderr and "Traceback" not in stopped.stderr
    kept = [path for path in (store.folder / "media").rglob("*") if path.is_file()]
    assert len(kept) == 1  # the small one, and nothing half-written
    found = json.loads(CliRunner().invoke(cli, arguments).stdout)
    assert (found["photos"], found["duplicates"]) == (1, 1)


PACKAGE = {"profile": "x", "resources": [{"name": "deployments", "path": "deployments.csv"}]}
DEPLOYMENTS = """deploymentID,locationID,locationName,latitude,longitude,deploymentStart,deploymentEnd
d1,L1,Lake Camp,52.5,-4.25,2026-05-01T10:00:00+02:00,2026-06-01T10:00:00Z
d2,L1,Lake Camp,52.5,-4.25,2026-06-01T10:00:00Z,
d3,L2,,52.6,4.35,2026-06-01T10:00:00Z,2026-07-01T10:00:00Z
"""


def test_deployments_of_a_camtrap_dp_package_become_cameras_once(store: Store, tmp_path: Path) -> None:
    store.close()
    (tmp_path / "datapackage.json").write_text(json.dumps(PACKAGE))
    (tmp_path / "deployments.csv").write_text(DEPLOYMENTS)
    arguments = ["station", "import", str(store.folder), str(tmp_path), "--json"]
    first, second = (json.loads(CliRunner().invoke(cli, arguments).stdout) for _ in range(2))
    assert first == {"cameras": ["L2", "Lake Camp"], "new": 3, "known": 0}
    assert second == {"cameras": ["L2", "Lake Camp"], "new": 0, "known": 3}
    again = open_store(store.folder)
    with again.reading() as session:
        camera = session.scalars(select(Camera).where(Camera.name == "Lake Camp")).one()
    again.close()
    assert (camera.latitude, camera.longitude) == (52.5, -4.25)


@pytest.mark.parametrize(
    ("package", "table", "said"),
    [
        ("{", "", "no table of deployments"),
        (json.dumps({"resources": [{"name": "deployments", "path": "../../x.csv"}]}), "", "not beside it"),
        (json.dumps(PACKAGE), DEPLOYMENTS.replace("52.6", "north"), "is no number"),
        (json.dumps(PACKAGE), DEPLOYMENTS.replace("2026-07-01T10:00:00Z", "July"), "is no time"),
    ],
)
def test_a_package_that_cannot_be_used_adds_nothing(
    store: Store, tmp_path: Path, package: str, table: str, said: str
) -> None:
    (tmp_path / "datapackage.json").write_text(package)
    (tmp_path / "deployments.csv").write_text(table)
    answer = CliRunner().invoke(cli, ["station", "import", str(store.folder), str(tmp_path)])
    assert answer.exit_code == 1 and said in answer.output
    with store.reading() as session:
        assert session.scalar(select(func.count(Camera.id))) == 0
