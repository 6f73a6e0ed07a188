"""The studio: steps that say what is missing, and a state that outlives the page."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from fieldmark.catalog.decisions import keep
from fieldmark.project import Project
from fieldmark_widgets import Studio
from widgets.messages import receive


@pytest.fixture
def studio(tmp_path: Path) -> Iterator[Studio]:
    made = Studio(tmp_path / "datasets", served_path=tmp_path / "served.onnx")
    yield made
    made.close()


def states(studio: Studio) -> dict[str, str]:
    return {step["name"]: step["state"] for step in studio._steps}


def with_sample(studio: Studio) -> Studio:
    studio.panel.import_sample()
    studio.workspace.worker.wait(60)
    return studio


def test_without_photos_every_other_step_says_what_is_missing(studio: Studio) -> None:
    assert (studio.step, studio.dataset, studio.datasets) == ("photos", "", [])
    assert {name for name, state in states(studio).items() if state == "blocked"} == {
        "check", "train", "results", "clean", "export",
    }  # fmt: skip
    assert all(step["blocker"] for step in studio._steps if step["state"] == "blocked")


def test_a_step_that_is_not_ready_leads_to_the_one_where_what_is_missing_is_done(studio: Studio) -> None:
    assert {step["needs"] for step in studio._steps} == {"", "photos"}
    with_sample(studio)
    assert {step["name"]: step["needs"] for step in studio._steps if step["needs"]} == {
        "results": "train",
        "export": "train",
    }


def test_advice_that_trained_on_the_way_says_so_in_every_step(studio: Studio) -> None:
    with_sample(studio)
    studio.go("train")
    receive(studio.panel, {"kind": "advise"})
    studio.panel.wait()
    assert "Fine-tuning would take" in studio.panel._advice
    assert "blocked" not in states(studio).values()


def test_after_importing_one_can_train_and_not_yet_see_results(studio: Studio) -> None:
    with_sample(studio)
    assert (studio.dataset, studio._counts) == ("sample", "168 photos in 3 classes")
    assert states(studio) == {
        "photos": "done", "check": "open", "train": "open", "results": "blocked", "clean": "open", "export": "blocked",
    }  # fmt: skip


def test_after_training_everything_is_open_and_the_result_stands_in_the_bar(studio: Studio) -> None:
    with_sample(studio)
    receive(studio, {"kind": "go", "step": "train"})
    studio.panel.train()
    studio.panel.wait()
    assert "blocked" not in states(studio).values()
    assert next(step["note"] for step in studio._steps if step["name"] == "results").endswith("of 48 wrong")


def test_a_decision_is_counted_in_the_bar_and_no_photo_is_read_again_for_it(
    studio: Studio, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At a hundred thousand photos somebody who decides would wait for each of them."""
    with_sample(studio)
    studio.go("clean")
    cleaner = studio.panel
    read: list[object] = []
    monkeypatch.setattr(Project, "data_version", lambda project: read.append(project) or "")
    cleaner.decide(keep, [cleaner.shown[0].photo.id])
    assert next(step["note"] for step in studio._steps if step["name"] == "clean") == "1 staged"
    assert read == []


def test_a_new_page_goes_on_at_the_dataset_and_step_where_one_was(studio: Studio) -> None:
    with_sample(studio)
    receive(studio, {"kind": "go", "step": "check"})
    again = Studio(studio.folder)
    assert (again.dataset, again.step) == ("sample", "check")
    again.workspace.worker.wait(60)
    again.close()


def test_several_datasets_stand_side_by_side(studio: Studio) -> None:
    with_sample(studio)
    receive(studio, {"kind": "new"})
    assert (studio.dataset, studio.step, studio.datasets) == ("", "photos", ["sample"])
    with_sample(studio)
    assert (studio.dataset, studio.datasets) == ("sample-2", ["sample", "sample-2"])
    receive(studio, {"kind": "open", "name": "sample"})
    assert studio.dataset == "sample"


@pytest.mark.parametrize("name", ["../..", "", "nowhere", "/"])
def test_a_page_opens_nothing_but_the_datasets_of_the_folder(studio: Studio, name: str) -> None:
    with_sample(studio)
    receive(studio, {"kind": "open", "name": name})
    assert studio.dataset == "sample"
    assert "no dataset" in studio.problem


def test_photos_behind_a_result_are_handed_to_the_cleaner(studio: Studio) -> None:
    with_sample(studio)
    studio.go("train")
    studio.panel.train()
    studio.panel.wait()
    studio.go("results")
    studio.panel.wait()
    results = studio.panel
    wrong = results._found.learner.valid.most_confused()[0]
    results.select(wrong.actual, wrong.said)
    receive(results, {"kind": "clean"})
    assert studio.step == "clean"
    assert len(studio.panel.only) == wrong.count
