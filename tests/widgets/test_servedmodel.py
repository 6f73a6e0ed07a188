from __future__ import annotations

import logging
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from fieldmark.errors import ModelFileError
from fieldmark.models.servedmodel import ServedModel
from fieldmark.pretrained import build_pretrained
from fieldmark_widgets import Classifier
from widgets.messages import receive


@pytest.fixture(scope="session")
def coffee_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Another model, which has never heard of cats."""
    path = tmp_path_factory.mktemp("model") / "coffee.onnx"
    build_pretrained({"coffee": ("espresso",)}, path, rest="no coffee", title="Coffee")
    return path


@pytest.fixture
def path(cat_model: Path, tmp_path: Path) -> Path:
    """A model file that may be replaced."""
    return Path(shutil.copy(cat_model, tmp_path / "served.onnx"))


def replace(path: Path, content: bytes) -> None:
    """Put another file in the place of one, as an export does."""
    part = path.with_suffix(".part")
    part.write_bytes(content)
    part.replace(path)


def test_a_file_that_stays_the_same_is_loaded_once(path: Path) -> None:
    served = ServedModel(path)
    assert served.newest() is served.newest()


def test_a_new_file_is_taken_up(path: Path, coffee_model: Path) -> None:
    served = ServedModel(path)
    replace(path, coffee_model.read_bytes())
    assert served.newest().vocab == ("coffee", "no coffee")
    assert served.newest() is served.newest()


@pytest.mark.parametrize("damage", ["cut", "flipped", "foreign", "empty"])
def test_a_new_file_that_is_refused_leaves_the_old_model_at_work(
    damage: str, path: Path, coffee_model: Path, caplog: pytest.LogCaptureFixture
) -> None:
    served = ServedModel(path)
    old, good = served.newest(), coffee_model.read_bytes()
    middle = len(good) // 2
    bad = {
        "cut": good[:middle],
        "flipped": good[:middle] + bytes([good[middle] ^ 1]) + good[middle + 1 :],
        "foreign": b"\x80\x04 a pickle",
        "empty": b"",
    }
    replace(path, bad[damage])
    assert [served.newest(), served.newest()] == [old, old]
    assert [record.levelno for record in caplog.records] == [logging.WARNING]  # tried, and told, once
    replace(path, good)
    assert served.newest().vocab == ("coffee", "no coffee")


def test_a_file_that_goes_away_leaves_its_model_at_work(path: Path) -> None:
    served = ServedModel(path)
    old = served.newest()
    path.unlink()
    assert served.newest() is old


def test_the_first_file_that_is_there_answers(path: Path, coffee_model: Path, tmp_path: Path) -> None:
    first = tmp_path / "first.onnx"
    served = ServedModel(first, path)
    assert "cat" in served.newest().vocab
    shutil.copy(coffee_model, first)
    assert "coffee" in served.newest().vocab
    first.unlink()
    assert "cat" in served.newest().vocab


def test_when_no_file_is_there_the_last_is_named(tmp_path: Path) -> None:
    with pytest.raises(ModelFileError, match=r"demo\.onnx does not exist") as raised:
        ServedModel(tmp_path / "served.onnx", tmp_path / "demo.onnx")
    assert raised.value.code == "no_model"


def test_the_next_photo_is_answered_by_the_new_model(path: Path, coffee_model: Path, cat_jpeg: bytes) -> None:
    classifier = Classifier.load(path)
    classifier.add("before.jpg", cat_jpeg)
    classifier.wait()
    replace(path, coffee_model.read_bytes())
    classifier.add("after.jpg", cat_jpeg)
    classifier.wait()
    assert [prediction.label for prediction in classifier.predictions] == ["cat", "no coffee"]
    assert classifier._knowledge["title"] == "Coffee"


def test_a_photo_keeps_the_map_of_the_model_that_answered(
    path: Path, coffee_model: Path, cat_jpeg: bytes
) -> None:
    classifier = Classifier.load(path, show_map=False)
    classifier.add("before.jpg", cat_jpeg)
    classifier.wait()
    replace(path, coffee_model.read_bytes())
    classifier.add("after.jpg", cat_jpeg)
    classifier.wait()
    classifier.selected = 0
    classifier.show_map = True
    classifier.wait()
    assert (classifier._overlay["key"], classifier.problem) == (classifier.photos[0].key, "")


def test_a_page_that_opens_shows_what_the_newest_model_knows(path: Path, coffee_model: Path) -> None:
    classifier = Classifier.load(path)
    replace(path, coffee_model.read_bytes())
    receive(classifier, {"kind": "opened"})
    classifier.wait()
    assert classifier._knowledge["title"] == "Coffee"


def test_a_model_without_a_file_stays(make_jpeg: Callable[..., bytes]) -> None:
    classifier = Classifier(lambda _photo: {"red": 1.0})
    receive(classifier, {"kind": "opened"})
    classifier.add("red.jpg", make_jpeg())
    classifier.wait()
    assert classifier.predictions[0].label == "red"
