"""Fine-tuning: where it begins, what it keeps, how it ends, and that a crash changes nothing."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from copy import copy
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from filelock import FileLock

from fieldmark.callbacks import Progress, silent
from fieldmark.dataset import read_dataset
from fieldmark.errors import Cancelled, EmptyDatasetError, FieldmarkError, NotTrainedError, StoreError
from fieldmark.finetune import FineTuneConfig, best_so_far, fine_tune
from fieldmark.finetuning.checkpoint import load_checkpoint
from fieldmark.finetuning.finetuned import FineTuned
from fieldmark.finetuning.finetunerun import LOWER, FineTuneRun, learning_rule
from fieldmark.finetuning.sofar import CHECKPOINT, SoFar, read_so_far
from fieldmark.fitting.trainconfig import TrainConfig
from fieldmark.imaging.resize import ResizeRule
from fieldmark.learner import Learner
from fieldmark.predictor import Predictor
from fieldmark.results.assessment import assess
from fieldmark.sources.sample import write_sample
from fieldmark.splitfile import given_split
from fieldmark.splits import Split

QUICK = FineTuneConfig(epochs=2, batch_size=24, precision="f32")
SMALL = TrainConfig(rule=ResizeRule(64))


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_sample(tmp_path_factory.mktemp("sample"))


def fitted(photos: Path, config: TrainConfig = SMALL) -> Learner:
    """A learner on some of the sample's photos, at a size that trains in seconds."""
    dataset = read_dataset(photos)
    split = given_split(dataset)
    return Learner(dataset, Split(split.train[::3], split.valid), config).fit()


@pytest.fixture(scope="module")
def learner(photos: Path) -> Learner:
    return fitted(photos)


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where `tuned` was trained."""
    return tmp_path_factory.mktemp("work")


@pytest.fixture(scope="module")
def told() -> list[tuple[float, Progress]]:
    """What `tuned` told of its progress, and when."""
    return []


@pytest.fixture(scope="module")
def tuned(learner: Learner, work: Path, told: list[tuple[float, Progress]]) -> FineTuned:
    return fine_tune(learner, QUICK, workdir=work, callback=lambda p: told.append((time.monotonic(), p)))


def checkpoint(folder: Path) -> Any:
    found = load_checkpoint(folder / CHECKPOINT)
    assert found is not None
    return found


@pytest.mark.parametrize(("served", "learnt"), [(256, 224), (224, 192), (320, 288), (64, 64), (32, 32)])
def test_it_learns_from_smaller_squares_than_are_served(learner: Learner, served: int, learnt: int) -> None:
    assert learning_rule(with_size(learner, served)) == ResizeRule(learnt)


def test_a_network_of_one_size_learns_from_that(learner: Learner) -> None:
    other = with_size(learner, 256)
    backbone = learner.backbone
    other._fitted = replace(
        learner._done, backbone=replace(backbone, arch=replace(backbone.arch, fixed=True))
    )
    assert learning_rule(other) == ResizeRule(256)


def test_photos_are_kept_in_squares_for_what_is_learned_from(learner: Learner, tmp_path: Path) -> None:
    run = FineTuneRun(with_size(learner, 256), QUICK, tmp_path, silent)
    assert run._pixels.pixels.shape == (40, 288, 288, 3)  # 9/7 of 224


def with_size(learner: Learner, size_px: int) -> Learner:
    """The same learner, as if its photos had been looked at in squares of another size."""
    other = copy(learner)
    other.config = replace(learner.config, rule=ResizeRule(size_px))
    return other


# --- What comes out -----------------------------------------------------------------------------------------


def test_it_has_an_epoch_of_the_head_and_two_of_everything(tuned: FineTuned) -> None:
    assert len(tuned.history) == 3
    assert all(epoch.seconds > 0 and epoch.valid_loss is not None for epoch in tuned.history)


def test_the_epoch_with_the_lowest_loss_is_kept_and_that_may_be_the_fit(
    learner: Learner, tuned: FineTuned
) -> None:
    losses = [tuned.fit_loss, *(epoch.valid_loss for epoch in tuned.history)]
    assert losses[tuned.best_epoch] <= min(losses) / LOWER
    expected = losses[tuned.best_epoch] if tuned.best_epoch else learner.valid.mean_loss
    assert tuned.valid.mean_loss == pytest.approx(expected, rel=1e-5)


def test_it_says_which_weights_were_taken_and_how_good_they_are(learner: Learner, tuned: FineTuned) -> None:
    (said,) = tuned.notes
    n = len(tuned.valid.items)
    if tuned.best_epoch:
        assert said.startswith(
            f"The weights after epoch {tuned.best_epoch} of 3 had the lowest loss on the {n} held-out"
        )
        assert said.endswith(f"{tuned.valid.n_wrong} came out wrong, {learner.valid.n_wrong} by the fit.")
    else:
        assert said.endswith("so the fit was kept.")
    assert tuned.mode == ("fine-tune" if tuned.best_epoch else "fit")


def test_the_result_is_exported_and_answers_as_it_was_judged(tuned: FineTuned, tmp_path: Path) -> None:
    path = tmp_path / "tuned.onnx"
    card = tuned.export(path)
    answers = Predictor.load(path).predict([item.path for item in tuned.valid.items])
    found = np.array([[answer.probs[label] for label in tuned.vocab] for answer in answers])
    assert np.abs(found - tuned.valid.probs).max() < 2e-2  # bfloat16, in other batches
    assert (card.n_valid, card.n_wrong) == (len(tuned.valid.items), tuned.valid.n_wrong)


def test_a_tuned_trunk_says_so_in_its_card_and_is_judged_on_held_out_photos(
    learner: Learner, tmp_path: Path
) -> None:
    """One epoch without a head start: the weights of the last epoch, whatever their loss."""
    learner = fitted_without_held_out(learner)
    tuned = fine_tune(learner, replace(QUICK, epochs=1, frozen_epochs=0), workdir=tmp_path)
    assert (tuned.best_epoch, tuned.valid.items) == (1, ())
    card = tuned.export(tmp_path / "tuned.onnx")
    assert card.backbone.endswith("fine-tuned for 1 epoch")
    assert card.sureness is None
    assert tuned.notes == (
        "Without held-out photos to choose by, the weights after epoch 1, the last one, were kept.",
    )


def fitted_without_held_out(learner: Learner) -> Learner:
    return Learner(learner.dataset, Split(learner.split.train, ()), learner.config).fit()


def test_it_is_assessed_like_any_learner(tuned: FineTuned, learner: Learner) -> None:
    assert len(assess(tuned)) == len(assess(learner))
    assert np.array_equal(tuned.oof_probs, learner.oof_probs)


def test_an_unfitted_learner_is_refused(learner: Learner, tmp_path: Path) -> None:
    with pytest.raises(NotTrainedError):
        fine_tune(Learner(learner.dataset, learner.split, SMALL), QUICK, workdir=tmp_path)


# --- How it can end -----------------------------------------------------------------------------------------


def test_a_learning_rate_that_breaks_it_ends_with_the_last_good_weights(
    learner: Learner, tmp_path: Path
) -> None:
    """Weights of 1e38 are finite, what they compute is not."""
    folder = tmp_path / "work"
    config = replace(QUICK, frozen_epochs=0)
    with pytest.raises(Cancelled):
        fine_tune(learner, config, workdir=folder, callback=cancel_at("epoch 2"))
    spoil(folder / CHECKPOINT)
    tuned = fine_tune(learner, config, workdir=folder)
    assert "no number any more in epoch 2" in tuned.stopped
    assert len(tuned.history) == 1
    assert all(np.isfinite(value).all() for value in checkpoint(folder).tensors.values())
    assert tuned.export(tmp_path / "model.onnx").n_valid == len(learner.valid.items)


def spoil(path: Path) -> None:
    """Make the weights that training goes on from far too large."""
    from fieldmark.finetuning.checkpoint import save_checkpoint

    found = load_checkpoint(path)
    assert found is not None
    found.tensors["now.head.weight"] = np.full_like(found.tensors["now.head.weight"], 3e38)
    save_checkpoint(path, found.tensors, found.state)


def cancel_at(words: str) -> Any:
    def callback(progress: Progress) -> None:
        if words in progress.step:
            raise Cancelled("Enough.")

    return callback


def test_cancelled_it_keeps_the_best_epoch_and_can_go_on(learner: Learner, tmp_path: Path) -> None:
    with pytest.raises(NotTrainedError, match="Start it first"):
        best_so_far(learner, QUICK, workdir=tmp_path)
    with pytest.raises(Cancelled):
        fine_tune(learner, QUICK, workdir=tmp_path, callback=cancel_at("epoch 3"))
    assert not list(tmp_path.glob("pixels*"))
    (tmp_path / "pixels.u8").write_bytes(b"left there by a run that was killed")
    kept = best_so_far(learner, QUICK, workdir=tmp_path)
    assert len(kept.history) == 2
    assert not list(tmp_path.glob("pixels*"))
    assert read_so_far(tmp_path) == SoFar(2, kept.best_epoch, 3)
    assert len(fine_tune(learner, QUICK, workdir=tmp_path).history) == 3


@pytest.mark.usefixtures("tuned")
def test_it_asks_often_whether_to_stop(told: list[tuple[float, Progress]]) -> None:
    """Between the blocks of the network, there and back: many times a step, however slow the machine."""
    assert len(told) > 150
    assert np.diff([moment for moment, _ in told]).max() < 5


@pytest.mark.usefixtures("tuned")
def test_progress_tells_epoch_and_time_left(told: list[tuple[float, Progress]]) -> None:
    steps = {progress.step: progress for _, progress in told}
    words = [step for step in steps if step.startswith("Fine-tuning, epoch")]
    assert words == [
        "Fine-tuning, epoch 1 of 3",
        "Fine-tuning, epoch 2 of 3",
        "Fine-tuning, epoch 3 of 3",
    ]
    left = [[progress.left for _, progress in told if progress.step == step] for step in words]
    assert left[0][0] == ""
    assert all(said.endswith(" left") for said in left[1])
    assert all(p.done <= p.total for p in steps.values())


def test_epochs_that_change_nothing_are_not_better_than_the_fit_and_end_it_early(
    learner: Learner, tmp_path: Path
) -> None:
    """At a rate of a billionth: neither another temperature nor float32 instead of 8 bits may make them so."""
    config = replace(QUICK, epochs=9, frozen_epochs=0, lr=1e-12, patience=2)
    tuned = fine_tune(learner, config, workdir=tmp_path)
    assert (len(tuned.history), tuned.best_epoch, tuned.mode) == (2, 0, "fit")
    assert tuned.notes == (
        "Stopped early: the loss on held-out photos got no lower for 2 epochs.",
        f"No epoch of fine-tuning had a lower loss on the {len(learner.valid.items)} held-out photos than the fit, "
        "so the fit was kept.",
    )


def test_other_settings_start_anew(learner: Learner, tmp_path: Path) -> None:
    fine_tune(learner, replace(QUICK, epochs=0), workdir=tmp_path)
    found = fine_tune(learner, replace(QUICK, epochs=0, seed=1), workdir=tmp_path)
    assert len(found.history) == 1


@pytest.mark.parametrize(
    "wrong",
    [{"epochs": 0, "frozen_epochs": 0}, {"epochs": -1}, {"batch_size": 1}, {"lr": 0.0}, {"patience": 0}],
)
def test_settings_that_cannot_be_meant_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"expected|needs|must"):
        FineTuneConfig(**wrong)


# --- Killed and resumed -------------------------------------------------------------------------------------

RUN = """
import json, sys
from pathlib import Path
import torch
from fieldmark.finetune import fine_tune
from test_finetune import QUICK, fitted
torch.set_num_threads(int(sys.argv[3]))
learner = fitted(Path(sys.argv[1]))
print("fitted", flush=True)
shown = lambda progress: print(progress.step, progress.done, flush=True)
fine_tune(learner, QUICK, workdir=Path(sys.argv[2]), callback=shown)
"""


def start(photos: Path, folder: Path) -> subprocess.Popen[str]:
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parent), "PYTHONUTF8": "1"}
    command = [sys.executable, "-c", RUN, str(photos), str(folder), str(torch.get_num_threads())]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)


@pytest.mark.skipif(os.name == "nt", reason="kills as Unix does")
@pytest.mark.usefixtures("tuned")
@pytest.mark.parametrize("seed", [1, 2])
def test_killed_at_a_random_step_and_resumed_it_gives_the_same_weights(
    photos: Path, learner: Learner, work: Path, tmp_path: Path, seed: int
) -> None:
    killed_at = int(np.random.default_rng(seed).integers(30, 300))  # lines of progress; there are about 400
    process = start(photos, tmp_path / "killed")
    assert process.stdout is not None
    for number, _ in enumerate(process.stdout):
        if number == killed_at:
            process.send_signal(signal.SIGKILL)
            break
    process.communicate()
    assert process.returncode == -signal.SIGKILL
    fine_tune(learner, QUICK, workdir=tmp_path / "killed")
    whole, resumed = checkpoint(work), checkpoint(tmp_path / "killed")
    assert whole.tensors.keys() == resumed.tensors.keys()
    different = [n for n, value in whole.tensors.items() if not np.array_equal(value, resumed.tensors[n])]
    assert different == []
    told = [[epoch["train_loss"] for epoch in found.state["history"]] for found in (whole, resumed)]
    assert told[0] == told[1]


# --- Few photos -----------------------------------------------------------------------------------------------


def test_two_photos_a_class_still_train(learner: Learner, tmp_path: Path) -> None:
    items = learner.dataset.items
    places = {
        place
        for label in learner.vocab
        for place in [i for i in learner.split.train if items[i].label == label][:2]
    }
    few = Learner(learner.dataset, Split(tuple(sorted(places)), ()), SMALL).fit()
    tuned = fine_tune(few, replace(QUICK, epochs=1), workdir=tmp_path)
    assert [np.isfinite(epoch.train_loss) for epoch in tuned.history] == [True, True]


def test_history_is_plain_json(tuned: FineTuned) -> None:
    assert json.loads(json.dumps([epoch.as_dict() for epoch in tuned.history]))[0]["n_wrong"] >= 0


def test_photos_that_vanished_since_the_fit_are_an_error_with_what_to_do(
    photos: Path, tmp_path: Path
) -> None:
    copy = Path(shutil.copytree(photos, tmp_path / "copy"))
    learner = fitted(copy)
    shutil.rmtree(copy)
    with pytest.raises(EmptyDatasetError, match="Put the files back"):
        fine_tune(learner, QUICK, workdir=tmp_path / "work")


def test_two_trainings_in_one_folder_are_kept_apart(learner: Learner, tmp_path: Path) -> None:
    with FileLock(tmp_path / "lock"), pytest.raises(FieldmarkError, match="Another fine-tuning") as caught:
        fine_tune(learner, QUICK, workdir=tmp_path)
    assert caught.value.code == "busy"


def test_a_folder_that_cannot_be_is_refused(learner: Learner, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(StoreError, match="Choose another folder"):
        fine_tune(learner, QUICK, workdir=tmp_path / "file" / "below")
