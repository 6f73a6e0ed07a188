"""The recorder: photos from a webcam or a phone's camera into classes, by holding a button.

In a notebook:

    recorder = Recorder("datasets/desk")
    display(recorder)
    recorder.counts             # photos and recordings of each class

What is recorded in one go is one group: such photos are nearly the same, so all of them are learned from, or none. That
is why a class needs two recordings before it can be judged, and the recorder says so.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import traitlets

from fieldmark.catalog import Catalog, is_catalog
from fieldmark.catalog.incoming import Incoming
from fieldmark.catalog.planning import NewPhoto
from fieldmark.errors import BadImageError, FieldmarkError
from fieldmark.images import open_photo
from fieldmark.labels import clean_label
from fieldmark.project import Project
from fieldmark_widgets.assets import module, stylesheet
from fieldmark_widgets.guard import guard
from fieldmark_widgets.strings.recorder import RECORDER
from fieldmark_widgets.transfer import MIB
from fieldmark_widgets.uploader import Message
from fieldmark_widgets.workspace import Workspace
from fieldmark_widgets.workspacecomponent import WorkspaceComponent

SOURCE = "camera"
"""What the catalog says of where such photos come from."""
MAX_FRAME_MIB = 2.0
"""A page sends photos of at most 1280 px; nothing larger comes from one of ours."""
DECODED_PX = 64


@dataclass
class _Recording:
    """What somebody records while they hold the button."""

    label: str
    group: str
    at: datetime
    n: int = 0
    """Photos that came."""
    added: int = 0
    same: int = 0
    act_id: int | None = None
    waiting: list[bytes] = field(default_factory=list)
    jobs: int = 0
    """Parts that are being put into the dataset."""
    root: Path | None = None
    """The dataset that its first photo went into, and so the others."""
    ended: bool = False


class Recorder(WorkspaceComponent):
    """Records into the workspace's dataset, or into a new one where none is open.

    Messages from the browser: `begin` (id, label), `frame` (id, and one buffer), `end` (id), `undo`. Answers: `ack` (id,
    n: photos of the recording that came), `refused` (id), after which no more of it is taken.
    """

    _esm = module("recorder")
    _css = stylesheet("importer", "recorder")

    max_frames = traitlets.Int(300, min=1)
    """Photos of one recording."""
    counts = traitlets.Dict().tag(sync=True)
    """By class: photos and recordings, of those that came from a camera."""
    state = traitlets.Enum(("empty", "busy", "ready", "failed"), "empty").tag(sync=True)
    """empty: nothing recorded yet · busy: recording · ready: photos are here · failed: see `problem`."""

    _strings = traitlets.Dict(dict(RECORDER)).tag(sync=True)
    _result = traitlets.Dict().tag(sync=True)
    _advice = traitlets.Unicode("").tag(sync=True)
    _is_open = traitlets.Bool(True).tag(sync=True)

    def __init__(
        self,
        workspace: Workspace | Project | str | Path | None = None,
        *,
        new_folder: Callable[[str], Path] | None = None,
        is_open: bool = True,
        **traits: Any,
    ) -> None:
        """Record into a workspace's project, or into the dataset folder of a path, which is made where it is not.

        Args:
            new_folder: names the folder of a new dataset, where none is open.
            is_open: False shows only its title at first.
        """
        folder = Path(workspace) if isinstance(workspace, str | Path) else None
        is_new = folder is not None and not folder.exists()
        self._new_folder = new_folder or (lambda _: folder or Path("datasets", "recorded"))
        self._recordings: dict[str, _Recording] = {}
        self._last: _Recording | None = None
        self._made: Path | None = None  # a dataset of ours that is not open yet
        super().__init__(Workspace() if is_new else workspace, _is_open=is_open, **traits)
        self.on_msg(self._receive)
        self._follow(self._forget_made, "project")
        self._follow(self._show, "project", "changes")
        self._show()

    def record(self, label: str, photos: list[bytes]) -> None:
        """Record photos from Python, as one recording; `wait` for it.

        Raises:
            DatasetError: the label is empty.
        """
        key = secrets.token_hex(4)
        self._begin(key, label)
        for photo in photos:
            self._take(key, photo)
        self._end(key)

    def undo(self) -> None:
        """Take the last recording out again, as long as nothing else was done since."""
        project, last = self.workspace.project, self._last
        if project is None or last is None or not self._result.get("can_undo"):
            return
        act = project.catalog.undo(who=self.workspace.who)
        self._last = None
        self._result = {"text": RECORDER["undone"].format(n=act.changed if act else 0, label=last.label)}
        self.workspace.say_changed()

    # --- Recording ---

    def _begin(self, key: str, label: str) -> None:
        label = clean_label(label.strip())
        now = datetime.now()
        group = f"recording {now.isoformat(timespec='seconds')} {secrets.token_hex(3)}"
        self._recordings = {key: _Recording(label, group, now)}  # one at a time: an older page's has ended
        self.problem, self.state, self._result = "", "busy", {}

    def _take(self, key: str, photo: bytes) -> None:
        recording = self._recordings.get(key)
        if recording is None or recording.ended:
            return
        if len(photo) > MAX_FRAME_MIB * MIB:
            raise FieldmarkError(RECORDER["too_large"], code="too_large_file")
        if recording.n >= self.max_frames:
            self.send({"kind": "refused", "id": key})
            self._end(key)
            raise FieldmarkError(RECORDER["too_long"].format(most=self.max_frames), code="too_long")
        recording.n += 1
        recording.waiting.append(photo)
        if len(recording.waiting) == 1:  # else a job that will take this one as well has not begun
            self._submit(key, recording)

    def _end(self, key: str) -> None:
        recording = self._recordings.get(key)
        if recording is not None:
            recording.ended = True
            self._submit(key, recording)

    def _submit(self, key: str, recording: _Recording) -> None:
        project = self.workspace.project
        into = project.catalog.root if project else None
        recording.jobs += 1

        def work() -> None:
            photos = [
                recording.waiting.pop(0) for _ in range(len(recording.waiting))
            ]  # more may come meanwhile
            if photos:
                recording.root = recording.root or into or self._root_for(recording.label)
                _keep(Catalog.open(recording.root), recording, photos, self.workspace.who)

        self.workspace.worker.submit(work, lambda done: self._kept(key, recording, done))

    def _root_for(self, label: str) -> Path:
        """The dataset that is open by now, or a new one; in the worker's thread, which may be ahead of the kernel's."""
        made = self._made
        if made is None or self.workspace.project is not None:
            made = self._made = recording_root(self._new_folder, label, self.workspace)
        return made

    def _forget_made(self, _change: object = None) -> None:
        self._made = None

    @guard
    def _kept(self, key: str, recording: _Recording, done: Future[None]) -> None:
        recording.jobs -= 1
        self.send({"kind": "ack", "id": key, "n": recording.n})
        made = self._made
        if self.workspace.project is None and made is not None and made == recording.root:
            self.workspace.open(made)
        is_over = recording.ended and recording.jobs == 0
        if is_over:
            self._recordings.pop(key, None)
        try:
            done.result()
        except BadImageError as error:
            self.state = "failed"
            raise FieldmarkError(RECORDER["unreadable"].format(reason=error), code=error.code) from error
        if is_over:
            self._say(recording)

    def _say(self, recording: _Recording) -> None:
        """Show what came of a recording that is over."""
        self._last = recording
        self._result = _describe(recording)
        if not self._recordings:
            self.state = "ready" if recording.added or self.counts else "empty"
        self.workspace.say_changed()

    @guard
    def _show(self, _change: object = None) -> None:
        """Count what came from a camera, and say what is missing."""
        project = self.workspace.project
        found: dict[str, tuple[int, set[str]]] = {}
        for photo in project.catalog.photos() if project else []:
            if photo.source == SOURCE:
                n, groups = found.get(photo.label, (0, set()))
                found[photo.label] = n + 1, groups | {photo.group or ""}
        self.counts = {label: {"n": n, "times": len(groups)} for label, (n, groups) in found.items()}
        once = [label for label, (_, groups) in found.items() if len(groups) < 2]
        self._advice = (
            RECORDER["once_more"].format(labels=", ".join(f"“{label}”" for label in once)) if once else ""
        )
        if self._result.get("can_undo") and project is not None:
            done = [act.id for act in project.catalog.acts() if act.state == "done"]
            if not done or done[0] != self._result["act"]:
                self._result = {**self._result, "can_undo": False}
        if not self._recordings:
            self.state = "ready" if found else "empty"

    # --- Messages from the browser ---

    @guard
    def _receive(self, _widget: object, message: Message, buffers: list[memoryview]) -> None:
        kind, key = message.get("kind"), str(message.get("id", ""))
        if kind == "begin":
            self._begin(key, str(message.get("label", ""))[:200])
        elif kind == "frame":
            if len(buffers) != 1:
                raise FieldmarkError(RECORDER["bad_message"], code="bad_message")
            self._take(key, bytes(buffers[0]))
        elif kind == "end":
            self._end(key)
        elif kind == "undo":
            self.undo()


def recording_root(new_folder: Callable[[str], Path], label: str, workspace: Workspace) -> Path:
    """The dataset that is open by now, or a new one."""
    if workspace.project is not None:
        return workspace.project.root
    folder = new_folder(label)
    if not is_catalog(folder):
        folder.parent.mkdir(parents=True, exist_ok=True)
        Catalog.create(folder)
    return folder


def _keep(catalog: Catalog, recording: _Recording, photos: list[bytes], who: str) -> None:
    """Put photos into the dataset, as the next part of the recording's act; the same bytes come once.

    Raises:
        BadImageError: a photo cannot be read; those before it are taken.
    """
    with Incoming(catalog.root) as incoming:
        new: list[NewPhoto] = []
        try:
            for data in photos:
                digest = hashlib.sha256(data).hexdigest()
                if catalog.with_hash([digest]) or digest in {photo.hash for photo in new}:
                    recording.same += 1
                    continue
                opened = open_photo(data, need_px=DECODED_PX)
                number = recording.added + len(new) + 1
                name = f"camera-{recording.at:%Y%m%d-%H%M%S}-{number:03}.jpg"
                new.append(NewPhoto(
                    incoming.write(data), digest, recording.label, name, opened.width, opened.height, recording.at,
                    group=recording.group, source=SOURCE,
                ))  # fmt: skip
        finally:
            if new:
                why = f"recorded: {recording.label}"
                recording.act_id = catalog.add(new, who=who, why=why, act_id=recording.act_id).id
                recording.added += len(new)


def _describe(recording: _Recording) -> dict[str, Any]:
    """What came of a recording, as the page shows it."""
    key = "recorded_one" if recording.added == 1 else "recorded"
    text = RECORDER[key].format(n=recording.added, label=recording.label)
    same = RECORDER["same"].format(n=recording.same) if recording.same else ""
    return {"text": text, "same": same, "can_undo": recording.act_id is not None, "act": recording.act_id}
