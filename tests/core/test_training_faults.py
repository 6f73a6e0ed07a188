"""FAULTS T71–T78, from a folder to a model file: refused or warned before the start, or it trains; never a wrong result.

Beside these: T71, T72 and T76 in test_finetune.py, T74 in test_schedule.py, T75 in test_splits.py, T77 in test_tuner.py,
T78 in test_checkpoint.py, T79 (a closed browser) in browser/test_studio.py.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from fieldmark.check import check_folder
from fieldmark.errors import DatasetError, EmptyDatasetError
from fieldmark.finetune import FineTuneConfig
from fieldmark.imaging.resize import ResizeRule
from fieldmark.learner import TrainConfig
from fieldmark.modelfile import read_model_file
from fieldmark.sources.sample import write_sample
from fieldmark.splits import SplitConfig
from fieldmark.training import train

SMALL = TrainConfig(rule=ResizeRule(64))


def draw(folder: Path, label: str, n: int, *, seed: int = 0) -> None:
    """Photos of coloured noise, each class its own colour."""
    place = folder / label
    place.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng([seed, *label.encode()])
    colour = rng.integers(0, 256, 3)
    for number in range(n):
        noise = rng.integers(-60, 60, (40, 40, 3))
        Image.fromarray(np.clip(colour + noise, 0, 255).astype(np.uint8)).save(place / f"{number}.png")


def broken(folder: Path, label: str, n: int) -> None:
    (folder / label).mkdir(parents=True)
    for number in range(n):
        (folder / label / f"{number}.jpg").write_bytes(b"\xff\xd8\xff" + bytes([number]) * 50)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda folder: folder.mkdir(), "photos"),
        (lambda folder: draw(folder, "a", 8), "of one class"),
        (lambda folder: draw(folder, "a", 1), "of one class"),
        (lambda folder: (draw(folder, "a", 8), draw(folder, "b", 1)), "fewer than 2 photos"),
        (lambda folder: (broken(folder, "a", 6), broken(folder, "b", 6)), "read"),
        (lambda folder: (draw(folder, "a", 6), broken(folder, "b", 6)), "read"),
    ],
    ids=["no photo", "one class", "one photo", "a class of one", "all broken", "one class broken"],
)
def test_t73_too_little_to_learn_from_is_refused_and_no_model_is_written(
    make: Callable[[Path], object], words: str, tmp_path: Path
) -> None:
    make(tmp_path / "photos")
    with pytest.raises(EmptyDatasetError, match=words):
        train(tmp_path / "photos", tmp_path / "model.onnx", config=SMALL)
    assert not (tmp_path / "model.onnx").exists()


def test_t73_a_hundred_to_one_is_warned_of_before_and_trains(tmp_path: Path) -> None:
    draw(tmp_path / "photos", "many", 300)
    draw(tmp_path / "photos", "few", 3)
    assert any("--balanced" in fault for fault in check_folder(tmp_path / "photos").lines())
    heard: list[str] = []
    result = train(
        tmp_path / "photos",
        tmp_path / "model.onnx",
        config=SMALL,
        tell=heard.append,
        callback=lambda progress: heard.append(progress.step),
    )
    (warning,) = result.warnings
    assert "300 photos of many and 3 of few" in warning
    assert "--balanced" in warning
    assert heard.index(warning) < heard.index("Fitting")
    assert result.card.classes["few"] == 2


def test_t73_fewer_photos_than_a_batch_are_fine_tuned(tmp_path: Path) -> None:
    for label in ("a", "b"):
        draw(tmp_path / "photos", label, 4)
    result = train(
        tmp_path / "photos",
        tmp_path / "model.onnx",
        config=SMALL,
        mode="fine-tune",
        tuning=FineTuneConfig(epochs=1, precision="f32"),
    )
    assert result.mode == ("fine-tune" if result.as_dict()["best_epoch"] else "fit")
    assert [np.isfinite(epoch["train_loss"]) for epoch in result.as_dict()["epochs"]] == [True, True]


def test_t75_copies_of_a_photo_are_on_one_side(tmp_path: Path) -> None:
    for label in ("a", "b"):
        draw(tmp_path / "photos", label, 6)
        for number in range(6):
            shutil.copy(tmp_path / "photos" / label / f"{number}.png", tmp_path / "photos" / label / f"copy{number}.png")  # fmt: skip
    result = train(
        tmp_path / "photos", tmp_path / "model.onnx", config=SMALL, split=SplitConfig(valid_pct=0.3)
    )
    split, items = result.learner.split, result.learner.dataset.items
    sides = [{items[place].hash for place in side} for side in (split.train, split.valid)]
    assert sides[1]
    assert sides[0].isdisjoint(sides[1])


@pytest.mark.skipif(os.name == "nt", reason="needs a full device")
def test_t78_a_disk_that_fills_up_while_saving_leaves_the_old_model(tmp_path: Path) -> None:
    """A limit on the size of files is a disk that fills up in the middle of writing."""
    write_sample(tmp_path / "photos")
    train(tmp_path / "photos", tmp_path / "model.onnx", config=SMALL)
    before = (tmp_path / "model.onnx").read_bytes()
    code = f"""
import resource, signal, sys
from pathlib import Path
from test_training_faults import SMALL
from fieldmark.errors import FieldmarkError
from fieldmark.training import train
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (4 * 2**20, 4 * 2**20))
try:
    train({str(tmp_path / "photos")!r}, {str(tmp_path / "model.onnx")!r}, config=SMALL)
except (FieldmarkError, OSError) as error:
    print(type(error).__name__)
"""
    paths = os.pathsep.join([str(Path(__file__).parent), os.environ.get("PYTHONPATH", "")])
    environment = os.environ | {"PYTHONPATH": paths, "PYTHONUTF8": "1"}
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=environment, check=False
    )
    assert done.stdout.strip() == "StoreError", done.stderr
    assert (tmp_path / "model.onnx").read_bytes() == before
    assert read_model_file(tmp_path / "model.onnx").info.vocab == ("brick", "grass", "gravel")
    assert [path.name for path in tmp_path.glob("*.onnx*")] == ["model.onnx"]


def test_a_missing_folder_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="nowhere"):
        train(tmp_path / "nowhere", tmp_path / "model.onnx", config=SMALL)
