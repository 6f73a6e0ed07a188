"""The checker: what is wrong with the photos, as pictures; put aside and taken back.

In a notebook:

    checker = Checker("datasets/bears")
    display(checker)
    checker.report              # what was found
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import anywidget
import traitlets

from fieldmark.callbacks import Progress
from fieldmark.catalog import CatalogPhoto
from fieldmark.catalog.journal import Act
from fieldmark.check import check_folder
from fieldmark.checkreport import UNEVEN, CheckReport, Group
from fieldmark.errors import Cancelled
from fieldmark.project import Project
from fieldmark_widgets.assets import module, stylesheet
from fieldmark_widgets.gallery import Gallery, GalleryRow
from fieldmark_widgets.guard import explain_error, guard
from fieldmark_widgets.strings.checker import CHECKER
from fieldmark_widgets.uploader import Message
from fieldmark_widgets.watch import Watch
from fieldmark_widgets.workspace import Workspace
from fieldmark_widgets.workspacecomponent import WorkspaceComponent

FAULTS = ("conflicts", "duplicates", "near_duplicates", "rejected", "tiny", "dark", "blurred")
"""What is looked for, the gravest first."""
GROUPED = ("conflicts", "duplicates", "near_duplicates")
ASIDE = "quarantined"
"""The photos that were put aside, beside the faults."""


class Checker(WorkspaceComponent):
    """Shows the check report of a workspace's dataset, and puts photos aside.

    Messages from the browser: `check`, `cancel`, `fault` (name), `aside` and `restore` (the chosen photos, or all that
    the button names), `undo`.
    """

    _esm = module("checker")
    _css = stylesheet("importer", "checker")

    report = traitlets.Any(None)
    """The CheckReport of the dataset; None before it was checked."""
    fault = traitlets.Unicode("").tag(sync=True)
    """Which photos are shown: one of FAULTS, or `quarantined`; empty when there is nothing to show."""
    state = traitlets.Enum(("empty", "busy", "ready", "failed"), "empty").tag(sync=True)
    """empty: no photos, or not checked yet · busy: checking · ready: checked · failed: `problem` says why."""
    gallery: Any = anywidget.WidgetTrait().tag(sync=True)
    """The Gallery of the photos with the fault."""

    _strings = traitlets.Dict(dict(CHECKER)).tag(sync=True)
    _blocker = traitlets.Unicode("").tag(sync=True)
    _headline = traitlets.Unicode("").tag(sync=True)
    _notes = traitlets.List(traitlets.Unicode()).tag(sync=True)
    _faults = traitlets.List(traitlets.Dict()).tag(sync=True)
    _action = traitlets.Dict().tag(sync=True)
    _did = traitlets.Unicode("").tag(sync=True)
    _progress = traitlets.Dict().tag(sync=True)
    _stale = traitlets.Bool(False).tag(sync=True)
    _is_stopped = traitlets.Bool(False).tag(sync=True)

    def __init__(self, workspace: Workspace | Project | str | Path | None = None, **traits: Any) -> None:
        """Check a workspace's project, or the dataset folder at a path; it begins at once."""
        self._watch: Watch | None = None
        self._photos: dict[str, CatalogPhoto] = {}
        self._checked = ""
        super().__init__(workspace, gallery=Gallery(), **traits)
        self.on_msg(self._receive)
        self.gallery.observe(self._show_action, "selected")
        self._follow(self._on_project, "project")
        self._follow(self._on_change, "changes")
        self._on_project()

    def check(self) -> None:
        """Look at every photo, in the worker."""
        project = self.workspace.project
        if project is None or self._watch is not None or not project.catalog.counts():
            return
        watch = self._watch = Watch(self._show_progress)
        self._is_stopped = False
        self.state, self.problem, self._progress = "busy", "", {"text": CHECKER["checking"]}
        version = project.data_version()
        self.workspace.worker.submit(
            lambda: check_folder(project.root, watch), lambda done: self._end(done, project, version)
        )

    def put_aside(self, photo_ids: Sequence[int] | None = None) -> None:
        """Put photos into quarantine: the chosen ones, else all that the fault shows but one of each group."""
        self._move("aside", photo_ids)

    def take_back(self, photo_ids: Sequence[int] | None = None) -> None:
        """Take photos back from quarantine: the chosen ones, else all."""
        self._move("restore", photo_ids)

    def undo(self) -> None:
        """Undo the last act."""
        project = self.workspace.project
        if project is not None and project.catalog.undo(who=self.workspace.who) is not None:
            self._did = CHECKER["did_undo"]
            self.workspace.say_changed()

    # --- Checking ---

    @guard
    def _on_project(self, _change: object = None) -> None:
        self.report, self.fault, self._did, self.problem = None, "", "", ""
        self._checked, self._is_stopped = "", False
        self._on_change()

    @guard
    def _on_change(self, _change: object = None) -> None:
        """Say what is missing, or check what is there for the first time."""
        project = self.workspace.project
        counts = project.catalog.counts() if project else {}
        self._blocker = "" if counts else CHECKER["no_project" if project is None else "empty"]
        if not counts:
            self.state = "empty"
        elif self.report is None:
            if not self._is_stopped:
                self.check()
        else:
            self._stale = project is not None and self._checked != project.data_version()
            self._show()

    @guard
    def _end(self, done: Future[CheckReport], project: Project, version: str) -> None:
        self._watch, self._progress = None, {}
        if project is not self.workspace.project:
            self._on_change()
            return
        error = done.exception()
        if error is not None:
            self._end_without(error)
            return
        self.report, self._checked, self._stale = done.result(), version, False
        self.state = "ready"
        self._show()

    def _end_without(self, error: BaseException) -> None:
        """Keep what was found before; being stopped is no failure."""
        if isinstance(error, Cancelled) and self.report is not None:
            self._did, self.state = CHECKER["stopped"], "ready"
        elif isinstance(error, Cancelled):
            self._is_stopped, self.state = True, "empty"
        else:
            self.problem, self.state = explain_error(error), "failed"

    def _show_progress(self, progress: Progress) -> None:
        if self._watch is not None:
            text = CHECKER["progress"].format(
                step=progress.step, done=f"{progress.done:,}", total=f"{progress.total:,}"
            )
            self._progress = {"text": text, "share": progress.done / max(progress.total, 1)}

    # --- What was found, among the photos that are still in use ---

    def _show(self) -> None:
        project = self.workspace.project
        if project is None or self.report is None:
            return
        self._photos = {photo.path: photo for photo in project.catalog.photos()}
        found = {fault: self._found(fault) for fault in FAULTS}
        faulty = {path for rows in found.values() for path, _ in rows}
        n, k = len(self._photos), len(faulty)
        key = "found_one" if k == 1 else "found" if k else "all_good"
        self._headline = CHECKER[key].format(k=f"{k:,}", n=f"{n:,}")
        self._notes = _notes(project.catalog.counts())
        aside = project.catalog.counts("quarantined")
        sizes = {fault: len(rows) for fault, rows in found.items()} | {ASIDE: sum(aside.values())}
        self._faults = [
            {"name": name, "title": CHECKER[name], "text": CHECKER[f"{name}_text"], "n": size}
            for name, size in sizes.items()
            if size
        ]
        names = [fault["name"] for fault in self._faults]
        if self.fault not in names:
            self.fault = names[0] if names else ""
        self._show_photos()

    def _found(self, fault: str) -> list[tuple[str, str]]:
        """Path and a few words for each photo with a fault; members of a group follow each other."""
        assert isinstance(self.report, CheckReport)
        if fault not in GROUPED:
            return [(one.path, one.reason) for one in getattr(self.report, fault) if one.path in self._photos]
        groups = [self._present(group) for group in self._groups(fault)]
        return [
            (path, CHECKER["group"].format(i=number))
            for number, paths in enumerate((paths for paths in groups if len(paths) > 1), 1)
            for path in paths
        ]

    def _groups(self, fault: str) -> list[Group]:
        assert isinstance(self.report, CheckReport)
        exact, near = self.report.duplicates, self.report.near_duplicates
        if fault == "conflicts":
            conflicts = [group for group in (*exact, *near) if group.is_conflict]
            return list({group.paths: group for group in conflicts}.values())
        known = {path for group in exact for path in group.paths}
        chosen = exact if fault == "duplicates" else [g for g in near if not known.issuperset(g.paths)]
        return [group for group in chosen if not group.is_conflict]

    def _present(self, group: Group) -> list[str]:
        return [path for path in group.paths if path in self._photos]

    @traitlets.observe("fault")
    @guard
    def _show_photos(self, _change: object = None) -> None:
        project = self.workspace.project
        if project is None or self.report is None:
            self.gallery.rows = ()
            return
        if self.fault == ASIDE:
            photos = [(photo, "") for photo in project.catalog.photos(status="quarantined")]
        else:
            photos = [
                (self._photos[path], why) for path, why in (self._found(self.fault) if self.fault else [])
            ]
        self.gallery.rows = tuple(
            GalleryRow(p.id, project.catalog.file_of(p), p.hash, p.label, why or Path(p.original_name).name)
            for p, why in photos
        )
        self.gallery.selected = ()
        self._show_action()

    # --- Putting aside ---

    def _show_action(self, _change: object = None) -> None:
        """Name what the button does: with the chosen photos, else with all."""
        back, chosen = self.fault == ASIDE, len(self.gallery.selected)
        what = "restore" if back else "aside"
        n = chosen or len(self._default_ids())
        size = (
            "chosen_one"
            if chosen == 1
            else "chosen"
            if chosen
            else "spare"
            if self.fault in GROUPED
            else "all"
        )
        self._action = {"kind": what, "label": CHECKER[f"{what}_{size}"].format(n=f"{n:,}")} if n else {}

    def _default_ids(self) -> list[int]:
        """All that are shown; of a group all but the first; of a conflict none, because people must choose."""
        rows = self.gallery.rows
        if self.fault == "conflicts":
            return []
        if self.fault in GROUPED:
            firsts = {row.text: row.id for row in reversed(rows)}
            return [row.id for row in rows if firsts[row.text] != row.id]
        return [row.id for row in rows]

    def _move(self, what: str, photo_ids: Sequence[int] | None) -> None:
        project = self.workspace.project
        ids = list(photo_ids if photo_ids is not None else self.gallery.selected or self._default_ids())
        if project is None or not ids:
            return
        who, why = self.workspace.who, f"check: {CHECKER[self.fault]}" if self.fault in CHECKER else "check"
        if what == "aside":
            act = project.catalog.quarantine(ids, who=who, why=why)
        else:
            act = project.catalog.restore(ids, who=who, why=why)
        self._did = _say_done(what, act)
        self.workspace.say_changed()

    # --- Messages from the browser ---

    @guard
    def _receive(self, _widget: object, message: Message, _buffers: list[memoryview]) -> None:
        kind = message.get("kind")
        if kind == "check":
            self.check()
        elif kind == "cancel" and self._watch is not None:
            self._watch.cancel()
        elif kind == "fault" and message.get("name") in (*FAULTS, ASIDE):
            self.fault, self._did = message["name"], ""
        elif kind == "aside" and self.fault != ASIDE:
            self.put_aside()
        elif kind == "restore" and self.fault == ASIDE:
            self.take_back()
        elif kind == "undo":
            self.undo()


def _say_done(what: str, act: Act) -> str:
    said = CHECKER[f"did_{what}_one" if act.changed == 1 else f"did_{what}"].format(n=f"{act.changed:,}")
    if not act.failed:
        return said
    return f"{said} {CHECKER['failed'].format(n=len(act.failed), reason=act.failed[0].reason)}"


def _notes(counts: Mapping[str, int]) -> list[str]:
    """What is to be said of the classes as a whole."""
    if len(counts) < 2:
        return []
    most, least = max(counts, key=counts.__getitem__), min(counts, key=counts.__getitem__)
    times = counts[most] / counts[least]
    return [CHECKER["uneven"].format(times=f"{times:.1f}", most=most, least=least)] if times > UNEVEN else []
