"""Photos decoded once."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from skimage.data import chelsea

from fieldmark.callbacks import Progress
from fieldmark.dataset import Item
from fieldmark.errors import Cancelled, StoreError
from fieldmark.imaging.pixelcache import cache_pixels
from fieldmark.imaging.resize import Method, ResizeRule

RULE = ResizeRule(64)


def item(path: Path) -> Item:
    return Item(path, "cat", hashlib.sha256(path.read_bytes()).hexdigest())


@pytest.fixture
def items(tmp_path: Path) -> list[Item]:
    for name, size in (("wide", (300, 150)), ("high", (90, 180)), ("square", (120, 120))):
        Image.fromarray(chelsea()).resize(size).save(tmp_path / f"{name}.png")
    (tmp_path / "broken.jpg").write_bytes(b"\xff\xd8\xff")
    return [item(tmp_path / name) for name in ("wide.png", "broken.jpg", "high.png", "square.png")]


def test_a_photo_that_cannot_be_read_is_left_out(items: list[Item], tmp_path: Path) -> None:
    found = cache_pixels(items, RULE, tmp_path / "work")
    assert found.kept == (0, 2, 3)
    assert found.pixels.shape == (3, 82, 82, 3)
    assert found.aspects.tolist() == [2.0, 0.5, 1.0]


@pytest.mark.parametrize("method", ["squish", "pad"])
def test_shape_counts_only_where_the_model_sees_it(items: list[Item], tmp_path: Path, method: Method) -> None:
    found = cache_pixels(items, ResizeRule(64, method), tmp_path / "work")
    assert found.aspects.tolist() == [1.0, 1.0, 1.0]
    assert (found.pixels[0, 0] == 127).all() == (method == "pad")


def test_a_second_call_decodes_nothing(items: list[Item], tmp_path: Path) -> None:
    first = cache_pixels(items, RULE, tmp_path / "work")
    for photo in items:
        photo.path.unlink()
    again = cache_pixels(items, RULE, tmp_path / "work")
    assert np.array_equal(first.pixels, again.pixels)
    assert again.kept == first.kept


def test_other_photos_or_another_rule_are_decoded_anew(items: list[Item], tmp_path: Path) -> None:
    cache_pixels(items, RULE, tmp_path / "work")
    assert len(cache_pixels(items[2:], RULE, tmp_path / "work")) == 2
    assert cache_pixels(items[2:], ResizeRule(96), tmp_path / "work").pixels.shape[1] == 123


def test_cancelled_in_between_nothing_half_decoded_is_taken_up(items: list[Item], tmp_path: Path) -> None:
    def stop(progress: Progress) -> None:
        if progress.done == 3:
            raise Cancelled("Enough.")

    cache_pixels(items[:1], RULE, tmp_path / "work")
    with pytest.raises(Cancelled):
        cache_pixels(items, RULE, tmp_path / "work", stop)
    assert len(cache_pixels(items, RULE, tmp_path / "work")) == 3


def test_a_folder_that_cannot_be_written_is_said_with_the_space_it_takes(
    items: list[Item], tmp_path: Path
) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(StoreError, match="GiB") as caught:
        cache_pixels(items, RULE, tmp_path / "file")
    assert caught.value.code == "cannot_save"


def test_no_photo_at_all_is_no_fault(tmp_path: Path) -> None:
    assert len(cache_pixels([], RULE, tmp_path)) == 0
