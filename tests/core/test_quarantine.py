"""What a check found is put aside, and comes back byte for byte."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image
from skimage import data

from core.catalogs import pets
from core.test_check import CAT, CUP, jpeg, put
from fieldmark.catalog import Catalog
from fieldmark.check import check_folder
from fieldmark.importing import import_photos
from fieldmark.quarantine import FAULTS, faulty_paths, put_aside


def content(catalog: Catalog) -> dict[str, str]:
    return {
        photo.path: hashlib.sha256(catalog.file_of(photo).read_bytes()).hexdigest()
        for photo in catalog.photos()
    }


@pytest.fixture
def catalog(tmp_path: Path) -> Catalog:
    source = put(
        tmp_path / "photos",
        cat__whole=jpeg(CAT),
        cat__again=jpeg(CAT.resize((300, 200)), 70),
        cat__tiny=jpeg(Image.fromarray(data.rocket()).resize((40, 30))),
        cup__whole=jpeg(CUP),
    )
    import_photos(source, tmp_path / "dataset", who="test")
    return Catalog.open(tmp_path / "dataset")


def test_what_was_found_is_put_aside_and_undo_brings_it_back(catalog: Catalog) -> None:
    before = content(catalog)
    act = put_aside(catalog, check_folder(catalog.root), FAULTS, who="test")
    assert act is not None
    assert act.changed == 2
    assert set(before) - set(content(catalog)) == {"images/cat/tiny.jpg", "images/cat/again.jpg"}
    catalog.undo(who="test")
    assert content(catalog) == before


def test_only_the_faults_that_were_asked_for_are_put_aside(catalog: Catalog) -> None:
    report = check_folder(catalog.root)
    assert faulty_paths(report, ["tiny"]) == {"images/cat/tiny.jpg": "tiny"}
    assert put_aside(catalog, report, ["dark"], who="test") is None


def test_copies_under_two_labels_are_left_for_people(tmp_path: Path) -> None:
    source = put(tmp_path / "photos", cat__one=jpeg(CAT), cup__two=jpeg(CAT.resize((400, 266)), 80))
    import_photos(source, tmp_path / "dataset", who="test")
    assert faulty_paths(check_folder(tmp_path / "dataset"), FAULTS) == {}


@settings(max_examples=10, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.sets(st.integers(1, 6), min_size=1), st.booleans())
def test_quarantine_and_undo_restore_byte_for_byte(
    tmp_path_factory: pytest.TempPathFactory, ids: set[int], again: bool
) -> None:
    catalog = pets(tmp_path_factory.mktemp("pets") / "dataset", number=6)
    before = content(catalog)
    catalog.quarantine(ids, who="test")
    assert len(content(catalog)) == 6 - len(ids)
    catalog.undo(who="test")
    if again:
        catalog.redo(who="test")
        catalog.restore(ids, who="test")
    assert sorted(content(catalog).values()) == sorted(before.values())
    assert again or content(catalog) == before
