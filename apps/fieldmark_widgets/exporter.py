"""The exporter: the trained model as one file, to download or to use in the classify app.

In a notebook:

    exporter = Exporter("datasets/bears")
    display(exporter)
    exporter.path               # the file that was saved last
"""

from __future__ import annotations

import os
import shutil
from concurrent.futures import Future
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

import traitlets

from fieldmark.callbacks import Progress
from fieldmark.errors import Cancelled, ModelFileError
from fieldmark.modelfile import read_model_file
from fieldmark.project import Project
from fieldmark_widgets.assets import module, stylesheet
from fieldmark_widgets.guard import explain_error, guard
from fieldmark_widgets.savedmodels import Saved, models_folder, name_training, save_model, saved_models
from fieldmark_widgets.settings import find_served_path
from fieldmark_widgets.strings.exporter import EXPORTER
from fieldmark_widgets.trainer import MAX_TITLE
from fieldmark_widgets.trainerwords import say_error, say_wrong
from fieldmark_widgets.transfer import MIB
from fieldmark_widgets.uploader import Message
from fieldmark_widgets.watch import Watch
from fieldmark_widgets.workspace import Workspace
from fieldmark_widgets.workspacecomponent import WorkspaceComponent

CHUNK = MIB
"""Bytes in one message of a download."""
NAMED = 4
"""Classes that are named in the title of a model that nobody gave one; as `Learner.export` does it."""


class Exporter(WorkspaceComponent):
    """Saves the model of the workspace's project, hands it out, and puts it into the classify app.

    Messages from the browser: `save`, `cancel`, `title` (text), `download` and `serve` (file), `before`. The answer to
    `download`: `chunk` (file, offset, size, and one buffer) until all is there, or `refused` (file).
    """

    _esm = module("exporter")
    _css = stylesheet("importer", "exporter")

    path = traitlets.Any(None)
    """Path of the model file that was saved last for this dataset; None before."""
    state = traitlets.Enum(("empty", "busy", "ready", "failed"), "empty").tag(sync=True)
    """empty: something is missing first, said in `blockers` · busy: saving · ready · failed: `problem` says why."""
    blockers = traitlets.List(traitlets.Unicode()).tag(sync=True)
    """What is missing before there is a model, as sentences."""

    _strings = traitlets.Dict(dict(EXPORTER)).tag(sync=True)
    _title = traitlets.Unicode("").tag(sync=True)
    _card = traitlets.Dict().tag(sync=True)
    _is_saved = traitlets.Bool(False).tag(sync=True)
    _models = traitlets.List(traitlets.Dict()).tag(sync=True)
    _served = traitlets.Unicode("").tag(sync=True)
    _did = traitlets.Unicode("").tag(sync=True)
    _progress = traitlets.Dict().tag(sync=True)

    def __init__(
        self,
        workspace: Workspace | Project | str | Path | None = None,
        *,
        served_path: str | Path | None = None,
        **traits: Any,
    ) -> None:
        """Export a workspace's project, or the dataset folder at a path.

        Args:
            served_path: the model file that the classify app answers with; where the apps look for it when None.
        """
        self.served_path = Path(served_path) if served_path is not None else find_served_path()
        self._watch: Watch | None = None
        super().__init__(workspace, **traits)
        self.on_msg(self._receive)
        self._follow(self._on_project, "project")
        self._follow(self._show, "changes", "trainings")
        self._on_project()

    def save(self) -> None:
        """Write the model file in the worker, trained on what is there now; `wait`, then see `path`."""
        project = self.workspace.project
        if project is None or self._watch is not None or self.blockers:
            return
        watch, learner = Watch(self._show_progress), project.learner
        self._watch = watch
        self.state, self.problem, self._did = "busy", "", ""
        self._progress = {"text": EXPORTER["saving"]}

        def end(done: Future[Saved]) -> None:
            if project is self.workspace.project and project.learner is not learner:
                self.workspace.trainings += 1  # it was trained on the way
            self._end(done)

        self.workspace.worker.submit(lambda: save_model(project, watch), end)

    def serve(self, file: str) -> None:
        """Let the classify app answer with a saved model; the one before is kept for `go_back`.

        Raises:
            ModelFileError: the file is gone or damaged; the classify app goes on with what it has.
        """
        source = self._file(file)
        read_model_file(source)
        if self.served_path.exists():
            _replace(self.served_path, self._before)
        else:  # before it was the model that comes with Fieldmark
            self._before.unlink(missing_ok=True)
        _replace(source, self.served_path)
        self._did = EXPORTER["served_now"]
        self._show()

    def go_back(self) -> None:
        """Let the classify app answer with the model it had before the last `serve`."""
        if self._before.exists():
            self._before.replace(self.served_path)
        else:  # then it answers with the model that comes with Fieldmark
            self.served_path.unlink(missing_ok=True)
        self._did = EXPORTER["went_back"]
        self._show()

    # --- From the project to what is shown ---

    @guard
    def _on_project(self, _change: object = None) -> None:
        self.problem, self._did = "", ""
        self._show()

    @guard
    def _show(self, _change: object = None) -> None:
        project = self.workspace.project
        self.blockers = [EXPORTER["no_project"]] if project is None else project.result_blockers()
        if project is None:
            self.state, self.path, self._models = "empty", None, []
            return
        saved = saved_models(project)
        self.path = models_folder(project) / saved[0].file if saved else None
        self._models = [_describe(entry, models_folder(project)) for entry in saved]
        self._title = project.choices.title
        self._card = _describe_next(project) if project.is_trained else {}
        self._is_saved = bool(saved) and _is_as_now(saved[0], project)
        self._served = _sha256_of(self.served_path)
        if self._watch is None:
            self.state = "empty" if self.blockers else "ready"

    @property
    def _before(self) -> Path:
        return self.served_path.with_name(f"{self.served_path.stem}-before{self.served_path.suffix}")

    def _file(self, name: str) -> Path:
        """Find a saved model by its name; what a page says never becomes a path by itself."""
        project = self.workspace.project
        if project is None or name not in {entry.file for entry in saved_models(project)}:
            raise ModelFileError(EXPORTER["gone"].format(name=name[:MAX_TITLE]), code="missing")
        return models_folder(project) / name

    @guard
    def _end(self, done: Future[Saved]) -> None:
        self._watch, self._progress = None, {}
        error = done.exception()
        if isinstance(error, Cancelled):
            self._did = EXPORTER["stopped"]
        elif error is not None:
            self.problem = explain_error(error)
        self._show()
        if self.problem:
            self.state = "failed"

    def _show_progress(self, progress: Progress) -> None:
        if self._watch is not None:
            key = "progress" if progress.total else "progress_open"
            text = EXPORTER[key].format(
                step=progress.step, done=f"{progress.done:,}", total=f"{progress.total:,}"
            )
            self._progress = {"text": text, "share": progress.done / max(progress.total, 1)}

    # --- Messages from the browser ---

    @guard
    def _receive(self, _widget: object, message: Message, _buffers: list[memoryview]) -> None:
        kind, file = message.get("kind"), str(message.get("file", ""))
        self.problem = ""
        if kind == "save":
            self.save()
        elif kind == "cancel" and self._watch is not None:
            self._watch.cancel()
        elif kind == "title" and self.workspace.project is not None:
            self.workspace.project.choose(title=str(message.get("text", "")).strip()[:MAX_TITLE])
            self._show()
        elif kind == "download":
            self._send_file(file)
        elif kind == "serve":
            self.serve(file)
        elif kind == "before":
            self.go_back()

    def _send_file(self, name: str) -> None:
        try:
            content = self._file(name).read_bytes()
        except (ModelFileError, OSError):
            self.send({"kind": "refused", "file": name[:MAX_TITLE]})
            raise
        for offset in range(0, len(content), CHUNK):
            chunk = {"kind": "chunk", "file": name, "offset": offset, "size": len(content)}
            self.send(chunk, [content[offset : offset + CHUNK]])


def _describe_next(project: Project) -> dict[str, Any]:
    """The card of the model as it would be saved now; without figures where it has to be trained first."""
    latest = project.rounds()[0]
    wrong, n = len(latest.wrong), latest.n_valid
    figures = {"wrong": say_wrong(wrong, n), "error": say_error(wrong, n)} if not project.is_stale else {}
    return {"default": _default_title(project), "kinds": sorted(project.catalog.counts()), **figures}


def _default_title(project: Project) -> str:
    kinds = sorted(project.catalog.counts())
    return f"{project.name}: {', '.join(kinds[:NAMED])}{' …' if len(kinds) > NAMED else ''}"


def _is_as_now(saved: Saved, project: Project) -> bool:
    """Whether saving again would only give the same."""
    if project.is_stale or saved.title != (project.choices.title or _default_title(project)):
        return False
    return saved.training == name_training(project.rounds()[0])


def _describe(entry: Saved, folder: Path) -> dict[str, Any]:
    at = datetime.fromisoformat(entry.at).astimezone().strftime("%d %b %H:%M")
    return {
        "file": entry.file,
        "title": entry.title,
        "wrong": say_wrong(entry.n_wrong, entry.n_valid),
        "facts": " · ".join([EXPORTER["learned"].format(n=f"{entry.n_train:,}"), at]),
        "name": EXPORTER["name_of_file"].format(
            file=entry.file, mb=f"{entry.bytes / 1e6:.1f}", sha=entry.sha256[:12]
        ),
        "sha256": entry.sha256,
        "place": EXPORTER["place"].format(folder=folder),
        "summary": entry.summary,
        "kinds": entry.kinds,
        "limits": entry.limits,
        "python": EXPORTER["code_python"].format(name=entry.file),
        "command": EXPORTER["code_command"].format(name=entry.file),
    }


def _sha256_of(path: Path) -> str:
    """Which model a file is; empty where there is none that can be used."""
    try:
        found = path.stat()
    except OSError:
        return ""
    return _sha256_of_version(path, found.st_mtime_ns, found.st_size, found.st_ino)


@lru_cache(maxsize=8)
def _sha256_of_version(path: Path, *_version: int) -> str:
    try:
        return read_model_file(path).sha256
    except ModelFileError:
        return ""


def _replace(source: Path, target: Path) -> None:
    """Copy beside the target and rename: whoever reads it sees the old one or the new one, whole."""
    target.parent.mkdir(parents=True, exist_ok=True)
    unfinished = target.with_name(f".{target.name}.{os.getpid()}")
    shutil.copyfile(source, unfinished)
    unfinished.replace(target)
