"""The store survives: kills, newer versions, damage; and is the same as its migrations make it."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import select

from core.station.conftest import NOON, picture
from fieldmark.errors import StationError, StoreError
from fieldmark.station.ingest import Ingest
from fieldmark.station.media import Media
from fieldmark.station.onewriter import only_writer
from fieldmark.station.stations import camera_named, the_station
from fieldmark.station.store import FILE_NAME, Store, open_store
from fieldmark.station.tables import Base, Frame

TAKE = """
import sys
from pathlib import Path
from fieldmark.station.ingest import Ingest
from fieldmark.station.media import Media
from fieldmark.station.store import open_store
store = open_store(Path(sys.argv[1]))
ingest = Ingest(store, Media(store.folder / "media"))
for path in sorted(Path(sys.argv[2]).iterdir()):
    print(path.name, ingest.take(path.read_bytes(), 1, path.name, "spool").status, flush=True)
"""


def test_the_migrations_make_the_tables_that_the_code_expects(store: Store) -> None:
    with store.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": False})
        assert compare_metadata(context, Base.metadata) == []


def test_a_folder_without_a_station_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="fieldmark station init") as caught:
        open_store(tmp_path / "nothing")
    assert caught.value.code == "missing"


def test_a_store_of_a_newer_version_is_refused_and_left_alone(store: Store) -> None:
    store.close()
    path = store.folder / FILE_NAME
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    before = path.read_bytes()
    with pytest.raises(StoreError, match="newer Fieldmark") as caught:
        open_store(store.folder)
    assert caught.value.code == "newer"
    assert path.read_bytes() == before


def test_a_damaged_store_is_refused_with_what_to_do(tmp_path: Path) -> None:
    (tmp_path / FILE_NAME).write_bytes(b"no database at all" * 100)
    with pytest.raises(StoreError, match="damaged") as caught:
        open_store(tmp_path)
    assert caught.value.code == "corrupt"


def test_a_migration_that_is_killed_begins_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from alembic.operations import Operations

    real, calls = Operations.create_index, 0

    def dies(self: Operations, *args: object, **kwargs: object) -> object:
        nonlocal calls
        calls += 1
        if calls == 3:
            raise KeyboardInterrupt
        return real(self, *args, **kwargs)  # type: ignore[arg-type]

    monkeypatch.setattr(Operations, "create_index", dies)
    with pytest.raises(KeyboardInterrupt):
        open_store(tmp_path, create=True)
    monkeypatch.undo()
    open_store(tmp_path, create=True).close()


def test_a_second_worker_is_refused(store: Store) -> None:
    with only_writer(store.folder), pytest.raises(StationError, match="runs in"), only_writer(store.folder):
        pass


def test_killed_while_it_takes_in_nothing_is_lost_or_doubled(store: Store, tmp_path: Path) -> None:
    with store.writing() as session:
        camera_named(session, the_station(session), "north", now=NOON)
    source = tmp_path / "card"
    source.mkdir()
    for number in range(40):
        (source / f"{number:03}.jpg").write_bytes(picture("cat", number=number))
    acknowledged: set[str] = set()
    for wait in (0.05, 0.1, 0.2, 0.3):
        process = subprocess.Popen(
            [sys.executable, "-c", TAKE, store.folder, source], stdout=subprocess.PIPE, text=True
        )
        assert process.stdout is not None
        first = process.stdout.readline()
        time.sleep(wait)
        process.send_signal(signal.SIGKILL if os.name == "posix" else signal.SIGTERM)
        said = [first, *process.stdout.readlines()]
        process.wait()
        process.stdout.close()
        acknowledged |= {line.split()[0] for line in said if line.endswith("\n")}
    with store.reading() as session:
        kept = session.scalars(select(Frame.name)).all()
    assert acknowledged <= set(kept)
    assert len(kept) == len(set(kept))
    ingest = Ingest(store, Media(store.folder / "media"))
    statuses = [
        ingest.take(path.read_bytes(), 1, path.name, "card").status for path in sorted(source.iterdir())
    ]
    assert statuses.count("duplicate") == len(kept)
    assert statuses.count("new") == 40 - len(kept)


def test_a_picture_that_rots_on_the_disk_is_found(store: Store) -> None:
    media = Media(store.folder / "media")
    sha256 = media.put(b"a picture")
    assert media.get(sha256) == b"a picture"
    (store.folder / "media" / sha256[:2] / sha256).write_bytes(b"b picture")
    with pytest.raises(StoreError, match="changed on the disk"):
        media.get(sha256)
