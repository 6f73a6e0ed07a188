"""The collector: photos of several things from an open source into a dataset, live, with licence and author.

In a notebook:

    collector = Collector("datasets/bears")
    display(collector)
    collector.report            # what came, what failed and why
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from pathlib import Path
from time import monotonic
from typing import Any, ClassVar

import anywidget
import traitlets

from fieldmark.callbacks import Progress
from fieldmark.catalog import Catalog, is_catalog
from fieldmark.collect import (
    PROVIDERS,
    CollectReport,
    Outcome,
    Rules,
    Wanted,
    collect,
    endpoints_from_environment,
    find_provider,
    rules_from_environment,
)
from fieldmark.errors import Cancelled, CollectError, FieldmarkError
from fieldmark.project import Project
from fieldmark_widgets.assets import module, stylesheet
from fieldmark_widgets.collectorwords import describe_collecting, describe_stopped
from fieldmark_widgets.gallery import Gallery, GalleryRow
from fieldmark_widgets.guard import explain_error, guard
from fieldmark_widgets.strings.collector import COLLECTOR, LICENCES
from fieldmark_widgets.uploader import Message
from fieldmark_widgets.watch import Watch
from fieldmark_widgets.workspace import Workspace
from fieldmark_widgets.workspacecomponent import WorkspaceComponent

TERMS = ("grizzly bear", "black bear", "teddy bear")
"""What the fields say at first: the book's own task."""
MOST_TERMS = 12
KEPT = "collecting"
"""Key in the catalog's settings of what was asked for, so that a reload can go on."""
LATEST = 24
"""Photos that are shown while they come."""
SHOW_S = 1.0
"""Between two looks at what has come."""


class Collector(WorkspaceComponent):
    """Collects into the workspace's dataset, or into a new one in `home` where none is open.

    Messages from the browser: `collect` (terms, n, provider, licence), `cancel`, `sample`.
    """

    _esm = module("collector")
    _css = stylesheet("importer", "gallery", "collector")

    set_by_page: ClassVar[frozenset[str]] = frozenset()

    terms = traitlets.List(traitlets.Unicode(), list(TERMS)).tag(sync=True)
    """What is searched for, one class each."""
    n = traitlets.Int(150).tag(sync=True)
    """Photos of each class."""
    provider = traitlets.Enum(tuple(name for name in PROVIDERS if name != "list"), "openverse").tag(sync=True)
    """The source."""
    licence = traitlets.Enum(tuple(LICENCES), "open").tag(sync=True)
    """Which licences will do."""
    state = traitlets.Enum(("empty", "busy", "ready", "failed"), "empty").tag(sync=True)
    """empty: nothing was asked for · busy: collecting · ready: done or stopped · failed: nothing came, see `problem`."""
    report = traitlets.Any(None)
    """The CollectReport of the last run of this page; None before."""
    latest: Any = anywidget.WidgetTrait().tag(sync=True)
    """The Gallery of what came last, with the credit of each."""

    _strings = traitlets.Dict(dict(COLLECTOR)).tag(sync=True)
    _sources = traitlets.List(traitlets.Dict()).tag(sync=True)
    _licences = traitlets.Dict(dict(LICENCES)).tag(sync=True)
    _progress = traitlets.Dict().tag(sync=True)
    _result = traitlets.Dict().tag(sync=True)
    _goes_on = traitlets.Bool(False).tag(sync=True)
    _shows_photos = traitlets.Bool(True).tag(sync=True)
    _is_first = traitlets.Bool(True).tag(sync=True)
    _offers_sample = traitlets.Bool(False).tag(sync=True)

    def __init__(
        self,
        workspace: Workspace | Project | str | Path | None = None,
        *,
        new_folder: Callable[[str], Path] | None = None,
        on_sample: Callable[[], None] | None = None,
        rules: Rules | None = None,
        endpoints: Mapping[str, str] | None = None,
        shows_photos: bool = True,
        **traits: Any,
    ) -> None:
        """Collect into a workspace's project, or into the dataset folder of a path, which is made where it is not.

        Args:
            new_folder: names the folder of a new dataset, where none is open.
            on_sample: what to do instead where nothing can be reached.
            rules: what may be fetched; without them, what the environment says.
            endpoints: another address of a source's API, by its name; without them, what the environment says.
            shows_photos: whether the latest photos stay in sight afterwards; False where something else shows them.
        """
        folder = Path(workspace) if isinstance(workspace, str | Path) else None
        is_new = folder is not None and not folder.exists()
        self._new_folder = new_folder or (lambda _: folder or Path("datasets", "collected"))
        self._on_sample = on_sample
        self._endpoints = dict(endpoints_from_environment() if endpoints is None else endpoints)
        self.rules = rules or rules_from_environment()
        self._watch: Watch | None = None
        self._came: list[Outcome] = []
        self._shown, self._next_look = 0, 0.0
        self._into = Path()
        sources = [_source(name, self._endpoints) for name in PROVIDERS if name != "list"]
        shown = {"latest": Gallery(), "_sources": sources, "_shows_photos": shows_photos}
        super().__init__(Workspace() if is_new else workspace, **shown, **traits)
        self.on_msg(self._receive)
        self._follow(self._on_project, "project")
        self._on_project()

    def collect(self, terms: Sequence[str] | None = None) -> None:
        """Collect in the worker; `wait` for it, then see `report` and `problem`."""
        if self._watch is not None:
            return
        if terms is not None:
            self.terms = [term.strip() for term in terms if term.strip()][:MOST_TERMS]
        self.problem, self._offers_sample = "", False
        if not self.terms:
            raise CollectError(COLLECTOR["no_terms"], code="nothing_wanted")
        self.rules.check()
        source = find_provider(self.provider, self._endpoints.get(self.provider))
        project = self.workspace.project
        into = project.catalog if project else self._new_folder(self.terms[0])
        watch = self._watch = Watch(self._show_progress)
        self._came, self._shown, self._result = [], 0, {}
        self._into = into if isinstance(into, Path) else into.root
        self.latest.rows = ()
        self.state, self._progress = "busy", {"text": COLLECTOR["starting"].format(source=source.title)}
        wanted = [Wanted(term, self.n) for term in self.terms]
        licences, who, came = [self.licence], self.workspace.who, self._came
        kept = {"terms": list(self.terms), "n": self.n, "provider": self.provider, "licence": self.licence}

        def work() -> CollectReport:
            into_catalog = into if isinstance(into, Catalog) else _made(into)
            into_catalog.set_setting(KEPT, kept)  # type: ignore[arg-type]
            return collect(into_catalog, wanted, who=who, provider=source, licences=licences, rules=self.rules,
                           callback=watch, watch=came.append)  # fmt: skip

        self.workspace.worker.submit(work, self._end)

    def cancel(self) -> None:
        """Stop; what came stays, and collecting again goes on."""
        if self._watch is not None:
            self._watch.cancel()

    @guard
    def _end(self, done: Future[CollectReport]) -> None:
        self._watch, self._progress = None, {}
        error = done.exception()
        self.state = "ready" if error is None or isinstance(error, Cancelled) else "failed"
        if error is None:
            self.report = done.result()
            self._result = describe_collecting(self.report)
        elif isinstance(error, Cancelled):
            self._result = describe_stopped(error, self._came)
        else:
            self.problem = explain_error(error)
            self._offers_sample = self._on_sample is not None and isinstance(error, FieldmarkError)
        if is_catalog(self._into):
            self._show_photos()
        self._on_project()

    def _show_progress(self, progress: Progress) -> None:
        """Say how far it is, and show what has come, now and then."""
        if self._watch is None:
            return
        label = progress.step.removeprefix("Collecting ")
        text = COLLECTOR["progress"].format(
            label=label, done=f"{progress.done:,}", total=f"{progress.total:,}"
        )
        place = self.terms.index(label) if label in self.terms else 0
        share = (place + progress.done / max(1, progress.total)) / len(self.terms)
        self._progress = {
            "text": text,
            "share": share,
            "failed": sum(o.status == "failed" for o in self._came),
        }
        if monotonic() >= self._next_look and len(self._came) > self._shown:
            self._next_look = monotonic() + SHOW_S
            self._show_photos()

    @guard
    def _show_photos(self) -> None:
        """Show what has come, here and in every component; a new dataset is opened with its first photo."""
        root = self._into
        if self.workspace.project is not None:
            self.workspace.say_changed()
        elif Catalog.open(root, write=False).counts():
            self.workspace.open(root)
        self._look(root)

    def _look(self, root: Path) -> None:
        """Show the photos that came last."""
        self._shown = len(self._came)
        hashes = [outcome.hash for outcome in self._came if outcome.status == "added"][-LATEST:]
        if not hashes:
            return
        catalog = Catalog.open(root, write=False)
        photos = {photo.hash: photo for photo in catalog.with_hash(hashes)}
        self.latest.rows = tuple(
            GalleryRow(p.id, catalog.file_of(p), p.hash, p.label, _credit(p.author, p.licence), credit=_credit(p.author, p.licence))
            for hash_ in reversed(hashes) if (p := photos.get(hash_)) is not None
        )  # fmt: skip

    @guard
    def _on_project(self, _change: object = None) -> None:
        """Offer to go on with what was asked for in this dataset."""
        project = self.workspace.project
        kept: Any = project.catalog.setting(KEPT, {}) if project else {}
        self._goes_on = bool(kept)
        self._is_first = project is None or bool(kept)
        if kept and self._watch is None:
            self.terms, self.n = list(kept["terms"]), int(kept["n"])
            self.provider, self.licence = kept["provider"], kept["licence"]

    @guard
    def _receive(self, _widget: object, message: Message, _buffers: list[memoryview]) -> None:
        kind = message.get("kind")
        if kind == "collect":
            self._collect_as_told(message)
        elif kind == "cancel":
            self.cancel()
        elif kind == "sample" and self._on_sample is not None:
            self.problem, self._offers_sample = "", False
            self._on_sample()

    def _collect_as_told(self, message: Message) -> None:
        if self._watch is not None:
            return
        n, terms = message.get("n"), message.get("terms")
        self.n = min(1000, max(1, n)) if isinstance(n, int) else self.n
        if message.get("provider") in [source["name"] for source in self._sources]:
            self.provider = message["provider"]
        if message.get("licence") in LICENCES:
            self.licence = message["licence"]
        self.collect([str(term)[:200] for term in terms] if isinstance(terms, list) else [])


def _source(name: str, endpoints: Mapping[str, str]) -> dict[str, Any]:
    source = find_provider(name, endpoints.get(name))
    return {"name": name, "title": source.title, "note": source.note, "tells_licence": source.tells_licence}


def _made(folder: Path) -> Catalog:
    folder.parent.mkdir(parents=True, exist_ok=True)
    return Catalog.create(folder)


def _credit(author: str | None, licence: str | None) -> str:
    return ", ".join(part for part in (author, licence) if part)
