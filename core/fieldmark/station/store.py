"""The store of a station: one database, one writer, any number of readers."""

from __future__ import annotations

import contextlib
import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util.exc import CommandError
from sqlalchemy import Engine, create_engine, event
from sqlalchemy.exc import DatabaseError, OperationalError
from sqlalchemy.orm import Session

from fieldmark.errors import StoreError

FILE_NAME = "station.sqlite"
MEDIA = "media"
LOCK_TIMEOUT_S = 30.0
"""How long to wait while somebody else holds the database."""


class Store:
    """A station's database; `writing` is for the worker alone, `reading` for everybody."""

    def __init__(self, engine: Engine, folder: Path) -> None:
        """Take an engine whose tables are up to date; use `open_store`."""
        self.engine, self.folder = engine, folder
        self._lock = threading.RLock()

    @contextlib.contextmanager
    def writing(self) -> Iterator[Session]:
        """One change, kept wholly when the block ends or not at all.

        Raises:
            StoreError: the database is locked, full, read-only or damaged; nothing was changed.
        """
        with self._lock, _explained(self.folder), self._session() as session, session.begin():
            yield session

    @contextlib.contextmanager
    def reading(self) -> Iterator[Session]:
        """One look at one state; raises StoreError as `writing`."""
        with _explained(self.folder), self._session() as session:
            yield session

    def _session(self) -> Session:
        return Session(self.engine, expire_on_commit=False)

    def close(self) -> None:
        """Let go of the file."""
        self.engine.dispose()


def open_store(folder: Path, *, create: bool = False, url: str | None = None) -> Store:
    """Open the store in a folder, bringing its tables to this version first.

    Args:
        create: make folder and store where there is none.
        url: another database than the SQLite file in the folder.
    Raises:
        StoreError: `missing`, `newer`, `corrupt`, `locked` or `read_only`, with what to do; it is left as it is.
    """
    path = folder / FILE_NAME
    if url is None and not create and not path.is_file():
        raise StoreError(
            f"There is no station in {str(folder)!r}. Make one: fieldmark station init {folder}",
            code="missing",
        )
    folder.mkdir(parents=True, exist_ok=True)
    engine = create_engine(url or f"sqlite:///{path.absolute().as_posix()}", connect_args=_options(url))
    if url is None:
        event.listen(engine, "connect", _set_up_sqlite)
        event.listen(engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN"))
    try:
        with _explained(folder):
            _migrate(engine, folder)
    except BaseException:
        engine.dispose()
        raise
    return Store(engine, folder)


def _options(url: str | None) -> dict[str, Any]:
    return {} if url else {"timeout": LOCK_TIMEOUT_S}


def _set_up_sqlite(connection: sqlite3.Connection, _record: object) -> None:
    """Readers and the one writer do not wait for each other, and what was acknowledged outlasts a power cut.

    Python's own transactions would leave changes of tables outside of them; so they are begun by SQLAlchemy.
    """
    connection.isolation_level = None
    for pragma in ("journal_mode = WAL", "synchronous = FULL", "foreign_keys = ON"):
        connection.execute(f"PRAGMA {pragma}")


def _migrate(engine: Engine, folder: Path) -> None:
    """Bring the tables up to date in one transaction: killed anywhere, it begins again."""
    config = Config()
    config.set_main_option("script_location", (Path(__file__).parent / "migrations").as_posix())
    scripts = ScriptDirectory.from_config(config)
    with engine.connect() as connection:
        found = MigrationContext.configure(connection).get_current_revision()
    if found == scripts.get_current_head():
        return
    try:
        if found is not None:
            scripts.get_revision(found)
    except CommandError as exc:
        raise StoreError(
            f"The station in {str(folder)!r} was written by a newer Fieldmark (revision {found}; this one knows up to "
            f"{scripts.get_current_head()}). Update Fieldmark; nothing was touched.",
            code="newer",
        ) from exc
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


@contextlib.contextmanager
def _explained(folder: Path) -> Iterator[None]:
    """Turn what the database says into what the user can do."""
    try:
        yield
    except (OperationalError, DatabaseError) as exc:
        code, advice = _advice(str(exc.orig))
        raise StoreError(f"The station in {str(folder)!r} {advice}", code=code) from exc


def _advice(said: str) -> tuple[str, str]:
    if "locked" in said or "busy" in said:
        return "locked", "is being written by another process. Try again."
    if "full" in said:
        return "disk_full", "cannot be written: the disk is full. Free some space; it goes on by itself."
    if "readonly" in said or "unable to open" in said:
        return "read_only", "cannot be written. Check who may write to the folder."
    return "corrupt", f"is damaged ({said}). It was left as it is. Put back a copy of {FILE_NAME}."
