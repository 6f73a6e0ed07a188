"""Views of a batch: what they keep, how far they go, and that they can be drawn again."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from skimage.data import chelsea

from fieldmark.imaging.batchaugment import BatchAugment, Draw, apply_draw, draw

STILL = BatchAugment(
    min_scale=1, max_stretch=1, max_rotate=0, max_zoom=1, max_warp=0, max_lighting=0, flip=False
)
SIDE = 90


@pytest.fixture(scope="module")
def cats() -> torch.Tensor:
    square = np.ascontiguousarray(chelsea()[:270:3, :270:3])
    return torch.from_numpy(np.stack([square] * 40))  # (40, 90, 90, 3)


def places(drawn: Draw) -> np.ndarray:
    """Where the corners and the middle of each view lie in its photo: (N, 5, 2)."""
    corners = np.array([[-1, -1, 1], [1, -1, 1], [-1, 1, 1], [1, 1, 1], [0, 0, 1]])
    found = corners @ drawn.matrices.transpose(0, 2, 1)
    return found[..., :2] / found[..., 2:]


def test_a_view_with_nothing_changed_is_the_photo(cats: torch.Tensor) -> None:
    view = apply_draw(cats[:1], draw(np.ones(1, np.float32), [1], STILL), SIDE)
    assert view.shape == (1, 3, SIDE, SIDE)
    expected = cats[:1].permute(0, 3, 1, 2).float().clamp(0.255, 254.745)
    assert torch.allclose(view, expected, atol=2e-2)


def test_the_same_seed_draws_the_same_views_and_another_seed_others() -> None:
    aspects = np.ones(8, np.float32)
    first, again, other = draw(aspects, [7, 1, 0]), draw(aspects, [7, 1, 0]), draw(aspects, [7, 1, 1])
    assert np.array_equal(first.matrices, again.matrices)
    assert not np.isclose(first.matrices, other.matrices).all(axis=(1, 2)).any()


def test_a_part_keeps_its_share_of_the_photo_and_stays_inside() -> None:
    crop = BatchAugment(max_rotate=0, max_zoom=1, max_warp=0, max_lighting=0, flip=False)
    drawn = draw(np.ones(4000, np.float32), [3], crop)
    width, height = drawn.matrices[:, 0, 0], drawn.matrices[:, 1, 1]
    assert np.abs(places(drawn)).max() <= 1 + 1e-6
    # a side that would be longer than the photo ends at its edge: the part is smaller then, never too narrow
    assert (width * height).min() >= 0.5 - 1e-6
    assert np.quantile(width * height, [0.05, 0.5]) == pytest.approx([0.52, 0.72], abs=0.03)
    assert (width / height).min() >= 3 / 4 - 1e-6
    assert (width / height).max() <= 4 / 3 + 1e-6


@pytest.mark.parametrize("aspect", [0.4, 1.5, 3.0])
def test_a_part_of_a_photo_that_is_not_square_is_pulled_back_to_its_shape(aspect: float) -> None:
    """Sides of the part, in pixels of the photo, differ by a third at most."""
    crop = BatchAugment(max_rotate=0, max_zoom=1, max_warp=0, max_lighting=0, flip=False)
    drawn = draw(np.full(500, aspect, np.float32), [3], crop)
    shape = drawn.matrices[:, 0, 0] * aspect / drawn.matrices[:, 1, 1]
    assert shape.min() >= 3 / 4 - 1e-5
    assert shape.max() <= 4 / 3 + 1e-5


def test_three_of_four_views_are_turned_by_at_most_ten_degrees_and_half_are_mirrored() -> None:
    turn = BatchAugment(min_scale=1, max_stretch=1, max_zoom=1, max_warp=0, max_lighting=0)
    matrices = draw(np.ones(4000, np.float32), [5], turn).matrices
    angles = np.degrees(np.arctan2(matrices[:, 0, 1], matrices[:, 1, 1]))
    assert np.abs(angles).max() <= 10 + 1e-4
    assert np.mean(np.abs(angles) > 1e-6) == pytest.approx(0.75, abs=0.03)
    assert np.mean(np.linalg.det(matrices) < 0) == pytest.approx(0.5, abs=0.03)


def test_perspective_brings_one_side_nearer_by_a_fifth_at_most() -> None:
    warp = BatchAugment(min_scale=1, max_stretch=1, max_rotate=0, max_zoom=1, max_lighting=0, flip=False)
    left_top, right_top, left_below, right_below, _ = places(
        draw(np.ones(2000, np.float32), [5], warp)
    ).transpose(1, 0, 2)
    left, right = (
        np.linalg.norm(a - b, axis=1) for a, b in ((left_top, left_below), (right_top, right_below))
    )
    assert left.max() > 2.2
    assert (left / right).max() <= (1.4 / 0.6) ** 1.01


def test_lighting_changes_by_a_fifth_at_most_and_black_stays_darker_than_white(cats: torch.Tensor) -> None:
    light = BatchAugment(min_scale=1, max_stretch=1, max_rotate=0, max_zoom=1, max_warp=0, flip=False)
    drawn = draw(np.ones(40, np.float32), [2], light)
    grey = torch.full((40, 8, 8, 3), 128, dtype=torch.uint8)
    levels = apply_draw(grey, drawn, 8).mean((1, 2, 3)).numpy()
    assert levels.min() >= 255 * 0.37
    assert levels.max() <= 255 * 0.63
    assert levels.std() > 5
    views = apply_draw(cats, drawn, SIDE)
    assert views.min() >= 0
    assert views.max() <= 255
    assert (views.amax((1, 2, 3)) > views.amin((1, 2, 3)) + 100).all()


def test_some_rows_of_a_batch_are_the_batch_in_parts(cats: torch.Tensor) -> None:
    """A batch is computed in chunks; where it is cut must not matter."""
    drawn = draw(np.linspace(0.5, 2, 40, dtype=np.float32), [9])
    whole = apply_draw(cats, drawn, 32)
    parts = [apply_draw(cats[rows], drawn.rows(rows), 32) for rows in (slice(0, 17), slice(17, 40))]
    assert torch.equal(whole, torch.cat(parts))
