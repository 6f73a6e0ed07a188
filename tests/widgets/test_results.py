"""The results: the answer, the matrix, and the photos behind each figure."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from fieldmark.catalog.planning import NewPhoto
from fieldmark.curation.sealed import seal
from fieldmark.importing import import_photos
from fieldmark.interp import Interpretation
from fieldmark.learner import Learner
from fieldmark.modelfile import read_model_file
from fieldmark.project import Project
from fieldmark_widgets.results import TOP_LOSSES, Results
from fieldmark_widgets.savedmodels import models_folder, save_model
from fieldmark_widgets.strings.results import FIGURES
from fieldmark_widgets.workspace import Workspace
from widgets.messages import receive


@pytest.fixture
def results(trained: Path, learner: Learner, tmp_path: Path) -> Iterator[Results]:
    project = Project.open(shutil.copytree(trained, tmp_path / "dataset"))
    project.learner = learner
    results = open_results(project)
    yield results
    results.close()
    results.workspace.close()


def open_results(project: Project | Path) -> Results:
    """With only a path, as a new kernel would."""
    results = Results(project)
    results.wait()
    return results


def valid_of(results: Results) -> Interpretation:
    project = results.workspace.project
    assert project is not None and project.learner is not None
    return project.learner.valid


def test_the_answer_comes_first(results: Results) -> None:
    valid = valid_of(results)
    assert results.state == "ready"
    assert results._answer["headline"] == f"{valid.n_wrong} of {len(valid.items)} photos wrong"
    low, high = valid.error_rate_ci
    assert results._answer["error"].endswith(f"95 % {100 * low:.1f}–{100 * high:.1f}")


@pytest.mark.usefixtures("learner")
def test_a_new_kernel_fits_again_by_itself_and_adds_no_round(trained: Path, tmp_path: Path) -> None:
    results = open_results(Path(shutil.copytree(trained, tmp_path / "dataset")))
    assert (results.state, results.stale) == ("ready", "")
    assert results.workspace.project is not None
    assert len(results.workspace.project.rounds()) == 1


def test_before_a_training_it_says_what_is_missing(trained: Path, tmp_path: Path) -> None:
    import_photos(trained / "images", tmp_path / "new", who="anna")
    assert open_results(tmp_path / "new").blockers == ["Nothing was trained yet. Train first."]
    without = Results(Workspace())
    assert (without.state, without.blockers) == ("empty", ["No dataset is open. Import some photos first."])


def test_the_matrix_counts_every_held_out_photo_once(results: Results) -> None:
    matrix = results._matrix
    assert (
        sum(count for _, _, count in matrix["cells"]) == len(valid_of(results).items) == sum(matrix["totals"])
    )
    assert sum(count for _, _, count in matrix["pairs"]) == valid_of(results).n_wrong


def test_a_cell_gives_its_photos(results: Results) -> None:
    labels = results._matrix["labels"]
    for i, j, count in results._matrix["cells"]:
        receive(results, {"kind": "cell", "actual": labels[i], "said": labels[j]})
        assert results.selected_cell == (labels[i], labels[j])
        assert len(results.selection) == count
        assert {photo.label for photo in results.selection} == {labels[i]}
        assert len(results.gallery.rows) == count
    receive(results, {"kind": "cell"})
    assert (results.selected_cell, results.selection) == ((), ())


def test_without_a_cell_the_most_surprising_photos_are_shown(results: Results) -> None:
    top = [loss.item.path.name for loss in valid_of(results).top_losses(TOP_LOSSES)]
    assert [row.file.name for row in results.gallery.rows] == top


@pytest.mark.parametrize(
    "message", [{"actual": 3, "said": []}, {"actual": "brick"}, {"actual": "x", "said": "y"}]
)
def test_a_cell_that_is_not_there_has_no_photos(results: Results, message: dict[str, object]) -> None:
    receive(results, {"kind": "cell", **message})
    assert (results.selection, results.problem) == ((), "")


def test_each_class_has_n_and_intervals(results: Results) -> None:
    for name in ("found", "right"):
        rows = results._figures[name]["rows"]
        reports = valid_of(results).per_class()
        for row, report in zip(rows, reports, strict=True):
            n = report.n if name == "found" else report.said
            interval = report.recall_ci if name == "found" else report.precision_ci
            assert (row["label"], row["n"]) == (report.label, n)
            assert (row["low"], row["high"]) == interval
            assert row["text"].startswith(f"{report.right} of {n} (")


def test_the_calibration_puts_each_held_out_photo_in_one_bin(results: Results) -> None:
    rows, valid = results._figures["calibration"]["rows"], valid_of(results)
    assert sum(row["n"] for row in rows) == len(valid.items)
    assert round(sum(row["n"] * row["value"] for row in rows)) == len(valid.items) - valid.n_wrong
    assert all(row["low"] <= row["value"] <= row["high"] for row in rows)


def test_worse_photos_and_fewer_photos_are_tried_when_asked(results: Results) -> None:
    assert results._figures["field"]["kind"] == results._figures["curve"]["kind"] == "offer"
    n = len(valid_of(results).items)
    for what in ("field", "curve"):
        receive(results, {"kind": "measure", "what": what})
        assert results.state == "busy"
        results.wait(300)
        assert (results.state, results.problem) == ("ready", "")
    field, curve = results._figures["field"]["rows"], results._figures["curve"]["rows"]
    assert len(field) == 8 and all(
        row["n"] == n and row["low"] <= row["value"] <= row["high"] for row in field
    )
    assert [row["x"] for row in curve] == sorted(row["x"] for row in curve)
    assert curve[-1]["value"] == valid_of(results).n_wrong / n
    assert results.workspace.project is not None
    assert f"{n} held-out photos altered" in results.workspace.project.limits[0]  # for the card of its model
    for row, wrong in [
        *((row, n - round(row["value"] * n)) for row in field),
        *((row, round(row["value"] * n)) for row in curve),
    ]:
        receive(results, {"kind": "mark", "key": row["key"]})
        assert len(results.selection) == wrong
        assert bool(results._title) == (wrong > 0)
    receive(results, {"kind": "measure", "what": "nothing we know"})
    assert results.state == "ready"


def test_what_fails_in_the_field_is_written_in_the_model_file_until_it_is_trained_anew(
    results: Results, tmp_path: Path
) -> None:
    project = results.workspace.project
    assert project is not None
    receive(results, {"kind": "measure", "what": "field"})
    results.wait(300)
    measured = project.limits
    saved = save_model(project, lambda _: None)
    written = read_model_file(models_folder(project) / saved.file).info.card.limits
    assert measured and set(measured) <= set(written)
    photo = project.catalog.photos()[0]
    project.catalog.delete([photo.id], who="test")
    project.fit()
    project.export(tmp_path / "later.onnx")
    assert not set(measured) & set(read_model_file(tmp_path / "later.onnx").info.card.limits)


def test_the_sealed_test_is_opened_on_purpose_and_every_opening_is_counted(
    trained: Path, learner: Learner, tmp_path: Path
) -> None:
    project = Project.open(shutil.copytree(trained, tmp_path / "dataset"))
    project.learner = learner
    unsealed = open_results(project)
    assert (unsealed._figures["test"]["button"], unsealed._figures["test"]["lines"]) == ("", [])
    seal(project.catalog, 0.1, who="teacher")
    results = open_results(Project.open(tmp_path / "dataset"))
    assert "nobody has looked" in results._figures["test"]["note"]
    assert results.stale == ""  # sealed photos did not come since
    for times in (1, 2):
        receive(results, {"kind": "measure", "what": "test"})
        results.wait()
        assert results.problem == ""
        assert len(results._figures["test"]["lines"]) == times
    assert "opened 2 times" in results._figures["test"]["note"]
    assert "wrong (" in results._figures["test"]["lines"][0]
    assert results._figures["test"]["lines"][0].endswith(FIGURES["test_why"])  # and the reason that was given


@pytest.mark.parametrize("figure", ["found", "right", "f1", "calibration"])
def test_a_bar_or_a_point_gives_its_photos(results: Results, figure: str) -> None:
    for row in results._figures[figure]["rows"]:
        receive(results, {"kind": "mark", "key": row["key"]})
        assert len(results.selection) == row["n"] == len(results.gallery.rows)
        assert results._title
    i, j, _ = results._matrix["cells"][0]
    results.select(results._matrix["labels"][i], results._matrix["labels"][j])
    assert results.selected_mark == ()  # one is chosen at a time
    receive(results, {"kind": "mark", "key": ["found", results._matrix["labels"][i]]})
    assert results.selected_cell == ()
    receive(results, {"kind": "clean"})
    assert results.to_clean == results.selection != ()
    receive(results, {"kind": "mark"})
    assert (results.selected_mark, results.selection) == ((), ())


@pytest.mark.parametrize(
    "key",
    [
        ["bin", "99"],
        ["bin", "x"],
        ["found"],
        ["found", "no class"],
        ["x", "y"],
        ["slice", "x"],
        ["slice", "size=x"],
        "found",
        [3, 4],
        None,
    ],
)
def test_a_mark_that_is_not_there_has_no_photos(results: Results, key: object) -> None:
    receive(results, {"kind": "mark", "key": key})
    assert (results.selection, results.problem) == ((), "")


def test_the_ledger_compares_each_training_with_the_one_before(results: Results) -> None:
    project = results.workspace.project
    assert project is not None
    project.catalog.relabel([project.catalog.photos()[0].id], "gravel", who="anna")
    receive(results, {"kind": "train"})
    results.wait()
    now, before = results._figures["progress"]["rows"]
    assert "of 48 wrong (" in now["result"] and now["data"] != before["data"]
    assert before["verdict"] == "" and before["marks"] == []
    assert "mended" in now["verdict"] or now["verdict"] == FIGURES["verdict_same"]


def test_the_ledger_leads_to_the_photos_that_changed_sides(results: Results) -> None:
    project = results.workspace.project
    assert project is not None
    held_out = [item.hash for item in valid_of(results).items]
    kept = project.catalog.setting("rounds")
    again = {**kept[-1], "at": "2031-01-01T00:00:00+00:00", "wrong": [held_out[0][:16]]}  # type: ignore[index, call-overload, dict-item]
    project.catalog.set_setting(
        "rounds",
        [
            *kept,
            {**again, "wrong": sorted(h[:16] for h in held_out[1:4]), "at": "2030-01-01T00:00:00+00:00"},
            again,
        ],
    )  # type: ignore[misc, list-item, dict-item]
    results._show(project, results._found)  # type: ignore[arg-type]
    mended, spoilt = results._figures["progress"]["rows"][0]["marks"]
    assert (mended["text"], spoilt["text"]) == ("Show the mended (3)", "Show the spoilt (1)")
    receive(results, {"kind": "mark", "key": mended["key"]})
    assert {photo.hash for photo in results.selection} == set(held_out[1:4])
    receive(results, {"kind": "mark", "key": spoilt["key"]})
    assert [photo.hash for photo in results.selection] == held_out[:1]
    assert results._title


@pytest.mark.usefixtures("learner")
def test_a_photo_that_cannot_be_read_is_left_out_with_a_reason(trained: Path, tmp_path: Path) -> None:
    root = Path(shutil.copytree(trained, tmp_path / "dataset"))
    catalog = Project.open(root).catalog
    broken = catalog.incoming / "broken.jpg"
    broken.write_bytes(b"no photo any more, whatever it is called")
    digest = hashlib.sha256(broken.read_bytes()).hexdigest()
    catalog.add([NewPhoto(broken, digest, "grass", "broken.jpg", 1, 1)], who="anna", why="test")
    results = open_results(root)
    assert results._left_out["title"] == "1 photo was left out"
    assert results._left_out["lines"][0]["name"] == "broken.jpg"
    assert results._left_out["lines"][0]["reason"]


def test_a_change_of_labels_makes_it_stale_and_training_again_fresh(results: Results) -> None:
    project = results.workspace.project
    assert project is not None and results.stale == ""
    first, second, third = (photo.id for photo in project.catalog.photos()[:3])
    project.catalog.relabel([first, second], "gravel", who="anna")
    project.catalog.delete([third], who="anna")
    results.workspace.say_changed()
    assert "2 photos have another label, 1 photo left" in results.stale
    assert results._answer  # the figures from before are still there
    receive(results, {"kind": "train"})
    assert results.state == "busy"
    results.wait()
    assert (results.state, results.stale) == ("ready", "")
    assert results.workspace.trainings == 1


def test_what_is_handed_to_the_cleaner_is_the_selection(results: Results) -> None:
    i, j, _ = results._matrix["cells"][0]
    results.select(results._matrix["labels"][i], results._matrix["labels"][j])
    receive(results, {"kind": "clean"})
    assert results.to_clean == results.selection != ()


def test_another_dataset_forgets_the_one_before(results: Results) -> None:
    results.workspace.project = None
    assert (results.state, results.selection, results.gallery.rows) == ("empty", (), ())
