"""The gallery: any number of photos, and only those in sight cost anything."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PIL import Image
from skimage.data import chelsea

from fieldmark.errors import DatasetError
from fieldmark.imaging.hashing import file_hash
from fieldmark.importing import import_photos
from fieldmark_widgets import Gallery, GalleryRow
from fieldmark_widgets.assets import module
from fieldmark_widgets.gallery import BATCH
from fieldmark_widgets.strings.gallery import GALLERY
from fieldmark_widgets.transfer import bad_message
from widgets.messages import receive, sent, set_trait


@pytest.fixture
def cat(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("FIELDMARK_CACHE", str(tmp_path / "cache"))
    folder = tmp_path / "photos" / "cat"
    folder.mkdir(parents=True)
    Image.fromarray(chelsea()).save(folder / "chelsea.jpg")
    return folder / "chelsea.jpg"


def rows(cat: Path, ids: range | list[int]) -> tuple[GalleryRow, ...]:
    digest = file_hash(cat)
    return tuple(GalleryRow(i, cat, digest, title=f"cat {i}", text="54 %", tag="keep") for i in ids)


@pytest.fixture
def gallery(cat: Path) -> Iterator[Gallery]:
    made = Gallery(rows(cat, range(100)))
    yield made
    made.close()


def test_only_the_rows_that_a_page_asks_for_are_sent(gallery: Gallery) -> None:
    receive(gallery, {"kind": "rows", "first": 10, "last": 12})
    (answer,) = sent(gallery)
    assert (answer["first"], [row["title"] for row in answer["rows"]]) == (10, ["cat 10", "cat 11", "cat 12"])


def test_a_hundred_thousand_photos_send_no_more_to_the_page_than_ten(cat: Path) -> None:
    sizes = []
    for n in (10, 100_000):
        gallery = Gallery(rows(cat, range(n)))
        state = {
            key: value for key, value in gallery.get_state().items() if key not in ("_esm", "_css", "layout")
        }
        sizes.append(len(json.dumps(state, default=str)))
        gallery.close()
    assert sizes[1] - sizes[0] < 100


def test_a_page_cannot_ask_for_everything_at_once(cat: Path) -> None:
    gallery = Gallery(rows(cat, range(5000)))
    receive(gallery, {"kind": "rows", "first": 0, "last": 5000})
    assert len(sent(gallery)[0]["rows"]) == 600
    gallery.close()


def test_thumbnails_come_for_the_photos_that_are_in_sight(gallery: Gallery) -> None:
    receive(gallery, {"kind": "thumbs", "ids": [3, 4]})
    gallery.wait()
    assert [(message["kind"], message["id"]) for message in sent(gallery)] == [("thumb", 3), ("thumb", 4)]


def test_a_newer_wish_comes_before_what_was_scrolled_past(gallery: Gallery) -> None:
    receive(gallery, {"kind": "thumbs", "ids": list(range(60))})
    receive(gallery, {"kind": "thumbs", "ids": [99]})
    gallery.wait()
    asked = [message["id"] for message in sent(gallery)]
    assert asked[-1] == 99
    assert len(asked) < 60


def test_a_photo_that_cannot_be_read_gives_its_reason(gallery: Gallery, cat: Path, tmp_path: Path) -> None:
    broken = tmp_path / "broken.jpg"
    broken.write_bytes(cat.read_bytes()[:2000])
    gallery.rows = (GalleryRow(1, broken, file_hash(broken)),)
    receive(gallery, {"kind": "thumbs", "ids": [1]})
    receive(gallery, {"kind": "whole", "id": 1})
    gallery.wait()
    assert [bool(message["reason"]) for message in sent(gallery)] == [True, True]


def test_the_whole_photo_is_sent_when_somebody_looks_at_it(gallery: Gallery) -> None:
    receive(gallery, {"kind": "whole", "id": 7})
    gallery.wait()
    assert [message["kind"] for message in sent(gallery)] == ["whole"]


def test_what_a_page_chooses_is_known_by_id(gallery: Gallery) -> None:
    receive(gallery, {"kind": "select", "ranges": [[0, 1], [5, 5], [98, 500]]})
    assert gallery.selected == (0, 1, 5, 98, 99)


def test_focus_and_choice_stay_on_their_photos_when_the_order_changes(gallery: Gallery, cat: Path) -> None:
    gallery.selected, gallery.focus = (10, 20), 30
    gallery.rows = rows(cat, list(range(99, -1, -1)))
    assert (gallery.selected, gallery.focus) == ((10, 20), 30)
    assert gallery.get_state(["_at", "_ranges"]) == {"_at": 69, "_ranges": [[79, 79], [89, 89]]}


def test_a_photo_that_goes_leaves_its_place_to_the_next(gallery: Gallery, cat: Path) -> None:
    gallery.selected, gallery.focus = (30,), 30
    gallery.rows = rows(cat, [i for i in range(100) if i != 30])
    assert (gallery.selected, gallery.focus) == ((), 31)


def test_without_photos_nothing_has_the_focus(gallery: Gallery) -> None:
    gallery.rows = ()
    assert (gallery.focus, gallery.selected) == (None, ())


def test_a_folder_is_shown_in_one_line(cat: Path) -> None:
    gallery = Gallery.of_folder(cat.parents[1])
    assert [(row.title, row.text) for row in gallery.rows] == [("cat", "chelsea.jpg")]
    gallery.close()


def test_a_folder_needs_no_classes_and_no_file_of_it_is_opened(cat: Path) -> None:
    (cat.parents[1] / "note.jpg").write_bytes(b"no photo")
    gallery = Gallery.of_folder(cat.parents[1])
    assert [(row.title, row.text, row.hash) for row in gallery.rows] == [
        ("cat", "chelsea.jpg", ""),
        ("", "note.jpg", ""),
    ]
    receive(gallery, {"kind": "thumbs", "ids": [0, 1]})
    gallery.wait()
    assert ["reason" in message for message in sent(gallery)] == [False, True]
    gallery.close()


def test_a_dataset_shows_its_photos_with_their_labels(cat: Path, tmp_path: Path) -> None:
    import_photos(cat.parents[1], tmp_path / "set", who="a test")
    gallery = Gallery.of_folder(tmp_path / "set")
    assert [(row.title, row.hash) for row in gallery.rows] == [("cat", file_hash(cat))]
    gallery.close()


def test_a_page_is_never_told_where_a_photo_lies(gallery: Gallery, cat: Path) -> None:
    receive(gallery, {"kind": "rows", "first": 0, "last": 99})
    receive(gallery, {"kind": "thumbs", "ids": [0]})
    gallery.wait()
    assert str(cat.parent) not in str(gallery.comm.sent)


def test_a_folder_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="There is no folder"):
        Gallery.of_folder(tmp_path / "nowhere")


def test_the_photo_that_was_seen_is_meant_even_when_the_order_changed_meanwhile(
    gallery: Gallery, cat: Path
) -> None:
    gallery.rows = rows(cat, list(range(99, -1, -1)))
    receive(gallery, {"kind": "focus", "at": 7, "id": 7, "act": 1})
    assert gallery.focus == 7


def test_places_of_an_older_order_choose_nothing(gallery: Gallery, cat: Path) -> None:
    seen = gallery.get_state(["_version"])["_version"]
    gallery.rows = rows(cat, list(range(99, -1, -1)))
    receive(gallery, {"kind": "select", "ranges": [[0, 3]], "version": seen, "act": 1})
    assert gallery.selected == ()


def test_a_page_learns_with_the_focus_how_much_of_it_was_heard(gallery: Gallery) -> None:
    """Else the answer to the first of three quick keys would throw the page back by two photos."""
    gallery.comm.sent.clear()
    for act, place in enumerate((1, 2, 3), 1):
        receive(gallery, {"kind": "focus", "at": place, "act": act})
    told = [data["state"] for data, _ in gallery.comm.sent if data["method"] == "update"]
    assert [(state["_at"], state["_heard"]) for state in told] == [(1, 1), (2, 2), (3, 3)]


def test_the_photo_somebody_looks_at_comes_before_thumbnails(gallery: Gallery) -> None:
    receive(gallery, {"kind": "thumbs", "ids": list(range(60))})
    receive(gallery, {"kind": "whole", "id": 5})
    receive(gallery, {"kind": "whole", "id": 9})
    gallery.wait()
    kinds = [(message["kind"], message["id"]) for message in sent(gallery)]
    assert kinds[BATCH] == ("whole", 9)
    assert ("whole", 5) not in kinds
    assert len(kinds) == 61


def test_a_key_is_told_with_the_focus_it_was_pressed_on(gallery: Gallery) -> None:
    pressed: list[tuple[str, int | None]] = []

    def handler(key: str) -> None:
        pressed.append((key, gallery.focus))

    gallery.on_key(handler)
    receive(gallery, {"kind": "focus", "at": 4, "act": 1})
    receive(gallery, {"kind": "key", "key": "d"})
    receive(gallery, {"kind": "key", "key": "x" * 1000})
    assert pressed == [("d", 4), ("x" * 20, 4)]
    gallery.on_key(handler, remove=True)
    receive(gallery, {"kind": "key", "key": "d"})
    assert len(pressed) == 2


@pytest.mark.usefixtures("expects_unexpected")
def test_a_handler_that_fails_is_said_and_the_gallery_goes_on(gallery: Gallery) -> None:
    gallery.on_key(lambda key: [][len(key)])
    receive(gallery, {"kind": "key", "key": "d"})
    assert "unexpected" in gallery.problem
    receive(gallery, {"kind": "focus", "at": 4})
    assert gallery.focus == 4


def test_a_page_cannot_set_a_trait(gallery: Gallery) -> None:
    set_trait(gallery, _at=5, _n=1, message="owned")
    assert (gallery.focus, gallery.get_state("_n")["_n"], gallery.message) == (0, 100, GALLERY["empty"])


def test_every_sentence_of_the_gallery_is_used_and_there() -> None:
    used = set(re.findall(r"\bstrings\.(\w+)", module("gallery"))) | {"zoom_in", "zoom_out"}
    assert used == set(GALLERY) - {"region", "empty"}  # which Python says


@pytest.mark.parametrize(
    "message",
    [
        {"kind": "rows"},
        {"kind": "rows", "first": "x", "last": []},
        {"kind": "thumbs", "ids": 5},
        {"kind": "select", "ranges": [[1]]},
        {"kind": "focus"},
        {"kind": "whole", "id": []},
        {"kind": "key"},
    ],
)
def test_a_message_that_no_page_of_ours_writes_is_refused(
    gallery: Gallery, message: dict[str, object]
) -> None:
    receive(gallery, message)
    assert gallery.problem == str(bad_message())
    assert (gallery.focus, gallery.selected) == (0, ())


@pytest.mark.parametrize(
    "message",
    [
        {"kind": "rows", "first": -5, "last": -9},
        {"kind": "thumbs", "ids": [10**9]},
        {"kind": "whole", "id": "x"},
        {"kind": "focus", "at": 10**9},
        {"kind": "select", "ranges": [[5, 1]]},
        {"kind": "nothing we know"},
    ],
)
def test_nonsense_from_a_page_does_nothing(gallery: Gallery, message: dict[str, object]) -> None:
    receive(gallery, message)
    gallery.wait()
    assert (gallery.focus, gallery.selected, gallery.problem) == (0, (), "")


def test_a_page_can_tell_photos_of_another_dataset_under_the_same_ids(
    tmp_path: Path, make_jpeg: Callable[..., bytes]
) -> None:
    def row(name: str, colour: tuple[int, int, int]) -> GalleryRow:
        file = tmp_path / name
        file.write_bytes(make_jpeg(colour))
        return GalleryRow(1, file, file_hash(file))

    gallery = Gallery([row("a.jpg", (200, 0, 0))])
    receive(gallery, {"kind": "thumbs", "ids": [1]})
    gallery.wait()
    gallery.rows = (row("b.jpg", (0, 0, 200)),)
    receive(gallery, {"kind": "rows", "first": 0, "last": 0})
    thumb, rows = sent(gallery)
    assert thumb["id"] == rows["rows"][0]["id"] == 1
    assert thumb["photo"] != rows["rows"][0]["photo"]
    gallery.close()
