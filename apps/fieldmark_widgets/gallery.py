"""The gallery: a grid of photos, as many as there are; only those in sight are drawn, sent and asked for.

In a notebook:

    gallery = Gallery.of_folder("photos")
    display(gallery)
    gallery.selected            # ids of the chosen photos
    gallery.on_key(print)       # what somebody presses, about the photo of the id gallery.focus
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from typing import Any, overload

import traitlets

from fieldmark.catalog import is_catalog
from fieldmark.dataset import check_is_folder, read_dataset
from fieldmark.errors import BadImageError
from fieldmark.imaging.thumbnails import make_thumbnails, make_whole
from fieldmark.sources.scan import list_photos
from fieldmark_widgets.assets import module, stylesheet
from fieldmark_widgets.closeup import CloseUp
from fieldmark_widgets.component import Component
from fieldmark_widgets.guard import guard
from fieldmark_widgets.strings.gallery import GALLERY
from fieldmark_widgets.transfer import bad_message, clean_name
from fieldmark_widgets.uploader import Message
from fieldmark_widgets.worker import Worker

BATCH = 12
"""Thumbnails made and sent together; between two batches a newer wish of the page comes first."""
MOST_ROWS = 600
"""Rows that a page may ask for at once."""
KEY_LENGTH = 16
"""Hexadecimal digits of its bytes' SHA-256 by which a page knows a photo."""
MAX_KEY = 20
"""Characters in the name of a key, such as "ArrowLeft"."""

Ranges = list[list[int]]
"""Places [first, last], both counted."""
Picture = bytes | BadImageError
KeyHandler = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class GalleryRow:
    """One photo and what is written below it."""

    id: int
    file: Path
    hash: str = ""
    """SHA-256 of the file's bytes, hex; where it is empty, it is computed when the photo comes into sight."""
    title: str = ""
    text: str = ""
    tag: str = ""
    """A word on the picture, such as what was decided about it."""
    tag_kind: str = ""
    """Gives the tag its colour: keep, delete, relabel, unsure or fault."""
    credit: str = ""
    """Who made it, under which licence; shown with the whole photo."""


class LazyRows(Sequence[GalleryRow]):
    """Rows that are made when they come into sight: a hundred thousand of them cost nothing beforehand."""

    def __init__(self, ids: Sequence[int], make: Callable[[int], GalleryRow]) -> None:
        """Name the photos in order; `make` gives the row of an id, and is asked anew each time."""
        self.ids, self._make = ids, make

    def __len__(self) -> int:
        """How many photos there are."""
        return len(self.ids)

    @overload
    def __getitem__(self, place: int) -> GalleryRow: ...
    @overload
    def __getitem__(self, place: slice) -> Sequence[GalleryRow]: ...
    def __getitem__(self, place: int | slice) -> GalleryRow | Sequence[GalleryRow]:
        """Make one row, or several."""
        if isinstance(place, slice):
            return [self._make(photo) for photo in self.ids[place]]
        return self._make(self.ids[place])


class Gallery(Component):
    """Shows photos, lets them be chosen, and shows one of them whole.

    Messages from the browser: `rows` (first, last), `thumbs` (ids, which replace those asked for before), `whole`
    (id, which does too), `closeup` (id), `key` (key); and with `act`, the number of what somebody does: `focus` (at, or the id of
    the photo seen there), `select` (ranges, and the version they are of). Answers: `rows`, `thumb` (one buffer, or
    a reason), `whole` (as thumb), `closeup` (see `closeup.CloseUp`). The page shows what it was asked for at once, and listens to `_at` and `_ranges`
    again when `_heard` is the number of its last act: else an answer to an older one would throw it back.
    """

    _esm = module("gallery")
    _css = stylesheet("gallery")

    rows: Any = traitlets.Instance("collections.abc.Sequence", args=((),))
    """A GalleryRow for each photo, in order, as a tuple or as LazyRows; ids are different."""
    selected = traitlets.Tuple()
    """Ids of the chosen photos, in the order of the rows."""
    focus = traitlets.Int(None, allow_none=True)
    """Id of the photo that keys are about; None only when there are no photos."""
    name = traitlets.Unicode(GALLERY["region"]).tag(sync=True)
    """What the grid shows, for screen readers."""
    message = traitlets.Unicode(GALLERY["empty"]).tag(sync=True)
    """What is said when there are no photos."""
    columns = traitlets.Int(0, min=0, max=24).tag(sync=True)
    """Photos side by side; 0 for as many as suit the width, at most eight."""

    _strings = traitlets.Dict(dict(GALLERY)).tag(sync=True)
    _n = traitlets.Int(0).tag(sync=True)
    _version = traitlets.Int(0).tag(sync=True)
    _at = traitlets.Int(-1).tag(sync=True)
    _ranges = traitlets.List(traitlets.List(traitlets.Int())).tag(sync=True)
    _heard = traitlets.Int(0).tag(sync=True)
    _tells_keys = traitlets.Bool(False).tag(sync=True)
    _has_closeups = traitlets.Bool(False).tag(sync=True)

    def __init__(self, rows: Iterable[GalleryRow] = (), **traits: Any) -> None:
        """Show photos."""
        self._worker = Worker("gallery")
        self._ids: Sequence[int] = ()
        self._places: dict[int, int] = {}
        self._wanted: list[GalleryRow] = []
        self._wanted_whole: GalleryRow | None = None
        self._at_work = False
        self._key_handlers: list[KeyHandler] = []
        self._look_closely: Callable[[int], CloseUp] | None = None
        self._wanted_closeup: int | None = None
        super().__init__(**traits)
        self.on_msg(self._receive)
        self.rows = tuple(rows)

    @classmethod
    def of_folder(cls, folder: str | Path, **traits: Any) -> Gallery:
        """Show all photos below a folder, or those in use of a dataset, with the class that each is in.

        Raises:
            DatasetError: there is no such folder.
            EmptyDatasetError: the dataset has no photos.
            StoreError: the dataset's catalog cannot be used.
        """
        root = check_is_folder(Path(folder))
        return cls(_dataset_rows(root) if is_catalog(root) else _folder_rows(root), **traits)

    def on_key(self, handler: KeyHandler, *, remove: bool = False) -> None:
        """Call `handler` with each key that the gallery has no use for itself, by its name in a browser ("d",
        "Enter", "Delete"), when `focus` and `selected` are what they were for whoever pressed it.
        """
        if remove:
            self._key_handlers.remove(handler)
        else:
            self._key_handlers.append(handler)
        self._tells_keys = bool(self._key_handlers)

    def look_closely_with(self, look: Callable[[int], CloseUp] | None) -> None:
        """Show beside a whole photo what `look` knows of it, by its id; it is asked in the gallery's own thread."""
        self._look_closely, self._has_closeups = look, look is not None

    def renew(self) -> None:
        """Show rows anew whose words have changed; which photos there are, and their order, has not."""
        self._version += 1

    def shows(self, photo: int) -> bool:
        """Whether there is a row of this id."""
        return photo in self._places

    def after(self, photos: Collection[int]) -> int | None:
        """The photo behind the last of these; None where there is none."""
        last = max((self._places[photo] for photo in photos if photo in self._places), default=self._n)
        return self._ids[last + 1] if last + 1 < self._n else None

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
        self._ids = self.rows.ids if isinstance(self.rows, LazyRows) else [row.id for row in self.rows]
        self._places = {photo: number for number, photo in enumerate(self._ids)}
        self._n = len(self._ids)
        self.selected = tuple(photo for photo in self.selected if photo in self._places)
        if self.focus not in self._places:
            self.focus = self._ids[min(place, self._n - 1)] if self._n else None
        with self.hold_sync():  # a page takes them over together
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

    def _take_act(self, message: Message) -> None:
        """Do what somebody did in the page."""
        with self.hold_sync():
            self._heard = int(message.get("act", self._heard))
            if message["kind"] == "focus":
                self._take_focus(message)
            elif message.get("version", self._version) == self._version:  # else they are other photos' places
                self._select([[int(first), int(last)] for first, last in message["ranges"]])

    def _take_focus(self, message: Message) -> None:
        if message.get("id") in self._places:
            self.focus = message["id"]
        elif 0 <= (place := int(message["at"])) < self._n:
            self.focus = self._ids[place]

    def _select(self, ranges: Ranges) -> None:
        places = sorted(
            {place for first, last in ranges for place in range(max(first, 0), min(last + 1, self._n))}
        )
        self.selected = tuple(self._ids[place] for place in places)

    # --- Pictures ---

    def _want_thumbs(self, ids: Sequence[int]) -> None:
        self._wanted = [self.rows[self._places[photo]] for photo in ids[:MOST_ROWS] if photo in self._places]
        self._make_pictures()

    def _want_whole(self, photo: int) -> None:
        self._wanted_whole = self.rows[self._places[photo]]
        self._make_pictures()

    def _make_pictures(self) -> None:
        """Make what is wanted most now: somebody who looks at one photo waits for no thumbnail."""
        if self._at_work:
            return
        if (row := self._wanted_whole) is not None:
            self._wanted_whole = None
            self._submit("whole", [row], lambda: [make_whole(row.file)])
        elif (photo := self._wanted_closeup) is not None and (look := self._look_closely) is not None:
            self._wanted_closeup, self._at_work = None, True
            self._worker.submit(lambda: look(photo), lambda done: self._send_closeup(photo, done))
        elif self._wanted:
            batch, self._wanted = self._wanted[:BATCH], self._wanted[BATCH:]
            wanted = [(row.file, row.hash) for row in batch]
            self._submit("thumb", batch, lambda: list(make_thumbnails(wanted)))

    def _submit(self, kind: str, rows: Sequence[GalleryRow], make: Callable[[], list[Picture]]) -> None:
        self._at_work = True
        self._worker.submit(make, lambda done: self._send_pictures(kind, rows, done))

    @guard
    def _send_pictures(self, kind: str, rows: Sequence[GalleryRow], done: Future[list[Picture]]) -> None:
        self._at_work = False
        try:
            for row, picture in zip(rows, done.result(), strict=True):
                self._send_picture(kind, row, picture)
        finally:
            self._make_pictures()

    @guard
    def _send_closeup(self, photo: int, done: Future[CloseUp]) -> None:
        self._at_work = False
        try:
            words, pictures = done.result().message()
            self.send({"kind": "closeup", "id": photo, **words}, pictures)
        finally:
            self._make_pictures()

    def _send_picture(self, kind: str, row: GalleryRow, picture: Picture) -> None:
        message = {"kind": kind, "id": row.id, "photo": _key(row)}
        if isinstance(picture, BadImageError):
            self.send({**message, "reason": str(picture)})
        else:
            self.send(message, [picture])

    # --- Messages from the browser ---

    @guard
    def _receive(self, _widget: object, message: Message, _buffers: list[memoryview]) -> None:
        try:
            self._dispatch(message)
        except (KeyError, TypeError, ValueError) as error:  # no page of ours wrote it
            raise bad_message() from error

    def _dispatch(self, message: Message) -> None:
        kind = message.get("kind")
        if kind == "rows":
            self._send_rows(int(message["first"]), int(message["last"]))
        elif kind == "thumbs":
            self._want_thumbs([int(photo) for photo in message["ids"]])
        elif kind == "whole" and message.get("id") in self._places:
            self._want_whole(message["id"])
        elif kind == "closeup" and message.get("id") in self._places:
            self._wanted_closeup = message["id"]
            self._make_pictures()
        elif kind in ("focus", "select"):
            self._take_act(message)
        elif kind == "key":
            self._tell_key(str(message["key"])[:MAX_KEY])

    @guard
    def _tell_key(self, key: str) -> None:
        for handler in tuple(self._key_handlers):
            handler(key)

    def _send_rows(self, first: int, last: int) -> None:
        first = max(first, 0)
        rows = self.rows[first : min(last + 1, first + MOST_ROWS)]
        shown = [_shown(row) for row in rows]
        self.send({"kind": "rows", "version": self._version, "first": first, "rows": shown})


def _shown(row: GalleryRow) -> Mapping[str, int | str]:
    """What a page is told of a photo; not where it lies."""
    names = ("id", "title", "text", "tag", "tag_kind", "credit")
    return {"photo": _key(row), **{name: getattr(row, name) for name in names}}


def _key(row: GalleryRow) -> str:
    """Tell photos of one id apart: a page that has seen another dataset keeps that one's pictures."""
    return row.hash[:KEY_LENGTH]


def _dataset_rows(root: Path) -> list[GalleryRow]:
    items = read_dataset(root, min_classes=1).items
    return [
        GalleryRow(number, item.path, item.hash, title=item.label, text=clean_name(item.path.name))
        for number, item in enumerate(items)
    ]


def _folder_rows(root: Path) -> list[GalleryRow]:
    """List a folder without opening a file, so that a hundred thousand photos are there at once."""
    return [
        GalleryRow(
            number,
            file,
            title="" if file.parent == root else clean_name(file.parent.name),
            text=clean_name(file.name),
        )
        for number, file in enumerate(list_photos(root))
    ]


def _as_ranges(places: Sequence[int]) -> Ranges:
    """Join places that follow each other: [3, 4, 5, 9] → [[3, 5], [9, 9]]."""
    ranges: Ranges = []
    for place in places:
        if ranges and place == ranges[-1][1] + 1:
            ranges[-1][1] = place
        else:
            ranges.append([place, place])
    return ranges
