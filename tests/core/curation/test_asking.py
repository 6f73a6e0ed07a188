"""Photos without a label: how they come, what is asked about them, and that nothing else takes them for labelled ones."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.catalogs import tree
from core.photos import photo, put, write
from fieldmark.catalog import Catalog, decisions
from fieldmark.curation.asking import ask
from fieldmark.curation.sealed import seal
from fieldmark.dataset import read_dataset
from fieldmark.errors import DatasetError, EmptyDatasetError
from fieldmark.importing import import_photos
from fieldmark.project import Project
from fieldmark.sources.labelling import no_label
from fieldmark.sources.sample import write_sample


@pytest.fixture
def flat(tmp_path: Path) -> Catalog:
    """Three photos in no class, and one cat."""
    source = put(tmp_path / "src", **{f"{n}.png": photo(n) for n in range(3)})
    write(source / "cat" / "3.png", photo(3))
    import_photos(source, tmp_path / "set", who="ann", keep_unlabelled=True)
    return Catalog.open(tmp_path / "set")


def test_photos_without_a_class_wait_for_one_where_they_may(flat: Catalog) -> None:
    assert flat.counts() == {"cat": 1}
    assert flat.n_unlabelled() == 3
    assert flat.labels() == ["cat"]
    assert [p.path for p in flat.photos(status="unlabelled")] == [f"unlabelled/{n}.png" for n in range(3)]
    assert {p.status for p in flat.photos(status=None)} == {"present", "unlabelled"}


def test_nobody_learns_from_a_photo_that_waits_for_a_label(flat: Catalog) -> None:
    assert [item.label for item in read_dataset(flat.root, min_classes=1).items] == ["cat"]
    version = Project(flat).data_version()
    flat.delete([p.id for p in flat.photos(status="unlabelled")], who="ann")
    assert Project(flat).data_version() == version


def test_a_label_moves_the_photo_into_its_class_and_undo_takes_it_out_byte_for_byte(flat: Catalog) -> None:
    before = tree(flat.root), (flat.root / "unlabelled" / "1.png").read_bytes()
    (waiting,) = [p for p in flat.photos(status="unlabelled") if p.path.endswith("1.png")]
    flat.stage(waiting.id, decisions.relabel("dog"), who="ann")
    flat.apply_staged(who="ann")
    assert flat.counts() == {"cat": 1, "dog": 1}
    assert (flat.root / "images" / "dog" / "1.png").read_bytes() == before[1]
    assert flat.history(waiting.id)[-1].old == ""
    flat.undo(who="ann")
    assert (tree(flat.root), (flat.root / "unlabelled" / "1.png").read_bytes()) == before
    assert [staged.photo_id for staged in flat.staged()] == [waiting.id]


def test_no_label_can_be_taken_away_by_giving_an_empty_one(flat: Catalog) -> None:
    (cat,) = flat.photos()
    with pytest.raises(DatasetError, match="A label is empty"):
        flat.relabel([cat.id], "", who="ann")


def test_bytes_that_wait_already_are_not_taken_twice(flat: Catalog, tmp_path: Path) -> None:
    report = import_photos(tmp_path / "src", flat, who="ann", keep_unlabelled=True)
    assert report.added == 0
    assert len(report.duplicates) == 4
    assert report.conflicts == ()


def test_a_label_that_comes_for_waiting_bytes_is_given_to_them_and_undo_takes_it_back(
    flat: Catalog, tmp_path: Path
) -> None:
    before = tree(flat.root)
    source = put(
        tmp_path / "again", **{"owl/1.png": photo(1), "owl/copy.png": photo(1), "owl/new.png": photo(9)}
    )
    report = import_photos(source, flat, who="ann")
    assert (report.added, report.labelled, len(report.duplicates)) == (1, 1, 1)
    assert "1 photo that waited for a label got one." in report.lines()
    assert flat.counts()["owl"] == 2
    assert flat.n_unlabelled() == 2
    assert (flat.root / "images" / "owl" / "1.png").is_file()
    flat.undo(who="ann")
    assert flat.n_unlabelled() == 3
    assert [name for name in tree(flat.root) if not name.startswith(".fieldmark")] == [
        name for name in before if not name.startswith(".fieldmark")
    ]


def test_a_folder_without_classes_says_how_it_can_come_all_the_same(tmp_path: Path) -> None:
    source = put(tmp_path / "src", **{"1.png": photo(1)})
    with pytest.raises(EmptyDatasetError, match="import --unlabelled"):
        import_photos(source, tmp_path / "set", who="ann")
    report = import_photos(source, tmp_path / "set", who="ann", labels=no_label, keep_unlabelled=True)
    assert report.unlabelled == report.added == 1
    assert "none has a label yet" in report.lines()[0]
    (blocker,) = Project.open(tmp_path / "set").train_blockers()
    assert blocker.startswith("No photo has a label yet (1 wait")


def test_rows_of_a_table_without_a_label_wait_for_one(tmp_path: Path) -> None:
    put(tmp_path, **{"1.png": photo(1), "2.png": photo(2)})
    (tmp_path / "list.csv").write_text("path,label\n1.png,cat\n2.png,\ngone.png,\n")
    report = import_photos(tmp_path / "list.csv", tmp_path / "set", who="ann", keep_unlabelled=True)
    assert (report.added, report.unlabelled) == (2, 1)
    assert [rejected.code for rejected in report.rejected] == ["missing"]


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Half of the classes' photos labelled, the others not, and one that is no photo."""
    folder = tmp_path_factory.mktemp("asking")
    photos = write_sample(folder / "photos", mislabelled=False)
    import_photos(photos / "train", folder / "set", who="ann")
    import_photos(photos / "valid", folder / "set", who="ann", labels=no_label, keep_unlabelled=True)
    return folder / "set"


def test_what_is_staged_is_learned_from_at_once_and_not_asked_for_again(sample: Path) -> None:
    project = Project.open(sample)
    first = ask(project, n=5)
    assert (len(first.photos), len(first.useful), first.learned_from) == (48, 5, 120)
    truth = {p.id: Path(p.original_name).parent.name for p in first.photos.values()}
    assert sum(said.label == truth[p] for p, said in first.suggestions.items()) >= 45
    assert first.surest(0.5)[0] == max(first.suggestions, key=lambda p: first.suggestions[p].prob)
    project.catalog.stage(first.useful[0], decisions.relabel("ice"), who="ann")
    project.catalog.stage(first.useful[1], decisions.unsure, who="ann")
    project.catalog.stage(first.useful[2], decisions.delete, who="ann")
    second = ask(project, n=5)
    assert not set(first.useful[:3]) & set(second.photos)
    assert second.learned_from == 121
    project.catalog.unstage(list(first.useful))


def test_what_is_asked_for_does_not_depend_on_sealed_or_held_out_photos(sample: Path) -> None:
    project = Project.open(sample)
    n = len(seal(project.catalog, 0.1, who="ann").photos)
    project.fit()
    held_out = project.rounds()[0].n_valid
    assert ask(project).learned_from == 120 - n - held_out


def test_a_photo_that_cannot_be_read_is_said_and_the_rest_is_asked_for(flat: Catalog) -> None:
    rotten = flat.photos(status="unlabelled")[0]
    flat.file_of(rotten).write_bytes(b"rotten")
    asked = ask(Project(flat))
    assert list(asked.failures) == [rotten.id]
    assert len(asked.useful) == 2
    assert asked.suggestions == {}  # one class is nothing to choose from
