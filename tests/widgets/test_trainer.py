"""The trainer: one button, choices that are kept, a result in plain words."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from fieldmark.importing import import_photos
from fieldmark.project import Project
from fieldmark.sample import write_sample
from fieldmark_widgets import Trainer, Workspace
from widgets.messages import receive


@pytest.fixture
def dataset(tmp_path: Path) -> Path:
    import_photos(write_sample(tmp_path / "sample"), tmp_path / "dataset", who="test")
    return tmp_path / "dataset"


@pytest.fixture
def trainer(dataset: Path) -> Iterator[Trainer]:
    made = Trainer(dataset)
    yield made
    made.close()


def project(trainer: Trainer) -> Project:
    assert trainer.workspace.project is not None
    return trainer.workspace.project


def test_one_click_trains_and_the_result_is_a_sentence(trainer: Trainer) -> None:
    receive(trainer, {"kind": "train"})
    assert trainer.state == "busy"
    trainer.wait()
    assert (trainer.state, trainer.problem) == ("ready", "")
    wrong = trainer.learner.valid.n_wrong
    assert trainer._result["headline"] == f"{wrong} of 48 photos wrong" or wrong == 1
    assert trainer._result["error"].startswith(f"error {100 * wrong / 48:.1f} %")
    assert trainer.workspace.trainings == 1


def test_the_result_is_there_again_in_a_new_kernel(trainer: Trainer, dataset: Path) -> None:
    receive(trainer, {"kind": "train"})
    trainer.wait()
    again = Trainer(dataset)
    assert again._result["headline"] == trainer._result["headline"]
    again.close()


def test_choices_are_kept_with_the_dataset(trainer: Trainer, dataset: Path) -> None:
    for name, value in (("resize", "pad"), ("views", 1), ("size_px", 160), ("balanced", True)):
        receive(trainer, {"kind": "choose", "name": name, "value": value})
    choices = Project.open(dataset).choices
    assert (choices.resize, choices.views, choices.size_px, choices.balanced) == ("pad", 1, 160, True)


def test_a_choice_reaches_the_model_file(trainer: Trainer, tmp_path: Path) -> None:
    from fieldmark.predictor import Predictor

    receive(trainer, {"kind": "choose", "name": "resize", "value": "squish"})
    receive(trainer, {"kind": "train"})
    trainer.wait()
    trainer.learner.export(tmp_path / "model.onnx")
    assert Predictor.load(tmp_path / "model.onnx").info.rule.method == "squish"


@pytest.mark.parametrize(
    ("name", "value"),
    [("resize", "stretch"), ("size_px", 10**9), ("views", "two"), ("nothing", 1), ("seed_", 3)],
)
def test_a_page_cannot_choose_what_is_not_offered(trainer: Trainer, name: str, value: object) -> None:
    before = project(trainer).choices
    receive(trainer, {"kind": "choose", "name": name, "value": value})
    assert project(trainer).choices == before


def test_changing_a_choice_after_training_makes_the_result_stale(trainer: Trainer) -> None:
    receive(trainer, {"kind": "train"})
    trainer.wait()
    assert trainer.stale == ""
    receive(trainer, {"kind": "choose", "name": "resize", "value": "pad"})
    assert trainer.stale != ""


def test_a_photo_is_shown_as_the_model_sees_it(trainer: Trainer) -> None:
    trainer.wait()
    assert set(trainer._fitting["methods"]) == {"crop", "squish", "pad"}
    assert all(
        jpeg.startswith(b"\xff\xd8")
        for jpeg in (*trainer._fitting["methods"].values(), *trainer._fitting["views"])
    )
    first = trainer._fitting["name"]
    receive(trainer, {"kind": "another"})
    trainer.wait()
    assert trainer._fitting["name"] != first


def test_cancel_keeps_what_was_trained_before_and_the_button_works_again(trainer: Trainer) -> None:
    receive(trainer, {"kind": "train"})
    trainer.wait()
    receive(trainer, {"kind": "train"})
    receive(trainer, {"kind": "cancel"})
    trainer.wait()
    assert "Stopped" in trainer.problem
    assert (trainer.state, len(project(trainer).rounds())) == ("ready", 1)
    receive(trainer, {"kind": "train"})
    trainer.wait()
    assert trainer.problem == ""


def test_what_is_missing_is_said_before_anybody_presses(tmp_path: Path) -> None:
    empty = Trainer(Workspace())
    assert (empty.state, empty.blockers) == ("empty", ["No dataset is open. Import some photos first."])
    empty.close()


def test_a_split_that_the_dataset_brings_is_said(trainer: Trainer) -> None:
    assert trainer._splits["given"] is True
    assert trainer._splits["methods"] == ["random"]
