"""Acts: changes to many photos at once that are done, undone and done again as one.

A photo's file and its row must agree though a process may be killed at any moment. So an act is first written
down as an intent, with one step a photo, and then carried out. Carrying out holds the write lock, which the
system frees when a process dies; and whoever takes the write lock finishes an intent it finds. So an intent is
either being carried out right now or is finished before anything else happens, and a file is always wholly at
its old or wholly at its new place.
"""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from fieldmark.catalog.moving import move_file, sync_folders
from fieldmark.catalog.schema import HIDDEN, PLACES, Database
from fieldmark.names import folded


@dataclass(frozen=True, slots=True)
class Step:
    """What an act makes of one photo."""

    photo_id: int
    path: str
    """Relative to the dataset folder, with slashes."""
    label_id: int
    status: str
    split: str | None


@dataclass(frozen=True)
class FailedStep:
    """A photo that an act left as it was."""

    photo_id: int
    path: str
    reason: str
    """A sentence."""


@dataclass(frozen=True)
class Act:
    """One thing that somebody did."""

    id: int
    kind: str
    """"import", "apply", "relabel", "delete", "quarantine", "restore" or "split"."""
    who: str
    why: str | None
    at: datetime
    state: str
    """"done" or "undone"; "dropped" when it was undone and something else was done since."""
    changed: int
    """Photos that are as the act wanted them."""
    failed: tuple[FailedStep, ...]
    """Photos that could not be moved when it was last done or undone."""


class Journal:
    """The acts of one dataset folder."""

    def __init__(self, database: Database) -> None:
        """Use the database of a dataset folder."""
        self._database, self._root = database, database.root

    @contextlib.contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """Change the catalog as its only writer, after any intent that was left by a process that died.

        Should the change then fail, that intent is found again, with its files moved, as after a crash.
        """
        with self._database.writing() as connection:
            if _intents(connection):
                self._carry_out(connection)
            yield connection

    def finish(self) -> None:
        """Carry out what is intended."""
        with self._database.reading() as connection:
            if not _intents(connection):
                return
        with self._database.writing() as connection:
            self._carry_out(connection)

    def undo(self, *, who: str) -> Act | None:
        """Undo the last act that changed something; None when there is none."""
        return self._turn(
            """SELECT max(id) FROM act WHERE state = 'done'
               AND EXISTS (SELECT 1 FROM step WHERE act_id = act.id AND step.state = 'done')""",
            "UPDATE step SET state = CASE state WHEN 'done' THEN 'pending' ELSE 'skipped' END WHERE act_id = ?",
            "undoing",
            who,
        )

    def redo(self, *, who: str) -> Act | None:
        """Do the act again that was undone last; None when there is none, or something was done since."""
        return self._turn(
            "SELECT min(id) FROM act WHERE state = 'undone'",
            "UPDATE step SET state = CASE state WHEN 'undone' THEN 'pending' ELSE 'skipped' END WHERE act_id = ?",
            "doing",
            who,
        )

    def _turn(self, which: str, mark: str, intent: str, who: str) -> Act | None:
        with self.writing() as connection:
            (act_id,) = connection.execute(which).fetchone()
            if act_id is None:
                return None
            connection.execute(mark, [act_id])
            connection.execute("UPDATE act SET state = ?, who = ? WHERE id = ?", [intent, who, act_id])
        self.finish()
        return self.act(act_id)

    def act(self, act_id: int) -> Act:
        """Tell how an act went."""
        with self._database.reading() as connection:
            return _read_act(connection, act_id)

    def acts(self) -> list[Act]:
        """List all acts, the latest first."""
        with self._database.reading() as connection:
            ids = [act_id for (act_id,) in connection.execute("SELECT id FROM act ORDER BY id DESC")]
            return [_read_act(connection, act_id) for act_id in ids]

    def _carry_out(self, connection: sqlite3.Connection) -> None:
        for act_id, forward in _intents(connection):
            touched = set(self._move_files(connection, act_id, forward=forward))
            sync_folders(folder for folder in touched if folder.is_dir())
            _write_down(connection, act_id, forward=forward)

    def _move_files(self, connection: sqlite3.Connection, act_id: int, *, forward: bool) -> Iterator[Path]:
        """Move the files of the steps to do, and give the folders that changed."""
        before, after = ("old", "new") if forward else ("new", "old")
        pending = f"SELECT id, {before}_path, {after}_path FROM step WHERE act_id = ? AND state = 'pending'"
        results: list[tuple[str, str | None, int]] = []
        for step_id, old, new in connection.execute(pending, [act_id]).fetchall():
            error = None
            if old != new:
                error = _occupied(connection, new) or _moved(self._root / old, self._root / new)
                yield from ((self._root / old).parent, (self._root / new).parent)
            results.append(("failed" if error else "moved", error, step_id))
        connection.executemany("UPDATE step SET state = ?, error = ? WHERE id = ?", results)


def begin_act(
    connection: sqlite3.Connection, kind: str, steps: Iterable[Step], *, who: str, why: str | None = None
) -> int:
    """Write an act down as an intent, inside `Journal.writing`; `Journal.finish` carries it out."""
    drop_redo(connection)
    cursor = connection.execute(
        "INSERT INTO act (kind, who, why, at, state) VALUES (?, ?, ?, ?, 'doing')", [kind, who, why, now()]
    )
    act_id = int(cursor.lastrowid or 0)
    add_steps(connection, act_id, steps)
    return act_id


def add_steps(connection: sqlite3.Connection, act_id: int, steps: Iterable[Step]) -> None:
    """Add steps to an act that goes on, such as the next batch of an import."""
    connection.execute("UPDATE act SET state = 'doing' WHERE id = ?", [act_id])
    connection.executemany(
        """INSERT INTO step (act_id, photo_id, old_path, new_path, old_label_id, new_label_id, old_status,
               new_status, old_split, new_split, state)
           SELECT ?, id, path, ?, label_id, ?, status, ?, split, ?, 'pending' FROM photo WHERE id = ?""",
        [(act_id, step.path, step.label_id, step.status, step.split, step.photo_id) for step in steps],
    )


def drop_redo(connection: sqlite3.Connection) -> None:
    """Forget what could be done again, because something else is done now."""
    connection.execute("UPDATE act SET state = 'dropped' WHERE state = 'undone'")


def now() -> str:
    """Give the time as the catalog keeps it: UTC, ISO 8601."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")


def _intents(connection: sqlite3.Connection) -> list[tuple[int, bool]]:
    rows = connection.execute("SELECT id, state = 'doing' FROM act WHERE state IN ('doing', 'undoing')")
    return [(act_id, bool(forward)) for act_id, forward in rows]


def _occupied(connection: sqlite3.Connection, path: str) -> str | None:
    """Give a sentence when another photo is listed at a place; it may have vanished from there."""
    if connection.execute("SELECT 1 FROM photo WHERE path_key = ?", [folded(path)]).fetchone():
        return f"Another photo is listed at {path!r}."
    return None


def _moved(source: Path, target: Path) -> str | None:
    """Move a file; give a sentence when it stays where it is."""
    try:
        move_file(source, target)
    except FileNotFoundError:
        return f"The file {source.name!r} has vanished."
    except OSError as exc:
        return f"The file {source.name!r} could not be moved: {exc.strerror or exc}."
    return None


def _write_down(connection: sqlite3.Connection, act_id: int, *, forward: bool) -> None:
    """Let the rows say what the files are now."""
    before, after = ("old", "new") if forward else ("new", "old")
    connection.create_function("folded", 1, folded, deterministic=True)
    moved = "step.act_id = ? AND step.state = 'moved' AND photo.id = step.photo_id"
    connection.execute(
        f"""UPDATE photo SET path = step.{after}_path, path_key = folded(step.{after}_path),
                label_id = step.{after}_label_id, status = step.{after}_status, split = step.{after}_split
            FROM step WHERE {moved}""",
        [act_id],
    )
    _write_history(connection, act_id, before, after)
    _leave_incoming(connection, act_id)
    state = "done" if forward else "undone"
    connection.execute("UPDATE step SET state = ? WHERE act_id = ? AND state = 'moved'", [state, act_id])
    connection.execute("UPDATE act SET state = ? WHERE id = ?", [state, act_id])
    _turn_decisions(connection, act_id, staged=not forward)


def _leave_incoming(connection: sqlite3.Connection, act_id: int) -> None:
    """Let what was imported go to the trash when it is undone, not back to where unfinished files lie."""
    trash, incoming = PLACES["trash"], f"{HIDDEN}/incoming/"
    rows = connection.execute(
        "SELECT id, photo_id, new_path FROM step WHERE act_id = ? AND state = 'moved' AND old_path LIKE ?",
        [act_id, f"{incoming}%"],
    )
    places = [(f"{trash}/{photo_id}-{path.rpartition('/')[2]}", step_id) for step_id, photo_id, path in rows]
    connection.executemany("UPDATE step SET old_path = ? WHERE id = ?", places)


def _write_history(connection: sqlite3.Connection, act_id: int, before: str, after: str) -> None:
    label = "(SELECT name FROM label WHERE id = step.{}_label_id)"
    for what, old, new in (
        ("label", label.format(before), label.format(after)),
        ("status", f"step.{before}_status", f"step.{after}_status"),
        ("split", f"step.{before}_split", f"step.{after}_split"),
    ):
        connection.execute(
            f"""INSERT INTO history (photo_id, at, who, what, old, new, why)
                SELECT step.photo_id, ?, act.who, ?, {old}, {new}, coalesce(act.why, act.kind)
                FROM step JOIN act ON act.id = step.act_id
                WHERE step.act_id = ? AND step.state = 'moved' AND {old} IS NOT {new}""",
            [now(), what, act_id],
        )


def _turn_decisions(connection: sqlite3.Connection, act_id: int, *, staged: bool) -> None:
    """Applying takes decisions from the staged ones; undoing it stages them, unless somebody decided anew."""
    old, new = (act_id, 0) if staged else (0, act_id)
    connection.execute(
        """UPDATE OR IGNORE decision SET act_id = ? WHERE act_id = ? AND photo_id IN (
               SELECT photo_id FROM step JOIN act ON act.id = act_id
               WHERE act.id = ? AND kind = 'apply' AND step.state IN ('done', 'undone'))""",
        [new, old, act_id],
    )


def _read_act(connection: sqlite3.Connection, act_id: int) -> Act:
    kind, who, why, at, state = connection.execute(
        "SELECT kind, who, why, at, state FROM act WHERE id = ?", [act_id]
    ).fetchone()
    (changed,) = connection.execute(
        "SELECT count(*) FROM step WHERE act_id = ? AND state IN ('done', 'undone')", [act_id]
    ).fetchone()
    failed = connection.execute(
        """SELECT step.photo_id, photo.path, step.error FROM step JOIN photo ON photo.id = step.photo_id
           WHERE act_id = ? AND step.state = 'failed'""",
        [act_id],
    )
    return Act(act_id, kind, who, why, datetime.fromisoformat(at), state, changed, tuple(
        FailedStep(*row) for row in failed
    ))  # fmt: skip
