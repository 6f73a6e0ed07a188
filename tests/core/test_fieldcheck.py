"""Field check: held-out photos made worse on purpose, each row with its n and interval."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from skimage.data import chelsea

from fieldmark.dataset import read_dataset
from fieldmark.errors import FieldmarkError
from fieldmark.learner import Learner
from fieldmark.results.fieldcheck import CONDITIONS, Condition, FieldCheck, field_check
from fieldmark.results.judging import judge_items
from fieldmark.sources.sample import write_sample
from fieldmark.splitfile import given_split
from fieldmark.splits import Split


@pytest.fixture(scope="module")
def learner(tmp_path_factory: pytest.TempPathFactory) -> Learner:
    dataset = read_dataset(write_sample(tmp_path_factory.mktemp("sample"), mislabelled=False))
    return Learner(dataset, given_split(dataset)).fit()


@pytest.fixture(scope="module")
def checked(learner: Learner) -> FieldCheck:
    return field_check(learner)


def test_judging_again_says_what_training_said(learner: Learner) -> None:
    again = judge_items(learner, learner.valid.items)
    assert again.probs == pytest.approx(learner.valid.probs, abs=0.02)


def test_every_condition_is_judged_on_all_held_out_photos(checked: FieldCheck) -> None:
    assert [one.name for one in checked.conditions] == list(CONDITIONS)
    assert {one.n for one in (checked.as_it_is, *checked.conditions)} == {48}
    assert all(one.ci.low <= one.accuracy <= one.ci.high for one in checked.conditions)


def test_textures_behind_bars_are_told_worse_and_the_card_says_so(checked: FieldCheck) -> None:
    found = {one.name: one for one in checked.conditions}
    assert found["partly hidden"].right < checked.as_it_is.right
    assert found["partly hidden"].is_worse
    assert any("partly hidden" in limit and "of 48" in limit for limit in checked.limits)
    assert len(checked.limits) == 1 + sum(one.is_worse for one in checked.conditions)
    assert (
        "on the same 48 held-out photos" in checked.limits[0]
        and f"dark {found['dark'].right}," in checked.limits[0]
    )


def test_each_condition_names_the_photos_it_makes_wrong(checked: FieldCheck, learner: Learner) -> None:
    held_out = {item.hash for item in learner.valid.items}
    for one in (checked.as_it_is, *checked.conditions):
        assert one.wrong <= held_out and len(one.wrong) == one.n - one.right


def test_worse_is_only_said_when_chance_would_hardly_do_it() -> None:
    assert not Condition("dark", n=50, right=46, spoilt=4, mended=1).is_worse
    assert Condition("dark", n=50, right=38, spoilt=11, mended=0).is_worse
    assert not Condition("dark", n=50, right=50, spoilt=0, mended=11).is_worse


@pytest.mark.parametrize("name", CONDITIONS)
def test_a_condition_alters_the_photo_and_keeps_its_size(name: str) -> None:
    photo = Image.fromarray(chelsea())
    altered = CONDITIONS[name](photo)
    assert altered.size == photo.size
    assert altered.mode == "RGB"
    assert np.abs(np.asarray(altered, int) - np.asarray(photo, int)).mean() > 1


def test_a_photo_of_one_pixel_can_be_altered_in_every_way() -> None:
    for alter in CONDITIONS.values():
        assert alter(Image.new("RGB", (1, 1), "red")).size == (1, 1)


def test_without_held_out_photos_it_says_so(learner: Learner, tmp_path: Path) -> None:
    split = replace(learner.split, train=(*learner.split.train, *learner.split.valid), valid=())
    assert isinstance(split, Split)
    with pytest.raises(FieldmarkError, match="nothing to alter"):
        field_check(Learner(learner.dataset, split).fit())
