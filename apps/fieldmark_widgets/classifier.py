"""The classifier: photos in, honest answers out.

In a notebook:

    classifier = Classifier(Predictor.load("model.onnx"))
    display(classifier)
    classifier.predictions      # one per photo, in the order they came
"""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import asdict
from pathlib import Path
from typing import Any

import anywidget
import traitlets

from fieldmark.corrections import CorrectionStore
from fieldmark.prediction import Failure
from fieldmark.service.client import find_model
from fieldmark_widgets.answer import say_label
from fieldmark_widgets.assets import module
from fieldmark_widgets.classified import ClassifiedPhoto, Overlay, classify, look
from fieldmark_widgets.component import Component
from fieldmark_widgets.correcting import Corrector, Said
from fieldmark_widgets.guard import explain_error, guard
from fieldmark_widgets.knowledge import describe_model
from fieldmark_widgets.models import ClassifyFunction, Model, as_model, explains
from fieldmark_widgets.sample import sample_photo, samples
from fieldmark_widgets.shelf import Shelf
from fieldmark_widgets.strings.classify import CLASSIFIER, CORRECTION
from fieldmark_widgets.transfer import Upload
from fieldmark_widgets.uploader import Message, Uploader
from fieldmark_widgets.worker import Worker

MAX_PHOTOS = 60
"""Photos that stay on the page; the oldest make room. Each takes some 200 KB of the disk, and 10 of the kernel's memory."""


class Classifier(Component):
    """Shows what a model makes of a visitor's photos.

    Messages from the browser: `opened`, `thumbs` (keys it has no thumbnail for), `sample` (name), `stop`, `clear`,
    `correct` (key, said, consent), `take_back` (key).
    The answer to `thumbs`: `thumb` (key, and a JPEG as the one buffer) for each.
    """

    _esm = module("classifier")
    set_by_page = frozenset({"selected", "show_map"})

    photos = traitlets.Tuple()
    """A ClassifiedPhoto for each photo, in the order they came."""
    predictions = traitlets.List(traitlets.Any())
    """A Prediction for each photo, or the Failure in its place."""
    selected = traitlets.Int(-1).tag(sync=True)
    """Place in `photos` of the one that is shown large; -1 when there is none."""
    state = traitlets.Enum(("empty", "busy", "ready", "failed"), "empty").tag(sync=True)
    """empty: no photo yet · busy: looking · ready: answered · failed: no photo could be read."""
    show_map = traitlets.Bool(True).tag(sync=True)
    """Whether the photo shows where the model looked."""
    uploader: Any = anywidget.WidgetTrait().tag(sync=True)
    """The Uploader that the photos come from. A file that was classified leaves its `files`."""

    _strings = traitlets.Dict(dict(CLASSIFIER)).tag(sync=True)
    _knowledge = traitlets.Dict().tag(sync=True)
    _samples = traitlets.List(traitlets.Dict()).tag(sync=True)
    _explains = traitlets.Bool(False).tag(sync=True)
    _waiting = traitlets.Int(0).tag(sync=True)
    _rows = traitlets.List(traitlets.Dict()).tag(sync=True)
    _shown = traitlets.Any(None).tag(sync=True)
    _overlay = traitlets.Any(None).tag(sync=True)
    _corrects = traitlets.Bool(False).tag(sync=True)
    _corrected = traitlets.Dict().tag(sync=True)
    _correction_strings = traitlets.Dict(dict(CORRECTION)).tag(sync=True)

    def __init__(
        self,
        model: Model | ClassifyFunction,
        *,
        uploader: Uploader | None = None,
        corrections: Path | None = None,
        **traits: Any,
    ) -> None:
        """Show a Predictor, or any function from a photo (PIL, RGB) to {label: probability}.

        Args:
            corrections: the folder where photos are kept that a visitor corrected, with consent; None asks nobody.
        """
        self._worker = Worker("classifier")
        self._shelf = Shelf()
        self._model = as_model(model)
        self._newest: Callable[[], Model] = lambda: self._model
        self._known = self._newest
        self._at_work: Upload | None = None
        self._overlays: dict[int, Overlay | None] = {}
        self._adding = False
        self._show_next = False
        self._corrector = Corrector(CorrectionStore(corrections)) if corrections is not None else None
        super().__init__(
            uploader=uploader or Uploader(),
            _knowledge=asdict(describe_model(model)),
            _samples=[asdict(sample) for sample in samples()],
            _explains=explains(self._model),
            _corrects=corrections is not None,
            **traits,
        )
        self.on_msg(self._receive)
        self.uploader.observe(self._on_uploader, ["files", "state", "waiting"])
        self._on_uploader()

    @classmethod
    def load(cls, *paths: Path, **traits: Any) -> Classifier:
        """Show the model of the server that started this kernel; elsewhere the first of `paths` that is there.

        A model that takes its place is taken up.

        Raises:
            ModelFileError: there is none (`no_model`), or it is refused.
        """
        served = find_model(paths, os.environ)
        classifier = cls(served.newest(), **traits)
        classifier._newest, classifier._known = served.newest, served.known
        return classifier

    def add(self, name: str, content: bytes) -> None:
        """Classify a photo from Python, as if a visitor had added it; `wait` for the answer.

        Raises:
            FieldmarkError: it is larger than the uploader takes.
        """
        self.uploader.add(name, content)

    def wait(self, timeout_s: float = 60.0) -> None:
        """Block until every photo that arrived is answered.

        Raises:
            TimeoutError: it took longer.
        """
        self._worker.wait(timeout_s)

    def clear(self) -> None:
        """Forget all photos, also those on their way."""
        self.problem = ""
        self.selected = -1
        self._keep(())
        self.uploader.clear()
        self._show_state()

    def stop(self) -> None:
        """Forget the photos that have no answer yet."""
        self.uploader.clear()

    def close(self) -> None:
        """Take it off the page and end its thread."""
        self._worker.close()
        if self.comm is not None:  # not closed yet
            self.uploader.unobserve(self._on_uploader, ["files", "state", "waiting"])
        super().close()

    # --- From upload to answer ---

    @guard
    def _on_uploader(self, _change: object = None) -> None:
        adding = bool(self.uploader.files) or self.uploader.state == "busy"
        if adding and not self._adding:
            self._show_next = True  # the first photo of what is added in one go
        self._adding = adding
        self._go_on()

    def _go_on(self) -> None:
        """Classify the next file; one at a time, so that a map somebody waits for comes in between."""
        if self.uploader.files and self._at_work is None:
            upload = self.uploader.files[0]
            shows_map = self._show_next and self.show_map
            self._at_work = upload
            self._worker.submit(
                lambda: classify(self._known, upload, self._shelf.put, with_map=shows_map),
                lambda done: self._take(done, upload),
            )
        self._show_state()

    @guard
    def _take(self, done: Future[tuple[ClassifiedPhoto, Overlay | None]], upload: Upload) -> None:
        self._at_work = None
        photo, overlay = done.result()
        with self.hold_sync():  # one message to the page, not one for each trait
            self._use(photo.model)
            if any(file is upload for file in self.uploader.files):  # else it was cleared meanwhile
                if overlay is not None:
                    self._overlays[photo.key] = overlay
                self._keep((*self.photos, photo))
                self.uploader.remove(upload)
            self._go_on()

    def _use(self, model: Model) -> None:
        """Show what the model that answers now knows."""
        if model is not self._model:
            self._model = model
            with self.hold_sync():
                self._knowledge, self._explains = asdict(describe_model(model)), explains(model)

    @guard
    def _take_model(self, done: Future[Model]) -> None:
        self._use(done.result())

    def _keep(self, photos: tuple[ClassifiedPhoto, ...]) -> None:
        """Make these the photos of the page, but for the oldest when they are too many."""
        dropped = max(0, len(photos) - MAX_PHOTOS)
        self.photos = photos[dropped:]
        self.predictions = [photo.prediction for photo in self.photos]
        keys = {photo.key for photo in self.photos}
        self._overlays = {key: overlay for key, overlay in self._overlays.items() if key in keys}
        self._corrected = {key: told for key, told in self._corrected.items() if int(key) in keys}
        self._rows = [_row(photo) for photo in self.photos]
        if self.photos:
            self.selected = len(self.photos) - 1 if self._show_next else max(0, self.selected - dropped)
            self._show_next = False
        self._show_selected()

    def _show_state(self) -> None:
        self._waiting = len(self.uploader.files) + self.uploader.waiting
        if self._adding:
            self.state = "busy"
        elif not self.photos:
            self.state = "empty"
        else:
            failed = all(isinstance(result, Failure) for result in self.predictions)
            self.state = "failed" if failed else "ready"

    # --- The photo that is shown large ---

    @traitlets.observe("selected", "show_map")
    @guard
    def _show_selected(self, _change: object = None) -> None:
        photo = self.photos[self.selected] if 0 <= self.selected < len(self.photos) else None
        if (photo and photo.key) != (self._shown and self._shown["key"]):
            self._overlay = None
            self._shown = _large(photo) if photo else None
        if photo is not None and self.show_map:
            self._show_overlay(photo)

    def _show_overlay(self, photo: ClassifiedPhoto) -> None:
        """Lay the map over the photo; the first time it has to be computed."""
        if photo.key in self._overlays:
            overlay = self._overlays[photo.key]
            self._overlay = (
                {"key": photo.key, "png": overlay.drawn.read(), "region": overlay.region} if overlay else None
            )
            return
        self._overlays[photo.key] = None
        self._worker.submit(
            lambda: look(photo, self._shelf.put), lambda done: self._take_overlay(done, photo)
        )

    @guard
    def _take_overlay(self, done: Future[Overlay | None], photo: ClassifiedPhoto) -> None:
        if photo.key in self._overlays:
            self._overlays[photo.key] = done.result()
            self._show_selected()

    # --- Messages from the browser ---

    @guard
    def _receive(self, _widget: object, message: Message, _buffers: list[memoryview]) -> None:
        kind = message.get("kind")
        if kind == "opened":  # a page that was built before somebody came may be older than its model
            self._worker.submit(self._newest, self._take_model)
        elif kind == "thumbs":
            self._send_thumbs(frozenset(message.get("keys", ())))
        elif kind == "sample":
            self._add_sample(str(message.get("name")))
        elif kind == "stop":
            self.stop()
        elif kind == "clear":
            self.clear()
        elif kind == "correct":
            self._correct(message.get("key"), lambda corrector, photo: _keep(corrector, photo, message))
        elif kind == "take_back":
            self._correct(message.get("key"), _take_back)

    def _correct(self, key: object, act: Callable[[Corrector, ClassifiedPhoto], dict[str, Any]]) -> None:
        """Do something about what a visitor says of a photo; in the thread, because it writes to the disk."""
        photo = next((photo for photo in self.photos if photo.key == key), None)
        corrector = self._corrector
        if photo is not None and corrector is not None:
            self._worker.submit(
                lambda: act(corrector, photo), lambda done: self._take_correction(done, photo)
            )

    @guard
    def _take_correction(self, done: Future[dict[str, Any]], photo: ClassifiedPhoto) -> None:
        error = done.exception()
        told = {"problem": explain_error(error)} if error else done.result()
        self._corrected = {**self._corrected, str(photo.key): told}

    def _add_sample(self, name: str) -> None:
        if name in {sample.name for sample in samples()}:
            sample = sample_photo(name)
            self.add(sample.name, sample.content)

    def _send_thumbs(self, keys: frozenset[int]) -> None:
        for photo in self.photos:
            if photo.key in keys and photo.picture is not None:
                self.send({"kind": "thumb", "key": photo.key}, [photo.picture.thumb])


def _keep(corrector: Corrector, photo: ClassifiedPhoto, message: Message) -> dict[str, Any]:
    return {"said": say_label(corrector.keep(photo, Said.from_message(message)).said)}


def _take_back(corrector: Corrector, photo: ClassifiedPhoto) -> dict[str, Any]:
    corrector.take_back(photo)
    return {"taken_back": True}


def _row(photo: ClassifiedPhoto) -> dict[str, Any]:
    """What the strip of thumbnails shows of a photo."""
    answer = photo.answer
    return {
        "key": photo.key,
        "name": photo.name,
        "title": answer.title,
        "verdict": answer.verdict,
        "word": answer.word,
        "has_thumb": photo.picture is not None,
    }


def _large(photo: ClassifiedPhoto) -> dict[str, Any]:
    """All that is shown of the selected photo."""
    picture = photo.picture
    return {
        "key": photo.key,
        "name": photo.name,
        "answer": asdict(photo.answer),
        "notes": list(picture.notes) if picture else [],
        "jpeg": picture.jpeg if picture else None,
        "width": picture.width if picture else 0,
        "height": picture.height if picture else 0,
    }
