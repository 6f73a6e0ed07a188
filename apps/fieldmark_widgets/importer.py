"""The importer: photos from a folder, a zip, a table or the sample into a dataset; what came, and what did not and why.

In a notebook:

    importer = Importer(home="datasets")
    display(importer)
    importer.report             # what came of the last import
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from itertools import count
from pathlib import Path
from typing import Any

import anywidget
import traitlets

from fieldmark.callbacks import Progress
from fieldmark.catalog import Catalog
from fieldmark.curation.sealed import is_sealed
from fieldmark.errors import Cancelled, DatasetError
from fieldmark.names import is_portable, slug
from fieldmark.project import Project
from fieldmark.sources.labelling import Labels, no_label
from fieldmark_widgets.assets import module, stylesheet
from fieldmark_widgets.component import Component
from fieldmark_widgets.gallery import Gallery, GalleryRow
from fieldmark_widgets.guard import explain_error, guard
from fieldmark_widgets.importwords import describe_import
from fieldmark_widgets.importwork import Imported, ImportWork
from fieldmark_widgets.lastimport import is_last, keep_import, kept_import
from fieldmark_widgets.pathsuggestions import paths_like
from fieldmark_widgets.recorder import Recorder
from fieldmark_widgets.strings.classify import UPLOADER
from fieldmark_widgets.strings.importer import ARCHIVE_UPLOADER, IMPORTER
from fieldmark_widgets.transfer import Upload
from fieldmark_widgets.uploader import Message, Uploader
from fieldmark_widgets.watch import Watch
from fieldmark_widgets.workspace import Workspace, as_workspace
from fieldmark_widgets.workspacecomponent import WorkspaceComponent

MAX_ARCHIVE_MIB = 256.0
"""A larger archive is read from the disk: give its path."""
SEALED_SHARES = {"10": 0.1, "20": 0.2}
"""What a page may ask to set aside, by its name there."""


class Importer(WorkspaceComponent):
    """Brings photos into the workspace's dataset, or into a new one where none is open.

    Messages from the browser: `import` (source, name, regex, unlabelled, sealed), `sample`, `cancel`, `undo`, `label` (of the
    photos to show, empty for all; or `waiting`, those without one), `label_them`, `suggest` (path); the answer to the last:
    `suggestions` (paths).
    """

    _esm = module("importer")
    _css = stylesheet("importer")

    report = traitlets.Any(None)
    """The ImportReport of the last import of this page; None before."""
    label = traitlets.Unicode("").tag(sync=True)
    """Show only photos of this class; empty for all."""
    waiting = traitlets.Bool(False).tag(sync=True)
    """Show only photos that wait for a label."""
    state = traitlets.Enum(("empty", "busy", "ready", "failed"), "empty").tag(sync=True)
    """empty: no photos yet · busy: importing · ready: photos are here · failed: nothing came, `problem` says why."""
    uploader: Any = anywidget.WidgetTrait().tag(sync=True)
    """The Uploader that a zip can be dropped on."""
    gallery: Any = anywidget.WidgetTrait().tag(sync=True)
    """The Gallery of the dataset's photos."""
    collector: Any = anywidget.WidgetTrait().tag(sync=True)
    """A Collector that is shown first, for photos from elsewhere; None leaves that out."""
    recorder: Any = anywidget.WidgetTrait().tag(sync=True)
    """A Recorder, for photos from a camera; None leaves that out."""

    _strings = traitlets.Dict(dict(IMPORTER)).tag(sync=True)
    _has_project = traitlets.Bool(False).tag(sync=True)
    _result = traitlets.Dict().tag(sync=True)
    _progress = traitlets.Dict().tag(sync=True)
    _counts = traitlets.List(traitlets.Dict()).tag(sync=True)
    _n_unlabelled = traitlets.Int(0).tag(sync=True)
    _offers_labelling = traitlets.Bool(False).tag(sync=True)
    _source = traitlets.Unicode("").tag(sync=True)
    _is_sealed = traitlets.Bool(False).tag(sync=True)

    def __init__(
        self,
        workspace: Workspace | Project | str | Path | None = None,
        *,
        home: str | Path = "datasets",
        source: str | Path | None = None,
        collects: bool = False,
        records: bool = False,
        on_label: Callable[[], None] | None = None,
        **traits: Any,
    ) -> None:
        """Import into a workspace's project.

        Args:
            home: the folder in which a new dataset gets its own.
            source: what is written into the field for the path at first.
            collects: whether photos can be collected from elsewhere as well.
            records: whether photos can be taken with a camera as well.
            on_label: goes to where photos without a label get one; it is offered where some wait.
        """
        self.workspace = as_workspace(workspace)
        self.home = Path(home)
        self._watch: Watch | None = None
        self._on_label = on_label
        uploader = Uploader(accept=".zip,.tar,.gz,.tgz,.bz2,.xz", max_upload_mib=MAX_ARCHIVE_MIB, max_files=1, camera=False,
                            max_held_mib=MAX_ARCHIVE_MIB, _strings={**UPLOADER, **ARCHIVE_UPLOADER})  # fmt: skip
        traits = {"_source": str(source or ""), "uploader": uploader, "gallery": Gallery(), **traits}
        if collects:
            traits["collector"] = self._make_collector()
        if records:
            traits["recorder"] = Recorder(self.workspace, new_folder=self._new_folder, is_open=False)
        super().__init__(self.workspace, **traits)
        self.on_msg(self._receive)
        self.uploader.observe(self._on_upload, "files")
        self._follow(self._on_project, "project")
        self._follow(self._show_photos, "changes")
        self._on_project()

    def _make_collector(self) -> Component:
        """Make what collects into the same dataset, where its package is installed."""
        from fieldmark_widgets.collector import Collector

        return Collector(
            self.workspace, new_folder=self._new_folder, on_sample=self.import_sample, shows_photos=False
        )

    def import_from(
        self,
        source: str | Path,
        *,
        name: str = "",
        regex: str = "",
        unlabelled: bool = False,
        sealed: float = 0.0,
    ) -> None:
        """Import a folder, archive or CSV in the worker; `wait` for it, then see `report` and `problem`.

        Args:
            name: of the dataset that is made where none is open; the source's own name where empty.
            regex: its first group in the name of a file is the label; empty takes the folder's name.
            unlabelled: whether no photo gets a label, whatever folders and names say. Without it, only those whose
                class nothing tells wait for one.
            sealed: share of the photos to set aside as a sealed test, where there is none yet.
        """
        path = Path(source).expanduser()
        labels: Labels = no_label if unlabelled else regex or None
        self._begin(
            name or path.name.split(".")[0],
            lambda work: work.take(path, labels, sealed=sealed),
        )

    def import_sample(self) -> None:
        """Import the sample."""
        self._begin("sample", ImportWork.take_sample)

    def undo(self) -> None:
        """Take the last act back, which is this import as long as nothing else was done."""
        project = self.workspace.project
        if project is None or not self._result.get("can_undo"):
            return
        act = project.catalog.undo(who=self.workspace.who)
        self.report = None
        self._result = {"headline": IMPORTER["undone"].format(n=act.changed if act else 0)}
        self.workspace.say_changed()

    # --- Importing ---

    def _begin(self, name: str, take: Callable[[ImportWork], Imported]) -> None:
        """Import in the worker, into the open dataset or a new one."""
        if self._watch is not None:
            return
        project = self.workspace.project
        into = project.catalog if project else self._new_folder(name)
        watch = self._watch = Watch(self._show_progress)
        self.state, self.problem, self._result = "busy", "", {}
        self._progress = {"text": IMPORTER["starting"]}
        work = ImportWork(into, self.workspace.who, watch)
        self.workspace.worker.submit(lambda: take(work), lambda done: self._end(done, into))

    @guard
    def _end(self, done: Future[Imported], into: Catalog | Path) -> None:
        self._watch, self._progress = None, {}
        error = done.exception()
        if isinstance(error, Cancelled):
            self._result = {"headline": str(error)}
        elif error is not None:
            self.problem = explain_error(error)
        else:
            imported = done.result()
            self.report = imported.report
            self._result = describe_import(self.report, imported.sealed)
            keep_import(self.report, self._result)
        root = into if isinstance(into, Path) else into.root
        if self.workspace.project is None and root.is_dir():
            self.workspace.open(root)
        else:
            self.workspace.say_changed()
        self._show_photos()
        if error is not None and self.state == "empty":
            self.state = "failed"

    def _new_folder(self, name: str) -> Path:
        """A folder of its own in `home`, called after the source."""
        plain = name if is_portable(name) else slug(name)
        free = (plain if number == 1 else f"{plain}-{number}" for number in count(1))
        self.home.mkdir(parents=True, exist_ok=True)
        return next(self.home / folder for folder in free if not (self.home / folder).exists())

    @guard
    def _on_upload(self, _change: object = None) -> None:
        """Import an archive that was dropped; its bytes are let go as soon as they are on the disk."""
        if not self.uploader.files or self._watch is not None:
            return
        upload: Upload = self.uploader.files[0]
        self.uploader.clear()
        self._begin(Path(upload.name).stem, lambda work: work.take_upload(upload))

    def _show_progress(self, progress: Progress) -> None:
        if self._watch is None:
            return
        key = "progress" if progress.total else "progress_open"
        text = IMPORTER[key].format(
            step=progress.step, done=f"{progress.done:,}", total=f"{progress.total:,}"
        )
        self._progress = {"text": text, "share": progress.done / progress.total if progress.total else 0.0}

    # --- The photos that are there ---

    @guard
    def _on_project(self, _change: object = None) -> None:
        self._has_project = self.workspace.project is not None
        if self._watch is None:
            self.label, self.waiting, self.problem = "", False, ""
            if self.report is None or self.report.dataset != getattr(self.workspace.project, "root", None):
                self.report, self._result = None, kept_import(self.workspace.project)
        self._show_photos()

    @traitlets.observe("label", "waiting")
    @guard
    def _show_photos(self, _change: object = None) -> None:
        project = self.workspace.project
        self._take_undo_away()
        self._is_sealed = project is not None and is_sealed(project.catalog)
        counts = project.catalog.counts() if project else {}
        self._n_unlabelled = n = project.catalog.n_unlabelled() if project else 0
        self._offers_labelling = n > 0 and self._on_label is not None
        if self._watch is None:
            self.state = "ready" if counts or n else "empty"
        self._counts = [{"label": label, "n": n} for label, n in counts.items()]
        if project is None:
            self.gallery.rows = ()
            return
        photos = [] if self.waiting else project.catalog.photos(label=self.label or None)
        if not self.label:
            photos += project.catalog.photos(status="unlabelled")
        self.gallery.rows = tuple(
            GalleryRow(p.id, project.catalog.file_of(p), p.hash, p.label or IMPORTER["no_label"], _credit(p.author, p.licence) or Path(p.original_name).name, credit=_credit(p.author, p.licence))
            for p in photos
        )  # fmt: skip

    def _take_undo_away(self) -> None:
        """Offer to undo the import only as long as it is what was done last."""
        if self._result.get("can_undo") and not is_last(self.workspace.project, self._result["act"]):
            self._result = {**self._result, "can_undo": False}

    # --- Messages from the browser ---

    @guard
    def _receive(self, _widget: object, message: Message, _buffers: list[memoryview]) -> None:
        kind = message.get("kind")
        if kind == "import":
            self._import_as_told(message)
        elif kind == "sample":
            self.import_sample()
        elif kind == "cancel" and self._watch is not None:
            self._watch.cancel()
        elif kind == "undo":
            self.undo()
        elif kind == "label":
            self.label, self.waiting = str(message.get("label", "")), message.get("waiting") is True
        elif kind == "label_them" and self._on_label is not None:
            self._on_label()
        elif kind == "suggest":
            self.send({"kind": "suggestions", "paths": paths_like(str(message.get("path", "")))})

    def _import_as_told(self, message: Message) -> None:
        source = str(message.get("source", "")).strip()
        if not source:
            raise DatasetError(IMPORTER["no_path"], code="no_path")
        self.import_from(
            source,
            name=str(message.get("name", "")).strip(),
            regex=str(message.get("regex", "")),
            unlabelled=message.get("unlabelled") is True,
            sealed=SEALED_SHARES.get(str(message.get("sealed")), 0.0),
        )


def _credit(author: str | None, licence: str | None) -> str:
    return ", ".join(part for part in (author, licence) if part)
