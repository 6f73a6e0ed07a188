"""The importer: photos come in, what does not come is said, and all of it can be undone."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image
from skimage import data

from fieldmark.catalog import Catalog
from fieldmark.curation.sealed import read_seal
from fieldmark.sources.sample import write_sample
from fieldmark_widgets import Importer, Workspace
from widgets.messages import receive, sent


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    for label, image in (("cat", data.chelsea()), ("cup", data.coffee())):
        folder = tmp_path / "my photos" / label
        folder.mkdir(parents=True)
        Image.fromarray(image).save(folder / "whole.jpg")
    (folder / "cut.jpg").write_bytes((folder / "whole.jpg").read_bytes()[:999])
    return tmp_path / "my photos"


@pytest.fixture
def importer(tmp_path: Path) -> Iterator[Importer]:
    made = Importer(home=tmp_path / "datasets")
    yield made
    made.close()


def test_without_a_dataset_it_is_empty_and_says_nothing_wrong(importer: Importer) -> None:
    assert (importer.state, importer.problem, importer.workspace.project) == ("empty", "", None)


def test_a_folder_becomes_a_dataset_of_its_own(importer: Importer, photos: Path) -> None:
    importer.import_from(photos)
    assert importer.state == "busy"
    importer.wait()
    assert (importer.state, importer.problem) == ("ready", "")
    assert importer.workspace.project is not None
    assert importer.workspace.project.root == importer.home / "my photos"
    assert importer.workspace.project.catalog.counts() == {"cat": 1, "cup": 1}
    assert importer._result["headline"] == "2 photos imported"
    assert [entry["title"] for entry in importer._result["lists"]] == ["Could not be used"]
    assert len(importer.gallery.rows) == 2


def test_a_second_import_goes_into_the_open_dataset_and_takes_nothing_twice(
    importer: Importer, photos: Path
) -> None:
    importer.import_from(photos)
    importer.wait()
    importer.import_from(photos)
    importer.wait()
    assert importer._result["headline"] == "No new photo was imported"
    assert len(list(importer.home.iterdir())) == 1


def test_an_import_can_be_undone(importer: Importer, photos: Path) -> None:
    importer.import_from(photos)
    importer.wait()
    receive(importer, {"kind": "undo"})
    assert importer.workspace.project is not None
    assert importer.workspace.project.catalog.counts() == {}
    assert (importer.state, importer._result["headline"]) == ("empty", "2 photos were taken out again.")


def test_photos_are_sealed_when_that_is_asked_for_once_and_not_after_the_import_was_undone(
    importer: Importer, tmp_path: Path
) -> None:
    source = str(write_sample(tmp_path / "sample"))
    receive(importer, {"kind": "import", "source": source, "sealed": "20"})
    importer.wait()
    assert importer.workspace.project is not None
    catalog = importer.workspace.project.catalog
    known = read_seal(catalog)
    assert known is not None
    assert importer._result["sealed"].startswith(f"{len(known.photos)} of them are set aside")
    assert importer._is_sealed
    receive(importer, {"kind": "undo"})
    assert not importer._is_sealed
    receive(importer, {"kind": "import", "source": source, "sealed": "10"})
    importer.wait()
    again = read_seal(catalog)
    assert again is not None
    assert len(again.photos) < len(known.photos)


def test_a_zip_that_was_dropped_is_imported(importer: Importer, photos: Path) -> None:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for file in photos.rglob("*.jpg"):
            archive.write(file, file.relative_to(photos.parent).as_posix())
    importer.uploader.add("pets.zip", content.getvalue())
    importer.wait()
    assert importer.workspace.project is not None
    assert importer.workspace.project.name == "pets"
    assert importer.workspace.project.catalog.counts() == {"cat": 1, "cup": 1}
    assert importer.uploader.files == ()


def test_a_zip_is_asked_for_and_no_camera(importer: Importer) -> None:
    assert not importer.uploader.camera


def test_a_table_says_labels_groups_and_who_took_the_photo(importer: Importer, photos: Path) -> None:
    table = photos / "pets.csv"
    table.write_text(
        "path,label,group,author,licence\ncat/whole.jpg,Chelsea,home,Stéfan,CC0\ncup/whole.jpg,mug,café,Rachel,CC0\n",
        "utf-8",
    )
    receive(importer, {"kind": "import", "source": str(table)})
    importer.wait()
    assert importer.workspace.project is not None
    assert importer.workspace.project.catalog.counts() == {"Chelsea": 1, "mug": 1}
    assert {row.credit for row in importer.gallery.rows} == {"Stéfan, CC0", "Rachel, CC0"}


def test_labels_may_be_in_the_names_of_the_files(importer: Importer, tmp_path: Path) -> None:
    folder = tmp_path / "flat"
    folder.mkdir()
    for name, image in (("cat_1.jpg", data.chelsea()), ("cup_1.jpg", data.coffee())):
        Image.fromarray(image).save(folder / name)
    receive(importer, {"kind": "import", "source": str(folder), "name": "pets", "regex": r"^(.+)_\d+\.jpg$"})
    importer.wait()
    assert importer.workspace.project is not None
    assert importer.workspace.project.name == "pets"
    assert importer.workspace.project.catalog.counts() == {"cat": 1, "cup": 1}


def test_what_came_and_what_did_not_is_shown_again_in_a_new_kernel_and_can_be_undone_there(
    importer: Importer, photos: Path
) -> None:
    importer.import_from(photos)
    importer.wait()
    assert importer.workspace.project is not None
    again = Importer(importer.workspace.project.root)
    assert again._result["headline"] == "2 photos imported"
    assert "cut.jpg" in again._result["lists"][0]["lines"][0]
    receive(again, {"kind": "undo"})
    assert importer.workspace.project.catalog.counts() == {}
    assert Importer(importer.workspace.project.root)._result == {}
    again.close()


def test_an_import_is_not_offered_for_undoing_once_something_else_was_done(
    importer: Importer, photos: Path
) -> None:
    importer.import_from(photos)
    importer.wait()
    project = importer.workspace.project
    assert project is not None
    project.catalog.rename_label("cup", "mug", who="test")
    importer.workspace.say_changed()
    assert not importer._result["can_undo"]
    receive(importer, {"kind": "undo"})
    assert project.catalog.counts() == {"cat": 1, "mug": 1}


def test_the_sample_is_one_click_and_keeps_its_split(importer: Importer) -> None:
    receive(importer, {"kind": "sample"})
    importer.wait()
    assert importer.workspace.project is not None
    catalog = importer.workspace.project.catalog
    assert sum(catalog.counts().values()) == 168
    assert len(catalog.photos(split="valid")) == 48


def test_what_is_not_there_is_a_sentence_and_leaves_no_folder(importer: Importer, tmp_path: Path) -> None:
    receive(importer, {"kind": "import", "source": str(tmp_path / "nowhere"), "name": "", "regex": ""})
    importer.wait()
    assert "is not there" in importer.problem
    assert importer.state == "failed"
    assert list(importer.home.iterdir()) == []


def test_an_empty_path_is_asked_for(importer: Importer) -> None:
    receive(importer, {"kind": "import", "source": "  "})
    assert "Write the path" in importer.problem


def test_paths_are_offered_while_one_types(importer: Importer, photos: Path) -> None:
    receive(importer, {"kind": "suggest", "path": str(photos.parent / "my")})
    assert sent(importer)[-1] == {"kind": "suggestions", "paths": [str(photos)]}


def test_a_dataset_that_is_open_already_shows_its_photos_by_class(photos: Path, tmp_path: Path) -> None:
    from fieldmark.importing import import_photos

    import_photos(photos, tmp_path / "dataset", who="test")
    importer = Importer(Workspace(tmp_path / "dataset"))
    assert importer.state == "ready"
    receive(importer, {"kind": "label", "label": "cup"})
    assert [row.title for row in importer.gallery.rows] == ["cup"]
    assert Catalog.open(tmp_path / "dataset").counts() == {"cat": 1, "cup": 1}
    importer.close()
