"""Reliability, slices, per-class figures and the learning curve: each with n and interval."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from core.cli.test_cli import fieldmark
from fieldmark.curation.ledger import flipped, read_ledger
from fieldmark.dataset import Item, read_dataset
from fieldmark.fitting.learningcurve import LearningCurve, Point, learning_curve
from fieldmark.importing import import_photos
from fieldmark.interp import Interpretation
from fieldmark.learner import Learner
from fieldmark.project import Project
from fieldmark.results.reliability import calibration_bins, calibration_error
from fieldmark.results.slices import slice_names, slices
from fieldmark.sources.sample import write_sample
from fieldmark.splitfile import given_split


def interpretation(n: int = 100, wrong: int = 20) -> Interpretation:
    """Answers that say 80 % and are right in 80 of 100; the second half by night."""
    items = [
        Item(
            Path(f"{i}.jpg"),
            "cat",
            f"{i:064x}",
            group="ab"[i % 2],
            taken=datetime(2026, 1, 1, 12 if i < 50 else 23),
        )
        for i in range(n)
    ]
    probs = np.tile([0.8, 0.2], (n, 1))
    probs[n - wrong :] = [0.2, 0.8]
    return Interpretation(items, ("cat", "dog"), probs)


def test_bins_hold_equally_many_photos_and_honest_answers_lie_within_their_interval() -> None:
    bins = calibration_bins(interpretation())
    assert [one.n for one in bins] == [10] * 10
    assert sorted(place for one in bins for place in one.places) == list(range(100))
    (whole,) = calibration_bins(interpretation(), most=1)
    assert (whole.right, whole.n) == (80, 100)
    assert whole.is_honest
    assert calibration_error([whole]) == pytest.approx(0.0)


def test_few_photos_make_few_bins_and_none_make_none() -> None:
    assert len(calibration_bins(interpretation(25, 5))) == 2
    assert calibration_bins(Interpretation([], ("cat", "dog"), np.empty((0, 2)))) == []
    assert calibration_error([]) is None


def test_the_worst_slice_comes_first_with_its_n_and_interval() -> None:
    night, day = slices(interpretation(), "time")
    assert (night.name, night.n, night.wrong, day.name, day.wrong) == ("night", 50, 20, "day", 0)
    assert night.ci.low < night.error_rate == 0.4 < night.ci.high
    assert night.places == tuple(range(50, 100))
    assert {part.name for part in slices(interpretation(), "group")} == {"a", "b"}


def test_photos_are_sliced_by_size_and_what_cannot_be_read_is_unknown(tmp_path: Path) -> None:
    Image.new("RGB", (200, 900)).save(tmp_path / "small.png")
    (tmp_path / "bad.png").write_bytes(b"no photo")
    items = [Item(tmp_path / name, "cat", name) for name in ("small.png", "bad.png")]
    assert slice_names(items, "size") == ["below 300 px", "unknown"]
    assert slice_names(items, "source") == ["unknown", "unknown"]


def test_f1_lies_between_precision_and_recall_and_has_an_interval() -> None:
    cat, dog = interpretation().per_class()
    assert (cat.precision, cat.recall) == (1.0, 0.8)
    assert cat.f1 == pytest.approx(2 * 0.8 / 1.8)
    assert cat.f1_ci.low < cat.f1 < cat.f1_ci.high
    assert dog.f1 == 0.0
    assert {"f1", "f1_ci"} <= cat.as_dict().keys()


def test_the_matrix_can_be_read_by_row_and_by_column() -> None:
    interp = interpretation()
    assert interp.confusion_shares("row")[0].tolist() == [0.8, 0.2]
    assert interp.confusion_shares("row")[1].tolist() == [0, 0]
    assert interp.confusion_shares("column")[0].tolist() == [1.0, 1.0]


def test_a_learning_curve_grows_to_all_photos_and_is_judged_by_the_same_ones(tmp_path: Path) -> None:
    dataset = read_dataset(write_sample(tmp_path / "sample", mislabelled=False))
    learner = Learner(dataset, given_split(dataset)).fit()
    curve = learning_curve(learner, shares=(0.1, 1.0))
    assert [point.n_train for point in curve.points] == [12, 120]
    assert {point.n_valid for point in curve.points} == {48}
    assert curve.points[-1].wrong == {item.hash for item in learner.valid.wrong}
    assert "12 training photos" in curve.sentence


def test_more_photos_help_is_only_said_when_a_test_says_so() -> None:
    few, many = Point(50, 100, frozenset(map(str, range(20)))), Point(100, 100, frozenset(map(str, range(5))))
    assert LearningCurve((few, many)).is_rising
    nearly = Point(100, 100, frozenset(map(str, range(18))))
    assert not LearningCurve((few, nearly)).is_rising
    assert "cannot be said" in LearningCurve((few, nearly)).sentence


def test_the_ledger_compares_each_training_with_the_last_on_the_same_photos(tmp_path: Path) -> None:
    import_photos(write_sample(tmp_path / "sample"), tmp_path / "set", who="test")
    project = Project.open(tmp_path / "set")
    project.fit()
    wrong = [
        photo
        for photo in project.catalog.photos(split="train")
        if not photo.original_name.rpartition("/")[2].startswith(photo.label)
    ]
    for photo in wrong:
        project.catalog.relabel(
            [photo.id], photo.original_name.rpartition("/")[2].partition("-")[0], who="test"
        )
    project.fit()
    last, first = read_ledger(project)
    assert first.since is None
    assert last.since is not None
    assert last.round.data != first.round.data
    assert last.since.n == 48
    assert last.as_dict()["since"]["verdict"] in ("better", "worse", "undecided")
    mended, spoilt = flipped(project, last.since)
    assert (len(mended), len(spoilt)) == (len(last.since.mended), len(last.since.spoilt))
    said = json.loads(fieldmark("ledger", tmp_path / "set", "--json").stdout)["trainings"]
    assert [training["n_valid"] for training in said] == [48, 48]
    listed = fieldmark("ledger", tmp_path / "set").stdout
    assert f"{len(mended)} mended, {len(spoilt)} spoilt" in listed
    assert all(photo.path in listed for photo in (*mended, *spoilt))
