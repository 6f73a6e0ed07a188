"""Crops: a photo and a part of it are one photo, though their hashes differ."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from skimage import data

from fieldmark.imaging.hashing import hash_distance
from fieldmark.imaging.lookcache import take_looks
from fieldmark.imaging.looks import Look
from fieldmark.issues.alignment import within_each_other
from fieldmark.issues.duplicates import MAX_BITS, near_duplicates
from fieldmark.issues.nearpairs import MIN_COSINE, in_main_axes, similar_pairs

NAMES = ("chelsea", "astronaut", "coffee", "rocket")


@pytest.fixture(scope="module")
def looks(tmp_path_factory: pytest.TempPathFactory) -> list[Look]:
    """Four photographs, and each of them cut by 5 %."""
    folder = tmp_path_factory.mktemp("crops")
    images = {name: Image.fromarray(getattr(data, name)()) for name in NAMES}
    for name, image in images.items():
        width, height = image.size
        image.save(folder / f"{name}.png")
        image.crop((width // 20, height // 20, width, height)).save(folder / f"{name}-cut.png")
    paths = [folder / f"{name}{end}.png" for end in ("", "-cut") for name in NAMES]
    return [look for look in take_looks(paths) if isinstance(look, Look)]


def test_a_crop_changes_hashes_so_much_that_they_say_nothing(looks: list[Look]) -> None:
    bits = [
        hash_distance(a.across, b.across) + hash_distance(a.down, b.down)
        for a, b in zip(looks[:4], looks[4:], strict=True)
    ]
    assert max(bits) > MAX_BITS
    assert len(near_duplicates(looks)) < 4


def test_laid_on_the_whole_a_crop_agrees_and_another_photo_does_not(looks: list[Look]) -> None:
    tinies = [look.tiny for look in looks]
    first, second = np.array([0, 1, 2, 3, 0, 1]), np.array([4, 5, 6, 7, 5, 6])
    assert within_each_other(tinies, first, second).tolist() == [True] * 4 + [False] * 2
    assert within_each_other(tinies, second[:4], first[:4]).all()


def test_near_features_propose_the_pairs_and_looks_decide(looks: list[Look]) -> None:
    dice = np.random.default_rng(0)
    features = dice.standard_normal((4, 32)).astype(np.float32)
    both = np.concatenate([features, features + 0.01])
    assert near_duplicates(looks, both) == [(n, n + 4) for n in range(4)]
    strangers = np.concatenate([features, features[[1, 2, 3, 0]]])
    assert near_duplicates(looks, strangers) == near_duplicates(looks)


def test_each_similar_pair_is_proposed_once() -> None:
    features = np.random.default_rng(0).standard_normal((1500, 64)).astype(np.float32)
    features[1400] = features[3] * 1.01
    first, second = similar_pairs(features)
    assert (3, 1400) in set(zip(first.tolist(), second.tolist(), strict=True))
    assert (first < second).all()


@pytest.mark.parametrize("spread", [0.0, 1.0])
def test_the_pairs_are_those_of_comparing_all_in_all_axes(spread: float) -> None:
    """The bound rules out no pair, whether the features lie in few axes or in all of them."""
    dice = np.random.default_rng(1)
    width = np.exp(-spread * np.arange(200) / 20)
    features = (dice.standard_normal((1200, 200)) * width).astype(np.float32)
    features[600:] = features[:600] + 0.3 * dice.standard_normal((600, 200)).astype(np.float32) * width
    unit = in_main_axes(features)
    cosines = np.triu(unit @ unit.T, 1)
    clear = np.abs(cosines - MIN_COSINE) > 1e-5
    found = np.zeros_like(clear)
    found[similar_pairs(features)] = True
    assert 100 < found.sum() < 32 * 1200
    assert (found == (cosines >= MIN_COSINE))[clear].all()


def test_photos_without_features_of_note_propose_nothing(tmp_path: Path) -> None:
    first, second = similar_pairs(np.zeros((3, 8), np.float32))
    assert len(first) == len(second) == 0
