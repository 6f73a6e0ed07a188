"""A project: choices, held-out photos and trainings outlive every process."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import pytest

from core.checkpoints import let_the_last_epoch_be_best
from fieldmark.callbacks import Progress
from fieldmark.choices import Choices
from fieldmark.errors import Cancelled, FieldmarkError
from fieldmark.finetune import FineTuneConfig
from fieldmark.finetuning.finetuned import FineTuned
from fieldmark.finetuning.sofar import SoFar
from fieldmark.fitting.trainconfig import TrainConfig
from fieldmark.imaging.resize import ResizeRule
from fieldmark.importing import import_photos
from fieldmark.learner import Learner
from fieldmark.predictor import Predictor
from fieldmark.project import Project
from fieldmark.sources.sample import CLASSES, sample_photos
from fieldmark.training import train


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """The sample without its split, so that one is drawn."""
    for photo in sample_photos(mislabelled=False):
        place = tmp_path / "photos" / photo.label
        place.mkdir(parents=True, exist_ok=True)
        photo.image.save(place / photo.name)
    import_photos(tmp_path / "photos", tmp_path / "textures", who="test")
    return Project.open(tmp_path / "textures")


@pytest.fixture
def few(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    """Small photos of few, fine-tuned for one epoch only: seconds instead of a minute."""
    monkeypatch.setattr("fieldmark.project.EPOCHS", 1)
    for photo in list(sample_photos(mislabelled=False))[::7]:
        place = tmp_path / "photos" / photo.label
        place.mkdir(parents=True, exist_ok=True)
        photo.image.save(place / photo.name)
    import_photos(tmp_path / "photos", tmp_path / "textures", who="test")
    project = Project.open(tmp_path / "textures")
    project.choose(size_px=64)
    return project


def held_out(project: Project) -> set[str]:
    assert project.learner is not None
    return {item.hash for item in project.learner.valid.items}


def test_a_new_project_says_what_is_missing(tmp_path: Path) -> None:
    from fieldmark.catalog import Catalog

    empty = Project(Catalog.create(tmp_path / "new"))
    assert empty.train_blockers() == ["There are no photos yet. Import some first."]
    assert empty.result_blockers() == empty.train_blockers()
    with pytest.raises(FieldmarkError, match="no photos yet"):
        empty.fit()


def test_one_class_is_not_enough(project: Project) -> None:
    photos = project.catalog.photos()
    project.catalog.delete([photo.id for photo in photos if photo.label != "brick"], who="test")
    assert "All photos are brick" in project.train_blockers()[0]


def test_choices_and_trainings_are_there_in_the_next_process(project: Project) -> None:
    project.choose(resize="pad", seed=7)
    project.fit()
    again = Project.open(project.root)
    assert again.choices == Choices(resize="pad", seed=7)
    assert [entry.wrong for entry in again.rounds()] == [entry.wrong for entry in project.rounds()]
    assert again.is_trained
    assert not again.is_stale


def test_the_held_out_photos_stay_the_same_when_labels_change(project: Project) -> None:
    project.fit()
    before = held_out(project)
    some = [photo.id for photo in project.catalog.photos()[:5]]
    project.catalog.relabel(some, "gravel", who="test")
    assert project.is_stale
    project.fit()
    assert held_out(project) == before
    assert project.rounds()[0].held_out == project.rounds()[1].held_out


def test_a_new_photo_is_learned_from_and_never_joins_the_held_out_ones(
    project: Project, tmp_path: Path
) -> None:
    project.fit()
    before = held_out(project)
    new = tmp_path / "more" / "grass"
    new.mkdir(parents=True)
    patch = next(photo.image for photo in sample_photos() if photo.label == "grass")
    patch.rotate(90).resize((80, 80)).save(new / "new.png")
    import_photos(tmp_path / "more", project.root, who="test")
    project.fit()
    assert held_out(project) == before
    assert len(project.learner.train_items) + len(before) == 169  # type: ignore[union-attr]


def test_where_many_photos_got_a_label_since_more_are_held_out_and_most_of_the_old_ones_stay(
    project: Project,
) -> None:
    waiting = [photo.id for number, photo in enumerate(project.catalog.photos()) if number % 6]
    project.catalog.delete(waiting, who="test")
    project.fit()
    before, n = held_out(project), project.rounds()[0].n_valid
    project.catalog.restore(waiting, who="test")
    project.fit()
    assert project.rounds()[0].n_valid > 4 * n
    assert len(before & held_out(project)) >= n / 2


def test_another_seed_holds_out_other_photos(project: Project) -> None:
    project.fit()
    before = held_out(project)
    project.choose(seed=1)
    project.fit()
    assert held_out(project) != before


def test_the_same_training_twice_is_one_round(project: Project) -> None:
    project.fit()
    (entry,) = project.rounds()
    yesterday = "2026-01-01T10:00:00+00:00"
    project.catalog.set_setting("rounds", [asdict(entry) | {"at": yesterday}])
    project.fit()
    assert [entry.at for entry in project.rounds()] == [yesterday]  # somebody has only looked again


def test_a_training_at_the_command_line_is_a_round_judged_by_the_same_photos(
    project: Project, tmp_path: Path
) -> None:
    project.fit()
    train(project.root, tmp_path / "same.onnx")
    assert len(project.rounds()) == 1, "photos, labels and choices were the same"
    pads = TrainConfig(rule=ResizeRule(256, "pad"))
    train(project.root, tmp_path / "pad.onnx", config=pads)
    first, then = project.rounds()[1], project.rounds()[0]
    assert (then.choices["resize"], then.held_out) == ("pad", first.held_out)
    assert project.is_stale, "the studio's own choices are others"


def test_training_a_plain_folder_leaves_nothing_in_it(project: Project, tmp_path: Path) -> None:
    before = sorted((tmp_path / "photos").rglob("*"))
    train(tmp_path / "photos", tmp_path / "plain.onnx")
    assert sorted((tmp_path / "photos").rglob("*")) == before


def test_what_is_fitted_already_is_not_fitted_again(project: Project) -> None:
    assert project.fitted() is project.fitted()
    project.catalog.relabel([project.catalog.photos()[0].id], "gravel", who="test")
    before = project.learner
    assert project.fitted() is not before


def test_cancelling_leaves_the_learner_from_before(project: Project) -> None:
    learner = project.fit()

    def stop(_: Progress) -> None:
        raise Cancelled("enough")

    with pytest.raises(Cancelled):
        project.fit(stop)
    assert project.learner is learner
    assert len(project.rounds()) == 1


def test_the_exported_model_answers(project: Project, tmp_path: Path) -> None:
    card = project.export(tmp_path / "textures.onnx")
    assert tuple(card.classes) == CLASSES
    photo = project.catalog.photos(label="grass")[0]
    (answer,) = Predictor.load(tmp_path / "textures.onnx").predict([project.catalog.file_of(photo)])
    assert answer.label == "grass"  # type: ignore[union-attr]


def test_what_was_fine_tuned_is_there_again_in_the_next_process_until_labels_change(few: Project) -> None:
    tuned = fine_tuned(few)
    before = few.rounds()
    assert (before[0].mode, before[0].note) == ("fine-tune", " ".join(tuned.notes))
    again = Project.open(few.root)
    assert not again.is_stale
    assert [item.hash for item in again.fitted().valid.wrong] == [item.hash for item in tuned.valid.wrong]
    assert type(again.learner) is type(tuned)
    assert [entry.note for entry in again.rounds()] == [entry.note for entry in before]
    again.catalog.relabel([again.catalog.photos()[0].id], "gravel", who="test")
    again.fitted()
    assert [entry.mode for entry in again.rounds()][:2] == ["fit", "fine-tune"]


def test_a_fine_tuning_that_was_no_better_is_remembered_as_the_fit_with_a_sentence(
    few: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    idle = FineTuneConfig(epochs=0, lr=1e-12)  # changes nothing, so that nothing gets better
    monkeypatch.setattr(Project, "_tuning", idle)
    few.fit()
    few.fine_tune()
    few.fit()  # says nothing of fine-tuning, and takes nothing back
    (only,) = few.rounds()
    assert only.mode == "fit"
    assert only.note.endswith("so the fit was kept.")


def test_stopped_the_best_so_far_can_be_taken_and_gone_on_from(few: Project) -> None:
    def stop(progress: Progress) -> None:
        if "epoch 2" in progress.step:
            raise Cancelled("Enough.")

    assert few.tuning_so_far is None
    with pytest.raises(Cancelled):
        few.fine_tune(stop)
    let_the_last_epoch_be_best(few.root / ".fieldmark" / "fine-tune")
    assert few.tuning_so_far == SoFar(done=1, best=1, epochs=2)
    taken = few.take_best()
    assert (taken.mode, few.rounds()[0].mode) == ("fine-tune", "fine-tune")
    assert "after epoch 1 of 1" in few.rounds()[0].note
    assert few.tuning_so_far is None
    on = few.fine_tune()
    assert isinstance(on, FineTuned)
    assert len(on.history) == 2


def fine_tuned(project: Project) -> Learner:
    """Fine-tune it, so that an epoch is better than the fit."""
    project.fine_tune()
    let_the_last_epoch_be_best(project.root / ".fieldmark" / "fine-tune")
    return project.fine_tune()
