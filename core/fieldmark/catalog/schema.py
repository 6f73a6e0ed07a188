"""The catalog's database: its tables, how it is opened, and what is said when that fails.

SQLite with its rollback journal and full synchronisation: several notebooks may use one dataset folder, and
what was acknowledged outlasts a power cut. A connection lives as long as one piece of work, so that any thread
may ask, no file stays open, and the write lock of a process that died is free at once.
"""

from __future__ import annotations

import contextlib
import errno
import sqlite3
from collections.abc import Iterator
from pathlib import Path

from fieldmark.errors import StoreError

HIDDEN = ".fieldmark"
"""Folder inside a dataset folder for everything but the photos in use."""

PLACES = {"quarantined": f"{HIDDEN}/quarantine", "trash": f"{HIDDEN}/trash"}
"""Where photos lie that are not in use, relative to the dataset folder."""

FILE_NAME = "catalog.sqlite"

APPLICATION_ID = 0x464D4B31
""""FMK1": marks the file as a catalog."""

LOCK_TIMEOUT_S = 30.0
"""How long to wait while another notebook writes."""

MIGRATIONS: tuple[tuple[str, ...], ...] = (
    (
        """CREATE TABLE label (
            id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, folder TEXT NOT NULL UNIQUE)""",
        # path is relative to the dataset folder, with slashes; path_key is what a disk that ignores case sees
        """CREATE TABLE photo (
            id INTEGER PRIMARY KEY, sha256 TEXT NOT NULL, path TEXT NOT NULL, path_key TEXT NOT NULL UNIQUE,
            label_id INTEGER NOT NULL REFERENCES label, original_name TEXT NOT NULL, source TEXT, licence TEXT,
            author TEXT, page TEXT, captured TEXT, site TEXT,
            split TEXT CHECK (split IN ('train', 'valid', 'test')), width INTEGER, height INTEGER,
            status TEXT NOT NULL CHECK (status IN ('present', 'quarantined', 'trash')), added_at TEXT NOT NULL)""",
        "CREATE INDEX photo_sha256 ON photo (sha256)",
        "CREATE INDEX photo_label ON photo (status, label_id)",
        # one thing somebody did; doing and undoing are intents that whoever holds the write lock finishes
        """CREATE TABLE act (
            id INTEGER PRIMARY KEY, kind TEXT NOT NULL, who TEXT NOT NULL, why TEXT, at TEXT NOT NULL,
            state TEXT NOT NULL CHECK (state IN ('doing', 'done', 'undoing', 'undone', 'dropped')))""",
        """CREATE TABLE step (
            id INTEGER PRIMARY KEY, act_id INTEGER NOT NULL REFERENCES act,
            photo_id INTEGER NOT NULL REFERENCES photo,
            old_path TEXT NOT NULL, new_path TEXT NOT NULL, old_label_id INTEGER NOT NULL REFERENCES label,
            new_label_id INTEGER NOT NULL REFERENCES label, old_status TEXT NOT NULL, new_status TEXT NOT NULL,
            old_split TEXT, new_split TEXT, error TEXT,
            state TEXT NOT NULL CHECK (state IN ('pending', 'moved', 'done', 'undone', 'failed', 'skipped')))""",
        "CREATE INDEX step_act ON step (act_id, state)",
        """CREATE TABLE history (
            id INTEGER PRIMARY KEY, photo_id INTEGER NOT NULL REFERENCES photo, at TEXT NOT NULL,
            who TEXT NOT NULL, what TEXT NOT NULL, old TEXT, new TEXT, why TEXT)""",
        "CREATE INDEX history_photo ON history (photo_id)",
        # act_id 0: staged; otherwise the act that applied it
        """CREATE TABLE decision (
            photo_id INTEGER NOT NULL REFERENCES photo, act_id INTEGER NOT NULL DEFAULT 0, kind TEXT NOT NULL,
            to_label TEXT, given_label_id INTEGER NOT NULL REFERENCES label, who TEXT NOT NULL,
            at TEXT NOT NULL, PRIMARY KEY (photo_id, act_id)) WITHOUT ROWID""",
        "CREATE INDEX decision_act ON decision (act_id)",
        "CREATE TABLE setting (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID",
    ),
)
"""Statements from each version of the tables to the next; only ever appended to."""

SCHEMA = len(MIGRATIONS)


class Database:
    """The database of one dataset folder."""

    def __init__(self, root: Path) -> None:
        """Name the dataset folder; nothing is opened yet."""
        self.root, self.path = root, root / HIDDEN / FILE_NAME

    def create(self) -> None:
        """Make the file and its tables.

        Raises:
            StoreError: `exists` or `read_only`.
        """
        if self.path.exists() and self.path.stat().st_size:
            raise StoreError(f"{str(self.root)!r} has a catalog already. Open it instead.", code="exists")
        with self.explained():
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with self._connected("rwc") as connection:
                self._migrate(connection)

    def check(self) -> None:
        """Refuse a catalog that is missing, damaged, not to be written or of a newer version.

        Raises:
            StoreError: `missing`, `corrupt`, `newer` or `read_only`.
        """
        if not self.path.is_file():
            raise StoreError(
                f"There is no catalog in {str(self.root)!r}. Import photos into a new folder to make one.",
                code="missing",
            )
        with self.explained(), self._connected("rw") as connection:
            version = self._version(connection)
            if version < SCHEMA:
                self._migrate(connection)
            connection.execute("SELECT 1 FROM photo, label, act, step LIMIT 1").fetchone()

    def check_writable(self) -> None:
        """Refuse a catalog that cannot be written, by trying to.

        Raises:
            StoreError: `read_only` or `locked`.
        """
        with self.explained(), self._connected("rw") as connection:
            connection.execute("BEGIN IMMEDIATE")  # alone, that only reads where nothing may be written
            connection.execute(f"PRAGMA user_version = {SCHEMA}")  # opens the journal beside the file, too
            connection.execute("ROLLBACK")

    @contextlib.contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """Connect for one look; what it sees is one state."""
        with self.explained(), self._connected("rw") as connection:
            connection.execute("BEGIN")
            yield connection
            connection.execute("COMMIT")

    @contextlib.contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """Connect as the only writer, for one change that is kept wholly or, on any error, not at all."""
        with self.explained(), self._connected("rw") as connection, _transaction(connection):
            yield connection

    @contextlib.contextmanager
    def explained(self) -> Iterator[None]:
        """Turn what SQLite and the disk say into what the user can do."""
        try:
            yield
        except sqlite3.Error as exc:
            raise self._sentence(str(exc)) from exc
        except OSError as exc:
            raise self._sentence("full" if exc.errno == errno.ENOSPC else "readonly") from exc

    @contextlib.contextmanager
    def _connected(self, mode: str) -> Iterator[sqlite3.Connection]:
        address = f"{self.path.absolute().as_uri()}?mode={mode}"
        connection = sqlite3.connect(address, timeout=LOCK_TIMEOUT_S, isolation_level=None, uri=True)
        with contextlib.closing(connection):
            connection.execute("PRAGMA foreign_keys = ON")
            connection.execute("PRAGMA synchronous = FULL")
            yield connection

    def _version(self, connection: sqlite3.Connection) -> int:
        (marked,) = connection.execute("PRAGMA application_id").fetchone()
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        if marked != APPLICATION_ID:
            raise sqlite3.DatabaseError("file is not a database")
        if version > SCHEMA:
            raise StoreError(
                f"The catalog in {str(self.root)!r} was written by a newer Fieldmark (version {version} of its "
                f"tables; this one knows {SCHEMA}). Update Fieldmark; the catalog was not touched.",
                code="newer",
            )
        return int(version)

    def _migrate(self, connection: sqlite3.Connection) -> None:
        """Bring the tables to this version in one transaction: killed anywhere, it starts again."""
        with _transaction(connection):
            (version,) = connection.execute("PRAGMA user_version").fetchone()
            for statements in MIGRATIONS[version:]:
                for statement in statements:
                    connection.execute(statement)
            connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
            connection.execute(f"PRAGMA user_version = {SCHEMA}")

    def _sentence(self, said: str) -> StoreError:
        where = f"The catalog in {str(self.root)!r}"
        if "locked" in said or "busy" in said:
            return StoreError(f"{where} is being written by another window. Try again.", code="locked")
        if "full" in said:
            return StoreError(
                f"{where} cannot be written: the disk is full. Free some space.", code="disk_full"
            )
        if "readonly" in said or "unable to open" in said:
            return StoreError(
                f"{where} cannot be written. Check who may write to the folder, or copy it to where you may.",
                code="read_only",
            )
        return StoreError(
            f"{where} is damaged ({said}). It was left as it is. Put back a copy of {HIDDEN}/{FILE_NAME}; or, "
            "if there is none, import the folder `images`, which holds the photos, into a new dataset.",
            code="corrupt",
        )


@contextlib.contextmanager
def _transaction(connection: sqlite3.Connection) -> Iterator[None]:
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")
