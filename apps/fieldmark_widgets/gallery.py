"""The gallery: a grid of photos, as many as there are; only those in sight are drawn, sent and asked for.

In a notebook:

    gallery = Gallery.of_folder("photos")
    display(gallery)
    gallery.selected            # ids of the chosen photos
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import traitlets

from fieldmark.dataset import read_dataset
from fieldmark.errors import BadImageError
from fieldmark.images import encode_display, open_photo
from fieldmark.thumbnails import make_thumbnails
from fieldmark_widgets.assets import module, stylesheet
from fieldmark_widgets.component import Component
from fieldmark_widgets.guard import guard
from fieldmark_widgets.strings_gallery import GALLERY
from fieldmark_widgets.uploader import Message
from fieldmark_widgets.worker import Worker

BATCH = 12
"""Thumbnails made and sent together; between two batches a newer wish of the page comes first."""
MOST_ROWS = 600
"""Rows that a page may ask for at once."""
WHOLE_PX = 1600
"""Longer side of a photo that is shown whole."""

Ranges = list[list[int]]
"""Places [first, last], both counted."""


@dataclass(frozen=True, slots=True)
class GalleryRow:
    """One photo and what is written below it."""

    id: int
    file: Path
    hash: str
    """SHA-256 of the file's bytes, hex."""
    title: str = ""
    text: str = ""
    tag: str = ""
    """A word on the picture, such as what was decided about it."""
    tag_kind: str = ""
    """Gives the tag its colour: keep, delete, relabel, unsure or fault."""
    credit: str = ""
    """Who made it, under which licence; shown with the whole photo."""


class Gallery(Component):
    """Shows photos, lets them be chosen, and shows one of them whole.

    Messages from the browser: `rows` (first, last), `thumbs` (ids, which replace those asked for before), `whole`
    (id), `focus` (at), `select` (ranges). Answers: `rows`, `thumb` (one buffer, or a reason), `whole` (as thumb).
    """

    _esm = module("gallery")
    _css = stylesheet("gallery")

    rows = traitlets.Tuple()
    """A GalleryRow for each photo, in order; ids are different."""
    selected = traitlets.Tuple()
    """Ids of the chosen photos, in the order of the rows."""
    focus = traitlets.Int(None, allow_none=True)
    """Id of the photo that keys are about; None only when there are no photos."""
    name = traitlets.Unicode(GALLERY["region"]).tag(sync=True)
    """What the grid shows, for screen readers."""
    message = traitlets.Unicode(GALLERY["empty"]).tag(sync=True)
    """What is said when there are no photos."""

    _strings = traitlets.Dict(dict(GALLERY)).tag(sync=True)
    _n = traitlets.Int(0).tag(sync=True)
    _version = traitlets.Int(0).tag(sync=True)
    _at = traitlets.Int(-1).tag(sync=True)
    _ranges = traitlets.List(traitlets.List(traitlets.Int())).tag(sync=True)

    def __init__(self, rows: Iterable[GalleryRow] = (), **traits: Any) -> None:
        """Show photos."""
        self._worker = Worker("gallery")
        self._places: dict[int, int] = {}
        self._wanted: list[GalleryRow] = []
        self._at_work = False
        super().__init__(**traits)
        self.on_msg(self._receive)
        self.rows = tuple(rows)

    @classmethod
    def of_folder(cls, folder: str | Path, **traits: Any) -> Gallery:
        """Show the photos of a folder or dataset, with their labels.

        Raises:
            DatasetError: there is no such folder, or no photo in a class folder.
        """
        items = read_dataset(folder, min_classes=1).items
        rows = (
            GalleryRow(number, item.path, item.hash, title=item.label, text=item.path.name)
            for number, item in enumerate(items)
        )
        return cls(rows, **traits)

    def wait(self, timeout_s: float = 60.0) -> None:
        """Block until all pictures that were asked for are sent.

        Raises:
            TimeoutError: it took longer.
        """
        self._worker.wait(timeout_s)

    def close(self) -> None:
        """Take it off the page and end its thread."""
        self._worker.close()
        super().close()

    # --- Rows, focus, selection: by id here, by place in the page ---

    @traitlets.observe("rows")
    def _show_rows(self, _change: object = None) -> None:
        """Keep focus and selection on the photos they are on; a photo that is gone leaves its place to the next."""
        place = max(self._at, 0)
        self._places = {row.id: number for number, row in enumerate(self.rows)}
        self._n = len(self.rows)
        self.selected = tuple(photo for photo in self.selected if photo in self._places)
        if self.focus not in self._places:
            self.focus = self.rows[min(place, self._n - 1)].id if self.rows else None
        self._version += 1
        self._show_focus()
        self._show_selected()

    @traitlets.observe("focus")
    def _show_focus(self, _change: object = None) -> None:
        self._at = -1 if self.focus is None else self._places.get(self.focus, -1)

    @traitlets.observe("selected")
    def _show_selected(self, _change: object = None) -> None:
        self._ranges = _as_ranges(
            sorted(self._places[photo] for photo in self.selected if photo in self._places)
        )

    def _select(self, ranges: Ranges) -> None:
        places = sorted(
            {place for first, last in ranges for place in range(max(first, 0), min(last + 1, self._n))}
        )
        self.selected = tuple(self.rows[place].id for place in places)

    # --- Pictures ---

    def _want_thumbs(self, ids: Sequence[int]) -> None:
        self._wanted = [self.rows[self._places[photo]] for photo in ids[:MOST_ROWS] if photo in self._places]
        self._make_thumbs()

    def _make_thumbs(self) -> None:
        if self._at_work or not self._wanted:
            return
        batch, self._wanted = self._wanted[:BATCH], self._wanted[BATCH:]
        self._at_work = True
        wanted = [(row.file, row.hash) for row in batch]
        self._worker.submit(
            lambda: list(make_thumbnails(wanted)), lambda done: self._send_thumbs(done, batch)
        )

    @guard
    def _send_thumbs(self, done: Future[list[bytes | BadImageError]], batch: Sequence[GalleryRow]) -> None:
        self._at_work = False
        for row, thumb in zip(batch, done.result(), strict=True):
            self._send_picture("thumb", row.id, thumb)
        self._make_thumbs()

    def _want_whole(self, photo: int) -> None:
        row = self.rows[self._places[photo]]
        self._worker.submit(lambda: _whole(row.file), lambda done: self._send_whole(done, row.id))

    @guard
    def _send_whole(self, done: Future[bytes | BadImageError], photo: int) -> None:
        self._send_picture("whole", photo, done.result())

    def _send_picture(self, kind: str, photo: int, picture: bytes | BadImageError) -> None:
        if isinstance(picture, BadImageError):
            self.send({"kind": kind, "id": photo, "reason": str(picture)})
        else:
            self.send({"kind": kind, "id": photo}, [picture])

    # --- Messages from the browser ---

    @guard
    def _receive(self, _widget: object, message: Message, _buffers: list[memoryview]) -> None:
        kind = message.get("kind")
        if kind == "rows":
            self._send_rows(int(message["first"]), int(message["last"]))
        elif kind == "thumbs":
            self._want_thumbs([int(photo) for photo in message["ids"]])
        elif kind == "whole" and message.get("id") in self._places:
            self._want_whole(message["id"])
        elif kind == "focus" and 0 <= int(message["at"]) < self._n:
            self.focus = self.rows[int(message["at"])].id
        elif kind == "select":
            self._select([[int(first), int(last)] for first, last in message["ranges"]])

    def _send_rows(self, first: int, last: int) -> None:
        first = max(first, 0)
        rows = self.rows[first : min(last + 1, first + MOST_ROWS)]
        shown = [
            {"id": row.id, "title": row.title, "text": row.text, "tag": row.tag, "tag_kind": row.tag_kind, "credit": row.credit}
            for row in rows
        ]  # fmt: skip
        self.send({"kind": "rows", "version": self._version, "first": first, "rows": shown})


def _whole(file: Path) -> bytes | BadImageError:
    try:
        return encode_display(open_photo(file, need_px=WHOLE_PX).image, max_px=WHOLE_PX)
    except BadImageError as error:
        return error


def _as_ranges(places: Sequence[int]) -> Ranges:
    """Join places that follow each other: [3, 4, 5, 9] → [[3, 5], [9, 9]]."""
    ranges: Ranges = []
    for place in places:
        if ranges and place == ranges[-1][1] + 1:
            ranges[-1][1] = place
        else:
            ranges.append([place, place])
    return ranges
