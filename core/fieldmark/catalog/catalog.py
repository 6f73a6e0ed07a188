"""A dataset folder: `images/<class>/…` as plain files, and beside them a database of all that is known of them.

A file is never deleted and never written again: a photo that goes is moved to `.fieldmark/trash` or
`.fieldmark/quarantine`, and every move can be undone, byte for byte.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from types import MappingProxyType
from typing import Literal

from fieldmark.catalog import decisions
from fieldmark.catalog.decisions import Decision, StagedDecision
from fieldmark.catalog.journal import Act, Journal, Step, add_steps, begin_act
from fieldmark.catalog.photo import COLUMNS, IN_USE, CatalogPhoto, Change
from fieldmark.catalog.planning import IMAGES, NewPhoto, Planner, Row
from fieldmark.catalog.schema import FILE_NAME, HIDDEN, Database
from fieldmark.errors import DatasetError
from fieldmark.labels import UNLABELLED, clean_label

__all__ = [
    "Catalog",
    "CatalogPhoto",
    "Change",
    "Setting",
    "SplitName",
    "Status",
    "is_catalog",
]

Status = Literal["present", "unlabelled", "quarantined", "trash"]
SplitName = Literal["train", "valid", "test"]
Setting = str | int | float | bool | list["Setting"] | dict[str, "Setting"] | None


class Catalog:
    """The photos of one dataset folder; may be used by several threads and processes at once."""

    def __init__(self, root: Path) -> None:
        """Name the folder; use `create` or `open`."""
        self.root = root
        self._database = Database(root)
        self._journal = Journal(self._database)

    @classmethod
    def create(cls, folder: str | os.PathLike[str]) -> Catalog:
        """Make a dataset folder where there is none, or an empty folder.

        Raises:
            DatasetError: `not_empty`: the folder holds something.
            StoreError: it is a dataset folder already, or cannot be written.
        """
        catalog = cls(Path(folder))
        if not is_catalog(folder) and catalog.root.exists() and not _is_unused(catalog.root):
            raise DatasetError(
                f"{str(folder)!r} is not empty, and a dataset needs a folder of its own. Name a new folder, and "
                "import this one into it.",
                code="not_empty",
            )
        catalog._database.create()
        (catalog.root / IMAGES).mkdir(exist_ok=True)
        return catalog

    @classmethod
    def open(cls, folder: str | os.PathLike[str], *, write: bool = True) -> Catalog:
        """Open a dataset folder; what a process that died had begun is finished first.

        Args:
            folder: where `.fieldmark/catalog.sqlite` is.
            write: False is enough for looking, and works where nothing may be written.
        Raises:
            StoreError: `missing`, `corrupt`, `newer`, `read_only` or `locked`; nothing was changed.
        """
        catalog = cls(Path(folder))
        catalog._database.check()
        if write:
            catalog._database.check_writable()
            catalog._journal.finish()
        return catalog

    # -- looking ------------------------------------------------------------------------------------------

    def photos(
        self,
        *,
        label: str | None = None,
        split: SplitName | None = None,
        status: Status | None = "present",
        ids: Collection[int] | None = None,
    ) -> list[CatalogPhoto]:
        """List photos, by path; each filter that is given narrows the list. Without a label is not "present"."""
        wanted = {"label.name": label, "split": split, "status": None if status in IN_USE else status}
        given = {column: value for column, value in wanted.items() if value is not None}
        where = [f"{column} = ?" for column in given]
        if status in IN_USE:
            where.append(IN_USE[status])
        values: list[str] = list(given.values())
        if ids is not None:
            where.append("photo.id IN (SELECT value FROM json_each(?))")
            values.append(json.dumps(list(ids)))
        return self._photos(" AND ".join(where) or "1", values)

    def photo(self, photo_id: int) -> CatalogPhoto:
        """Give one photo, wherever it lies. KeyError when there was never one with this id."""
        found = self.photos(ids=[photo_id], status=None)
        if not found:
            raise KeyError(photo_id)
        return found[0]

    def with_hash(self, hashes: Collection[str]) -> list[CatalogPhoto]:
        """List the photos in use with these bytes, also those that wait for a label."""
        where = "status = 'present' AND sha256 IN (SELECT value FROM json_each(?))"
        return self._photos(where, [json.dumps(list(hashes))])

    def _photos(self, where: str, values: Sequence[str]) -> list[CatalogPhoto]:
        query = f"SELECT {COLUMNS} FROM photo JOIN label ON label.id = label_id WHERE {where} ORDER BY path"
        with self._database.reading() as connection:
            return list(map(CatalogPhoto._make, connection.execute(query, values)))

    def file_of(self, photo: CatalogPhoto) -> Path:
        """Tell where a photo's file is."""
        return self.root / photo.path

    def counts(self, status: Status = "present") -> dict[str, int]:
        """Photos per label, sorted by label."""
        where = IN_USE.get(status, "status = ?")
        query = (
            f"SELECT name, count(*) FROM photo JOIN label ON label.id = label_id WHERE {where} GROUP BY name"
        )
        with self._database.reading() as connection:
            return dict(sorted(connection.execute(query, [status] if "?" in where else [])))

    def n_unlabelled(self) -> int:
        """How many photos wait for a label."""
        return self.counts("unlabelled").get(UNLABELLED, 0)

    def labels(self) -> list[str]:
        """List all labels that were ever used or made, sorted."""
        with self._database.reading() as connection:
            names = connection.execute("SELECT name FROM label WHERE name != ? ORDER BY name", [UNLABELLED])
            return [name for (name,) in names]

    def history(self, photo_id: int) -> list[Change]:
        """Tell what was changed of a photo, the first change first."""
        query = "SELECT at, who, what, old, new, why FROM history WHERE photo_id = ? ORDER BY id"
        with self._database.reading() as connection:
            rows = connection.execute(query, [photo_id]).fetchall()
        return [Change(datetime.fromisoformat(at), *rest) for at, *rest in rows]

    # -- changing -----------------------------------------------------------------------------------------

    @property
    def incoming(self) -> Path:
        """Folder for files that are about to be added, on the same disk as the photos."""
        folder = self.root / HIDDEN / "incoming"
        with self._database.explained():
            folder.mkdir(exist_ok=True)
        return folder

    def add(
        self,
        photos: Sequence[NewPhoto],
        *,
        who: str,
        why: str,
        labels: Mapping[int, str] = MappingProxyType({}),
        act_id: int | None = None,
    ) -> Act:
        """Take photos in as one act, or as the next part of the act `act_id`; undone, they go to the trash.

        Args:
            labels: what came with them for photos that are there already, by id: they get these labels.
        """
        with self._journal.writing() as connection:
            planner = Planner(connection, self.root)
            steps = [planner.added(photo) for photo in photos]
            steps += [planner.relabelled(row, labels[row.id]) for row in planner.rows(labels)]
            if act_id is None:
                act_id = begin_act(connection, "import", steps, who=who, why=why)
            else:
                add_steps(connection, act_id, steps)
        return self._finished(act_id)

    def add_label(self, name: str) -> None:
        """Make a class that has no photos yet; one that is there stays."""
        with self._journal.writing() as connection:
            Planner(connection, self.root).label_id(clean_label(name))

    def relabel(self, photo_ids: Collection[int], to: str, *, who: str, why: str | None = None) -> Act:
        """Give photos another label."""
        to = clean_label(to)
        return self._change(
            "relabel", photo_ids, lambda plan, row: plan.relabelled(row, to), who=who, why=why
        )

    def rename_label(self, old: str, new: str, *, who: str) -> Act:
        """Rename a class; where the new name is a class already, both become one.

        Raises:
            DatasetError: `no_label`: there is no such class.
        """
        if old not in self.labels():
            raise DatasetError(f"There is no class {old!r}. There are: {self.labels()}.", code="no_label")
        ids = [photo.id for photo in self.photos(label=old, status=None)]
        self.add_label(new)  # also where the class has no photos
        return self.relabel(ids, new, who=who, why=f"renamed from {old!r}")

    def delete(self, photo_ids: Collection[int], *, who: str, why: str | None = None) -> Act:
        """Move photos to the trash."""
        return self._change("delete", photo_ids, lambda plan, row: plan.put(row, "trash"), who=who, why=why)

    def quarantine(self, photo_ids: Collection[int], *, who: str, why: str | None = None) -> Act:
        """Put photos aside that cannot be used."""
        return self._change(
            "quarantine", photo_ids, lambda plan, row: plan.put(row, "quarantined"), who=who, why=why
        )

    def restore(self, photo_ids: Collection[int], *, who: str, why: str | None = None) -> Act:
        """Take photos back from the trash or the quarantine."""
        return self._change(
            "restore", photo_ids, lambda plan, row: plan.put(row, "present"), who=who, why=why
        )

    def set_split(self, photo_ids: Collection[int], split: SplitName | None, *, who: str) -> Act:
        """Say on which side of the split photos are; None leaves it open."""
        return self._change("split", photo_ids, lambda plan, row: plan.on_side(row, split), who=who, why=None)

    def _change(
        self,
        kind: str,
        photo_ids: Collection[int],
        step: Callable[[Planner, Row], Step],
        *,
        who: str,
        why: str | None,
    ) -> Act:
        with self._journal.writing() as connection:
            planner = Planner(connection, self.root)
            steps = [step(planner, row) for row in planner.rows(photo_ids)]
            act_id = begin_act(connection, kind, steps, who=who, why=why)
        return self._finished(act_id)

    def _finished(self, act_id: int) -> Act:
        self._journal.finish()
        return self._journal.act(act_id)

    # -- deciding -----------------------------------------------------------------------------------------

    def stage(self, photo_id: int, decision: Decision, *, who: str) -> StagedDecision | None:
        """Note a decision that waits to be applied; give the one it replaces, which may be somebody else's."""
        with self._journal.writing() as connection:
            return decisions.stage(connection, photo_id, decision, who=who)

    def stage_all(self, wanted: Mapping[int, Decision], *, who: str) -> dict[int, StagedDecision]:
        """Note many decisions, by photo, all or none; give those that they replace. KeyError: as `stage`."""
        with self._journal.writing() as connection:
            replaced = (
                (photo_id, decisions.stage(connection, photo_id, decision, who=who))
                for photo_id, decision in wanted.items()
            )
            return {photo_id: before for photo_id, before in replaced if before}

    def unstage(self, photo_ids: Sequence[int]) -> None:
        """Take decisions back that were not applied yet."""
        with self._journal.writing() as connection:
            decisions.unstage(connection, photo_ids)

    def staged(self) -> list[StagedDecision]:
        """List the decisions that wait, in the order of deciding."""
        with self._database.reading() as connection:
            return decisions.staged(connection)

    def overtaken(self) -> list[StagedDecision]:
        """List the decisions that `apply_staged` leaves, because the photo was changed by somebody else since."""
        with self._database.reading() as connection:
            return decisions.overtaken(connection)

    def apply_staged(self, *, who: str, why: str | None = None) -> Act:
        """Do what was decided, as one act; "unsure" and what was overtaken stay staged."""
        with self._journal.writing() as connection:
            planner = Planner(connection, self.root)
            chosen = dict(decisions.take_staged(connection))
            steps = [planner.decided(row, chosen[row.id]) for row in planner.rows(chosen)]
            act_id = begin_act(connection, "apply", steps, who=who, why=why)
        return self._finished(act_id)

    def undo(self, *, who: str) -> Act | None:
        """Undo the last act; None when there is none. What it had applied is staged again."""
        return self._journal.undo(who=who)

    def redo(self, *, who: str) -> Act | None:
        """Do again what was undone last; None when there is nothing, or something else was done since."""
        return self._journal.redo(who=who)

    def acts(self) -> list[Act]:
        """List what was done, the latest first."""
        return self._journal.acts()

    def changed_after(self, act_id: int) -> set[str]:
        """SHA-256 of the photos that later acts brought, relabelled or took away, where that still holds."""
        query = """SELECT DISTINCT sha256 FROM step JOIN photo ON photo.id = photo_id WHERE act_id > ?
            AND state = 'done' AND (old_label_id != new_label_id OR old_status != new_status)"""
        with self._database.reading() as connection:
            return {sha256 for (sha256,) in connection.execute(query, [act_id])}

    # -- remembering --------------------------------------------------------------------------------------

    def setting(self, key: str, default: Setting = None) -> Setting:
        """Give a small value that was kept with the dataset, such as where somebody stopped looking."""
        with self._database.reading() as connection:
            found = connection.execute("SELECT value FROM setting WHERE key = ?", [key]).fetchone()
        return json.loads(found[0]) if found else default

    def set_setting(self, key: str, value: Setting) -> None:
        """Keep a small value; TypeError when JSON has no such thing."""
        with self._journal.writing() as connection:
            connection.execute("INSERT OR REPLACE INTO setting VALUES (?, ?)", [key, json.dumps(value)])


def is_catalog(folder: str | os.PathLike[str]) -> bool:
    """Whether a folder is a dataset folder; one whose making was cut short is not."""
    path = Path(folder, HIDDEN, FILE_NAME)
    return path.is_file() and path.stat().st_size > 0


def _is_unused(folder: Path) -> bool:
    """Whether nothing of anybody is in a folder, but for what is left when making a dataset is cut short."""
    return folder.is_dir() and all(
        entry.is_dir() and (entry.name == HIDDEN or (entry.name == IMAGES and not any(entry.iterdir())))
        for entry in folder.iterdir()
    )
