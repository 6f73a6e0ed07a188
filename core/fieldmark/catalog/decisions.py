"""Decisions about photos: staged one by one while somebody looks, then applied together as one act."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, get_args

from fieldmark.catalog.journal import drop_redo, now
from fieldmark.labels import clean_label

Kind = Literal["keep", "delete", "relabel", "unsure"]


@dataclass(frozen=True)
class Decision:
    """What somebody decided about a photo; make one with `keep`, `delete`, `unsure` or `relabel("…")`."""

    kind: Kind
    to: str | None = None
    """The new label, of "relabel" only."""

    def __post_init__(self) -> None:
        """Check that a label is there where it belongs."""
        if self.kind not in get_args(Kind) or (self.kind == "relabel") != (self.to is not None):
            raise ValueError(f"no decision: {self}")


keep = Decision("keep")
delete = Decision("delete")
unsure = Decision("unsure")


def relabel(to: str) -> Decision:
    """Decide that a photo shows something else.

    Raises:
        DatasetError: the label is empty.
    """
    return Decision("relabel", clean_label(to))


@dataclass(frozen=True)
class StagedDecision:
    """A decision that waits to be applied."""

    photo_id: int
    decision: Decision
    given: str
    """The photo's label when it was decided."""
    who: str
    at: datetime


def stage(
    connection: sqlite3.Connection, photo_id: int, decision: Decision, *, who: str
) -> StagedDecision | None:
    """Note a decision; give the one about the same photo that it replaces. KeyError: there is no such photo.

    Relabelling a photo to the label that it has is to keep it, and is noted so.
    """
    before = _read(connection, "act_id = 0 AND photo_id = ?", [photo_id])
    drop_redo(connection)
    written = connection.execute(
        """INSERT OR REPLACE INTO decision (photo_id, act_id, kind, to_label, given_label_id, who, at)
           SELECT photo.id, 0, iif(name = ?, 'keep', ?), nullif(?, name), label_id, ?, ?
           FROM photo JOIN label ON label.id = label_id WHERE photo.id = ?""",
        [decision.to, decision.kind, decision.to, who, now(), photo_id],
    )
    if not written.rowcount:
        raise KeyError(photo_id)
    return before[0] if before else None


def unstage(connection: sqlite3.Connection, photo_ids: Sequence[int]) -> None:
    """Take decisions back."""
    drop_redo(connection)
    rows = [(photo_id,) for photo_id in photo_ids]
    connection.executemany("DELETE FROM decision WHERE act_id = 0 AND photo_id = ?", rows)


def staged(connection: sqlite3.Connection) -> list[StagedDecision]:
    """List what waits, in the order of deciding."""
    return _read(connection, "act_id = 0")


def take_staged(connection: sqlite3.Connection) -> Iterator[tuple[int, Decision]]:
    """Give the decisions to apply now: all but "unsure", of photos that are as they were when it was decided."""
    rows = connection.execute(
        """SELECT photo.id, decision.kind, decision.to_label FROM decision
           JOIN photo ON photo.id = decision.photo_id
           WHERE act_id = 0 AND kind != 'unsure' AND status = 'present' AND label_id = given_label_id
           ORDER BY photo.id"""
    )
    for photo_id, kind, to in rows.fetchall():
        yield photo_id, Decision(kind, to)


def overtaken(connection: sqlite3.Connection) -> list[StagedDecision]:
    """List the decisions about photos that were relabelled or moved away since."""
    return _read(connection, "act_id = 0 AND (status != 'present' OR label_id != given_label_id)")


def _read(connection: sqlite3.Connection, where: str, values: Sequence[int] = ()) -> list[StagedDecision]:
    rows = connection.execute(
        f"""SELECT photo_id, kind, to_label, label.name, who, at FROM decision
            JOIN photo ON photo.id = photo_id JOIN label ON label.id = given_label_id
            WHERE {where} ORDER BY at, photo_id""",
        values,
    )
    return [
        StagedDecision(photo_id, Decision(kind, to), given, who, datetime.fromisoformat(at))
        for photo_id, kind, to, given, who, at in rows
    ]
