"""Augmented views: another look at the same thing."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from skimage.data import chelsea

from fieldmark.imaging.augment import AUGMENTS, Augment, augmented
from fieldmark.imaging.resize import ResizeRule, fit_photo

CAT = Image.fromarray(chelsea())
RULE = ResizeRule(64)


def test_the_same_seed_gives_the_same_view_and_another_seed_another() -> None:
    one, again, other = (augmented(CAT, RULE, seed) for seed in ([1, 7], [1, 7], [2, 7]))
    assert np.array_equal(one, again)
    assert not np.array_equal(one, other)


def test_without_any_change_a_view_is_the_photo_as_the_model_sees_it() -> None:
    still = Augment(min_scale=1.0, max_stretch=1.0, max_rotate=0.0, max_lighting=0.0, flip=False)
    assert np.array_equal(augmented(CAT, RULE, 3, still), fit_photo(CAT, RULE))


@given(st.integers(1, 400), st.integers(1, 400), st.integers(0, 2**32))
def test_a_photo_of_any_shape_gives_a_square_of_the_size_asked_for(
    width: int, height: int, seed: int
) -> None:
    view = augmented(Image.new("RGB", (width, height), (90, 120, 60)), RULE, seed)
    assert (view.shape, view.dtype) == ((64, 64, 3), np.uint8)


def test_views_keep_the_colours_of_the_photo_roughly() -> None:
    mean = np.asarray(CAT).mean()
    means = [augmented(CAT, RULE, seed).mean() for seed in range(20)]
    assert abs(np.mean(means) - mean) < 15
    assert np.std(means) > 2


def test_a_random_crop_is_a_part_of_the_photo_and_nothing_else_is_done_to_it() -> None:
    ramp = Image.fromarray(np.tile(np.arange(200, dtype=np.uint8)[:, None, None], (1, 200, 3)))
    view = augmented(ramp, ResizeRule(64, "squish"), 5, AUGMENTS["random_crop"]).astype(int)
    assert (np.ptp(view, axis=1) <= 1).all()  # rows stay level: it is not turned
    assert (np.diff(view[:, 0, 0]) >= 0).all()  # and dark stays above bright
    assert 0 <= view.min() < view.max() <= 199
