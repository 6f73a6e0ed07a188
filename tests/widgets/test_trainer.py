"""The trainer: one button, choices that are kept, a result in plain words."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from filelock import FileLock

from core.checkpoints import let_the_last_epoch_be_best
from fieldmark.backbones import load_backbone
from fieldmark.cachefolder import CACHE_VARIABLE, cache_folder
from fieldmark.callbacks import Progress
from fieldmark.catalog.decisions import Decision
from fieldmark.errors import Cancelled
from fieldmark.finetuning.sofar import SoFar
from fieldmark.importing import import_photos
from fieldmark.project import Project
from fieldmark.sources.sample import write_sample
from fieldmark_widgets import Trainer, Workspace
from fieldmark_widgets.strings.trainer import TRAINER
from fieldmark_widgets.trainerwords import say_unfinished
from fieldmark_widgets.watch import Watch
from widgets.messages import receive


@pytest.fixture
def dataset(imported: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(imported, tmp_path / "dataset"))


@pytest.fixture
def trainer(dataset: Path) -> Iterator[Trainer]:
    made = Trainer(dataset)
    yield made
    made.close()


@pytest.fixture
def quick(tmp_path: Path) -> Iterator[Trainer]:
    """A trainer of few small photos: fine-tuning takes seconds."""
    sample = write_sample(tmp_path / "sample")
    for folder in sample.glob("*/*/"):
        for patch in sorted(folder.iterdir())[6:]:
            patch.unlink()
    import_photos(sample, tmp_path / "dataset", who="test")
    made = Trainer(tmp_path / "dataset")
    project(made).choose(size_px=64)
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
    [
        ("resize", "stretch"),
        ("size_px", 10**9),
        ("size_px", 160.0),
        ("views", "two"),
        ("views", True),
        ("balanced", 1),
        ("nothing", 1),
        ("seed_", 3),
    ],
)
def test_a_page_cannot_choose_what_is_not_offered(trainer: Trainer, name: str, value: object) -> None:
    before = project(trainer).choices
    receive(trainer, {"kind": "choose", "name": name, "value": value})
    assert repr(project(trainer).choices) == repr(before)


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
        for jpeg in (
            *trainer._fitting["methods"].values(),
            *trainer._fitting["views"]["random_crop"],
            *trainer._fitting["views"]["augmented"],
        )
    )
    first = trainer._fitting["name"]
    receive(trainer, {"kind": "another"})
    trainer.wait()
    assert trainer._fitting["name"] != first


def test_a_first_training_that_is_cancelled_speaks_of_none_before(trainer: Trainer) -> None:
    receive(trainer, {"kind": "train"})
    receive(trainer, {"kind": "cancel"})
    trainer.wait()
    assert trainer._notice == TRAINER["stopped_first"]


def test_cancel_keeps_what_was_trained_before_and_the_button_works_again(trainer: Trainer) -> None:
    receive(trainer, {"kind": "train"})
    trainer.wait()
    receive(trainer, {"kind": "train"})
    receive(trainer, {"kind": "cancel"})
    trainer.wait()
    assert (trainer.problem, trainer._notice[:8]) == ("", "Stopped.")  # as asked: no failure
    assert "from before stays" in trainer._notice
    assert (trainer.state, len(project(trainer).rounds())) == ("ready", 1)
    receive(trainer, {"kind": "train"})
    trainer.wait()
    assert (trainer.problem, trainer._notice) == ("", "")


def test_a_training_under_way_is_stopped_before_it_gives_a_model(
    trainer: Trainer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On photos that nothing is known of yet, whatever ran here before: it takes seconds."""
    load_backbone()
    (tmp_path / "cache").mkdir()
    (tmp_path / "cache" / "backbones").symlink_to(cache_folder("backbones"))
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path / "cache"))
    project(trainer).choose(size_px=320, views=2)
    receive(trainer, {"kind": "train"})
    time.sleep(0.3)
    receive(trainer, {"kind": "cancel"})
    trainer.wait()
    assert (trainer.state, project(trainer).rounds()) == ("ready", [])


def test_what_was_different_is_said_of_each_training(trainer: Trainer) -> None:
    receive(trainer, {"kind": "train"})
    trainer.wait()
    receive(trainer, {"kind": "choose", "name": "resize", "value": "squish"})
    receive(trainer, {"kind": "choose", "name": "balanced", "value": True})
    project(trainer).catalog.rename_label("gravel", "pebbles", who="test")
    receive(trainer, {"kind": "train"})
    trainer.wait()
    latest, first = trainer._rounds
    assert latest["changes"] == "New: photos or labels, Squish, classes weighed equally"
    assert first["changes"] == ""


def test_two_trainings_on_the_same_photos_are_compared_photo_by_photo(trainer: Trainer) -> None:
    for method in ("crop", "squish"):
        receive(trainer, {"kind": "choose", "name": "resize", "value": method})
        receive(trainer, {"kind": "train"})
        trainer.wait()
    assert "on the same photos" in trainer._result["compared"]
    assert "other photos" not in trainer._rounds[1]["note"]


def test_a_photo_that_is_gone_from_the_disk_is_said_and_the_next_one_is_shown(trainer: Trainer) -> None:
    trainer.wait()
    first = project(trainer).catalog.photos()[0]
    project(trainer).catalog.file_of(first).unlink()
    receive(trainer, {"kind": "choose", "name": "resize", "value": "pad"})
    trainer.wait()
    assert Path(first.original_name).name in trainer._fitting["problem"]
    receive(trainer, {"kind": "another"})
    trainer.wait()
    assert "methods" in trainer._fitting


def test_a_photo_that_was_deleted_is_looked_at_no_more(trainer: Trainer) -> None:
    trainer.wait()
    first = trainer._fitting["name"]
    catalog = project(trainer).catalog
    catalog.stage(catalog.photos()[0].id, Decision("delete"), who="test")
    catalog.apply_staged(who="test")
    trainer.workspace.say_changed()
    trainer.wait()
    assert trainer._fitting["name"] != first


def test_uneven_classes_are_said(tmp_path: Path) -> None:
    few = write_sample(tmp_path / "few")
    for patch in (
        sorted((few / "train" / "gravel").iterdir())[6:] + sorted((few / "valid" / "gravel").iterdir())[2:]
    ):
        patch.unlink()
    import_photos(few, tmp_path / "dataset", who="test")
    trainer = Trainer(tmp_path / "dataset")
    assert "times as many photos as gravel" in trainer._uneven
    trainer.close()


def test_what_is_missing_is_said_before_anybody_presses(tmp_path: Path) -> None:
    empty = Trainer(Workspace())
    assert (empty.state, empty.blockers) == ("empty", ["No dataset is open. Import some photos first."])
    empty.close()


def test_a_split_that_the_dataset_brings_is_said(trainer: Trainer) -> None:
    assert trainer._splits["given"] is True
    assert trainer._splits["methods"] == ["random"]


def test_one_can_ask_whether_fine_tuning_would_help_before_doing_it(quick: Trainer) -> None:
    receive(quick, {"kind": "advise"})
    quick.wait()
    assert "Fine-tuning would take" in quick._advice
    assert quick.state == "ready"


def test_the_time_left_is_shown_where_the_work_knows_it(trainer: Trainer) -> None:
    trainer._watch = Watch(trainer._show_progress)
    trainer._show_progress(Progress("Fine-tuning, epoch 1 of 5", 3, 60, "about 5 min left"))
    assert trainer._progress["text"] == "Fine-tuning, epoch 1 of 5: 3 of 60 · about 5 min left"
    trainer._show_progress(Progress("Fine-tuning, epoch 1 of 5", 3, 60))
    assert trainer._progress["text"] == "Fine-tuning, epoch 1 of 5: 3 of 60"


def test_fine_tuning_can_be_stopped_and_gives_a_round_of_its_own(
    quick: Trainer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fieldmark.project.EPOCHS", 1)
    receive(quick, {"kind": "tune"})
    receive(quick, {"kind": "cancel"})
    quick.wait()
    assert quick._notice.startswith("Stopped")
    receive(quick, {"kind": "tune"})
    quick.wait(240)
    assert not quick._is_tuning_unfinished
    assert (quick.state, quick.problem) == ("ready", "")
    said = " ".join(quick.learner.notes)
    assert quick._result["note"].endswith(said)
    assert quick._rounds[0]["note"].startswith("fine-tuned") == (quick.learner.mode == "fine-tune")


def test_a_fine_tuning_that_was_stopped_can_be_gone_on_with_in_a_new_kernel_or_its_best_be_taken(
    quick: Trainer, tmp_path: Path
) -> None:
    def stop(progress: Progress) -> None:
        if "epoch 2" in progress.step:
            raise Cancelled("Enough.")

    with pytest.raises(Cancelled):
        project(quick).fine_tune(stop)
    let_the_last_epoch_be_best(tmp_path / "dataset" / ".fieldmark" / "fine-tune")
    again = Trainer(tmp_path / "dataset")
    assert (again._is_tuning_unfinished, again._is_best_to_take) == (True, True)
    assert again._unfinished.endswith(
        "after 1 of 5 epochs. It goes on from there. The best so far is epoch 1."
    )
    receive(again, {"kind": "choose", "name": "resize", "value": "pad"})  # that would be another one
    assert (again._is_tuning_unfinished, again._is_best_to_take) == (False, False)
    receive(again, {"kind": "choose", "name": "resize", "value": "crop"})
    receive(again, {"kind": "take_best"})
    again.wait()
    assert "The weights after epoch 1 of 1 had the lowest loss" in again._result["note"]
    assert (again._is_tuning_unfinished, again._is_best_to_take) == (False, False)
    again.close()


def test_where_nothing_was_better_yet_there_is_nothing_to_take_and_that_is_said() -> None:
    assert say_unfinished(SoFar(2, 0, 5)).endswith(
        "None of them is better than the training from before yet."
    )
    assert "before its first epoch" in say_unfinished(SoFar(0, 0, 5))
    assert say_unfinished(None) == say_unfinished(SoFar(0, 0, 5))


def test_a_kernel_stays_for_as_long_as_it_trains(
    quick: Trainer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sign = tmp_path / "kernel.json.staying"
    monkeypatch.setattr("fieldmark_widgets.workspace._sign_of_kernel", lambda: sign)
    seen = []
    quick.workspace.train(lambda _progress: seen.append(sign.exists()), lambda _done: None)
    quick.wait()
    assert seen
    assert all(seen)
    assert not sign.exists()


def test_what_goes_on_without_its_page_is_said_and_its_result_is_shown(
    quick: Trainer, tmp_path: Path
) -> None:
    folder = tmp_path / "dataset" / ".fieldmark" / "fine-tune"
    folder.mkdir(parents=True)
    with FileLock(folder / "lock"):  # as the kernel of the page that was closed holds it
        again = Trainer(tmp_path / "dataset")
        receive(again, {"kind": "look"})
        assert (again._is_tuned_elsewhere, again._result, again.workspace.trainings) == (True, {}, 0)
        project(quick).fit()
    receive(again, {"kind": "look"})
    assert (again._is_tuned_elsewhere, again.workspace.trainings) == (False, 1)
    assert again._result["headline"].endswith("wrong")
    again.close()
