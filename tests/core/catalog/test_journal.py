"""Acts: whatever is killed or pulled out, every file is wholly at its old or wholly at its new place (C61, C62)."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import random
import sqlite3
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal
from unittest.mock import patch

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from core.catalogs import apply_and_undo_without_end, check_whole, pets, tree
from fieldmark.catalog import Catalog, decisions
from fieldmark.catalog.moving import PART, move_file

# --- C61: killed in the middle ------------------------------------------------------------------------------

# Where there is one, a process that has imported everything and starts the others from itself: a hundred are started.
PROCESSES = multiprocessing.get_context("forkserver" if os.name == "posix" else "spawn")
PROCESSES.set_forkserver_preload(["fieldmark.catalog"])


def stage_all(catalog: Catalog, number: int) -> None:
    choices = (decisions.delete, decisions.relabel("cat"), decisions.relabel("wolf"), decisions.keep)
    for photo_id in range(1, number + 1):
        catalog.stage(photo_id, choices[photo_id % len(choices)], who="test")


def kill_while_working(root: Path, after_s: float) -> bool:
    """Let a process apply and undo until it is killed; whether that left something half done."""
    ready = PROCESSES.Event()
    process = PROCESSES.Process(target=apply_and_undo_without_end, args=(root, ready))
    process.start()
    assert ready.wait(60)
    time.sleep(after_s)
    process.kill()
    process.join()
    hot = (root / ".fieldmark" / "catalog.sqlite-journal").exists()
    connection = sqlite3.connect(root / ".fieldmark" / "catalog.sqlite")
    (intents,) = connection.execute("SELECT count(*) FROM act WHERE state IN ('doing', 'undoing')").fetchone()
    connection.close()
    return hot or intents > 0


def kill_many_times(root: Path, *, photos: int, times: int, longest_s: float) -> int:
    """Kill again and again; each time nothing is torn, and undo restores byte for byte."""
    catalog, dice, half_done = pets(root, photos), random.Random(61), 0
    before = tree(root)
    stage_all(catalog, photos)
    for _ in range(times):
        half_done += kill_while_working(root, dice.uniform(0, longest_s))
        again = Catalog.open(root)
        check_whole(again, photos)
        last = again.acts()[0]
        assert last.failed == ()
        if last.kind == "apply" and last.state == "done":  # else it was killed before it began
            again.undo(who="test")
        assert tree(root) == before
        assert len(again.staged()) == photos
    return half_done


def test_killed_a_hundred_times_while_applying_nothing_is_torn_and_undo_restores_every_byte(
    tmp_path: Path,
) -> None:
    half_done = kill_many_times(tmp_path / "set", photos=30, times=100, longest_s=0.05)
    assert half_done >= 10  # else the kills came too early or too late to show anything


def test_killed_while_applying_five_hundred_decisions_nothing_is_torn(tmp_path: Path) -> None:
    assert kill_many_times(tmp_path / "set", photos=500, times=8, longest_s=0.25) >= 2


def test_what_a_dead_process_had_begun_is_finished_by_the_next_and_told_as_one_act(tmp_path: Path) -> None:
    """Stopped after moving a file, before the rows say so."""
    catalog = pets(tmp_path)
    stage_all(catalog, 4)
    catalog.apply_staged(who="ann")
    whole = tree(tmp_path)
    catalog.undo(who="ann")
    connection = sqlite3.connect(tmp_path / ".fieldmark" / "catalog.sqlite")
    connection.execute("UPDATE act SET state = 'doing' WHERE kind = 'apply'")
    connection.execute("UPDATE step SET state = 'pending' WHERE act_id = (SELECT max(id) FROM act)")
    connection.commit()
    connection.close()
    (tmp_path / "images" / "wolf").mkdir(exist_ok=True)
    (tmp_path / "images" / "dog" / "1.jpg").rename(
        tmp_path / "images" / "wolf" / "1.jpg"
    )  # one was moved already
    again = Catalog.open(tmp_path)
    assert tree(tmp_path) == whole
    assert again.acts()[0].state == "done"
    check_whole(again, 4)


# --- Against a model ----------------------------------------------------------------------------------------

LABELS = ("cat", "dog", "a/b", "..")
PHOTOS = 5
ids = st.lists(st.integers(1, PHOTOS), max_size=3, unique=True)
Status = Literal["present", "trash", "quarantined"]


@dataclass(frozen=True)
class Known:
    """What the model knows of a photo."""

    label: str
    status: str = "present"
    split: str | None = None


@dataclass
class Done:
    """What the model knows of an act."""

    before: dict[int, Known]
    after: dict[int, Known]
    decided: dict[int, tuple[decisions.Decision, str]] = field(default_factory=dict)


class Killed(BaseException):
    """Stands for the end of a process: nothing in between catches it."""


class CatalogMachine(RuleBasedStateMachine):
    """Random work on a catalog, and on a dictionary that must agree with it."""

    @initialize()
    def start(self) -> None:
        self.folder = tempfile.TemporaryDirectory()
        self.catalog = pets(Path(self.folder.name, "set"), PHOTOS)
        self.now = {n: Known("cat" if n % 2 else "dog") for n in range(1, PHOTOS + 1)}
        trashed = {n: replace(known, status="trash") for n, known in self.now.items()}
        self.done = [Done(trashed, dict(self.now))]
        self.undone: list[Done] = []
        self.staged: dict[int, tuple[decisions.Decision, str]] = {}

    def teardown(self) -> None:
        if hasattr(self, "folder"):
            self.folder.cleanup()

    def did(
        self, after: dict[int, Known], decided: dict[int, tuple[decisions.Decision, str]] | None = None
    ) -> None:
        self.undone.clear()
        if after:
            self.done.append(Done({n: self.now[n] for n in after}, after, decided or {}))
            self.now.update(after)

    @rule(ids=ids, label=st.sampled_from(LABELS))
    def relabel(self, ids: list[int], label: str) -> None:
        self.catalog.relabel(ids, label, who="t")
        self.did({n: replace(self.now[n], label=label) for n in ids})

    @rule(ids=ids, status=st.sampled_from(["present", "trash", "quarantined"]))
    def put(self, ids: list[int], status: Status) -> None:
        change = {
            "present": self.catalog.restore,
            "trash": self.catalog.delete,
            "quarantined": self.catalog.quarantine,
        }
        change[status](ids, who="t")
        self.did({n: replace(self.now[n], status=status) for n in ids})

    @rule(ids=ids, split=st.sampled_from(["train", "valid", None]))
    def set_split(self, ids: list[int], split: Literal["train", "valid"] | None) -> None:
        self.catalog.set_split(ids, split, who="t")
        self.did({n: replace(self.now[n], split=split) for n in ids})

    @rule(
        photo_id=st.integers(1, PHOTOS),
        decision=st.sampled_from(
            [decisions.keep, decisions.delete, decisions.unsure, *map(decisions.relabel, LABELS)]
        ),
    )
    def stage(self, photo_id: int, decision: decisions.Decision) -> None:
        told = self.catalog.stage(photo_id, decision, who="t")
        assert (told and told.decision) == self.staged.get(photo_id, (None,))[0]
        given = self.now[photo_id].label
        self.staged[photo_id] = (decisions.keep if decision.to == given else decision, given)
        self.undone.clear()

    @rule(photo_id=st.integers(1, PHOTOS))
    def another_client_decides(self, photo_id: int) -> None:
        """It is told of what was decided already, and the first client sees the new decision."""
        other = Catalog.open(self.catalog.root)
        told = other.stage(photo_id, decisions.delete, who="other")
        assert (told and told.decision) == self.staged.get(photo_id, (None,))[0]
        assert [s.who for s in self.catalog.staged() if s.photo_id == photo_id] == ["other"]
        self.staged[photo_id] = (decisions.delete, self.now[photo_id].label)
        self.undone.clear()

    @rule(photo_id=st.integers(1, PHOTOS))
    def unstage(self, photo_id: int) -> None:
        self.catalog.unstage([photo_id])
        self.staged.pop(photo_id, None)
        self.undone.clear()

    def due(self) -> dict[int, tuple[decisions.Decision, str]]:
        """What applying must do now."""
        return {
            n: (decision, given)
            for n, (decision, given) in self.staged.items()
            if decision.kind != "unsure" and self.now[n].status == "present" and self.now[n].label == given
        }

    def applied(self, due: dict[int, tuple[decisions.Decision, str]]) -> None:
        after = {
            n: replace(
                self.now[n],
                label=decision.to or given,
                status="trash" if decision.kind == "delete" else "present",
            )
            for n, (decision, given) in due.items()
        }
        self.did(after, due)
        self.staged = {n: choice for n, choice in self.staged.items() if n not in due}

    @rule()
    def apply(self) -> None:
        due = self.due()
        assert self.catalog.apply_staged(who="t").changed == len(due)
        self.applied(due)

    @rule(moves=st.integers(0, 3))
    def apply_and_die(self, moves: int) -> None:
        """Killed after some files were moved and before the rows say so; the next one who opens finishes it."""
        left = moves

        def dying(source: Path, target: Path) -> None:
            nonlocal left
            if not left:
                raise Killed
            left -= 1
            move_file(source, target)

        due = self.due()
        with patch("fieldmark.catalog.journal.move_file", dying), contextlib.suppress(Killed):
            self.catalog.apply_staged(who="t")
        self.catalog = Catalog.open(self.catalog.root)
        self.applied(due)

    @rule()
    def undo(self) -> None:
        act = self.catalog.undo(who="t")
        assert (act is None) == (not self.done)
        if self.done:
            done = self.done.pop()
            self.now.update(done.before)
            done.decided = {n: choice for n, choice in done.decided.items() if n not in self.staged}
            self.staged.update(done.decided)
            self.undone.append(done)

    @rule()
    def redo(self) -> None:
        act = self.catalog.redo(who="t")
        assert (act is None) == (not self.undone)
        if self.undone:
            done = self.undone.pop()
            self.now.update(done.after)
            self.staged = {n: choice for n, choice in self.staged.items() if n not in done.decided}
            self.done.append(done)

    @rule()
    def open_again(self) -> None:
        self.catalog = Catalog.open(self.catalog.root)

    @invariant()
    def agrees(self) -> None:
        photos = {photo.id: photo for photo in self.catalog.photos(status=None)}
        assert {n: Known(p.label, p.status, p.split) for n, p in photos.items()} == self.now
        assert {s.photo_id: (s.decision, s.given) for s in self.catalog.staged()} == self.staged
        check_whole(self.catalog, PHOTOS)


TestTheCatalogDoesWhatAModelDoes = CatalogMachine.TestCase
TestTheCatalogDoesWhatAModelDoes.settings = settings(
    max_examples=40, stateful_step_count=30, deadline=None, suppress_health_check=list(HealthCheck)
)

# --- C62: moved to another disk -----------------------------------------------------------------------------


@pytest.fixture
def other_disk(tmp_path: Path) -> Iterator[Path]:
    """A folder on another disk than `tmp_path`."""
    memory = Path("/dev/shm")
    if not memory.is_dir() or memory.stat().st_dev == tmp_path.stat().st_dev:
        pytest.skip("no second disk here")
    with tempfile.TemporaryDirectory(dir=memory) as folder:
        yield Path(folder)


def test_a_move_to_another_disk_keeps_bytes_and_times(tmp_path: Path, other_disk: Path) -> None:
    source, target = tmp_path / "a.jpg", other_disk / "new" / "a.jpg"
    source.write_bytes(b"photo")
    written = source.stat().st_mtime_ns
    move_file(source, target)
    assert target.read_bytes() == b"photo"
    assert target.stat().st_mtime_ns == written
    assert not source.exists()
    assert [path.name for path in target.parent.iterdir()] == ["a.jpg"]


def test_a_move_to_another_disk_that_was_cut_short_is_finished(tmp_path: Path, other_disk: Path) -> None:
    source, target = tmp_path / "a.jpg", other_disk / "a.jpg"
    source.write_bytes(b"photo")
    target.with_name(target.name + PART).write_bytes(b"pho")
    move_file(source, target)
    assert target.read_bytes() == b"photo"
    source.write_bytes(b"photo")  # killed after copying, before removing
    move_file(source, target)
    assert not source.exists()
    assert target.read_bytes() == b"photo"


def test_a_move_never_replaces_another_file(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"a")
    (tmp_path / "b").write_bytes(b"b")
    with pytest.raises(FileExistsError):
        move_file(tmp_path / "a", tmp_path / "b")
    assert [(tmp_path / name).read_bytes() for name in "ab"] == [b"a", b"b"]
