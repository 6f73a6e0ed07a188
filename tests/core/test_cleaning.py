"""Issues: what is wrong with photos is found, ranked and said, on the sample with faults made on purpose."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageFilter

from core.cli.test_cli import fieldmark
from fieldmark.callbacks import Progress
from fieldmark.cleaning import Issue, find_issues, fit_folder
from fieldmark.dataset import Item, read_dataset
from fieldmark.errors import Cancelled
from fieldmark.importing import import_photos
from fieldmark.issues.doubts import odd_issues
from fieldmark.issues.issue import KINDS, WEIGHTS, weighed
from fieldmark.issues.suspects import Suspects
from fieldmark.learner import Learner
from fieldmark.project import Project
from fieldmark.sources.sample import MISLABELLED, write_sample
from fieldmark.splitfile import given_split


@pytest.fixture(scope="module")
def faulty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sample with its five wrong labels, and one photo of each other fault."""
    root = write_sample(tmp_path_factory.mktemp("faulty"))
    train, valid = root / "train", root / "valid"
    shutil.copy(train / "brick" / "brick-train-00.png", train / "brick" / "copy.png")
    shutil.copy(train / "grass" / "grass-train-00.png", train / "gravel" / "other-label.png")
    shutil.copy(train / "grass" / "grass-train-01.png", valid / "grass" / "leak.png")
    photo = Image.open(train / "gravel" / "gravel-train-08.png")
    photo.resize((40, 40)).save(train / "gravel" / "small.png")
    dark = Image.open(train / "gravel" / "gravel-train-09.png").point(lambda value: value // 6)
    dark.save(train / "gravel" / "night.png")
    blurred = Image.open(train / "gravel" / "gravel-train-10.png").filter(ImageFilter.GaussianBlur(6))
    blurred.save(train / "gravel" / "shaky.png")
    return root


@pytest.fixture(scope="module")
def learner(faulty: Path) -> Learner:
    dataset = read_dataset(faulty)
    return Learner(dataset, given_split(dataset)).fit()


@pytest.fixture(scope="module")
def issues(learner: Learner) -> list[Issue]:
    return find_issues(learner)


def of_kind(issues: list[Issue], kind: str) -> dict[str, Issue]:
    return {issue.path.name: issue for issue in issues if issue.kind == kind}


def test_issues_come_worst_first_with_scores_between_0_and_1(issues: list[Issue]) -> None:
    scores = [issue.score for issue in issues]
    assert scores == sorted(scores, reverse=True)
    assert 0 < min(scores) <= max(scores) <= 1


def test_wrong_labels_are_found_on_either_side_with_the_right_suggestion(issues: list[Issue]) -> None:
    found = of_kind(issues, "label")
    planted = {f"{label}-{side}-{number:02}.png": label for side, label, number in MISLABELLED}
    assert {name: found[name].suggested for name in planted if name in found} == planted
    right = [name for name, issue in found.items() if name.startswith(f"{issue.given}-")]
    assert len(right) <= 2


def test_a_copy_is_listed_and_the_one_to_keep_is_not(issues: list[Issue]) -> None:
    found = of_kind(issues, "duplicate")
    assert ("copy.png" in found) != ("brick-train-00.png" in found)
    (issue,) = (found[name] for name in ("copy.png", "brick-train-00.png") if name in found)
    assert {issue.path.name, *(path.name for path in issue.others)} == {"copy.png", "brick-train-00.png"}


def test_the_same_photo_under_two_labels_is_said_of_both(issues: list[Issue]) -> None:
    found = of_kind(issues, "two_labels")
    assert {"other-label.png", "grass-train-00.png"} <= found.keys()
    assert found["other-label.png"].suggested == "grass"
    assert found["grass-train-00.png"].suggested is None


def test_a_photo_on_both_sides_of_the_split_is_a_leak(issues: list[Issue]) -> None:
    leak = of_kind(issues, "leak")["leak.png"]
    assert [path.name for path in leak.others] == ["grass-train-01.png"]
    assert "grass-train-01.png, which the model learned from" in leak.sentence


@pytest.mark.parametrize(
    ("kind", "name"), [("tiny", "small.png"), ("dark", "night.png"), ("blurred", "shaky.png")]
)
def test_poor_photos_are_found_with_a_reason(issues: list[Issue], kind: str, name: str) -> None:
    issue = of_kind(issues, kind)[name]
    assert issue.sentence.endswith(".")
    assert issue.score <= WEIGHTS[issue.kind]


def test_a_certain_fault_of_a_worse_kind_stands_above_one_of_a_lesser() -> None:
    assert [weighed(kind, 1) for kind in KINDS] == sorted((weighed(kind, 1) for kind in KINDS), reverse=True)
    assert weighed("label", 2.0) == 1.0


def test_only_the_kinds_that_are_asked_for_are_listed(learner: Learner) -> None:
    assert {issue.kind for issue in find_issues(learner, kinds=("leak", "tiny"))} == {"leak", "tiny"}


def test_looking_for_issues_can_be_stopped(learner: Learner) -> None:
    def stop(_: Progress) -> None:
        raise Cancelled("enough")

    with pytest.raises(Cancelled):
        find_issues(learner, callback=stop)


def test_a_project_lists_the_issues_of_its_photos_as_they_are_now(tmp_path: Path) -> None:
    import_photos(write_sample(tmp_path / "sample"), tmp_path / "set", who="test")
    project = Project.open(tmp_path / "set")
    before = {issue.hash for issue in find_issues(project.fitted(), kinds=("label",))}
    photo = next(photo for photo in project.catalog.photos() if photo.hash in before)
    project.catalog.delete([photo.id], who="test")
    assert photo.hash not in {issue.hash for issue in find_issues(project.fitted(), kinds=("label",))}


def test_a_plain_folder_is_only_read(faulty: Path) -> None:
    before = sorted(faulty.rglob("*"))
    assert find_issues(fit_folder(faulty), kinds=("duplicate",))
    assert sorted(faulty.rglob("*")) == before


def test_the_command_prints_the_promised_json(faulty: Path) -> None:
    said = json.loads(fieldmark("issues", faulty, "--json").stdout)
    assert {"path", "kind", "score", "given", "suggested"} <= said["issues"][0].keys()
    scores = [issue["score"] for issue in said["issues"]]
    assert scores == sorted(scores, reverse=True)
    assert "valid/grass/leak.png" in {issue["path"] for issue in said["issues"] if issue["kind"] == "leak"}


def test_the_command_prints_a_table_and_refuses_an_unknown_kind(faulty: Path) -> None:
    lines = fieldmark("issues", faulty, "--kind", "leak").stdout.splitlines()
    assert [line.split()[1] for line in lines] == ["leak"] * len(lines)
    assert "none of" in fieldmark("issues", faulty, "--kind", "ugly", code=2).stderr


def test_a_look_that_many_photos_of_a_class_have_is_listed_behind_one_that_few_have() -> None:
    dice = np.random.default_rng(0)

    def listed(strangers: int) -> list[float]:
        features = 0.05 * dice.standard_normal((100, 64)).astype(np.float32)
        features[:, 0] += 1
        features[:strangers, :2] = 0, 1
        items = tuple(Item(Path(f"{n}.jpg"), "cat", str(n)) for n in range(100))
        suspects = Suspects(
            items, 100, ("cat",), np.ones((100, 1), np.float32), features, (None,) * 100, arch="other"
        )
        return [issue.score for issue in odd_issues(suspects)]

    few, many = listed(3), listed(12)
    assert (len(few), len(many)) == (3, 12)
    assert max(many) < 0.5 * min(few)
