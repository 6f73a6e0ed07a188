"""What a check found is put aside, and comes back byte for byte."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image, ImageFilter
from skimage import data

from core.catalogs import pets
from core.test_check import CAT, CUP, jpeg, put
from fieldmark.callbacks import Progress
from fieldmark.catalog import Catalog
from fieldmark.check import check_folder
from fieldmark.curation.quarantine import FAULTS, MANIFEST, faulty_paths, move_aside, put_aside, take_back
from fieldmark.errors import Cancelled, DatasetError
from fieldmark.importing import import_photos


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


def test_some_copy_stays_when_the_best_one_has_another_fault(tmp_path: Path) -> None:
    """The largest of three copies is blurred: enlarged from a small one."""
    blurred = CAT.filter(ImageFilter.GaussianBlur(6)).resize((900, 600))
    folder = put(
        tmp_path, cat__large=jpeg(blurred), cat__good=jpeg(CAT), cat__small=jpeg(CAT.resize((225, 150)))
    )
    report = check_folder(folder)
    assert report.near_duplicates[0].paths[0] == "cat/large.jpg"
    assert faulty_paths(report, FAULTS) == {"cat/large.jpg": "blurred", "cat/small.jpg": "near_duplicates"}
    assert set(faulty_paths(report, ["near_duplicates"])) == {"cat/good.jpg", "cat/small.jpg"}


def test_copies_under_two_labels_are_left_for_people(tmp_path: Path) -> None:
    source = put(tmp_path / "photos", cat__one=jpeg(CAT), cup__two=jpeg(CAT.resize((400, 266)), 80))
    import_photos(source, tmp_path / "dataset", who="test")
    assert faulty_paths(check_folder(tmp_path / "dataset"), FAULTS) == {}


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
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


# --- Plain folders ------------------------------------------------------------------------------------------

NAMES = ("cat/1.jpg", "cat/2.jpg", "cat/sub folder/3.jpg", "dog/1.jpg", "dog/Bär.jpg", "top.jpg")
WORK = """
import os, sys
from pathlib import Path
from fieldmark.curation.quarantine import move_aside, take_back

def die(progress):
    if progress.done == int(sys.argv[2]):
        os._exit(9)  # as when it is killed: nothing is cleaned up

photos = Path("photos")
if sys.argv[1] == "aside":
    move_aside(photos, Path("aside"), sys.argv[3:], die)
else:
    take_back(photos, Path("aside"), die)
"""


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """Files of a plain folder, each with bytes and a time of its own."""
    return make_photos(tmp_path)


def make_photos(parent: Path) -> Path:
    for number, name in enumerate(NAMES):
        path = parent / "photos" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(name.encode() * 99)
        os.utime(path, ns=(10**18 + number, 10**18 + number * 10**9))
    return parent / "photos"


def files(folder: Path) -> dict[str, tuple[bytes, int]]:
    """Bytes and time of every file below a folder but the manifest."""
    return {
        path.relative_to(folder).as_posix(): (path.read_bytes(), path.stat().st_mtime_ns)
        for path in folder.rglob("*")
        if path.is_file() and not path.name.startswith(MANIFEST)
    }


def work(parent: Path, kind: str, die_at: int, *paths: str) -> None:
    done = subprocess.run([sys.executable, "-c", WORK, kind, str(die_at), *paths], cwd=parent, check=False)
    assert done.returncode == 9


@settings(max_examples=30, deadline=None)
@given(st.lists(st.sets(st.sampled_from(NAMES)), min_size=1, max_size=4))
def test_files_put_aside_come_back_byte_for_byte_with_their_times(
    tmp_path_factory: pytest.TempPathFactory, rounds: list[set[str]]
) -> None:
    folder = make_photos(tmp_path_factory.mktemp("plain"))
    before, aside = files(folder), folder.with_name("aside")
    for paths in rounds:
        there = paths & files(folder).keys()
        assert move_aside(folder, aside, there).paths == tuple(sorted(there))
    assert files(folder) | files(aside) == before
    assert not files(folder).keys() & set.union(*rounds)
    if any(rounds):
        assert not take_back(folder, aside).failed
        assert not aside.exists()
    assert files(folder) == before


@pytest.mark.parametrize("die_at", [1, 2, 4])
def test_a_run_that_was_killed_can_be_taken_back_or_finished(tmp_path: Path, die_at: int) -> None:
    folder, aside = make_photos(tmp_path), tmp_path / "aside"
    before = files(folder)
    work(tmp_path, "aside", die_at, *NAMES[:5])
    assert len(files(aside)) == die_at - 1
    assert files(folder) | files(aside) == before
    move_aside(folder, aside, NAMES[:5])
    assert len(files(aside)) == 5
    work(tmp_path, "back", die_at)
    assert files(folder) | files(aside) == before
    assert take_back(folder, aside).failed == {}
    assert files(folder) == before
    assert not aside.exists()


def test_it_stops_when_it_is_told_to_and_what_was_moved_is_taken_back(photos: Path) -> None:
    before = files(photos)

    def stop(progress: Progress) -> None:
        if progress.done == 3:
            raise Cancelled("enough")

    with pytest.raises(Cancelled):
        move_aside(photos, photos.with_name("aside"), NAMES, stop)
    assert len(files(photos)) == len(NAMES) - 2
    assert len(take_back(photos, photos.with_name("aside")).paths) == len(NAMES)
    assert files(photos) == before


def test_what_a_check_rejected_is_moved_out_and_checked_no_more(tmp_path: Path) -> None:
    folder = put(tmp_path / "photos", cat__whole=jpeg(CAT), cat__cut=jpeg(CAT)[:4000], cup__whole=jpeg(CUP))
    move_aside(folder, tmp_path / "aside", faulty_paths(check_folder(folder), ["rejected"]))
    assert check_folder(folder).is_clean
    assert check_folder(folder).files == 2
    take_back(folder, tmp_path / "aside")
    assert check_folder(folder).rejected[0].path == "cat/cut.jpg"


def test_no_file_is_ever_written_onto_another(photos: Path) -> None:
    aside = photos.with_name("aside")
    move_aside(photos, aside, ["cat/1.jpg"])
    (photos / "cat" / "1.jpg").write_bytes(b"a new one")
    again = move_aside(photos, aside, ["cat/1.jpg", "cat/2.jpg"])
    assert again.paths == ("cat/2.jpg",)
    assert again.failed == {"cat/1.jpg": "It could not be moved: another file is there already."}
    back = take_back(photos, aside)
    assert (back.paths, list(back.failed)) == (("cat/2.jpg",), ["cat/1.jpg"])
    assert (photos / "cat" / "1.jpg").read_bytes() == b"a new one"
    (photos / "cat" / "1.jpg").unlink()
    assert take_back(photos, aside).paths == ("cat/1.jpg",)
    assert (photos / "cat" / "1.jpg").read_bytes() == b"cat/1.jpg" * 99


def test_what_was_thrown_away_by_hand_is_told_once(photos: Path) -> None:
    aside = photos.with_name("aside")
    move_aside(photos, aside, ["cat/1.jpg", "missing.jpg"])
    (aside / "cat" / "1.jpg").unlink()
    assert set(take_back(photos, aside).failed) == {"cat/1.jpg", "missing.jpg"}
    with pytest.raises(DatasetError, match="nothing to undo"):
        take_back(photos, aside)


def refused(photos: Path, aside: Path) -> str:
    """The code that both ways are refused with; nothing is moved."""
    before = files(photos.parent)
    codes = []
    moves: list[Callable[[], object]] = [
        lambda: move_aside(photos, aside, ["top.jpg"]),
        lambda: take_back(photos, aside),
    ]
    for move in moves:
        with pytest.raises(DatasetError, match=r"name another|of its own") as caught:
            move()
        codes.append(caught.value.code)
    assert files(photos.parent) == before
    assert codes[0] == codes[1]
    return codes[0]


def test_only_a_folder_beside_is_used(photos: Path) -> None:
    for aside in (
        photos,
        photos / "aside",
        photos.parent,
        photos.parent.parent / "aside",
        photos / "top.jpg",
    ):
        assert refused(photos, aside) == "not_beside"
    photos.with_name("file").write_bytes(b"")
    assert refused(photos, photos.with_name("file")) == "not_beside"


def test_a_folder_that_holds_something_else_is_not_used(photos: Path) -> None:
    aside = photos.with_name("aside")
    put(aside, holiday=b"")
    assert refused(photos, aside) == "not_empty"


@pytest.mark.parametrize(
    "manifest",
    ["", "[]", "{}", '{"folder": "photos", "files": 1}', '{"folder": "photos", "files": [[]]}',
     '{"folder": "others", "files": ["top.jpg"]}', '{"folder": "photos", "files": ["../top.jpg"]}',
     '{"folder": "photos", "files": ["/top.jpg"]}', '{"folder": "photos", "files": [""]}'],
)  # fmt: skip
def test_a_manifest_that_is_damaged_or_leads_elsewhere_is_refused(photos: Path, manifest: str) -> None:
    aside = photos.with_name("aside")
    aside.mkdir()
    (aside / MANIFEST).write_text(manifest, "utf-8")
    assert refused(photos, aside) == "not_empty"


def test_a_dataset_has_a_quarantine_of_its_own(catalog: Catalog) -> None:
    assert refused(catalog.root, catalog.root.with_name("aside")) == "dataset"


def test_a_path_that_leads_out_of_the_folder_is_a_mistake_of_the_caller(photos: Path) -> None:
    with pytest.raises(ValueError, match="outside"):
        move_aside(photos, photos.with_name("aside"), ["../other.jpg"])
    assert not photos.with_name("aside").exists()


def test_names_that_are_not_utf_8_come_back(photos: Path) -> None:
    try:
        (photos / "na\udcffme.jpg").write_bytes(b"odd")
    except OSError:
        pytest.skip("this disk takes no such name")
    aside = photos.with_name("aside")
    before = files(photos)
    move_aside(photos, aside, ["na\udcffme.jpg"])
    json.loads((aside / MANIFEST).read_bytes().decode("ascii"))
    take_back(photos, aside)
    assert files(photos) == before
