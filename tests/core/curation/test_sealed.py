"""The sealed test: set aside, in nobody's hands, opened on purpose and counted."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from PIL import Image

from core.cli.test_cli import fieldmark
from fieldmark.cleaning import find_issues
from fieldmark.curation.sealed import open_seal, read_seal, seal
from fieldmark.dataset import read_dataset
from fieldmark.errors import DatasetError
from fieldmark.importing import import_photos
from fieldmark.project import Project
from fieldmark.sources.sample import sample_photos


def write_photos(folder: Path) -> Path:
    for photo in sample_photos(mislabelled=False):
        (folder / photo.label).mkdir(parents=True, exist_ok=True)
        photo.image.save(folder / photo.label / photo.name)
    return folder


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    root = tmp_path_factory.mktemp("sealed")
    import_photos(write_photos(root / "photos"), root / "set", who="test")
    project = Project.open(root / "set")
    seal(project.catalog, 0.2, who="ann")
    return project


def test_a_seal_takes_its_share_of_each_class(project: Project) -> None:
    known = read_seal(project.catalog)
    assert known is not None
    labels = [photo.label for photo in project.catalog.photos() if photo.hash in known.photos]
    assert len(labels) == len(known.photos) == pytest.approx(0.2 * 168, abs=3)
    assert {label: labels.count(label) for label in set(labels)} == pytest.approx(
        dict.fromkeys(("brick", "grass", "gravel"), 11), abs=2
    )


def test_sealed_photos_are_in_no_training_no_judging_and_no_issue(project: Project) -> None:
    known = read_seal(project.catalog)
    assert known is not None
    learner = project.fitted()
    used = {item.hash for item in (*learner.train_items, *learner.valid.items)}
    assert len(used) + len(known.photos) == 168
    assert not used & known.photos
    assert not {item.hash for item in read_dataset(project.root).items} & known.photos
    assert not {issue.hash for issue in find_issues(learner)} & known.photos


def test_openings_are_counted_and_kept_and_spend_nothing_of_the_seal(project: Project) -> None:
    first = open_seal(project, who="ann", why="before sharing")
    assert first.n > 0
    assert first.n + first.left_out == len(read_seal(project.catalog).photos)  # type: ignore[union-attr]
    assert set(first.wrong) <= read_seal(project.catalog).photos  # type: ignore[union-attr]
    open_seal(project, who="bob", why="again")
    again = read_seal(Project.open(project.root).catalog)
    assert again is not None
    assert [(o.who, o.why) for o in again.openings] == [("ann", "before sharing"), ("bob", "again")]
    assert again.openings[0] == first


def test_there_is_one_seal_and_it_must_be_a_share(project: Project) -> None:
    with pytest.raises(DatasetError, match="sealed test already"):
        seal(project.catalog, 0.1, who="ann")
    with pytest.raises(DatasetError, match="cannot be sealed"):
        seal(project.catalog, 1.5, who="ann")


def test_opening_what_was_never_sealed_says_how_to(tmp_path: Path) -> None:
    import_photos(write_photos(tmp_path / "photos"), tmp_path / "set", who="test")
    with pytest.raises(DatasetError, match="--sealed"):
        open_seal(Project.open(tmp_path / "set"), who="ann", why="")


def test_the_command_line_seals_and_opens(tmp_path: Path) -> None:
    photos = write_photos(tmp_path / "photos")
    said = json.loads(fieldmark("import", photos, tmp_path / "set", "--sealed", "0.2", "--json").stdout)
    assert said["sealed"] > 20
    # photos that come later and look like sealed ones must not make the test flatter
    catalog = Project.open(tmp_path / "set").catalog
    known = read_seal(catalog)
    assert known is not None
    for photo in [photo for photo in catalog.photos() if photo.hash in known.photos][:8]:
        (tmp_path / "more" / photo.label).mkdir(parents=True, exist_ok=True)
        copy = tmp_path / "more" / photo.label / f"again-{photo.id}.webp"
        Image.open(catalog.file_of(photo)).save(copy, lossless=True)
    import_photos(tmp_path / "more", tmp_path / "set", who="test")
    opened = json.loads(fieldmark("open-test", tmp_path / "set", "--why", "test", "--json").stdout)
    assert opened["openings"] == 1
    assert opened["left_out"] >= 1
    assert opened["n"] + opened["left_out"] == said["sealed"]
    assert "no fresh test" in fieldmark("open-test", tmp_path / "set").stdout
