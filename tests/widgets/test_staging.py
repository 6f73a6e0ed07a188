"""Decisions that wait, and taking the last one back."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from fieldmark.catalog import Catalog
from fieldmark.catalog.decisions import delete, keep, relabel, unsure
from fieldmark.importing import import_photos
from fieldmark_widgets.galleryrows import caption_of
from fieldmark_widgets.photorows import Judgement, PhotoRow, rank
from fieldmark_widgets.rowfilter import RowFilter
from fieldmark_widgets.staging import Staging


@pytest.fixture
def catalog(tmp_path: Path) -> Catalog:
    for number in range(6):
        place = tmp_path / "photos" / ("cat" if number % 2 else "dog")
        place.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (40, 40), (40 * number, 90, 10)).save(place / f"IMG_{number}.png")
    import_photos(tmp_path / "photos", tmp_path / "dataset", who="anna")
    return Catalog.open(tmp_path / "dataset")


def waiting(catalog: Catalog) -> dict[int, str]:
    return {staged.photo_id: staged.decision.kind for staged in catalog.staged()}


def test_a_decision_is_in_the_catalog_at_once(catalog: Catalog) -> None:
    Staging(catalog, "anna").decide({1: delete})
    assert waiting(Catalog.open(catalog.root)) == {1: "delete"}


def test_undo_brings_back_what_was_decided_before(catalog: Catalog) -> None:
    staging = Staging(catalog, "anna")
    staging.decide({1: delete, 2: delete})
    staging.decide({2: keep, 3: keep})
    assert staging.undo_last() == [2, 3]
    assert waiting(catalog) == {1: "delete", 2: "delete"}
    assert staging.undo_last() == [1, 2]
    assert waiting(catalog) == {}


def test_relabelling_to_the_label_it_has_can_be_undone_as_the_keeping_that_it_is(catalog: Catalog) -> None:
    staging = Staging(catalog, "anna")
    staging.decide({1: relabel(catalog.photo(1).label)})
    assert waiting(catalog) == {1: "keep"}
    assert staging.undo_last() == [1]
    assert waiting(catalog) == {}


def test_undo_leaves_what_somebody_else_decided_alike(catalog: Catalog) -> None:
    staging = Staging(catalog, "anna")
    staging.decide({1: delete})
    Staging(catalog, "ben").decide({1: delete})
    assert staging.undo_last() == []
    assert waiting(catalog) == {1: "delete"}


def test_taking_back_can_be_undone_too(catalog: Catalog) -> None:
    staging = Staging(catalog, "anna")
    staging.decide({1: relabel("fox")})
    staging.take_back([1, 2])
    assert waiting(catalog) == {}
    staging.undo_last()
    assert staging.decisions[1].decision == relabel("fox")


def test_undo_leaves_what_somebody_decided_anew(catalog: Catalog) -> None:
    mine, theirs = Staging(catalog, "anna"), Staging(catalog, "ben")
    mine.decide({1: delete})
    theirs.decide({1: keep})
    assert mine.undo_last() == []
    assert (mine.decisions[1].decision, mine.decisions[1].who) == (keep, "ben")


def test_the_second_is_told_of_the_first_decision_and_can_bring_it_back(catalog: Catalog) -> None:
    first, second = Staging(catalog, "anna"), Staging(catalog, "ben")
    first.decide({1: delete})
    (surprise,) = second.decide({1: unsure})
    assert (surprise.who, surprise.decision) == ("anna", delete)
    second.undo_last()
    assert second.decisions[1].decision == delete


def test_what_one_knew_of_is_no_surprise(catalog: Catalog) -> None:
    staging = Staging(catalog, "anna")
    assert staging.decide({1: delete}) == []
    assert staging.decide({1: keep}) == []


def test_a_new_kernel_takes_ones_own_latest_decision_back(catalog: Catalog) -> None:
    before = Staging(catalog, "anna")
    before.decide({3: delete})
    before.decide({1: keep})
    Staging(catalog, "ben").decide({2: keep})
    after = Staging(catalog, "anna")
    assert after.undo_last() == [1]
    assert waiting(catalog) == {2: "keep", 3: "delete"}
    assert (after.undo_last(), after.undo_last()) == ([3], [])


def test_the_most_surprising_label_comes_first_and_unjudged_photos_last(catalog: Catalog) -> None:
    photos = catalog.photos()
    probs = {photo.id: place / 10 for place, photo in enumerate(photos[:4])}
    judgements = {
        photo_id: Judgement("train", "cat", {"cat": p, "dog": 1 - p}) for photo_id, p in probs.items()
    }
    rows = rank(photos, judgements)
    losses = [row.loss for row in rows if row.loss is not None]
    assert losses == sorted(losses, reverse=True)
    assert [row.judgement is None for row in rows] == [False] * 4 + [True] * 2
    assert (rows[-1].said, rows[-1].disagrees) == (None, False)


def test_an_arabic_label_does_not_turn_the_arrow_to_what_it_should_be(catalog: Catalog) -> None:
    photo = catalog.photos()[0]._replace(label="قط")
    row = PhotoRow(photo, Judgement("train", "قط", {"قط": 0.1, "dog": 0.9}))
    assert caption_of(row) == "\u200e\u2068قط\u2069 → dog"  # so the sentence goes from left to right


def test_filters_combine(catalog: Catalog) -> None:
    rows = {photo.id: PhotoRow(photo, None) for photo in catalog.photos()}
    cats = {photo.id for photo in catalog.photos(label="cat")}

    def shown(**conditions: object) -> set[int]:
        wanted = RowFilter(**conditions)  # type: ignore[arg-type]
        return {photo_id for photo_id, row in rows.items() if wanted.takes(row, None)}

    assert shown() == set(rows)
    assert shown(label="cat") == cats
    assert len(shown(label="cat", text=" img_1 ")) == 1
    assert shown(label="cat", only=frozenset([min(cats)])) == {min(cats)}
    assert shown(decision="staged") == shown(disagrees=True) == shown(side="valid") == set()
